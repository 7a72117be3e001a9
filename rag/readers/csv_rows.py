"""Rows of CSV, one after the other: a row that is written wrongly costs only itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

UNCLOSED = "has a quotation mark that is not closed"
_MOST_CHARACTERS = 2**31 - 1  # a cell may hold a whole document; more than this C cannot count on Windows


def csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """The number of the line where each row begins, its cells, and what is wrong with it ("" for nothing).

    A quotation mark that nothing closes would make one cell of all that follows. Such a line is taken for
    itself, its marks as they stand.
    """
    csv.field_size_limit(_MOST_CHARACTERS)
    lines = list(io.StringIO(text, newline=""))
    start = 0
    while start < len(lines):
        rest = (lines[number] for number in range(start, len(lines)))
        rows = csv.reader(rest, delimiter=delimiter, strict=True)
        read = 0
        try:
            for row in rows:
                yield start + read + 1, row, ""
                read = rows.line_num
            return
        except csv.Error:
            start += read + 1
            yield start, *_alone(lines[start - 1], delimiter)


def _alone(line: str, delimiter: str) -> tuple[list[str], str]:
    """The cells of a line by itself, and its problem: marks inside a cell are none as long as they pair."""
    alone = [line.rstrip("\r\n")]
    if line.count('"') % 2 == 0:
        return next(csv.reader(alone, delimiter=delimiter), []), ""
    return next(csv.reader(alone, delimiter=delimiter, quoting=csv.QUOTE_NONE), []), UNCLOSED
