"""Question sets and collections under several settings, from folders to saved results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.evaluation import Origin, saved, winner
from rag.evaluation.runner import (
    BASELINES,
    IN_USE,
    SHIPPED,
    Configuration,
    baselines,
    configurations,
    configured,
    evaluate_collection,
    evaluate_set,
    without_effect,
)
from rag.interfaces import AnswerMode
from rag.library import Library
from rag.search import DEFAULT_RANKING, Ranking
from rag.settings import load_settings
from tests.fakes.ingest import WordEmbedder
from tests.fakes.web import QueuedModel

NOTES = {
    "bees.md": "The hive by the pear tree holds forty two wooden frames and two queens in spring",
    "pump.md": "The red pump on the third floor was replaced with a newer one after the flood",
    "boat.md": "The small boat at the jetty needs a new coat of paint before the season begins",
}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    opened = Library(load_settings(library=tmp_path / "library"))
    opened._embedder = WordEmbedder()
    return opened


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A set of one question a note, with its corpus."""
    folder = tmp_path / "notes"
    (folder / "corpus").mkdir(parents=True)
    questions = []
    for number, (name, text) in enumerate(NOTES.items()):
        (folder / "corpus" / name).write_text(text + "\n", encoding="utf-8")
        asked = " ".join(text.split()[1:6])
        questions.append({"id": str(number), "question": asked, "answers": [text.split()[1]], "doc": name})
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)), encoding="utf-8")
    return folder


def through(events: Iterable[object]) -> None:
    for _ in events:
        pass


