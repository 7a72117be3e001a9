"""Tables as documents: what a row of a file is."""

from __future__ import annotations

from io import BytesIO

import pytest

from rag.errors import UsageError
from rag.ingest.rows import Columns, piped_lines, read_rows


def test_a_line_of_json_ends_at_a_line_break_only() -> None:
    """A line separator or a next-line character within a text broke its line in two."""
    rows = list(read_rows('{"id": 1, "text": "Oak\u2028and\x85elm"}\n{"id": 2}\n'.encode()))
    assert rows == [{"id": 1, "text": "Oak\u2028and\x85elm"}, {"id": 2}]


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_the_sign_between_cells_is_that_of_the_header(between: str) -> None:
    """A table with semicolons was one column."""
    data = f"id{between}wood\n1{between}oak\n".encode()
    assert list(read_rows(data)) == [{"id": "1", "wood": "oak"}]
    assert b"oak" in b"".join(piped_lines(BytesIO(data), Columns(), None, named=False))


def test_a_row_with_more_cells_than_the_header_is_an_error() -> None:
    """The cells past the last column were lost."""
    with pytest.raises(UsageError, match=r"^Line 3 has more cells than the header\. Quote"):
        list(read_rows(b"id,wood\n1,oak,\n2,elm,red\n"))
