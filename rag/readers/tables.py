"""Rows of cells to a Markdown table, the one shape every table of a document takes."""

from __future__ import annotations

from collections.abc import Sequence


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
