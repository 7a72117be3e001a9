"""A library in one portable file: into another one, and back, with nothing embedded again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import LibraryDamaged, LibraryError, ModelMismatch
from rag.store import SqliteStore, open_store
from rag.store.transfer import copy_collection, copy_conversations
from tests.fakes.ingest import WordEmbedder, run
from tests.fakes.store import put, text_vector


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "ours" / "library.db") as store:
        yield store


@pytest.fixture
def theirs(store: SqliteStore) -> SqliteStore:
    return store


def test_a_collection_arrives_as_it_was(ours: SqliteStore, theirs: SqliteStore, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# Ferry\n\nIt sails at nine.")
    (folder / "b.bin").write_bytes(bytes(range(256)))
    (folder / "gone.md").write_text("taken out for good")
    run(ours, WordEmbedder(), folder)
    ours.remove_documents(
        "default", [row.id for row in ours.report("default") if row.doc == "gone.md"], for_good=True
    )
    ours.add_leg("default", "second", 64)
    rowids = ours.passage_rowids([document.id for document in ours.documents("default")])
    _, vectors = ours.vectors_of("default", rowids)
    ours.add_vectors("default", "second", rowids, vectors)
    put(theirs, "own.md", "already there")
    assert list(copy_collection(ours, theirs, "default")) == ["a.md"]
    assert list(copy_collection(ours, theirs, "default")) == ["a.md"]  # again: replaced, not doubled
    before = {row.doc: row for row in ours.report("default")}
    after = {row.doc: row for row in theirs.report("default")}
    assert set(after) == {"a.md", "b.bin", "own.md"}
    changed: dict[str, Any] = {"id": 0, "indexed_at": "", "seconds": 0.0}
    assert replace(after["a.md"], **changed) == replace(before["a.md"], **changed)
    assert [leg.vectors for leg in theirs.legs("default")] == [2, 1]
    ((rowid, _),) = theirs.nearest("default", text_vector("# ferry it sails at nine."), 1)
    assert theirs.hits([rowid])[0].doc == "a.md"
    embedder = WordEmbedder()
    assert run(theirs, embedder, folder).unchanged == 1  # what was removed for good stays out
    assert embedder.embedded == []
    assert all(found.problem is None for found in theirs.check())


def test_a_collection_of_another_model_is_not_mixed_in(ours: SqliteStore, theirs: SqliteStore) -> None:
    put(ours, "a.md", "ferries")
    theirs.use_model("default", "another", 32)
    with pytest.raises(ModelMismatch):
        list(copy_collection(ours, theirs, "default"))


def test_conversations_are_copied_once(ours: SqliteStore, theirs: SqliteStore) -> None:
    id_ = ours.conversations.start("Ferries", "default", owner="ann")
    ours.conversations.append(
        id_, question="When?", answer="At nine.", record='{"a": 1}', searchable="when", citations=[]
    )
    theirs.conversations.start("Other", "default")
    assert copy_conversations(ours, theirs) == 1
    assert copy_conversations(ours, theirs) == 0
    (copied,) = theirs.conversations.listed(10, 0, owner="ann")
    (message,) = theirs.conversations.messages(copied.id)
    assert (copied.title, message.record) == ("Ferries", '{"a": 1}')


def test_a_backup_is_restored_while_the_library_is_open(ours: SqliteStore, tmp_path: Path) -> None:
    put(ours, "a.md", "ferries sail")
    ours.back_up(tmp_path / "copy.db")
    put(ours, "b.md", "trams run")
    with open_store(ours.path) as another:
        assert another.passage_count("default") == 2
        kept = ours.restore(tmp_path / "copy.db")
        assert another.passage_count("default") == 1
    ((rowid, _),) = ours.nearest("default", text_vector("trams run"), 5)
    assert ours.hits([rowid])[0].doc == "a.md"
    assert all(found.problem is None for found in ours.check())
    with open_store(kept) as before:
        assert before.passage_count("default") == 2


def test_a_restore_is_undone_and_nothing_remembered_is_taken_for_another(
    ours: SqliteStore, tmp_path: Path
) -> None:
    """The undo wrote over the file it restored from; ids and generations were given a second time."""
    put(ours, "a.md", "ferries sail")
    ours.back_up(tmp_path / "copy.db")
    put(ours, "b.md", "trams run")
    seen = ours.passage_rowids(range(1, 10))
    kept = ours.restore(tmp_path / "copy.db")
    put(ours, "c.md", "buses wait")
    assert [hit.doc for hit in ours.hits(seen)] == ["a.md"]
    assert ours.hits([ours.nearest("default", text_vector("buses wait"), 1)[0][0]])[0].doc == "c.md"
    again = ours.restore(kept)
    assert (kept.name, again.name) == ("before-restore.db", "before-restore2.db")
    assert [hit.doc for hit in ours.hits(seen)] == ["a.md", "b.md"]


def test_a_backup_of_a_newer_version_is_refused(ours: SqliteStore, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    ours.back_up(copy)
    with sqlite3.connect(copy) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(LibraryError, match="newer Footnote"):
        ours.restore(copy)
    assert not list(ours.path.parent.glob("before-restore*"))


def test_a_damaged_backup_changes_nothing(ours: SqliteStore, tmp_path: Path) -> None:
    put(ours, "a.md", *(f"ferry {n} " * 50 for n in range(100)))
    copy = tmp_path / "copy.db"
    ours.back_up(copy)
    data = bytearray(copy.read_bytes())
    data[4096 * 3 : 4096 * 12] = bytes(4096 * 9)
    copy.write_bytes(data)
    with pytest.raises(LibraryDamaged):
        ours.restore(copy)
    (tmp_path / "text.db").write_text("no database")
    for other in (tmp_path / "text.db", tmp_path / "missing.db"):
        with pytest.raises(LibraryError):
            ours.restore(other)
    assert ours.passage_count("default") == 100
