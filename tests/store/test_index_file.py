"""index.db follows from library.db: lost, stale or damaged, it is made again."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from rag.store import SqliteStore, open_store
from tests.fakes.store import DIMENSIONS, old_library, put, text_vector


def found_by_word(store: SqliteStore, word: str) -> list[str]:
    """The passages that contain a word, by the keyword index."""
    return [hit.passage.text for hit in store.hits(store.holding("default", [word]).tolist())]


def found_by_vector(store: SqliteStore, text: str) -> str:
    """The passage nearest to a text, by the vector index."""
    ((rowid, _),) = store.nearest("default", text_vector(text), 1)
    return store.hits([rowid])[0].passage.text


def assert_sound(store: SqliteStore) -> None:
    assert [finding.problem for finding in store.check() if finding.problem] == []


def library_with(path: Path, *texts: str) -> None:
    with open_store(path) as store:
        for number, text in enumerate(texts):
            put(store, f"{number}.md", text)


def remove_index(folder: Path) -> None:
    for file in folder.glob("index.db*"):
        file.unlink()


def test_stock_sqlite_reads_all_of_the_library(tmp_path: Path) -> None:
    library_with(tmp_path / "library.db", "cat sat")
    stock = sqlite3.connect(tmp_path / "library.db")
    assert stock.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kinds = stock.execute("SELECT name FROM sqlite_schema WHERE sql LIKE '%VIRTUAL%'").fetchall()
    text, blob = stock.execute(
        "SELECT text, vector FROM passages JOIN vectors_1 ON passage_id = id"
    ).fetchone()
    stock.close()
    assert kinds == []
    assert text == "cat sat"
    np.testing.assert_array_equal(np.frombuffer(blob, "<f4"), text_vector("cat sat"))


def test_a_missing_index_is_made_again(tmp_path: Path) -> None:
    library_with(tmp_path / "library.db", "cat sat", "dog ran")
    remove_index(tmp_path)
    with open_store(tmp_path / "library.db") as store:
        assert found_by_word(store, "dog") == ["dog ran"]
        assert found_by_vector(store, "dog") == "dog ran"
        assert_sound(store)


def test_an_index_that_lacks_the_last_transaction_gets_it(tmp_path: Path) -> None:
    """A process killed between the commits of the two files leaves this."""
    library_with(tmp_path / "library.db", "cat sat", "dog ran")
    shutil.copy(tmp_path / "index.db", tmp_path / "before.db")
    with open_store(tmp_path / "library.db") as store:
        put(store, "0.md", "cat slept")
    remove_index(tmp_path)
    (tmp_path / "before.db").rename(tmp_path / "index.db")
    with open_store(tmp_path / "library.db") as store:
        assert found_by_word(store, "cat") == ["cat slept"]
        assert found_by_word(store, "sat") == []
        assert_sound(store)


def test_an_index_left_behind_by_a_kill_is_noticed_by_those_who_have_it_open(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "0.md", "cat sat")
        with store.database.plain() as db:
            db.execute("DELETE FROM search.terms_1 WHERE rowid = 1")
            db.execute("UPDATE search.state SET stamp = (SELECT stamp_before FROM main.index_state)")
        assert found_by_word(store, "cat") == ["cat sat"]


def test_the_index_of_another_library_is_not_believed(tmp_path: Path) -> None:
    """A backup put back in place has other passages under the same ids."""
    for name in ("one", "two"):
        library_with(tmp_path / name / "library.db", f"{name} alone")
    remove_index(tmp_path / "one")
    shutil.copy(tmp_path / "two" / "index.db", tmp_path / "one" / "index.db")
    with open_store(tmp_path / "one" / "library.db") as store:
        assert found_by_word(store, "two") == []
        assert found_by_word(store, "one") == ["one alone"]
        assert_sound(store)


@pytest.mark.parametrize("content", [b"no database " * 999, b""], ids=["other bytes", "empty"])
def test_an_index_that_is_no_database_is_replaced(tmp_path: Path, content: bytes) -> None:
    library_with(tmp_path / "library.db", "cat sat")
    remove_index(tmp_path)
    (tmp_path / "index.db").write_bytes(content)
    with open_store(tmp_path / "library.db") as store:
        assert found_by_word(store, "cat") == ["cat sat"]
        assert_sound(store)


def test_a_damaged_page_of_the_index_is_reported_and_repaired(tmp_path: Path) -> None:
    library_with(tmp_path / "library.db", *(f"cat {number}" for number in range(50)))
    data = bytearray((tmp_path / "index.db").read_bytes())
    data[5 * 4096 : 20 * 4096] = b"\xff" * (15 * 4096)
    (tmp_path / "index.db").write_bytes(data)
    with open_store(tmp_path / "library.db") as store:
        problems = {finding.check: finding.problem for finding in store.check()}
        assert "doctor --repair" in (problems["search index"] or "")
        assert problems["file"] is None
        store.repair()
        assert_sound(store)
        assert found_by_word(store, "cat") == [f"cat {number}" for number in range(50)]


def test_a_library_of_before_the_index_is_migrated(tmp_path: Path) -> None:
    old_library(tmp_path / "library.db", version=7, dates=["2024-01-01", None])
    with open_store(tmp_path / "library.db") as store:
        assert found_by_word(store, "number2") == ["text number2"]
        assert found_by_vector(store, "number1") == "text number1"
        assert_sound(store)
        put(store, "new.md", "text added")
        assert found_by_word(store, "text") == ["text number1", "text number2", "text added"]
    stock = sqlite3.connect(tmp_path / "library.db")
    assert stock.execute("SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%VIRTUAL%'").fetchone() == (0,)
    assert stock.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'codes%'").fetchone() == (0,)
    stock.close()
    assert (tmp_path / "library.db.v7.bak").exists()


def test_a_backup_needs_no_index(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "0.md", "cat sat")
        store.back_up(tmp_path / "elsewhere" / "library.db")
    assert [file.name for file in (tmp_path / "elsewhere").iterdir()] == ["library.db"]
    with open_store(tmp_path / "elsewhere" / "library.db") as copy:
        assert found_by_vector(copy, "cat") == "cat sat"
        assert copy.nearest("default", np.zeros(DIMENSIONS, np.float32), 5)
