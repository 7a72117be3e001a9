"""A folder and its collection stay in step, whatever happens to the files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import LibraryLocked, ModelMismatch, UnreadableDocument, UsageError
from rag.ingest import Receipt, ingest, pipeline
from rag.ingest.plan import location
from rag.ingest.scan import scan_folder
from rag.interfaces import Vectors
from rag.readers import ReaderPool, ReadResult
from rag.search.query import matching, parse_query
from rag.store import Source, SqliteStore, open_store
from tests.fakes.ingest import PlainPool, WordEmbedder, closed, run
from tests.fakes.pdf_maker import Line, make_pdf
from tests.fakes.store import text_vector


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library" / "library.db") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    made.mkdir()
    return made


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def counts(receipt: Receipt) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: number for name, number in receipt.as_json()["documents"].items() if number}


def docs(store: SqliteStore) -> list[str]:
    return [known.source.doc for known in store.known_files("default")]


def names(store: SqliteStore) -> list[str]:
    """What the documents are called."""
    return sorted(entry.doc for entry in store.documents("default"))


def paragraphs(*texts: str) -> str:
    """Markdown whose paragraphs are long enough to be passages of their own."""
    return "\n\n".join(f"{text} " + " ".join(f"{text}{n}" for n in range(120)) for text in texts)


def test_a_folder_is_read_recursively_and_found(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat on the mat.")
    write(folder / "sub" / "b.txt", "A dog ran home.")
    receipt = run(store, embedder, folder)
    assert (counts(receipt), receipt.passages, receipt.embedded) == ({"added": 2}, 2, 2)
    assert docs(store) == ["a.md", "sub/b.txt"]
    (hit,) = store.hits([store.nearest("default", text_vector("dog ran"), 1)[0][0]])
    assert (hit.doc, hit.passage.text) == ("sub/b.txt", "A dog ran home.")


def test_ingesting_again_changes_nothing_and_embeds_nothing(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    embedder.embedded.clear()
    before = store.report("default")
    receipt = run(store, embedder, folder)
    assert (counts(receipt), receipt.passages, embedder.embedded) == ({"unchanged": 1}, 0, [])
    assert store.report("default") == before


def test_a_new_time_with_the_same_content_is_no_change(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    os.utime(path, ns=(1, 1))
    assert counts(run(store, embedder, folder)) == {"unchanged": 1}
    (known,) = store.known_files("default")
    assert known.source.mtime_ns == 1
    assert len(embedder.embedded) == 1


def test_the_same_size_with_another_content_is_a_change(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    write(path, "The dog sat.")
    os.utime(path, ns=(1, 1))
    assert counts(run(store, embedder, folder)) == {"updated": 1}
    assert embedder.embedded == ["The cat sat.", "The dog sat."]


def test_only_the_changed_passages_of_a_file_are_embedded(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", paragraphs("one", "two", "three"))
    first = run(store, embedder, folder)
    assert first.embedded == first.passages >= 3
    write(path, paragraphs("one", "changed", "three"))
    receipt = run(store, embedder, folder)
    assert counts(receipt) == {"updated": 1}
    assert receipt.passages == first.passages
    assert 0 < receipt.embedded < first.embedded
    assert all("changed" in text for text in embedder.embedded[first.embedded :])


def test_a_renamed_file_is_the_same_document(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", paragraphs("one", "two"))
    run(store, embedder, folder)
    (before,) = store.known_files("default")
    passages = store.passage_rowids([before.id])
    path.rename(folder / "harbour.md")
    assert counts(run(store, embedder, folder)) == {"moved": 1}
    (after,) = store.known_files("default")
    assert (after.id, after.source.doc, store.passage_rowids([after.id])) == (
        before.id,
        "harbour.md",
        passages,
    )
    assert len(embedder.embedded) == len(passages)
    assert store.holding("default", ["harbour"]).tolist() == passages
    assert {hit.title for hit in store.hits(passages)} == {"harbour"}
    assert [finding.problem for finding in store.check() if finding.problem] == []
    assert counts(run(store, embedder, folder)) == {"unchanged": 1}


def test_a_moved_folder_is_known_again(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    """Everything was in twice after a move, and the old half could not be removed."""
    write(folder / "a.md", "The cat sat.")
    write(folder / "sub" / "b.md", "A dog ran.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really a PDF")
    run(store, embedder, folder)
    store.put_failure("default", Source(str(folder), "broken.pdf"), "a reader does not tell what it read")
    moved = folder.parent / "archive" / "notes"
    moved.parent.mkdir()
    folder.rename(moved)
    receipt = run(store, embedder, moved)
    assert (counts(receipt), receipt.embedded) == ({"moved": 2, "failed": 1}, 0)
    assert docs(store) == ["a.md", "broken.pdf", "sub/b.md"]
    assert store.roots("default") == {str(moved): True}
    assert counts(run(store, embedder, moved)) == {"unchanged": 2, "failed": 1}


def test_what_was_edited_after_a_move_is_read(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "old" / "a.md", "The cat sat.")
    write(folder / "old" / "b.md", "A dog ran.")
    run(store, embedder, folder)
    (folder / "old").rename(folder / "new")
    write(folder / "new" / "b.md", "A dog slept.")
    assert counts(run(store, embedder, folder)) == {"added": 1, "moved": 1, "removed": 1}
    assert docs(store) == ["new/a.md", "new/b.md"]


def test_a_copy_stays_a_copy(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    elsewhere = write(folder.parent / "copies" / "a.md", "The cat sat.")
    assert counts(run(store, embedder, elsewhere.parent)) == {"added": 1}
    assert docs(store) == ["a.md", "a.md"]


def test_another_ending_is_read_another_way(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    path = write(folder / "a.txt", "# Not a heading")
    run(store, embedder, folder)
    path.rename(folder / "a.md")
    assert counts(run(store, embedder, folder)) == {"added": 1, "removed": 1}


def test_files_of_the_same_content_keep_their_names_when_moved(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    for place in ("old/x/a.md", "old/y/b.md", "old/z/a.md"):
        write(folder / place, "The cat sat.")
    run(store, embedder, folder)
    before = {known.source.doc.removeprefix("old/"): known.id for known in store.known_files("default")}
    (folder / "old").rename(folder / "new")
    assert counts(run(store, embedder, folder)) == {"moved": 3}
    assert {
        known.source.doc.removeprefix("new/"): known.id for known in store.known_files("default")
    } == before


def test_a_moved_document_is_found_by_its_earlier_path(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    """Saved answers name a document by the path that it had."""
    write(folder / "a.md", "The cat sat.")
    write(folder / "rest.md", "A dog ran.")
    run(store, embedder, folder)
    for old, new in (("a.md", "b.md"), ("b.md", "c.md")):
        (folder / old).rename(folder / new)
        run(store, embedder, folder)
    write(folder / "c.md", "The cat sat down.")
    run(store, embedder, folder)
    assert [found.doc for found in store.documents_named("default", "a.md")] == ["c.md"]
    assert store.conversations.texts_of("default", ["a.md"]) == {"a.md": [("c.md", "The cat sat down.")]}
    (folder / "c.md").rename(folder / "a.md")
    run(store, embedder, folder)
    assert [found.doc for found in store.documents_named("default", "a.md")] == ["a.md"]
    assert [found.doc for found in store.documents_named("default", "b.md")] == ["a.md"]


def test_what_is_deleted_from_a_folder_leaves_the_collection(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    gone = write(folder / "b.md", "A dog ran.")
    run(store, embedder, folder)
    gone.unlink()
    assert counts(run(store, embedder, folder)) == {"unchanged": 1, "removed": 1}
    assert docs(store) == ["a.md"]
    assert store.holding("default", ["dog"]).tolist() == []


def test_a_single_file_does_not_make_its_folder_followed(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    first = write(folder / "a.md", "The cat sat.")
    second = write(folder / "b.md", "A dog ran.")
    run(store, embedder, first)
    first.unlink()
    assert counts(run(store, embedder, second)) == {"added": 1}
    assert docs(store) == ["a.md", "b.md"]


def test_a_file_under_two_roots_is_not_doubled(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "sub" / "a.md", "The cat sat.")
    run(store, embedder, folder / "sub")
    assert docs(store) == ["a.md"]
    assert counts(run(store, embedder, folder)) == {"moved": 1}
    assert docs(store) == ["sub/a.md"]
    assert counts(run(store, embedder, folder / "sub")) == {"unchanged": 1}
    assert counts(run(store, embedder, folder / "sub" / "a.md", folder, folder / "sub")) == {"unchanged": 1}
    assert len(embedder.embedded) == 1


def test_files_of_the_same_path_in_two_folders_are_told_apart(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    """All were called README.md, in answers and in `doc:`, and choosing one chose them all."""
    places = ("a/docs", "b/docs", "c")
    for place in places:
        write(folder / place / "README.md", f"All about {place[0]}.")
    run(store, embedder, folder / "a" / "docs")
    assert names(store) == ["README.md"]
    assert counts(run(store, embedder, folder / "b" / "docs", folder / "c")) == {"added": 2}
    apart = ["a/docs/README.md", "b/docs/README.md", "notes/c/README.md"]
    assert names(store) == [row.doc for row in store.report("default")] == apart
    for name in apart:
        (found,) = store.documents_named("default", name)
        assert found.file == folder / name.removeprefix("notes/")
        assert found.text == f"All about {found.file.parent.relative_to(folder).as_posix()[0]}."
    assert [row.place for row in store.report("default")] == ["README.md"] * 3
    assert len(store.documents_named("default", "README.md")) == 3
    assert [entry.doc for entry in matching(store.documents("default"), parse_query("doc:b/*").filters)] == [
        "b/docs/README.md"
    ]
    assert counts(run(store, embedder, *(folder / place for place in places))) == {"unchanged": 3}
    for place in places[1:]:
        (folder / place / "README.md").unlink()
        run(store, embedder, folder / place, prune=True)
    assert names(store) == ["README.md"]


def test_a_bad_file_does_not_stop_the_others(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really a PDF")
    write(folder / "z.md", "A dog ran.")
    receipt = run(store, embedder, folder)
    assert counts(receipt) == {"added": 2, "failed": 1}
    (failure,) = receipt.failures
    assert failure.doc == "broken.pdf" and "broken.pdf" in failure.error
    again = run(store, embedder, folder)
    assert (counts(again), again.failures) == ({"unchanged": 2, "failed": 1}, receipt.failures)


class CountingPool(PlainPool):
    """Remembers which files were read."""

    names: list[str]

    def __init__(self) -> None:
        self.names = []

    def read_one(self, path, name, password):  # type: ignore[no-untyped-def]
        self.names.append(name)
        return super().read_one(path, name, password)


def test_a_failed_file_is_read_again_when_it_changed_or_is_asked_for(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = folder / "broken.md"
    path.write_bytes(b"%PDF-1.7\nnot really a PDF")
    assert counts(run(store, embedder, folder)) == {"failed": 1}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"retry_failed": True}, ["broken.md"]),
        ({"password": "x"}, ["broken.md"]),
    ]
    for asked, expected in cases:
        pool = CountingPool()
        run(store, embedder, folder, pools=lambda pool=pool: pool, **asked)
        assert pool.names == expected
    write(path, "Now it is text.")
    assert counts(run(store, embedder, folder)) == {"updated": 1}


def test_an_edit_that_breaks_a_file_keeps_what_was_indexed(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", "Only text.")
    assert counts(run(store, embedder, folder)) == {"added": 1}
    path.write_bytes(b"%PDF-1.7\nhalf written")
    assert counts(run(store, embedder, folder)) == {"failed": 1}
    assert store.holding("default", ["text"]).tolist() != []


def test_formats_without_a_reader_are_skipped_in_a_folder_and_fail_when_named(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = folder / "noise.bin"
    path.write_bytes(bytes(range(256)) * 8)
    receipt = run(store, embedder, folder)
    assert (counts(receipt), [skipped.doc for skipped in receipt.skipped]) == ({}, ["noise.bin"])
    assert counts(run(store, embedder, path)) == {"failed": 1}


class DeniedPool(PlainPool):
    """May not read anything (the tests may run as a user who may read everything)."""

    def read_one(self, path, name, password):  # type: ignore[no-untyped-def]
        error = UnreadableDocument(f"{name}: Permission denied.")
        return ReadResult(path, name, None, error, "", 0, 0, 0.0)


def test_a_file_without_permission_is_reported_and_tried_again(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    assert counts(run(store, embedder, folder, pools=DeniedPool)) == {"failed": 1}
    assert counts(run(store, embedder, folder)) == {"updated": 1}


def test_a_folder_that_cannot_be_listed_keeps_its_documents(
    store: SqliteStore, folder: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "sub" / "a.md", "The cat sat.")
    write(folder / "b.md", "A dog ran.")
    run(store, embedder, folder)
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    receipt = run(store, embedder, folder)
    assert counts(receipt) == {"unchanged": 1, "failed": 1}
    assert "Permission denied" in receipt.failures[0].error
    assert docs(store) == ["b.md", "sub/a.md"]


class VanishingPool(PlainPool):
    """Deletes each file just before it is read."""

    def read_one(self, path, name, password):  # type: ignore[no-untyped-def]
        path.unlink()
        return super().read_one(path, name, password)


def test_a_file_that_vanishes_is_told_and_forgotten(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    receipt = run(store, embedder, folder, pools=VanishingPool)
    assert [(skipped.doc, "vanished" in skipped.error) for skipped in receipt.skipped] == [("a.md", True)]
    assert (counts(receipt), docs(store)) == ({}, [])


def test_files_that_a_pattern_does_not_ask_for_are_passed_over(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    """What did not match was taken for deleted, and removed; a folder without a match was called empty."""
    for name in ("a.md", "b.txt", "sub/c.txt"):
        write(folder / name, f"text of {name}")
    run(store, embedder, folder)
    receipt = run(store, embedder, folder, include=["*.md"])
    assert (counts(receipt), receipt.excluded) == ({"unchanged": 1}, 2)
    receipt = run(store, embedder, folder, include=["*.pdf"])
    assert (counts(receipt), receipt.excluded, receipt.failures) == ({}, 3, ())
    assert docs(store) == ["a.md", "b.txt", "sub/c.txt"]
    (folder / "b.txt").unlink()
    assert counts(run(store, embedder, folder, include=["*.md"])) == {"unchanged": 1, "removed": 1}


def test_hidden_and_excluded_files_are_left_out_and_counted(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    for name in (
        ".hidden.md",
        ".git/config.md",
        "draft.md",
        "keep.md",
        "old/a.md",
        "sub/draft.md",
        "sub/x.log",
    ):
        write(folder / name, f"text of {name}")
    write(folder / ".gitignore", "old/\n*.log\n")
    receipt = run(store, embedder, folder, exclude=["/draft.md"])
    assert docs(store) == ["keep.md", "sub/draft.md"]
    assert (counts(receipt), receipt.excluded) == ({"added": 2}, 6)
    write(folder / "sub" / ".footnoteignore", "!x.log\n")
    run(store, embedder, folder, exclude=["/draft.md"], hidden=True)
    assert [doc for doc in docs(store) if "ignore" not in doc] == [
        ".git/config.md",
        ".hidden.md",
        "keep.md",
        "sub/draft.md",
        "sub/x.log",
    ]


def test_symlink_loops_end_and_links_add_nothing_twice(folder: Path, tmp_path: Path) -> None:
    write(folder / "z" / "a.md", "text")
    outside = write(tmp_path / "outside" / "b.md", "more")
    (folder / "a-loop").symlink_to(folder)
    (folder / "z" / "up").symlink_to(folder)
    (folder / "a-link.md").symlink_to(folder / "z" / "a.md")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "elsewhere").symlink_to(outside.parent)
    scan = scan_folder(folder)
    assert [file.doc for file in scan.files] == ["z/a.md"]
    assert list(scan.unreadable) == ["dangling"]
    assert list(scan.outside) == ["elsewhere"]


def test_links_out_of_the_folder_are_not_followed_and_are_reported(
    store: SqliteStore, folder: Path, embedder: WordEmbedder, tmp_path: Path
) -> None:
    """A link to a private file made its text part of whatever collection its folder was added to."""
    write(folder / "a.md", "ferries sail at nine")
    private = write(tmp_path / "private" / "diary.md", "a secret")
    (folder / "diary.md").symlink_to(private)
    (folder / "all").symlink_to(private.parent)
    receipt = run(store, embedder, folder)
    assert [row.doc for row in store.report("default")] == ["a.md"]
    assert [link.doc for link in receipt.skipped] == ["all", "diary.md"]
    assert "leads out of the folder" in receipt.skipped[0].error
    assert (receipt.added, receipt.failed) == (1, 0)


def test_what_is_no_file_is_passed_by(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s"))
        assert scan_folder(folder).files == []


def test_names_that_are_no_text_are_ingested(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    Path(os.fsdecode(os.fsencode(str(folder)) + b"/caf\xe9.md")).write_text("The cat sat.")
    for _ in range(2):
        receipt = run(store, embedder, folder)
    assert counts(receipt) == {"unchanged": 1}
    assert docs(store) == ["caf\\xe9.md"]


@pytest.mark.parametrize("state", ["is empty", "is not there"])
def test_a_folder_that_lost_everything_keeps_its_documents_until_told(
    store: SqliteStore, folder: Path, embedder: WordEmbedder, state: str
) -> None:
    """A drive that was not mounted emptied the collection without a word."""
    gone = write(folder / "a.md", "The cat sat.")
    other = write(folder.parent / "other" / "b.md", "A dog ran.").parent
    run(store, embedder, folder, other)
    gone.unlink()
    if state == "is empty":
        write(folder / ".DS_Store", "left by a file manager")
    else:
        folder.rmdir()
    receipt = run(store, embedder, folder, other)
    assert counts(receipt) == {"unchanged": 1, "failed": 1}
    assert f"{state}, but the library has 1 of its documents" in receipt.failures[0].error
    assert docs(store) == ["a.md", "b.md"]
    assert counts(run(store, embedder, folder, prune=True)) == {"removed": 1}
    assert docs(store) == ["b.md"]


def test_a_folder_whose_files_are_all_excluded_is_not_empty(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    assert counts(run(store, embedder, folder, exclude=["*.md"])) == {"removed": 1}


def test_a_named_file_that_is_gone_keeps_its_document_until_told(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", "The cat sat.")
    run(store, embedder, path)
    path.unlink()
    assert counts(run(store, embedder, path)) == {"failed": 1}
    assert counts(run(store, embedder, path, prune=True)) == {"removed": 1}


def test_a_change_that_keeps_size_and_time_is_found_when_verifying(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    path = write(folder / "a.md", "The cat sat.")
    write(folder / "b.md", "A dog ran.")
    run(store, embedder, folder)
    time_before = path.stat().st_mtime_ns
    write(path, "The dog sat.")
    os.utime(path, ns=(time_before, time_before))
    assert counts(run(store, embedder, folder)) == {"unchanged": 2}
    assert counts(run(store, embedder, folder, verify=True)) == {"updated": 1, "unchanged": 1}
    assert counts(run(store, embedder, folder, verify=True)) == {"unchanged": 2}


def test_a_folder_whose_name_is_no_text_is_known_again(
    store: SqliteStore, tmp_path: Path, embedder: WordEmbedder
) -> None:
    """Its files were added and removed by every ingest: the two sides spelled the folder differently."""
    odd = Path(os.fsdecode(os.fsencode(str(tmp_path)) + b"/caf\xe9"))
    odd.mkdir()
    write(odd / "sub/a.md", "The cat sat.")
    write(odd / "sub/b.md", "A dog ran.")
    run(store, embedder, odd)
    assert counts(run(store, embedder, odd)) == {"unchanged": 2}
    (odd / "sub/a.md").unlink()
    assert counts(run(store, embedder, odd)) == {"unchanged": 1, "removed": 1}


@pytest.mark.parametrize(
    ("root", "place"),
    [
        pytest.param(PurePosixPath("/home/ann/notes"), "/home/ann/notes/sub/a.md", id="POSIX"),
        pytest.param(PurePosixPath("/"), "/sub/a.md", id="the root itself"),
        pytest.param(PurePosixPath("/odd\\name"), "/odd\\name/sub/a.md", id="backslash in a name"),
        pytest.param(PureWindowsPath(r"C:\Users\ann\notes"), "C:/Users/ann/notes/sub/a.md", id="Windows"),
        pytest.param(PureWindowsPath("D:\\"), "D:/sub/a.md", id="drive"),
        pytest.param(PureWindowsPath(r"\\server\share\notes"), "//server/share/notes/sub/a.md", id="share"),
    ],
)
def test_a_file_lies_at_one_place_however_its_folder_is_written(root: PurePath, place: str) -> None:
    """On Windows one side had backslashes, so that no file was known again."""
    assert location(root, "sub/a.md") == place


def test_a_path_that_does_not_exist_is_a_usage_error(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        run(store, embedder, folder / "nowhere")
    assert store.known_files("default") == []


def test_another_model_is_refused_before_anything_is_read(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    other = WordEmbedder()
    other.identity = "words-v2"
    with pytest.raises(ModelMismatch):
        run(store, other, folder)


def test_the_second_ingest_says_who_is_at_work(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    events = ingest([folder], store=store, embedder=embedder, pools=PlainPool)
    next(events)
    with pytest.raises(LibraryLocked, match=rf"Process {os.getpid()} \(ingest into 'default'\)"):
        run(store, embedder, folder)
    threading.Timer(0.2, closed, [events]).start()
    assert counts(run(store, embedder, folder, wait_seconds=20)) == {"added": 1}


def test_a_stopped_ingest_goes_on_where_it_was(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    for number in range(6):
        write(folder / f"{number}.md", paragraphs(*(f"w{number}x{n}" for n in range(100))))
    stop = threading.Event()
    for event in ingest([folder], store=store, embedder=embedder, pools=PlainPool, cancelled=stop.is_set):
        if event.doc == "1.md":
            stop.set()
    assert event.receipt is not None and event.receipt.interrupted
    done = len(docs(store))
    assert 2 <= done < 6
    assert counts(run(store, embedder, folder)) == {"unchanged": done, "added": 6 - done}
    assert len(embedder.embedded) == len(set(embedder.embedded))


def test_a_stopped_ingest_removes_nothing(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    path = write(folder / "a.md", "The cat sat.")
    run(store, embedder, folder)
    path.unlink()
    assert run(store, embedder, folder, cancelled=lambda: True).interrupted
    assert docs(store) == ["a.md"]


def test_events_tell_how_far_it_is(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    for number in range(3):
        write(folder / f"{number}.md", paragraphs(f"w{number}"))
    events = list(ingest([folder], store=store, embedder=embedder, pools=PlainPool))
    assert [(event.files_done, event.files_total) for event in events if event.outcome] == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    assert [event.doc for event in events if event.outcome] == ["0.md", "1.md", "2.md"]
    assert events[0].seconds_left is None
    assert events[-1].seconds_left == 0.0


def test_searching_goes_on_during_an_ingest(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    write(folder / "0.md", "The cat sat.")
    run(store, embedder, folder)
    for number in range(1, 4):
        write(folder / f"{number}.md", paragraphs(*(f"cat{number}x{n}" for n in range(100))))
    for _ in ingest([folder], store=store, embedder=embedder, pools=PlainPool):
        (found,) = store.nearest("default", text_vector("The cat sat."), 1)
        assert found[1] == pytest.approx(1.0, abs=1e-5)


def test_identical_passages_are_embedded_once(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    write(folder / "a.md", "The cat sat.")
    write(folder / "b.md", "The cat sat.")
    assert run(store, embedder, folder).embedded == 1
    assert [row.duplicate_of for row in store.report("default")] == [None, "a.md"]


def test_a_passage_of_the_batch_before_is_not_embedded_again(
    store: SqliteStore, folder: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_PASSAGES", 1)
    for name in ("a.md", "b.md", "c.md"):
        write(folder / name, "The cat sat.")
    assert run(store, embedder, folder).passages == 3
    assert embedder.embedded == ["The cat sat."]


class PatientEmbedder(WordEmbedder):
    """Embeds nothing before `ready` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = threading.Event()

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        assert self.ready.wait(20), "nothing went on while a batch was being embedded"
        return super().embed_passages(texts)


