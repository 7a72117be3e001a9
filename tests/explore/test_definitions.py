"""Code is found by whole functions and classes, at the line they begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.explore.definitions import find_definitions
from rag.store import SqliteStore, open_store
from tests.fakes.ingest import WordEmbedder, run

CODE = '''import sys


def list_widgets(shelf):
    """Every widget that lies on a shelf."""
    widgets = sorted(shelf)
    return widgets


class Kettle:
    """Boils water."""

    def boil(self, water):
        heat = water + 1

        return heat
'''
GO = "package main\n\nfunc ListShelves() int {\n\treturn 3\n}\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "shop.py").write_text(CODE)
    (folder / "shop.go").write_text(GO)
    (folder / "notes.md").write_text("# Widgets\n\nList widgets on a shelf.\n")
    with open_store(tmp_path / "library.db") as opened:
        run(opened, WordEmbedder(), folder)
        yield opened


def found(store: SqliteStore, query: str, count: int = 9) -> list[tuple[str, str, int, int]]:
    definitions = find_definitions(store, "default", query, WordEmbedder(), count)
    return [(one.doc, one.name, one.line, one.end_line) for one in definitions]


def test_a_function_is_found_at_its_line_and_notes_are_left_out(store: SqliteStore) -> None:
    assert found(store, "list the widgets", 1) == [("shop.py", "list_widgets", 4, 7)]
    assert {doc for doc, *_ in found(store, "list the widgets")} == {"shop.py", "shop.go"}


def test_a_class_is_found_with_what_is_inside_it(store: SqliteStore) -> None:
    every = found(store, "water heat kettle boil")
    assert {name for _, name, *_ in every[:2]} == {"class Kettle", "boil"}
    (kettle,) = [one for one in every if one[1] == "class Kettle"]
    assert kettle[2:] == (10, 16)


def test_filters_choose_the_language(store: SqliteStore) -> None:
    assert found(store, "list shelves doc:*.go") == [("shop.go", "ListShelves", 3, 5)]
    with pytest.raises(UsageError, match="no source code"):
        found(store, "list doc:*.md")


@pytest.mark.parametrize("query", ["", "doc:*.go"])
def test_a_query_without_words_is_refused(store: SqliteStore, query: str) -> None:
    with pytest.raises(UsageError, match="no words"):
        found(store, query)
