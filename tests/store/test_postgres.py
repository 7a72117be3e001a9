"""PostgreSQL beside SQLite: the same results, the graph of many vectors, and clear words when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.errors import LibraryError, UsageError
from rag.settings import folder_of, load_settings
from rag.store import SqliteStore, open_store
from rag.store.postgres.database import shown
from rag.store.postgres.dialect import translated
from rag.store.transfer import copy_collection, copy_conversations
from tests.fakes.store import put, text_vector
from tests.store.test_vectors import cone, near, put_vectors


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty library on the server."""
    with open_store(tmp_path / "served" / "library.db", url=postgres_url) as opened:
        yield opened


def test_both_find_the_same_in_the_same_order(served: SqliteStore, sqlite_store: SqliteStore) -> None:
    words = ["harbour", "pilot", "tide", "anchor", "cable", "beacon", "fog", "horn", "mooring", "rope"]
    for store in (served, sqlite_store):
        for number in range(12):
            chosen = [words[number * step % len(words)] for step in (1, 3, 7)]
            put(store, f"{number:02}.md", " ".join(chosen), f"{chosen[0]} log {number}")
    query = text_vector("pilot tide beacon")
    for ask in (
        lambda store: [rowid for rowid, _ in store.nearest("default", query, 10)],
        lambda store: store.holding("default", ["pilot", "log"]).tolist(),
        lambda store: store.layout("default").lengths.tolist(),
        lambda store: store.postings("default", ["fog", "log", "unheard"]).frequencies,
        lambda store: store.postings("default", ["fog", "tide"]).rowids.tolist(),
        lambda store: store.hits([5, 3]),
        lambda store: [found.doc for found in store.related("default", "03.md", 5)],
    ):
        assert ask(served) == ask(sqlite_store)


def test_the_graph_of_many_vectors_finds_nearly_all_of_the_nearest(
    served: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.store.postgres.vectors.GRAPH_FROM", 300)
    monkeypatch.setattr("rag.store.postgres.vectors.CANDIDATES", 40)
    stored = cone(400)
    put_vectors(served, "a", stored)
    with served.database.read() as db:
        assert db.execute("SELECT kind FROM vector_indexes").fetchone() == ("graph",)
    shared = 0
    for query in near(stored, 5):
        exact = set((np.argsort(-(stored @ query))[:10] + 1).tolist())
        shared += len(exact & {rowid for rowid, _ in served.nearest("default", query, 10)})
    assert shared >= 0.95 * 50


def test_what_is_removed_leaves_words_and_counts(served: SqliteStore) -> None:
    kept = put(served, "a.md", "the ferry sails")
    gone = put(served, "b.md", "the tram stops")
    served.remove_documents("default", [gone], for_good=True)
    assert served.postings("default", ["the", "tram"]).frequencies == {"the": 1, "tram": 0}
    assert served.passage_rowids([kept, gone]) == [1]
    assert all(found.problem is None for found in served.check())


def test_text_that_postgresql_cannot_hold_keeps_its_places(served: SqliteStore) -> None:
    put(served, "a.md", "one\0two three", "after it")
    assert all(found.problem is None for found in served.check())
    assert [hit.passage.text for hit in served.hits([2])] == ["after it"]


def test_a_library_moves_there_and_back_and_goes_on_where_it_stopped(
    served: SqliteStore, sqlite_store: SqliteStore, tmp_path: Path
) -> None:
    for name in ("a.md", "b.md", "c.md"):
        put(sqlite_store, name, f"what {name} says", "and this")
    sqlite_store.conversations.start("Ferries", "default")
    assert next(copy_collection(sqlite_store, served, "default", resume=True)) == "a.md"  # interrupted
    assert list(copy_collection(sqlite_store, served, "default", resume=True)) == ["b.md", "c.md"]
    assert copy_conversations(sqlite_store, served) == 1
    with open_store(tmp_path / "back.db") as back:
        assert len(list(copy_collection(served, back, "default"))) == 3
        ids, vectors = back.vectors_of("default", [1, 2, 3, 4, 5, 6])
        same, before = sqlite_store.vectors_of("default", ids.tolist())
        assert np.array_equal(ids, same)
        assert np.array_equal(vectors, before)


def test_machines_that_write_at_once_lose_and_double_nothing(
    served: SqliteStore, postgres_url: str, tmp_path: Path
) -> None:
    with open_store(tmp_path / "other" / "library.db", url=postgres_url) as other:
        put(served, "first.md", "the ferry sails")  # makes the collection

        def fill(store: SqliteStore, own: str) -> None:
            for name in (f"{own}1.md", "both.md", f"{own}2.md"):
                put(store, name, "the ferry sails", f"as {name} says")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(fill, (served, other), ("a", "b")))
        names = ["a1.md", "a2.md", "b1.md", "b2.md", "both.md", "first.md"]
        assert sorted(found.doc for found in other.documents("default")) == names
        assert other.passage_count("default") == 11
        assert other.postings("default", ["ferry", "as"]).frequencies == {"ferry": 6, "as": 5}
        assert all(found.problem is None for found in other.check())


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://ann:secret@/docs?host={tmp_path}"
    with pytest.raises(LibraryError, match="cannot be used") as failed:
        open_store(tmp_path / "library.db", url=url)
    assert "secret" not in str(failed.value)


def test_backups_and_sql_are_left_to_its_own_tools(served: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pg_dump and pg_restore"):
        served.back_up(tmp_path / "copy.db")
    with pytest.raises(UsageError, match="psql"):
        _ = served.file


def test_the_address_is_shown_without_who_signs_in() -> None:
    assert shown("postgresql://ann:secret@db.example:5433/docs?sslmode=require") == (
        "postgresql://db.example:5433/docs"
    )


def test_a_library_given_by_an_address_has_a_folder_without_its_password() -> None:
    settings = load_settings(library="postgresql://ann:pw@db/docs")
    assert settings.store == "postgresql://ann:pw@db/docs"
    assert settings.library == folder_of(settings.store)
    assert "pw" not in str(settings.library)
    assert settings.library == folder_of("postgresql://ann:another@db/docs")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = '?%'", "SELECT a FROM t WHERE b = %s AND c = '?%%'"),
        ("SELECT ?1, ?2, ?1", "SELECT %(p1)s, %(p2)s, %(p1)s"),
        ("UPDATE t SET a = :new WHERE b::text = :old", "UPDATE t SET a = %(new)s WHERE b::text = %(old)s"),
        ("SELECT group_concat(id) FROM t", "SELECT string_agg(id::text, ',') FROM t"),
        ("DELETE FROM search.nearest_1", "DELETE FROM nearest_1"),
        (
            "CREATE TABLE t (a INTEGER, b TEXT, c BLOB) -- INTEGER",
            'CREATE TABLE t (a BIGINT, b TEXT COLLATE "C", c BYTEA) ',
        ),
    ],
    ids=["marks", "numbered", "named", "joined", "schema", "types"],
)
def test_sql_is_read_as_postgresql_reads_it(sql: str, expected: str) -> None:
    assert translated(sql) == expected


def test_the_socket_of_an_address_is_left_as_it_is() -> None:
    """An address without a host lost a slash on its way through a path, and named another server."""
    url = "postgresql:///docs?host=/run/postgresql"
    assert load_settings(library=url).store == url
