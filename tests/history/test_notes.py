"""Notes: kept with their sources, which say when they have changed; edited, exported, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.history.notes import Notes
from rag.store import SqliteStore, open_store
from rag.store.transfer import copy_notes
from tests.fakes.store import put
from tests.history.test_conversations import answer_from


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def notes(store: SqliteStore) -> Notes:
    return Notes(store)


def keep(store: SqliteStore, notes: Notes, quote: str = "lamp burns green") -> int:
    """A note of an answer from the one document that holds the quote."""
    return notes.keep_answer(answer_from(store, "How does it burn?", quote), collection="default")


def test_an_answer_is_kept_with_its_sources(store: SqliteStore, notes: Notes) -> None:
    put(store, "tower.md", "the lamp burns green at dusk")
    note = notes.load(keep(store, notes))
    assert note.title == "How does it burn?"
    assert note.text == "> lamp burns green [1]\n\nIt says so [1]: lamp burns green."
    (source,) = note.cited
    assert (source.citation.doc, source.hit.passage.text) == ("tower.md", "the lamp burns green at dusk")


@pytest.mark.parametrize(
    ("now", "state"),
    [("the lamp burns green at dusk", "unchanged"), ("the lamp is out", "changed"), (None, "deleted")],
)
def test_a_source_says_what_became_of_it(
    store: SqliteStore, notes: Notes, now: str | None, state: str
) -> None:
    document = put(store, "tower.md", "the lamp burns green at dusk")
    note = notes.load(keep(store, notes))
    if now is None:
        store.remove_documents("default", [document])
    else:
        put(store, "tower.md", now)
    assert [one.state for one in notes.citations_today(note)] == [state]


def test_an_edited_note_shows_the_sources_it_still_cites(store: SqliteStore, notes: Notes) -> None:
    put(store, "tower.md", "the lamp burns green at dusk")
    note_id = keep(store, notes)
    notes.edit(note_id, title="Lamp", text="Ask the keeper.")
    assert notes.load(note_id).cited == []
    notes.edit(note_id, text="Ask the keeper why [1, 7].")
    note = notes.load(note_id)
    assert (note.title, len(note.cited)) == ("Lamp", 1)
    with pytest.raises(UsageError, match="a title and a text"):
        notes.edit(note_id, text="  ")


def test_brackets_of_a_document_cite_nothing(store: SqliteStore, notes: Notes) -> None:
    """A kept excerpt that ends in a footnote of its own seemed to cite another source."""
    put(store, "tower.md", "the lamp [2] burns")
    hit = store.hits(store.layout("default").rowids.tolist())[0]
    note = notes.load(notes.keep_excerpts(hit, [], collection="default"))
    assert note.text == r"> the lamp \[2] burns [1]"
    assert len(note.cited) == 1


def test_notes_are_found_and_deleted(notes: Notes) -> None:
    first = notes.write("Ölwechsel im März\n\nvor der Fahrt")
    second = notes.write("Call the harbour", title="Harbour")
    assert [note.id for note in notes.list()] == [second, first]
    assert [note.title for note in notes.list("fahrt ÖLWECHSEL")] == ["Ölwechsel im März"]
    notes.delete(first)
    assert notes.count() == 1
    with pytest.raises(UsageError, match="no note"):
        notes.load(first)
    with pytest.raises(UsageError, match="empty"):
        notes.write(" ")


def test_nobody_reaches_anothers_notes(store: SqliteStore, notes: Notes) -> None:
    ann = Notes(store, owner="ann")
    note_id = ann.write("For my eyes")
    assert notes.list() == []
    for action in (notes.load, notes.delete, lambda id_: notes.edit(id_, title="Mine")):
        with pytest.raises(UsageError, match="no note"):
            action(note_id)
    assert ann.load(note_id).title == "For my eyes"


def test_an_export_comes_back_whole(store: SqliteStore, notes: Notes) -> None:
    put(store, "tower.md", "the lamp burns green at dusk")
    keep(store, notes)
    notes.write("Mine")
    before = notes.list()
    ann = Notes(store, owner="ann")
    ann.import_json(notes.export_json())
    assert [(one.title, one.text, one.sources, one.created) for one in ann.list()] == [
        (one.title, one.text, one.sources, one.created) for one in before
    ]
    for text in ("no JSON", "[]", '{"footnote_notes": 9}', '{"footnote_notes": 1, "notes": [{}]}'):
        with pytest.raises(UsageError):
            ann.import_json(text)


def test_notes_travel_with_a_library_once(store: SqliteStore, notes: Notes, tmp_path: Path) -> None:
    notes.write("Mine")
    Notes(store, owner="ann").write("Hers")
    with open_store(tmp_path / "theirs.db") as theirs:
        assert [copy_notes(store, theirs), copy_notes(store, theirs)] == [2, 0]
        assert [note.text for note in Notes(theirs, owner="ann").list()] == ["Hers"]