def test_what_is_shipped_comes_first_then_every_combination() -> None:
    tried = configurations(["keyword_weight=0.1,0.9", "chunk_tokens=100"])
    assert [one.name for one in tried] == [
        SHIPPED,
        "keyword_weight=0.1, chunk_tokens=100",
        "keyword_weight=0.9, chunk_tokens=100",
    ]
    assert tried[0] == Configuration(SHIPPED, DEFAULT_RANKING)
    assert tried[2].ranking.keyword_weight == 0.9 and tried[2].chunk_tokens == 100
    assert configured({"fusion": "ranks"}).ranking.fusion == "ranks"


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        pytest.param("speed=9", "The names: ", id="no such name"),
        pytest.param("keyword_weight", "NAME=VALUE", id="no values"),
        pytest.param("candidates=many", "valid integer", id="wrong kind"),
        pytest.param("fusion=scores,sum", "be .scores. or .ranks.; given was .sum.", id="no such choice"),
        pytest.param("fusion=scores,", "NAME=VALUE", id="an empty value"),
        pytest.param("chunk_tokens=9", "greater than or equal to 32", id="below the limit"),
        pytest.param("chunk_tokens=0", "greater than or equal to 32", id="nothing"),
        pytest.param("keyword_weight=nan", "given was 'nan'", id="not a number"),
        pytest.param("page_penalty=-1", "greater than or equal to 0", id="negative"),
        pytest.param("top_k=0", "greater than or equal to 1", id="no passage"),
    ],
)
def test_a_bad_axis_says_what_is_wrong(axis: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        configurations([axis])


def test_an_axis_that_is_given_twice_has_both_values() -> None:
    """The second took the place of the first."""
    tried = configurations(["keyword_weight=0.1, 0.2", "reranked=5", "keyword_weight=0.2,0.3"])
    assert [one.ranking.keyword_weight for one in tried[1:]] == [0.1, 0.2, 0.3]
    assert [one.ranking.reranked for one in tried[1:]] == [5, 5, 5]


def test_both_searches_cannot_be_switched_off() -> None:
    with pytest.raises(UsageError, match="both 0"):
        configurations(["dense_weight=0", "keyword_weight=0,1"])


def test_a_grid_starts_from_the_settings() -> None:
    base = Ranking(name_weight=0.5)
    first, second = configurations(["keyword_weight=0.1"], base=base)
    assert first == Configuration(IN_USE, base) and first.values() == {"ranking": {"name_weight": 0.5}}
    assert second.values() == {"ranking": {"name_weight": 0.5, "keyword_weight": 0.1}}
    assert configured({"chunk_tokens": 90}).values() == {"chunk_tokens": 90, "ranking": {}}


def test_a_reranker_that_is_not_there_is_told(library: Library) -> None:
    assert without_effect(library, configurations(["reranked=5,10"])) == [
        "reranked changes nothing: the settings name no reranker."
    ]
    assert without_effect(library, [*configurations([]), *baselines()]) == []


def test_a_baseline_has_nothing_but_its_own_score() -> None:
    assert [one.name for one in baselines()] == list(BASELINES)
    for ranking in BASELINES.values():
        assert (ranking.name_weight, ranking.document_weight) == (0, 0)
        assert (ranking.number_weight, ranking.page_penalty, ranking.reranked) == (0, 0, 0)
        assert (ranking.digits_boost, ranking.distance, ranking.question_weight) == (1, "cosine", 0)


def test_a_set_is_indexed_asked_and_saved(library: Library, notes: Path) -> None:
    told: list[tuple[int, int]] = []
    tried = [*configurations(["chunk_tokens=50"]), *baselines()]
    evaluation = evaluate_set(
        library, notes, tried, follow=through, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (18, 18)
    assert [trial.setting for trial in evaluation.trials] == [one.name for one in tried]
    assert evaluation.trials[0].estimates["doc+answer"]["recall@1"].mean == 1.0
    ((kept,), others) = saved(library.settings.library / "evaluations" / "results")
    assert others == []
    assert kept["set"] == "notes" and len(kept["settings"]) == 6
    assert library.store.collections() == []  # the corpus is indexed beside the library, not in it


def test_a_collection_is_tested_on_its_own_passages(library: Library, notes: Path) -> None:
    through(library.ingest([notes / "corpus"]))
    evaluation = evaluate_collection(library, "default", configurations([]), count=10, progress=print)
    assert evaluation.name == "collection default" and len(evaluation.questions) == 3
    assert evaluation.trials[0].estimates["passage"]["recall@1"].mean == 1.0
    with pytest.raises(UsageError, match="indexed once"):
        evaluate_collection(library, "default", configurations(["chunk_tokens=90"]), count=10, progress=print)


class ClosingModel(QueuedModel):
    """Knows whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_settings_of_answers_are_compared_by_asking(library: Library, notes: Path, tmp_path: Path) -> None:
    library._chat_model = model = ClosingModel(["Nothing is known of it."])
    prompts = shutil.copytree(library.settings.prompts, tmp_path / "prompts")
    tried = configurations([f"prompts={prompts}", "top_k=1,5"])
    evaluation = evaluate_set(library, notes, tried, follow=through, progress=print)
    assert [one.values.get("top_k") for one in evaluation.trials] == [None, 1, 5]
    assert not model.closed  # the app goes on with it
    assert evaluation.level == "given answer"
    assert list(evaluation.trials[0].estimates["given answer"]) == ["answered", "right", "cited"]
    assert {one.measure for _, one in evaluation.comparisons} == {"answered", "right", "cited"}
    for measures in (trial.scores["given answer"] for trial in evaluation.trials):
        for id_, answered in measures["answered"].items():
            assert measures["cited"][id_] <= answered and measures["right"][id_] <= answered
    ((kept,), _) = saved(library.settings.library / "evaluations" / "results")
    assert kept["settings"][1]["values"]["prompts"] == str(prompts)
    assert winner(kept, "given answer") is None


def test_answers_about_a_collection_have_to_cite_the_passage(library: Library, notes: Path) -> None:
    library._chat_model = None
    library.settings = library.settings.model_copy(update={"chat_model": "none"})
    through(library.ingest([notes / "corpus"]))
    evaluation = evaluate_collection(
        library, "default", configurations([]), count=10, answers=True, progress=print
    )
    (trial,) = evaluation.trials
    assert list(trial.scores["given answer"]) == ["answered", "cited"]  # nobody knows the right answer
    assert trial.scores["given answer"]["cited"] == trial.scores["given answer"]["answered"]
    assert library.store.passage_count("default") == 3  # what the answers shared is still open


def test_a_text_that_looks_like_filters_is_asked_about_as_it_is(library: Library, tmp_path: Path) -> None:
    """A made question that held `doc:…` or `-word` ended the evaluation."""
    (tmp_path / "manual.md").write_text(
        'Write doc:hr/*.md -trainee "notice period" lang:de after:yesterday type:pdf to search fewer files\n',
        encoding="utf-8",
    )
    through(library.ingest([tmp_path / "manual.md"]))
    evaluation = evaluate_collection(library, "default", configurations([]), count=10, progress=print)
    assert evaluation.trials[0].estimates["passage"]["recall@1"].mean == 1.0


def names(library: Library) -> list[str]:
    """The collections of the evaluations beside a library."""
    bench = library.beside("evaluations")
    try:
        return [one.name for one in bench.store.collections()]
    finally:
        bench.close()


def measured(library: Library, folder: Path, *axes: str) -> float:
    evaluation = evaluate_set(library, folder, configurations(axes), follow=through, progress=print)
    return evaluation.trials[-1].estimates["document"]["recall@1"].mean


def test_another_embedding_model_has_an_index_of_its_own(library: Library, notes: Path) -> None:
    """A set that was indexed before another model was chosen could not be asked again."""
    assert measured(library, notes) == 1.0
    library._embedder.identity = "words-v2"  # type: ignore[union-attr, misc]
    assert measured(library, notes) == 1.0
    assert len(names(library)) == 2


def test_embedding_models_are_compared(
    library: Library, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = WordEmbedder()
    other.identity = "words-v2"
    monkeypatch.setattr("rag.models.embedding_folder", lambda name, *, models: models / name)
    monkeypatch.setattr("rag.embeddings.load_embedder", lambda folder, **options: other)
    assert measured(library, notes, "embedding_model=multilingual-e5-small,other") == 1.0
    assert len(names(library)) == 2
    assert len(other.embedded) == 3


def test_sets_of_the_same_name_share_no_index(library: Library, notes: Path, tmp_path: Path) -> None:
    """The second set found the documents of the first."""
    other = tmp_path / "elsewhere" / "notes"
    shutil.copytree(notes, other)
    (other / "corpus" / "boat.md").unlink()
    assert measured(library, notes) == 1.0
    assert measured(library, other) == pytest.approx(2 / 3)
    shutil.rmtree(other)
    assert measured(library, notes) == 1.0
    assert len(names(library)) == 1  # what is gone from the disk leaves no index


def test_a_corpus_that_a_set_no_longer_names_leaves_its_index(library: Library, notes: Path) -> None:
    (notes / "corpus").rename(notes / "first")
    (notes / "second").mkdir()
    (notes / "second" / "tree.md").write_text("The pear tree by the hive is old and tall\n", encoding="utf-8")
    (notes / "corpus.ref").write_text("first\nsecond\n", encoding="utf-8")
    measured(library, notes)
    (notes / "corpus.ref").write_text("first\n", encoding="utf-8")
    measured(library, notes)
    bench = library.beside("evaluations")
    (collection,) = bench.store.collections()
    assert collection.documents == 3
    assert list(bench.store.roots(collection.name)) == [str(notes / "first")]
    bench.close()


def test_a_chat_model_writes_the_questions(library: Library, notes: Path) -> None:
    through(library.ingest([notes / "corpus"]))
    library._chat_model = QueuedModel(["How many frames? 42. How", "No question.", "Which paint?"])
    told: list[tuple[int, int]] = []
    evaluation = evaluate_collection(
        library,
        "default",
        configurations([]),
        count=2,
        written=True,
        progress=lambda done, total: None,
        writing=lambda done, total: told.append((done, total)),
    )
    assert [question.text for question in evaluation.questions] == ["How many frames?", "Which paint?"]
    assert told == [(1, 2), (1, 2), (2, 2)]
    assert evaluation.origin == Origin("default", "", "queued-replies", 1)
    asked = library._chat_model.prompts[0][0].content
    assert any(text in asked for text in NOTES.values())
    with (library.settings.cache / "written_questions.jsonl").open("a") as file:
        file.write('["cut')
    again = evaluate_collection(library, "default", configurations([]), count=2, written=True, progress=print)
    assert again.questions == evaluation.questions and again.origin == evaluation.origin
    assert len(library._chat_model.prompts) == 3  # nothing is written twice


@pytest.mark.parametrize("mode", ["quoting", None])
def test_a_model_that_cannot_phrase_writes_no_questions(
    library: Library, notes: Path, mode: AnswerMode | None
) -> None:
    through(library.ingest([notes / "corpus"]))
    library.settings = library.settings.model_copy(update={"chat_model": "none"})
    if mode:
        library._chat_model = QueuedModel(["Why?"])
        library._chat_model.answer_mode = mode
    with pytest.raises(UsageError, match="Questions are written by a model that phrases"):
        evaluate_collection(library, "default", configurations([]), count=2, written=True, progress=print)


def test_a_set_is_looked_at_before_it_is_indexed(library: Library, notes: Path) -> None:
    (notes / "questions.jsonl").write_text('{"id": 1, "question": "?"}', encoding="utf-8")
    with pytest.raises(UsageError, match="No question of 'notes' names the document"):
        measured(library, notes)
    assert not (library.settings.library / "evaluations").exists()
