"""What the app does in the background over the real library: embedding again, watching, evaluating."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rag.errors import ModelNotFound
from rag.evaluation.runner import in_use
from rag.library import Library
from rag.search.ranking import DEFAULT_RANKING
from rag.web.auth import Visitor
from rag.web.background.backups import Backups
from rag.web.background.experiments import begin_on_collection, begin_on_set, may_see, saved_runs
from rag.web.background.ingest_jobs import embed_all
from rag.web.background.preload import Preload
from rag.web.background.workers import Job
from rag.web.components.experiment_results import chart_of, reading_lines, run_name, table_html, verdict_lines
from rag.web.components.progress import progress_line
from rag.web.i18n import Phrases
from rag.web.pages.lab import offered, reason_text
from rag.web.services import Services, open_services, write_questions
from rag.web.session import App
from tests.fakes.web import THINGS, FakeLibrary, QueuedModel, fake_library, write_documents

SAY = Phrases("en")


def test_idle_writing_leaves_alone_what_was_asked_about(tmp_path: Path) -> None:
    note = (
        "The caretaker tells the office on Monday morning which of the lamps in the stairwell are broken. "
        * 2
    )
    (tmp_path / "lamps.md").write_text(note, encoding="utf-8")
    with fake_library(tmp_path / "library", ["Who tells the office?"]) as library:
        library.add(tmp_path / "lamps.md")
        assert len(list(write_questions(library, lambda: False))) == 1
        library.use(None)  # type: ignore[arg-type]  # whose use would now be an error
        assert not list(write_questions(library, lambda: False))


DOCUMENTS = 1 + len(THINGS)


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "docs")
    made = fake_library(tmp_path / "library", ["x"])
    for _ in made.ingest([tmp_path / "docs"]):
        pass
    yield made
    made.close()


@pytest.fixture
def services(library: FakeLibrary) -> Iterator[Services]:
    opened = open_services(lambda: library)
    yield opened
    opened.close()


def only_job(services: Services) -> Job:
    """The one evaluation, once it is over."""
    (job,) = services.lab.jobs()
    wait_for(lambda: job.over)
    return job


def test_every_collection_is_embedded_again_and_counted_as_one_job(
    library: FakeLibrary, tmp_path: Path, services: Services
) -> None:
    for _ in library.ingest([tmp_path / "docs"], collection="copies"):
        pass
    other = fake_library(tmp_path / "library", ["x"])
    other.embedder.identity = "words-again"  # type: ignore[misc]
    job = services.jobs.start("embedding", "words-again", lambda job: embed_all(other, job))
    wait_for(lambda: job.over)
    assert (job.phase, job.unit) == ("done", "passages")
    assert job.done == job.total == sum(one.passages for one in other.store.collections())
    assert {one.model for one in other.store.collections()} == {"words-again"}
    other.close()


def test_a_library_goes_on_with_another_librarys_embedder(library: FakeLibrary, tmp_path: Path) -> None:
    settings = library.settings.model_copy(update={"embedding_model": "words-256"})
    other = FakeLibrary(settings, QueuedModel(["x"]))
    searching = Library(library.settings)
    searching.take_embedder(other)
    assert searching.embedder is other.embedder
    assert searching.settings.embedding_model == "words-256"
    assert searching.search("notice period")[0].doc == "leaving.md"
    searching.close()
    other.close()


def test_a_watched_folder_takes_in_what_is_new(
    library: FakeLibrary, tmp_path: Path, services: Services
) -> None:
    root = str(tmp_path / "docs")
    services.watches.start("default", root)
    watch = services.watches.of("default", root)
    assert watch is not None
    wait_for(lambda: watch.synced > 0)
    (tmp_path / "docs" / "new.md").write_text("# New\n\nA rule about skating rinks.\n", encoding="utf-8")
    wait_for(lambda: len(library.store.report("default")) == DOCUMENTS + 1)


def test_a_collection_is_measured_under_several_settings(services: Services) -> None:
    app = App(services, SAY, lambda: None, Visitor())
    used = in_use(DEFAULT_RANKING)
    vectors, *_ = offered(SAY, used)
    begin_on_collection(app, [used, vectors], count=20)
    job = only_job(services)
    assert (job.phase, job.unit, job.problem) == ("done", "searches", "")
    ((run,), _) = saved_runs(App(services, SAY, lambda: None, Visitor()))
    assert [one["setting"] for one in run["settings"]] == ["as shipped", "vectors only"]
    assert job.total == 2 * run["questions"]
    assert "vectors only" in run_name(run, SAY)
    assert table_html(run, "passage", SAY).count("<tr>") == 3
    assert len(verdict_lines(run, run["level"], SAY)) == 1
    assert reading_lines(run, SAY)[1].startswith("Each question is half of a sentence")
    rows = chart_of(run, "document", SAY)["data"]["values"]
    assert {row["level"] for row in rows} == {"document"}


def test_a_question_set_that_is_not_there_is_said(services: Services, tmp_path: Path) -> None:
    begin_on_set(App(services, SAY, lambda: None, Visitor()), tmp_path / "nowhere", [in_use(DEFAULT_RANKING)])
    job = only_job(services)
    assert job.phase == "failed"
    assert "neither a corpus folder" in job.problem


def test_a_question_set_is_indexed_beside_the_library(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_documents(folder / "corpus")
    docs = ["leaving.md", "keys.md"]
    question = {"id": "1", "question": "How long is the notice period?", "docs": docs}
    (folder / "questions.jsonl").write_text(json.dumps(question), encoding="utf-8")
    begin_on_set(App(services, SAY, lambda: None, Visitor()), folder, [in_use(DEFAULT_RANKING)])
    assert only_job(services).phase == "done"
    ((run,), _) = saved_runs(App(services, SAY, lambda: None, Visitor()))
    assert run["settings"][0]["measures"]["document"]["recall@1"]["mean"] == 1.0
    assert [one.name for one in services.library.store.collections()] == ["default"]
    shown = table_html(run, "all documents", SAY)  # it knows no mrr@10, which the table asked for
    assert "recall@10" in shown and "mrr@10" not in shown


def test_questions_written_by_the_chat_model_are_counted_and_told(services: Services) -> None:
    services.library.chat_model.replies = ["Who is told on Mondays?"]  # type: ignore[union-attr]
    app = App(services, SAY, lambda: None, Visitor())
    begin_on_collection(app, [in_use(DEFAULT_RANKING)], count=3, written=True)
    assert only_job(services).phase == "done"
    ((run,), _) = saved_runs(app)
    assert run["questions_from"]["written_by"] == "queued-replies"
    assert reading_lines(run, SAY)[1] == (
        "The questions were written by queued-replies; 0 more were of no use and were dropped."
    )


def test_the_time_that_an_evaluation_still_takes_is_estimated() -> None:
    job = Job(1, "evaluation", "set", lambda job: None)
    job.going.set()
    assert job.seconds_left(100.0) is None
    job.advance("questions", 0, 40)
    job.begun = 100.0
    job.advance("questions", 10, 40)
    assert job.seconds_left(130.0) == 90.0
    job.phase = "running"
    assert progress_line(job, SAY).startswith("10 of 40 questions made · ")
    job.advance("searches", 0, 40)
    assert job.seconds_left(130.0) is None


@pytest.mark.parametrize(
    ("run", "seen"),
    [
        pytest.param({"collection": "open", "owner": ""}, True, id="everybody's"),
        pytest.param({"collection": "mine", "owner": "ann"}, True, id="one's own"),
        pytest.param({"collection": "hers", "owner": "bea"}, False, id="another's"),
        pytest.param({"collection": "gone", "owner": "bea"}, False, id="another's, since removed"),
        pytest.param({"collection": "hers", "owner": ""}, False, id="another's since then"),
        pytest.param({"collection": "gone", "owner": ""}, True, id="everybody's, since removed"),
        pytest.param({"collection": None, "owner": ""}, True, id="a set"),
    ],
)
def test_a_run_of_a_private_collection_stays_with_its_owner(run: dict[str, object], seen: bool) -> None:
    """Once the collection was removed or renamed, everybody saw its questions."""
    owners = {"open": "", "mine": "ann", "hers": "bea"}
    assert may_see("ann", {"set": "x", "questions_from": run}, owners) is seen


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("reason_wrong it was 30", "The answer is wrong · it was 30"),
        ("reason_missed", "It missed the right passage"),
        ("just bad", "just bad"),
    ],
)
def test_a_reason_is_told_in_the_language_of_now(reason: str, shown: str) -> None:
    assert reason_text(reason, SAY) == shown


def test_models_are_loaded_ahead_once_and_waited_for() -> None:
    """The first question of a session waited for both models."""
    loads: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def load() -> None:
        begun.set()
        go_on.wait(10)
        loads.append("loaded")

    warming = Preload(load)
    warming.start()
    warming.start()
    assert begun.wait(10)
    assert loads == []
    go_on.set()
    warming.close()
    assert loads == ["loaded"]
    warming.start()
    assert loads == ["loaded"]


def test_what_fails_to_load_ahead_is_left_to_the_first_question() -> None:
    def load() -> None:
        raise ModelNotFound("There is no file model.gguf.")

    warming = Preload(load)
    warming.start()
    warming.close()


def test_backups_are_made_when_the_last_one_is_too_old(library: FakeLibrary, tmp_path: Path) -> None:
    settings = library.settings.model_copy(update={"backup_days": 2, "backup_folder": tmp_path / "copies"})
    library.settings = settings
    desk = Backups(library)
    wait_for(lambda: desk.newest() is not None)
    newest = desk.newest()
    assert newest is not None
    assert not desk.is_due(newest + timedelta(days=1))
    assert desk.is_due(newest + timedelta(days=2))
    desk.close()


def test_a_backup_that_fails_is_told(library: FakeLibrary, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    library.settings = library.settings.model_copy(update={"backup_folder": tmp_path / "file" / "copies"})
    desk = Backups(library)
    desk.make()
    assert "copies" in desk.problem or "file" in desk.problem
    library.settings = library.settings.model_copy(update={"backup_folder": tmp_path / "copies"})
    desk.make()
    assert (desk.problem, desk.newest() is not None) == ("", True)
    desk.close()
