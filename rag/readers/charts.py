"""Charts and diagrams of Office files: a chart's values as a table, a diagram's words as a list."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.numbers import formatted
from rag.readers.tables import markdown_table

_VALUES = ("c.val", "c.yVal")
_NAMES = ("c.cat", "c.xVal")


def add_chart(builder: DocumentBuilder, chart: Element, *, page: int | None = None) -> None:
    """Adds a chart part: its title above a table, a row for each category and a column for each series.

    Series with categories of their own, as of points in a plane, are tables of their own.
    """
    title = one_line("".join(one.text or "" for one in _all(chart.find(".//c.title"), "a.t")))
    series = list(chart.iter("c.ser"))
    named = [_points(_first(one, _NAMES)) for one in series]
    common = next(filter(None, named), {})
    groups: dict[tuple[str, ...], tuple[dict[int, str], list[Element]]] = {}
    for names, one in zip(named, series, strict=True):
        names = names or common
        own = tuple(names.values()) if one.find("c.xVal") is not None else ()
        groups.setdefault(own, (names, []))[1].append(one)
    tables = [text for names, group in groups.values() if (text := _table(names, group))]
    builder.add(
        "table" if tables else "paragraph", "\n\n".join(filter(None, [title, *tables[:1]])), page=page
    )
    for text in tables[1:]:
        builder.add("table", text, page=page)


def _table(names: dict[int, str], series: list[Element]) -> str:
    columns = [_points(_first(one, _VALUES)) for one in series]
    rows = sorted({index for column in [names, *columns] for index in column})
    heads = [
        one_line(" ".join(one.text or "" for one in _all(found.find("c.tx"), "c.v"))) for found in series
    ]
    table = [
        ["", *heads],
        *([names.get(row, ""), *(column.get(row, "") for column in columns)] for row in rows),
    ]
    return markdown_table(table) if rows else ""


def add_diagram(builder: DocumentBuilder, data: Element, *, page: int | None = None) -> None:
    """Adds the words of a diagram's shapes (SmartArt), in the order of its data."""
    texts = [one_line("".join(one.text or "" for one in point.iter("a.t"))) for point in data.iter("dgm.pt")]
    builder.add("list", "\n".join(f"- {text}" for text in texts if text), page=page)


def _all(node: Element | None, tag: str) -> list[Element]:
    return list(node.iter(tag)) if node is not None else []


def _first(node: Element, tags: tuple[str, ...]) -> Element | None:
    return next((found for tag in tags if (found := node.find(tag)) is not None), None)


def _points(node: Element | None) -> dict[int, str]:
    """Index → text of the values that the program stored with the chart."""
    if node is None:
        return {}
    form = next((one.text or "" for one in node.iter("c.formatCode")), "")
    return {
        int(point.get("idx") or 0): formatted(one_line(point.findtext("c.v") or ""), form)
        for point in node.iter("c.pt")
    }
