"""What is removed is gone from the files, and stays out until it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.store import SqliteStore, open_store
from tests.fakes.ingest import WordEmbedder, run

SECRET = "zanzibarium"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library" / "library.db") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    for number in range(20):
        (made / f"{number}.md").write_text(f"Ferry {number} sails at nine. " * 30)
    (made / "secret.md").write_text(f"The price of {SECRET} is nine. " * 200)
    return made


def files_with(text: str, library: Path) -> set[str]:
    """The files of a library that have a text, as it is or as the log has it."""
    files = (path for path in library.rglob("*") if path.is_file())
    return {path.name.removesuffix("-wal") for path in files if text.encode() in path.read_bytes()}


def remove(store: SqliteStore, doc: str) -> None:
    store.remove_documents(
        "default", [file.id for file in store.known_files("default") if file.source.doc == doc], for_good=True
    )


def test_nothing_of_a_removed_document_is_left_in_the_files(store: SqliteStore, folder: Path) -> None:
    run(store, WordEmbedder(), folder)
    assert files_with(SECRET[:6], store.path.parent) == {"library.db", "index.db"}
    remove(store, "secret.md")
    assert files_with(SECRET[:6], store.path.parent) == set()


def test_a_removed_file_stays_out_until_it_is_taken_back(store: SqliteStore, folder: Path) -> None:
    """The next sync read it again: its folder still had it."""
    run(store, WordEmbedder(), folder)
    remove(store, "secret.md")
    again = run(store, WordEmbedder(), folder)
    assert (again.added, again.removed, again.excluded, again.unchanged) == (0, 0, 1, 20)
    store.take_back("default", store.removed_files("default"))
    assert run(store, WordEmbedder(), folder).added == 1
    assert store.removed_files("default") == []


def test_naming_a_removed_file_takes_it_back(store: SqliteStore, folder: Path) -> None:
    run(store, WordEmbedder(), folder)
    remove(store, "secret.md")
    assert run(store, WordEmbedder(), folder / "secret.md").added == 1
    assert run(store, WordEmbedder(), folder).unchanged == 21


def test_an_upload_is_deleted_with_its_document(store: SqliteStore) -> None:
    store.add_collection("default")
    uploads = store.upload_folder("default")
    uploads.mkdir(parents=True)
    (uploads / "a.md").write_text(f"Dropped {SECRET}.")
    run(store, WordEmbedder(), uploads)
    remove(store, "a.md")
    assert files_with(SECRET, store.path.parent) == set()
    (uploads / "a.md").write_text("Dropped once more.")
    assert run(store, WordEmbedder(), uploads).added == 1


def test_copies_that_still_have_it_are_named(store: SqliteStore, folder: Path) -> None:
    run(store, WordEmbedder(), folder)
    assert store.backups() == []
    store.back_up(store.path.with_name("library.db.v3.bak"))
    assert [file.name for file in store.backups()] == ["library.db.v3.bak"]
