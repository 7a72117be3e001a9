"""HTML tables: which hold data and which lay out a page, and the grid of those that hold data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

from rag.readers.building import one_line
from rag.readers.html_text import holds_blocks, inline_text
from rag.readers.tables import Cell, markdown_table, span, spread

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_SECTIONS = ("thead", "tbody", "tfoot")
_LONG_CELL = 600


def own_rows(table: LexborNode) -> list[LexborNode]:
    """The table's rows in the order they are shown, without those of tables inside."""
    parts = {"thead": [], "tbody": [], "tfoot": []}  # type: dict[str, list[LexborNode]]
    for child in table.iter():
        if child.tag == "tr":
            parts["tbody"].append(child)
        elif child.tag in _SECTIONS:
            parts[child.tag] += [row for row in child.iter() if row.tag == "tr"]
    return parts["thead"] + parts["tbody"] + parts["tfoot"]


def cells_of(row: LexborNode) -> list[LexborNode]:
    """The row's own cells."""
    return [cell for cell in row.iter() if cell.tag in ("td", "th")]


def is_layout(table: LexborNode) -> bool:
    """Whether a table only places blocks on the page; in doubt it holds data.

    It has one column, says so itself, or holds, without a header, tables of data or very long cells.
    """
    rows = [cells_of(row) for row in own_rows(table)]
    cells = [cell for row in rows for cell in row]
    if max(map(len, rows), default=0) < 2 or table.attributes.get("role") in ("presentation", "none"):
        return True
    if any(cell.tag == "th" for cell in cells):
        return False
    if any(
        len(own_rows(inner)) > 1 and not is_layout(inner) for cell in cells for inner in cell.css("table")
    ):
        return len(rows) < 2 or any(len(cell.css("table")) > 1 for cell in cells)
    return any(holds_blocks(cell) and len(cell.text()) > _LONG_CELL for cell in cells)


def table_text(table: LexborNode) -> str:
    """A table of data as Markdown under its caption; spanned cells stand wherever they span."""
    rows = own_rows(table)
    above = [inline_text(child) for child in table.iter() if child.tag == "caption"]
    while len(rows) > 1 and len(cells_of(rows[0])) == 1 and _span(cells_of(rows[0])[0], "rowspan") == 1:
        above.append(inline_text(rows.pop(0)))  # a title across the whole table
    width = max(sum(_span(cell, "colspan") for cell in cells_of(row)) for row in rows)
    grid = spread([[_cell(cell, width) for cell in cells_of(row)] for row in rows])
    lines = list(filter(None, map(one_line, above)))
    return "\n".join([*lines, *[""] * bool(lines), markdown_table(grid, header=_header_rows(rows))])


def _header_rows(rows: list[LexborNode]) -> int:
    """How many rows above are headings; 0 if the first one has its name in front and values behind."""
    in_head = sum(row.parent is not None and row.parent.tag == "thead" for row in rows)
    if in_head:
        return min(in_head, len(rows) - 1) or 1
    first = [cell.tag for cell in cells_of(rows[0])]
    if first[:1] == ["th"] and "td" in first and len(first) < 3 and len(rows) > 1:
        return 0
    headed = list(takewhile(lambda row: all(cell.tag == "th" for cell in cells_of(row)), rows))
    return min(max(1, len(headed)), 3) if len(rows) > 1 else 0


def _cell(node: LexborNode, width: int) -> Cell:
    columns = _span(node, "colspan")
    heads = node.tag == "th" and columns < width
    return Cell("; ".join(filter(None, _lines(node))), columns, _span(node, "rowspan"), heads)


def _lines(node: LexborNode) -> Iterator[str]:
    """A cell's text, the items of a list in it apart."""
    items = [item for item in node.css("li") if item.text().strip()]
    if len(items) > 1 and not any(len(item.css("ul, ol")) for item in items):
        before = one_line(inline_text(node)).partition(one_line(inline_text(items[0])))[0]
        yield from ([before.strip()] if before.strip() else [])
        yield from (one_line(inline_text(item)) for item in items)
    else:
        yield one_line(inline_text(node))


def _span(node: LexborNode, name: str) -> int:
    return span(node.attributes.get(name))
