"""Questions written for passages: which are kept, what a search makes of them, and when they go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.explore.questions import FOUND_AMONG
from rag.store import PassageQuestion
from tests.fakes.store import text_vector
from tests.fakes.web import FakeLibrary, QueuedModel, fake_library

ANIMALS = ["otter", "badger", "heron", "lynx", "marten", "stoat", "beaver", "marmot", "ibex", "chamois"]
FILLER = "is seen near the river in the early morning when the fog is still thick and nobody walks there yet"


def note(animal: str) -> str:
    return f"# {animal}\n\nThe {animal} of the valley {FILLER}.\n"


def ingest(library: FakeLibrary, notes: dict[str, str]) -> None:
    for _ in library.ingest_lines(json.dumps({"id": k, "content": v}) for k, v in notes.items()):
        pass


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    opened = fake_library(tmp_path, ["?"])
    ingest(opened, {f"{animal}.md": note(animal) for animal in ANIMALS})
    yield opened
    opened.close()


class AboutItsAnimal(QueuedModel):
    """Asks about the animal of the passage, always in the same word for where that lives."""

    def stream(self, messages, **options):  # type: ignore[no-untyped-def]
        animal = next(one for one in ANIMALS if one in messages[0].content)
        self.replies = [f"Where does one watch the {animal} {self.word}?"]
        return super().stream(messages, **options)

    def __init__(self, word: str = "") -> None:
        super().__init__(["?"])
        self.word = word


def test_a_question_is_kept_only_if_it_finds_its_passage(library: FakeLibrary) -> None:
    library.use(QueuedModel(["Does the lynx walk in this valley?"]))  # shares words with all ten
    written = list(library.write_questions())
    kept = {one.hit.doc for one in written if one.kept}
    assert "lynx.md" in kept and len(kept) == FOUND_AMONG
    counts = library.store.written.counts("default")
    assert (counts.passages, counts.asked, counts.kept) == (10, 10, FOUND_AMONG)
    assert counts.seconds_left == 0 and counts.bytes > 0
    assert {doc for _, doc in library.store.written.examples("default", 10)} == kept
    assert not list(library.write_questions())  # nobody is asked twice


def test_words_that_only_the_question_has_find_the_passage(library: FakeLibrary) -> None:
    query = "hideout observatory ibex"
    library.use(AboutItsAnimal("hideout observatory"))
    assert "question" not in library.search(query)[0].signals
    list(library.write_questions())
    assert library.store.written.counts("default").kept == 10
    best = library.search(query, plain=True)[0]
    assert best.doc == "ibex.md"
    assert best.signals["question"] > 1


def test_a_search_without_question_weight_looks_at_none(library: FakeLibrary) -> None:
    library.use(AboutItsAnimal("hideout"))
    before = [hit.rowid for hit in library.search("hideout", plain=True)]
    list(library.write_questions())
    ranking = library.settings.ranking.__class__(question_weight=0)
    found = library.search("hideout", plain=True, ranking=ranking)
    assert [hit.rowid for hit in found] == before
    assert "question" not in found[0].signals


def test_a_document_read_again_keeps_its_questions_and_a_removed_one_does_not(library: FakeLibrary) -> None:
    library.use(AboutItsAnimal())
    list(library.write_questions())
    ingest(
        library, {"otter.md": f"{note('otter')}\nIt sleeps on stones and eats trout, crayfish and frogs.\n"}
    )
    docs = {row[0] for row in library.store.written.listed("default")}
    entries = {entry.doc: entry.id for entry in library.store.documents("default")}
    library.store.remove_documents("default", [entries["heron.md"]], for_good=True)
    assert "heron.md" in docs
    assert "heron.md" not in {row[0] for row in library.store.written.listed("default")}
    assert b"watch the heron" not in library.store.path.read_bytes()
    assert len(library.store.questions("default").rowids) == len(library.store.written.listed("default"))


def test_being_stopped_in_the_middle_leaves_the_passage_for_the_next_time(library: FakeLibrary) -> None:
    library.use(AboutItsAnimal())
    polls = iter([False, False, False])
    assert not list(library.write_questions(cancelled=lambda: next(polls, True)))
    assert library.store.written.counts("default").asked == 0


def test_hidden_text_is_not_shown_to_the_model(library: FakeLibrary) -> None:
    hidden = f"<p>{'Seen words are here. ' * 8}</p><p style='display:none'>{'secret recipe ' * 20}</p>"
    page = library.settings.library / "page.html"
    page.write_text(f"<html><body><h1>Page</h1>{hidden}</body></html>", encoding="utf-8")
    library.add(page)
    model = QueuedModel(["What is seen?"])
    library.use(model)
    list(library.write_questions())
    prompts = "".join(prompt[0].content for prompt in model.prompts)
    assert "Seen words" in prompts and "secret" not in prompts


def test_another_embedding_model_embeds_the_questions_again(library: FakeLibrary) -> None:
    library.use(AboutItsAnimal())
    list(library.write_questions())
    written = library.store.written
    rows = [
        PassageQuestion(one.content_hash, one.question, True, "model", 1.0, "earlier", text_vector("earlier"))
        for one in written.of_collection("default")
    ]
    written.keep("default", rows)
    assert not len(library.store.questions("default").rowids)
    list(library.write_questions())
    assert len(library.store.questions("default").rowids) == 10


def test_a_weak_model_is_not_asked(library: FakeLibrary) -> None:
    model = QueuedModel(["?"])
    model.answer_mode = "quoting"
    library.use(model)
    with pytest.raises(UsageError, match="phrases its answers"):
        library.write_questions()
