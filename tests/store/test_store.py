"""The library's database: whole documents, exact search, honest errors."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import LibraryDamaged, LibraryError, ModelMismatch, UsageError
from rag.records import DocumentEntry
from rag.store import Source, SqliteStore, open_store
from rag.store.database import Database
from rag.store.queries import first_row
from rag.store.schema import Migration, migrations
from tests.fakes.store import (
    DIMENSIONS,
    document_of,
    old_library,
    passages_of,
    put,
    text_vector,
    text_vectors,
    words,
)


def texts_found(store: SqliteStore, found: list[tuple[int, float]]) -> list[str]:
    return [hit.passage.text for hit in store.hits([rowid for rowid, _ in found])]


def texts_holding(store: SqliteStore, term: str, collection: str = "default") -> list[str]:
    return [hit.passage.text for hit in store.hits(store.holding(collection, [term]).tolist())]


def test_a_stored_document_is_found_by_vector_and_by_word(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat", "a dog ran")
    put(store, "b.md", "the cat slept")
    nearest = store.nearest("default", text_vector("a dog ran"), 2)
    assert texts_found(store, nearest)[0] == "a dog ran"
    assert nearest[0][1] == pytest.approx(1.0, abs=1e-6)
    assert texts_holding(store, "slept") == ["the cat slept"]
    assert store.passage_count("default") == 3


def test_hits_carry_where_the_passage_came_from(store: SqliteStore) -> None:
    put(store, "sub/a.md", "first here", "second here")
    document = document_of(["first here", "second here"])
    (hit,) = store.hits(store.holding("default", ["second"]).tolist())
    assert (hit.doc, hit.title, hit.page, hit.score) == ("sub/a.md", "A title", 1, 0.0)
    assert hit.passage == passages_of(document, "sub/a.md")[1]
    assert document.text[hit.passage.start : hit.passage.end] == "second here"


def test_hits_keep_the_order_asked_for(store: SqliteStore) -> None:
    put(store, "a.md", "one", "two", "three")
    assert [hit.rowid for hit in store.hits([3, 1, 2, 99])] == [3, 1, 2]


def test_a_changed_document_replaces_the_old_one_everywhere(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat", "a dog ran")
    put(store, "a.md", "the cat sat")
    assert store.passage_count("default") == 1
    assert store.holding("default", ["dog"]).tolist() == []
    assert len(store.nearest("default", text_vector("a dog ran"), 5)) == 1
    assert [row.doc for row in store.report("default")] == ["a.md"]


def test_a_removed_document_leaves_nothing(store: SqliteStore) -> None:
    document_id = put(store, "a.md", "the cat sat")
    store.remove_documents("default", [document_id])
    assert store.passage_count("default") == 0
    assert store.holding("default", ["cat"]).tolist() == []
    assert store.nearest("default", text_vector("cat"), 5) == []
    with store.database.plain() as db:
        for table in ("documents", "passages", "vectors_1", "document_vectors_1"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        (total,) = first_row(db, "SELECT vector_sum FROM embeddings")
    assert np.abs(np.frombuffer(total, "<f8")).max() < 1e-6


def test_a_document_goes_in_whole_or_not_at_all(store: SqliteStore) -> None:
    """A failure in the middle of a write leaves the version before it."""
    put(store, "a.md", "the cat sat")
    document = document_of(["a new text", "another one"])
    passages = [passage for passage in passages_of(document, "a.md") for _ in range(2)]  # ordinals clash
    texts = [passage.text for passage in passages]
    with pytest.raises(LibraryError):
        store.put_document(
            "default",
            Source("/docs", "a.md"),
            document,
            passages,
            text_vectors(texts),
            [words(text) for text in texts],
        )
    assert texts_found(store, store.nearest("default", text_vector("new text"), 5)) == ["the cat sat"]
    assert store.holding("default", ["new"]).tolist() == []


def test_ids_of_what_is_gone_are_never_given_again(store: SqliteStore) -> None:
    """The last passage's id came to mean the first passage of the next document."""
    old = put(store, "a.md", "the cat sat", "a dog ran")
    new = put(store, "a.md", "something else")
    assert new > old
    assert store.hits([1, 2]) == []
    assert [rowid for rowid, _ in store.nearest("default", text_vector("else"), 5)] == [3]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["by this store", "by another process"])
