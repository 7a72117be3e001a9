"""Rows of cells to a Markdown table, the one shape every table of a document takes."""

from __future__ import annotations

from collections.abc import Sequence

from rag.readers.building import DocumentBuilder


def markdown_table(rows: Sequence[Sequence[str]], *, header: bool = True) -> str:
    """The rows as a Markdown table; the first one is its header, or an empty header is put above.

    Columns that are empty in every row are dropped, as spreadsheets and PDF layouts leave many.
    """
    cells = [[_cell(value) for value in row] for row in rows]
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
