"""Tables as documents: what a row of a file is."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from rag.ingest import ingest_lines
from rag.ingest.rows import Columns, lines_of, piped_lines, read_rows
from rag.readers import read_document
from rag.store import SqliteStore, open_store
from tests.fakes.ingest import WordEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        yield opened


def test_a_line_of_json_ends_at_a_line_break_only() -> None:
    """A line separator or a next-line character within a text broke its line in two."""
    rows = list(read_rows('{"id": 1, "text": "Oak\u2028and\x85elm"}\n{"id": 2}\n'.encode()))
    assert rows == [{"id": 1, "text": "Oak\u2028and\x85elm"}, {"id": 2}]


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_the_sign_between_cells_is_that_of_the_header(between: str) -> None:
    """A table with semicolons was one column."""
    data = f"id{between}wood\n1{between}oak\n".encode()
    assert list(read_rows(data)) == [{"id": "1", "wood": "oak"}]
    (line,) = piped_lines(BytesIO(data), Columns(), None, named=False)
    assert isinstance(line, bytes) and b"oak" in line


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("id,wood\n1,oak,\n2,elm,red\n3,ash\n", "Line 3 has more cells than the header. Quote cells"),
        ('id,wood\n1,oak\n2,"elm\n3,ash\n', "Line 3 has a quotation mark that is not closed. Quote cells"),
        ('id,wood\n1,"oak"\n2,elm"\n3,ash\n', None),
        ('{"id": "1", "wood": "oak"}\n{"id": "2", wood}\n{"id": "3", "wood": "ash"}', "Line 2 is not JSON"),
        ('{"id": "1", "wood": "oak"}\n[2]\n{"id": "3", "wood": "ash"}', "Line 2 is not a JSON object."),
    ],
)  # fmt: skip
def test_a_row_that_is_written_wrongly_costs_only_itself(
    store: SqliteStore, data: str, problem: str | None
) -> None:
    """One cell too many ended the whole input; a quotation mark made one cell of all rows below it."""
    *_, last = ingest_lines(
        lines_of(read_rows(data.encode()), Columns()), store=store, embedder=WordEmbedder()
    )
    assert last.receipt is not None
    wrong = [] if problem is None else [("row 2", problem)]
    found = [(one.doc, one.error) for one in last.receipt.failures]
    assert [doc for doc, _ in found] == [doc for doc, _ in wrong]
    assert all(error.startswith(told) for (_, error), (_, told) in zip(found, wrong, strict=True))
    assert last.receipt.added == 3 - len(wrong)
    assert [entry.doc for entry in store.documents("default")] == [
        one for one in "123" if one != "2" or not wrong
    ]


def test_a_quotation_mark_that_nothing_closes_takes_no_other_row_of_a_file() -> None:
    """All rows below it were one cell."""
    found = read_document(b'id,wood\n1,"oak, red"\n2,"elm\n3,ash "white" wood\n4,fir\n', "woods.csv")
    assert found.text == (
        '| id | wood |\n|---|---|\n| 1 | oak, red |\n| 2 | "elm |\n| 3 | ash "white" wood |\n| 4 | fir |'
    )
    assert found.warnings == ("Rows read as they stand: 1. Line 3 has a quotation mark that is not closed.",)
