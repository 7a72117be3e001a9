"""Rows of cells to a Markdown table, the one shape every table of a document takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.readers.building import DocumentBuilder


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that may reach over several columns and rows; `heads` if it is a heading."""

    text: str
    columns: int = 1
    rows: int = 1
    heads: bool = False


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


def add_rows(builder: DocumentBuilder, rows: Sequence[Sequence[str]], *, page: int | None = None) -> None:
    """Adds a sheet: rows between empty rows are one table, lone cells above its header its caption."""
    for region in _regions(rows):
        captions = []
        while region and sum(1 for cell in region[0] if cell.strip()) == 1 and len(region[0]) > 1:
            captions.append("".join(region.pop(0)).strip())
        if region:
            table = markdown_table(region)
            builder.add("table", "\n".join([*captions, "", table] if captions else [table]), page=page)
        else:
            builder.add("paragraph", "\n".join(captions), page=page)


def _regions(rows: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
    """Runs of rows that are not empty."""
    regions: list[list[Sequence[str]]] = [[]]
    for row in rows:
        if any(cell.strip() for cell in row):
            regions[-1].append(row)
        elif regions[-1]:
            regions.append([])
    return [region for region in regions if region]