def test_a_collection_made_again_is_searched_anew(sqlite_store: SqliteStore, elsewhere: bool) -> None:
    """Its id came to be that of the removed one, whose vectors and words were still in memory."""
    for text in ("the cat sat", "a dog ran", "the end came"):
        with open_store(sqlite_store.path) as other:
            writer = other if elsewhere else sqlite_store
            put(writer, "a.md", text)
            assert texts_found(sqlite_store, sqlite_store.nearest("default", text_vector(text), 5)) == [text]
            last_word = text.split()[-1]
            assert sqlite_store.postings("default", [last_word]).frequencies == {last_word: 1}
            assert sqlite_store.layout("default").rowids.tolist() == sqlite_store.passage_rowids([1, 2, 3])
            writer.remove_collection("default")


def test_collections_are_searched_apart(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat", collection="one")
    put(store, "a.md", "the cat ran", collection="two")
    assert texts_found(store, store.nearest("one", text_vector("cat"), 5)) == ["the cat sat"]
    assert texts_holding(store, "cat", "two") == ["the cat ran"]
    assert [(c.name, c.documents, c.passages) for c in store.collections()] == [("one", 1, 1), ("two", 1, 1)]
    store.remove_collection("one")
    assert [c.name for c in store.collections()] == ["two"]
    assert texts_found(store, store.nearest("two", text_vector("cat"), 5)) == ["the cat ran"]


def test_a_root_leaves_with_its_documents_and_no_other(store: SqliteStore) -> None:
    for root in ("/here", "/there"):
        put(store, f"{root[1:]}.md", "the cat sat", root=root)
        store.add_root("default", root, is_folder=True)
    store.remove_root("default", "/here")
    assert [row.doc for row in store.report("default")] == ["there.md"]
    assert store.roots("default") == {"/there": True}


def test_an_unknown_collection_names_those_there_are(store: SqliteStore) -> None:
    put(store, "a.md", "text", collection="notes")
    with pytest.raises(UsageError, match=r"'note'.*'notes'"):
        store.nearest("note", text_vector("x"), 1)


def test_a_collection_can_be_given_to_one_person(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat")
    store.give_collection("default", "me@example.org")
    assert [one.owner for one in store.collections()] == ["me@example.org"]
    store.give_collection("default", "")
    assert [one.owner for one in store.collections()] == [""]


def test_renaming_a_collection(store: SqliteStore) -> None:
    put(store, "a.md", "text", collection="notes")
    store.rename_collection("notes", "papers")
    assert store.passage_count("papers") == 1
    put(store, "a.md", "text", collection="notes")
    with pytest.raises(UsageError, match="already"):
        store.rename_collection("papers", "notes")


def test_vectors_of_another_model_are_refused(store: SqliteStore) -> None:
    put(store, "a.md", "text")
    with pytest.raises(ModelMismatch, match="python -m rag embed"):
        store.use_model("default", "words-v2", DIMENSIONS)
    with pytest.raises(ModelMismatch, match="words-v1"):
        store.require_model("default", "words-v2")
    store.require_model("default", "words-v1")
    with pytest.raises(ModelMismatch, match="64 dimensions"):
        store.nearest("default", np.zeros(8, np.float32), 1)


def test_known_vectors_are_those_of_the_same_content(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat", "a dog ran")
    hashes = [passage.content_hash for passage in passages_of(document_of(["a dog ran", "new"]), "x")]
    known = store.known_vectors("default", hashes)
    assert list(known) == [hashes[0]]
    np.testing.assert_array_equal(known[hashes[0]], text_vector("a dog ran"))


def test_cosines_are_exact_and_in_order(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat", "a dog ran", "the end")
    query = text_vector("dog end")
    expected = [float(text_vector(text) @ query) for text in ("the end", "the cat sat")]
    assert store.similarities("default", [3, 1], query) == pytest.approx(expected, abs=1e-6)


def test_a_passage_that_left_meanwhile_has_no_similarity(store: SqliteStore) -> None:
    """A search during an ingest failed: "Passages … are no longer in …; search again"."""
    put(store, "a.md", "the cat sat", "a dog ran", "the end")
    query = text_vector("dog end")
    cat, end = (float(text_vector(text) @ query) for text in ("the cat sat", "the end"))
    assert store.similarities("default", [3, 77, 1], query) == pytest.approx(
        [end, np.nan, cat], abs=1e-6, nan_ok=True
    )
    assert store.similarities("default", [], query) == []


def test_among_limits_the_search(store: SqliteStore) -> None:
    first = put(store, "a.md", "the cat sat", "the cat ran")
    second = put(store, "b.md", "the cat slept")
    only = store.passage_rowids([second])
    assert only == [3]
    assert [rowid for rowid, _ in store.nearest("default", text_vector("cat sat"), 5, among=only)] == [3]
    assert store.nearest("default", text_vector("cat"), 5, among=[]) == []
    assert store.passage_rowids([first]) == [1, 2]


@pytest.mark.parametrize(
    "term",
    [
        "a.b-c",
        "info@example.com",
        "snake_case",
        "v1.2.3",
        "東京",
        "c++",
        "#42",
        'say"so',
        "naïve",
        "ไทย",
        "№5",
    ],
)
def test_terms_of_any_script_and_sign_are_kept_whole(store: SqliteStore, term: str) -> None:
    put(store, "a.md", f"before {term} after", "b c a snake case info 42")
    assert texts_holding(store, term) == [f"before {term} after"]
    assert store.postings("default", [term, "absent"]).frequencies == {term: 1, "absent": 0}


def test_ties_are_broken_by_rowid(store: SqliteStore) -> None:
    put(store, "a.md", "same", "same", "same")
    assert [rowid for rowid, _ in store.nearest("default", text_vector("same"), 2)] == [1, 2]


def test_neighbours_are_in_reading_order(store: SqliteStore) -> None:
    put(store, "a.md", "one", "two", "three", "four")
    put(store, "b.md", "five")
    assert [hit.passage.text for hit in store.neighbours(2, before=1, after=5)] == [
        "one",
        "two",
        "three",
        "four",
    ]


def test_a_failure_is_recorded_and_keeps_the_version_before(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat")
    store.put_failure("default", Source("/docs", "a.md", "ffff", 3, 4), "a.md is damaged; repair it.")
    store.put_failure("default", Source("/docs", "b.pdf"), "b.pdf needs a password.")
    rows = {row.doc: row for row in store.report("default")}
    assert (rows["a.md"].status, rows["a.md"].error) == ("failed", "a.md is damaged; repair it.")
    assert (rows["b.pdf"].status, rows["b.pdf"].passages) == ("failed", 0)
    assert texts_holding(store, "cat") == ["the cat sat"]


def test_the_report_counts_what_was_read_and_indexed(store: SqliteStore) -> None:
    document = document_of(["one two", "three"])
    first_only = passages_of(document, "a.md")[:1]
    store.use_model("default", "words-v1", DIMENSIONS)
    source = Source("/docs", "a.md", "aa", 5, 6)
    store.put_document("default", source, document, first_only, text_vectors(["one two"]), [["one", "two"]])
    (row,) = store.report("default")
    assert (row.characters_read, row.characters_indexed, row.passages, row.pages) == (11, 6, 1, 1)


def test_identical_files_are_reported(store: SqliteStore) -> None:
    put(store, "a.md", "the same words")
    put(store, "copy/a.md", "the same words")
    assert {row.doc: row.duplicate_of for row in store.report("default")} == {
        "a.md": None,
        "copy/a.md": "a.md",
    }


def test_entries_of_documents_have_a_date_from_the_document_or_its_file(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat")
    put(store, "empty.md")
    document = replace(document_of(["dated"]), date="2019-05", language="en")
    passages = passages_of(document, "b.md")
    source = Source("/docs", "b.md", mtime_ns=86_400_000_000_000)
    store.put_document("default", source, document, passages, text_vectors(["dated"]), [["dated"]])
    assert store.documents("default") == [
        DocumentEntry(1, "a.md", "A title", "text/plain", None, "1970-01-01", undated=True),
        DocumentEntry(3, "b.md", "A title", "text/plain", "en", "2019-05"),
    ]


def test_related_documents_by_centred_means(store: SqliteStore) -> None:
    put(store, "cats.md", "cat kitten purr", "cat paw")
    put(store, "more-cats.md", "kitten purr paw")
    put(store, "trains.md", "rail engine track")
    put(store, "rails.md", "rail track station")
    assert store.related("default", "trains.md", 2)[0].doc == "rails.md"
    assert [related.doc for related in store.related("default", "cats.md", 1)] == ["more-cats.md"]
    with pytest.raises(UsageError, match=r"dogs\.md"):
        store.related("default", "dogs.md", 1)


def test_lone_surrogates_do_not_stop_a_document(store: SqliteStore) -> None:
    put(store, "a.md", "broken \ud800 text")
    assert texts_holding(store, "broken") == ["broken ? text"]


def test_a_document_without_text_is_stored(store: SqliteStore) -> None:
    put(store, "empty.txt")
    assert [(row.doc, row.status, row.passages) for row in store.report("default")] == [
        ("empty.txt", "indexed", 0)
    ]


def test_stock_sqlite_reads_the_library(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    put(sqlite_store, "a.md", "the cat sat")
    stock = sqlite3.connect(tmp_path / "library.db")
    text, blob = stock.execute(
        "SELECT passages.text, vector FROM passages JOIN vectors_1 ON passage_id = passages.id"
    ).fetchone()
    stock.close()
    assert text == "the cat sat"
    np.testing.assert_array_equal(np.frombuffer(blob, "<f4"), text_vector("the cat sat"))


def test_extensions_cannot_be_loaded_by_sql(sqlite_store: SqliteStore) -> None:
    with (
        pytest.raises(LibraryError, match="not authorized"),
        sqlite_store.database.plain() as db,
    ):
        db.execute("SELECT load_extension('anything')")


def test_readers_in_other_threads_see_whole_documents_only(store: SqliteStore) -> None:
    put(store, "a.md", "old old", "old old")
    seen: set[tuple[str, ...]] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            found = store.nearest("default", text_vector("old new"), 5)
            seen.add(tuple(sorted(texts_found(store, found))))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(20):
        put(store, "a.md", "new new", "new new", "new new")
        put(store, "a.md", "old old", "old old")
    stop.set()
    for reader in readers:
        reader.join()
    # A search and the fetch of its texts are two reads, so texts may be missing, never mixed up.
    assert all(set(texts) in ({"old old"}, {"new new"}, set()) for texts in seen)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    path.write_bytes(b"this is no database at all" * 400)
    with pytest.raises(LibraryDamaged, match="doctor"):
        open_store(path)


def test_a_library_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_store(path) as store, store.database.plain() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(LibraryError, match="newer Footnote"):
        open_store(path)


def test_migrations_are_applied_once_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_store(path) as store:
        put(store, "a.md", "kept")
    known = migrations()
    newer = [*known, Migration(len(known) + 1, "CREATE TABLE extra (x)")]
    for _ in range(2):
        database = Database(path, known_migrations=newer)
        with database.read() as db:
            assert db.execute("SELECT text FROM passages").fetchall() == [("kept",)]
            assert db.execute("SELECT count(*) FROM extra").fetchone() == (0,)
        database.close()
    backup = sqlite3.connect(tmp_path / f"library.db.v{len(known)}.bak")
    assert backup.execute("SELECT count(*) FROM passages").fetchone() == (1,)
    assert backup.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)
    backup.close()


def test_dates_of_older_libraries_are_iso_or_the_files(tmp_path: Path) -> None:
    """They were stored as the documents wrote them, and compared letter by letter."""
    written = ["2024-01-31T10:00:00Z", "2024-01", "2024", "January 5, 2024", "<2024-01-31 Wed>", "2024 May"]
    old_library(tmp_path / "library.db", version=6, dates=written)
    with open_store(tmp_path / "library.db") as store:
        dates = [entry.date for entry in store.documents("default")]
    assert dates == ["2024-01-31", "2024-01", "2024", *["1970-01-01"] * 3]


def test_a_document_without_a_date_has_that_of_its_name(store: SqliteStore) -> None:
    """A policy of 2023, copied today, was shown as newer than that of 2025."""
    put(store, "rules-2023.md", "the old rules")
    put(store, "rules.md", "the rules")
    dates = {entry.doc: entry.date for entry in store.documents("default")}
    assert dates["rules-2023.md"] == "2023"
    assert dates["rules.md"] != "2023"


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    open_store(path).close()
    broken = [
        *migrations(),
        Migration(len(migrations()) + 1, "CREATE TABLE extra (x); SELECT * FROM nowhere"),
    ]
    with pytest.raises(LibraryError, match="nowhere"):
        Database(path, known_migrations=broken)
    with open_store(path) as store, store.database.read() as db:
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)


def test_a_backup_is_a_library(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    put(sqlite_store, "a.md", "the cat sat")
    sqlite_store.database.back_up(tmp_path / "elsewhere" / "copy.db")
    with open_store(tmp_path / "elsewhere" / "copy.db") as copy:
        assert texts_holding(copy, "cat") == ["the cat sat"]


paragraphs = st.lists(st.text(st.sampled_from("abc dé東\u00a0\n"), max_size=12), max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.sampled_from("xyz"), st.none() | paragraphs), max_size=8))
def test_any_history_of_edits_leaves_the_last_versions(
    tmp_path: Path, edits: list[tuple[str, list[str] | None]]
) -> None:
    """Putting and removing in any order gives what putting only the last versions would give."""
    path = tmp_path / f"{abs(hash(str(edits)))}.db"
    path.unlink(missing_ok=True)
    expected: dict[str, list[str]] = {}
    with open_store(path) as store:
        store.use_model("default", "words-v1", DIMENSIONS)
        for doc, version in edits:
            if version is None:
                store.remove_documents(
                    "default", [known.id for known in store.known_files("default") if known.source.doc == doc]
                )
                expected.pop(doc, None)
            else:
                put(store, doc, *version)
                expected[doc] = version
        assert {known.source.doc: known.passages for known in store.known_files("default")} == {
            doc: len(version) for doc, version in expected.items()
        }
        every = store.nearest("default", text_vector("a"), 1000)
        assert sorted(texts_found(store, every)) == sorted(
            text for version in expected.values() for text in version
        )
        assert store.passage_count("default") == len(every)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a person's folders apart itself")
def test_only_its_owner_reads_a_library(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with open_store(tmp_path / "library" / "library.db") as store:
            put(store, "a.md", "ferries")
            store.back_up(tmp_path / "copy.db")
    finally:
        os.umask(before)
    made = [tmp_path / "library", tmp_path / "copy.db", *(tmp_path / "library").iterdir()]
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("name", ["/etc/passwd", "../../../../../../../../etc/passwd", "../secret.md"])
def test_a_name_that_another_program_wrote_is_not_taken_for_a_file(
    store: SqliteStore, tmp_path: Path, name: str
) -> None:
    """Of a JSON line with the id `/etc/passwd` the app offered that file."""
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("ferries")
    for root in ("-", str(tmp_path / "docs")):
        put(store, name, "ferries", root=root)
    assert [stored.file for stored in store.documents_named("default", name)] == [None, None]
    put(store, "a.md", "ferries", root=str(tmp_path / "docs"))
    (stored,) = store.documents_named("default", "a.md")
    assert stored.file == tmp_path / "docs" / "a.md"
