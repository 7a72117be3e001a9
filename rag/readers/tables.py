"""Rows of cells to a Markdown table, the one shape every table of a document takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rag.readers.building import DocumentBuilder

_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,\s]*[%)]?")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that may reach over several columns and rows; `heads` if it is a heading."""

    text: str
    columns: int = 1
    rows: int = 1
    heads: bool = False


def span(given: str | None) -> int:
    """How many columns or rows an attribute says that a cell reaches over: 1 to 100, 1 if it is no number."""
    return min(max(int(given), 1), 100) if given and given.isascii() and given.isdigit() else 1


def spread(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """The grid of cells that span: a value stands in every row it holds for, a heading over each column.

    Without that the values of a row after a cell that reaches down would slip under the wrong headings.
    """
    grid: list[list[str]] = []
    reaching: dict[int, tuple[int, str]] = {}  # column → how many more rows, and what stands there
    for row in rows:
        line = {column: text for column, (_, text) in reaching.items()}
        reaching = {column: (left - 1, text) for column, (left, text) in reaching.items() if left > 1}
        column = 0
        for cell in row:
            while column in line:
                column += 1
            for place in range(column, column + cell.columns):
                line[place] = cell.text if place == column or cell.heads else ""
                if cell.rows > 1:
                    reaching[place] = (cell.rows - 1, line[place])
            column += cell.columns
        grid.append([line.get(place, "") for place in range(max(line, default=-1) + 1)])
    return grid


def markdown_table(rows: Sequence[Sequence[str]], *, header: int = 1) -> str:
    """The rows as a Markdown table; the first `header` of them are its head, or an empty one is put above.

    Columns that are empty in every row are dropped, as spreadsheets and PDF layouts leave many. Several
    rows of headings become one: "2023 Q1".
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if header > 1:
        cells = [_one_head(cells[:header]), *cells[header:]]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(map(len, cells))
    cells = [row + [""] * (width - len(row)) for row in cells]
    kept = [column for column in range(width) if any(row[column] for row in cells)]
    cells = [[row[column] for column in kept] for row in cells]
    if not header:
        cells.insert(0, [""] * len(kept))
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(kept), *lines[1:]])


def _one_head(rows: Sequence[Sequence[str]]) -> list[str]:
    """Several rows of headings as one, each word of a column once."""
    width = max(map(len, rows), default=0)
    columns = ([row[column] for row in rows if column < len(row)] for column in range(width))
    return [" ".join(dict.fromkeys(filter(None, column))) for column in columns]


def _cell(value: str) -> str:
    return " ".join(value.split()).replace("|", "\\|")


Merged = tuple[int, int, int, int]
"""First row, first column, last row and last column of a merged cell."""


def add_rows(
    builder: DocumentBuilder,
    rows: Sequence[Sequence[str]],
    *,
    merged: Sequence[Merged] = (),
    page: int | None = None,
) -> None:
    """Adds a sheet: rows between empty rows are one table, lone cells above its header its caption.

    A merged cell's text stands in each of its rows, and in each of its columns if it heads them.
    """
    grid = [list(row) for row in rows]
    for top, left, bottom, _ in merged:
        for row in grid[top + 1 : bottom + 1]:
            if left < len(row) and left < len(grid[top]):
                row[left] = row[left] or grid[top][left]
    wide = {(top, left): right for top, left, _, right in merged if right > left}
    for first, last in _regions(grid):
        _add_region(builder, grid, first, last, wide, page)


def _add_region(
    builder: DocumentBuilder,
    grid: list[list[str]],
    first: int,
    last: int,
    wide: dict[tuple[int, int], int],
    page: int | None,
) -> None:
    captions = []
    heading = any(row == first and column > 0 for row, column in wide)  # a lone one over some columns
    while first < last and _filled(grid[first]) == 1 and len(grid[first]) > 1 and not heading:
        captions.append("".join(grid[first]).strip())
        first += 1
    if first == last:
        builder.add("paragraph", "\n".join(captions), page=page)
        return
    header = _heading_rows(grid, first, last, wide)
    rows = [row for row in grid[first:last] if any(map(str.strip, row))]
    for blocks in _side_by_side(rows):
        table = markdown_table(blocks, header=header)
        builder.add("table", "\n".join([*captions, "", table] if captions else [table]), page=page)
        captions = []


def _heading_rows(grid: list[list[str]], first: int, last: int, wide: dict[tuple[int, int], int]) -> int:
    """1, or 2 where the first row groups the headings of the second; its texts are then put over each."""
    if last - first < 3:
        return 1
    upper, lower = grid[first], grid[first + 1]
    spans = {column: wide[first, column] for column in range(len(upper)) if (first, column) in wide}
    names = [cell for cell in lower if cell.strip()]
    grouped = bool(spans) or len(set(names)) < len(names)
    if not grouped or _filled(upper) >= _filled(lower) or any(map(_is_number, names)):
        return 1
    text = ""
    for column, cell in enumerate(upper):
        text = cell if cell.strip() else text
        in_span = not spans or any(left <= column <= right for left, right in spans.items())
        if not cell.strip() and in_span and column < len(lower) and lower[column].strip():
            upper[column] = text
    return 2


def _regions(rows: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """The (first, end) of runs of rows that are not empty; an empty row below a header is passed over."""
    regions: list[tuple[int, int]] = []
    for number, row in enumerate(rows):
        if not _filled(row):
            continue
        first, end = regions[-1] if regions else (0, -2)
        if end == number or (end == number - 1 and _is_bare_header(rows[first:end], row)):
            regions[-1] = (first, number + 1)
        else:
            regions.append((number, number + 1))
    return regions


def _is_bare_header(region: Sequence[Sequence[str]], below: Sequence[str]) -> bool:
    """Whether a region is a header only: one row of names under captions, over the same columns as below."""
    head = region[-1]
    if _filled(head) < 2 or any(_filled(row) != 1 for row in region[:-1]):
        return False
    named = {column for column, cell in enumerate(head) if cell.strip()}
    used = {column for column, cell in enumerate(below) if cell.strip()}
    return used <= named and len(used) > 1 and not any(_is_number(head[column]) for column in named)


def _side_by_side(rows: list[list[str]]) -> list[list[list[str]]]:
    """The tables of a region that an empty column parts; what has no labels of its own is not parted."""
    width = max(map(len, rows))
    used = [any(column < len(row) and row[column].strip() for row in rows) for column in range(width)]
    before = [0, *accumulate(map(bool, used))]
    last = [max((column for column, cell in enumerate(row) if cell.strip()), default=-1) for row in rows]
    tables, start, kept = [], 0, list(range(len(rows)))
    for column in range(width):
        if used[column] or before[column] - before[start] < 2 or before[-1] - before[column] < 2:
            continue
        if _is_labelled([rows[number][column + 1 : column + 2] for number in kept]):
            tables.append([rows[number][start:column] for number in kept])
            start = column + 1
            kept = [number for number in kept if last[number] > column]
    return [*tables, [rows[number][start:] for number in kept] if start else rows]


def _is_labelled(rows: list[list[str]]) -> bool:
    """Whether most rows begin with a text, which is what its figures are read by."""
    labels = [row[0] for row in rows if row and row[0].strip()]
    return 2 * len(labels) > len(rows) > 1 and not any(map(_is_number, labels[1:]))


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell.strip()))
