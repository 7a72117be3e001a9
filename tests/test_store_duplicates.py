"""Passages that say the same are found once and reported together."""

from __future__ import annotations

from pathlib import Path

from rag.store import SqliteStore, open_store
from tests.store_fakes import put

LONG = " ".join(f"word{n}" for n in range(40))


def groups(store: SqliteStore) -> list[tuple[list[str], bool]]:
    return [([hit.doc for hit in group.hits], group.identical) for group in store.duplicates("default")]


def test_identical_and_near_identical_passages_are_grouped(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", LONG, "something else entirely that nobody wrote anywhere but here")
        put(store, "b.md", LONG.replace("word7 ", "changed "))
        put(store, "c.md", " ".join(f"other{n}" for n in range(40)))
        assert groups(store) == [(["a.md", "b.md"], False)]
        put(store, "d.md", " ".join(f"other{n}" for n in range(40)))
        assert groups(store) == [(["a.md", "b.md"], False), (["c.md", "d.md"], True)]


def test_short_passages_are_no_duplicates(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", "Table of contents")
        put(store, "b.md", "Table of contents")
        assert groups(store) == []


def test_the_same_words_with_another_meaning_are_kept_apart(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", LONG)
        put(store, "b.md", " ".join(f"word{n}" for n in range(20, 60)))
        assert groups(store) == []