def test_files_are_read_while_others_are_embedded(
    store: SqliteStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_PASSAGES", 1)
    for name in ("a.md", "b.md"):
        write(folder / name, f"text of {name}")
    patient = PatientEmbedder()

    class TellingPool(PlainPool):
        def read_one(self, path, name, password):  # type: ignore[no-untyped-def]
            if name == "b.md":
                patient.ready.set()
            return super().read_one(path, name, password)

    assert run(store, patient, folder, pools=TellingPool).added == 2


def test_an_error_of_the_embedder_ends_the_ingest(store: SqliteStore, folder: Path) -> None:
    """Elsewhere an upload said OK while its embedding had failed."""

    class BrokenEmbedder(WordEmbedder):
        def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
            raise UsageError("A passage has 513 tokens.")

    write(folder / "a.md", "The cat sat.")
    with pytest.raises(UsageError, match="513 tokens"):
        run(store, BrokenEmbedder(), folder)
    assert docs(store) == []


def test_the_report_has_all_characters(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    write(folder / "a.md", "# Title\n\n" + paragraphs("one", "two") + "\n\n- a\n- b\n\n|x|y|\n|-|-|\n|1|2|\n")
    run(store, embedder, folder)
    (row,) = store.report("default")
    assert row.characters_read == row.characters_indexed > 1000


def test_the_worker_pool_feeds_an_ingest(store: SqliteStore, folder: Path, embedder: WordEmbedder) -> None:
    for number in range(5):
        write(folder / f"{number}.md", f"text {number}")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really a PDF")
    receipt = run(store, embedder, folder, pools=ReaderPool)
    assert counts(receipt) == {"added": 5, "failed": 1}


def test_an_encrypted_file_fails_with_the_remedy_and_is_read_with_its_password(
    store: SqliteStore, folder: Path, embedder: WordEmbedder
) -> None:
    page = [Line(50, 700, "The vault opens at noon.")]
    (folder / "secret.pdf").write_bytes(make_pdf([page], password="sesame"))
    receipt = run(store, embedder, folder, pools=ReaderPool)
    assert counts(receipt) == {"failed": 1}
    assert receipt.failures[0].error.endswith("Give its password with --password.")
    assert counts(run(store, embedder, folder, pools=ReaderPool, password="sesame")) == {"updated": 1}
    assert embedder.embedded == ["The vault opens at noon."]


file_names = st.sampled_from(["a.md", "b.md", "sub/a.md", "sub/c.txt"])
texts = st.sampled_from(["The cat sat.", "A dog ran.", "Nothing else.", ""])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(st.dictionaries(file_names, texts), min_size=1, max_size=4))
def test_any_history_of_a_folder_ends_as_a_fresh_ingest_would(
    tmp_path_factory: pytest.TempPathFactory, versions: list[dict[str, str]]
) -> None:
    base = tmp_path_factory.mktemp("sync")
    folder = base / "notes"
    folder.mkdir()

    def found(store: SqliteStore) -> list[tuple[str, str]]:
        hits = store.hits([rowid for rowid, _ in store.nearest("default", text_vector("a"), 99)])
        return sorted((hit.doc, hit.passage.text) for hit in hits)

    with open_store(base / "followed.db") as followed, open_store(base / "fresh.db") as fresh:
        for version in versions:
            for old in [path for path in folder.rglob("*") if path.is_file()]:
                if old.relative_to(folder).as_posix() not in version:
                    old.unlink()
            for name, text in version.items():
                write(folder / name, text)
            run(followed, WordEmbedder(), folder)
        kept = next(
            (version for version in reversed(versions) if version), {}
        )  # an emptied folder keeps its documents
        for name, text in kept.items():
            write(folder / name, text)
        run(fresh, WordEmbedder(), folder)
        assert docs(followed) == docs(fresh) == sorted(kept)
        assert found(followed) == found(fresh)


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from rag.ingest import ingest, pipeline
from rag.store import open_store
from tests.fakes.ingest import PlainPool, WordEmbedder

pipeline.BATCH_PASSAGES = 8  # many small commits, so that kills fall between and into them

class Recorder(WordEmbedder):
    def embed_passages(self, texts):
        time.sleep(0.003 * len(texts))
        return super().embed_passages(texts)

store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
for event in ingest([Path(sys.argv[2])], store=store, embedder=Recorder(), pools=PlainPool):
    print("event", flush=True)
"""


def test_killed_at_any_moment_the_library_is_whole_and_goes_on(tmp_path: Path) -> None:
    """SIGKILL at 50 moments: the library opens, holds whole documents, and repeats nothing stored."""
    folder, database = tmp_path / "notes", tmp_path / "library.db"
    expected = {}
    for number in range(60):
        paths = paragraphs(*(f"w{number}x{n}" for n in range(number % 7 + 1)))
        expected[f"{number:02}.md"] = write(folder / f"{number:02}.md", paths)
    kills, stored, project = 0, 0, str(Path(__file__).resolve().parents[2])
    halfway = 0
    while kills < 50:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(database), str(folder), project],
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            # So many stored documents, and then a moment more: into the next write, or between two.
            for _ in range(1 + kills % 9):
                process.stdout.readline()
            time.sleep(kills * 0.0037 % 0.03)
            process.kill()
        kills += 1
        with open_store(database) as store:
            known = store.known_files("default")
            assert len(known) >= stored, "a document that was stored is lost"
            halfway += stored < len(known) < len(expected)
            stored = len(known)
            assert_whole(store, expected)
        if stored == len(expected):  # start anew, to kill at other moments
            for left in tmp_path.glob("library.db*"):
                left.unlink()
            stored = 0
    assert halfway > 5, "the kills came before or after the work"
    with open_store(database) as store:
        before = {file.source.doc for file in store.known_files("default")}
        embedder = WordEmbedder()
        receipt = run(store, embedder, folder)
        assert counts(receipt).get("unchanged", 0) == len(before)
        assert receipt.added == len(expected) - len(before)
        assert_whole(store, expected)


def assert_whole(store: SqliteStore, expected: dict[str, Path]) -> None:
    """Every stored document has all its passages, vectors and terms."""
    problems = [finding for finding in store.check() if finding.problem]
    assert problems == []
    for row in store.report("default") if store.collections() else []:
        assert (
            row.characters_indexed
            == row.characters_read
            == len("".join(expected[row.doc].read_text().split()))
        )
