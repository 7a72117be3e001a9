"""What an Excel file says beside its values: number formats, what is hidden, charts, boxes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from rag.readers.archives import member
from rag.readers.openxml import chosen, part, related

WORKBOOK = "xl/workbook.xml"
_BUILT_IN = {
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%"},
    **{37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00"},
}
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_STYLE = re.compile(rb'\bs="(\d+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_VALUE = re.compile(rb"<(?:\w+:)?v>[^<]|<(?:\w+:)?is>")
_IS_HIDDEN = re.compile(rb'\b(?:hidden="(?:1|true)"|width="0(?:\.0*)?")')
_COLUMN = re.compile(rb"<(?:\w+:)?col\s[^<>]*>")
_MINIMUM, _MAXIMUM = re.compile(rb'\bmin="(\d+)"'), re.compile(rb'\bmax="(\d+)"')
_MOST_COLUMNS = 16_384
_ROW = re.compile(rb'<(?:\w+:)?row\s(?=[^<>]*\b(?:hidden="(?:1|true)"|ht="0(?:\.0*)?"))[^<>]*>')
_ROW_NUMBER = re.compile(rb'\br="(\d+)"')
_FILTER = re.compile(
    rb'<(?:\w+:)?autoFilter\s[^<>]*\bref="[A-Z$]+(\d+):[A-Z$]+(\d+)"[^<>]*>\s*<(?:\w+:)?filterColumn'
)

Place = tuple[int, int]
"""Row and column of a cell, from 0."""


@dataclass(slots=True)
class Sheet:
    """One sheet of an Excel file beside its values, as `extras_of` finds it."""

    path: str = ""
    forms: dict[Place, str] = field(default_factory=dict)
    without_value: list[str] = field(default_factory=list)
    charts: list[Element] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    pictures: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    is_filtered: bool = False
    """Rows that a filter hides are not among the hidden ones: it is a view of the table, not a part of it."""


def extras_of(archive: zipfile.ZipFile, name: str) -> dict[str, Sheet]:
    """Sheet name → what is in it beside values; {} for a file that is not Open XML."""
    root = part(archive, WORKBOOK, name)
    if root is None:
        return {}
    paths = related(archive, WORKBOOK, name)
    forms = _forms(archive, name)
    found = {}
    for one in root.iter("x.sheet"):
        path = paths.get(one.get("id") or "", ("", ""))[1]
        if path in archive.namelist():
            sheet = Sheet(path)
            data = member(archive, path, name)
            _look_at_cells(sheet, data, forms)
            _look_at_hidden(sheet, data, archive, name)
            _look_at_drawings(sheet, archive, name)
            found[one.get("name") or ""] = sheet
    return found


def _forms(archive: zipfile.ZipFile, name: str) -> list[str]:
    """The number format of each cell style, "" for one that changes nothing."""
    root = part(archive, "xl/styles.xml", name)
    if root is None:
        return []
    own = {int(one.get("numFmtId") or 0): one.get("formatCode") or "" for one in root.iter("x.numFmt")}
    styles = root.find("x.cellXfs")
    ids = [int(one.get("numFmtId") or 0) for one in (styles if styles is not None else ())]
    return [own.get(one, _BUILT_IN.get(one, "")) for one in ids]


def _look_at_cells(sheet: Sheet, data: bytes, forms: list[str]) -> None:
    if not any(forms) and not _FORMULA.search(data):
        return
    for match in _CELL.finditer(data):
        given, inside = match[1], match[2] or b""
        where = _REFERENCE.search(given)
        if where is None:
            continue
        style = _STYLE.search(given)
        form = forms[int(style[1])] if style and int(style[1]) < len(forms) else ""
        if form:
            sheet.forms[_place(where)] = form
        if _FORMULA.search(inside) and not _VALUE.search(inside) and b't="str"' not in given:
            sheet.without_value.append((where[1] + where[2]).decode())


def _look_at_hidden(sheet: Sheet, data: bytes, archive: zipfile.ZipFile, name: str) -> None:
    """Finds the rows and columns that are not shown, but for the rows that a filter leaves out."""
    for column in filter(_IS_HIDDEN.search, _COLUMN.findall(data)):
        first, last = _MINIMUM.search(column), _MAXIMUM.search(column)
        if first and last:
            sheet.hidden_columns.update(range(int(first[1]) - 1, min(int(last[1]), _MOST_COLUMNS)))
    rows = {int(number[1]) - 1 for row in _ROW.findall(data) if (number := _ROW_NUMBER.search(row))}
    if rows:
        kinds = related(archive, sheet.path, name).values()
        tables = [member(archive, path, name) for kind, path in kinds if kind == "table"]
        ranges = [match for part in (data, *tables) for match in _FILTER.finditer(part)]
        filtered = {row for row in rows for one in ranges if int(one[1]) - 1 <= row < int(one[2])}
        sheet.hidden_rows, sheet.is_filtered = rows - filtered, bool(filtered)


def _place(where: re.Match[bytes]) -> Place:
    column = 0
    for letter in where[1]:
        column = 26 * column + letter - 64
    return int(where[2]) - 1, column - 1


def _look_at_drawings(sheet: Sheet, archive: zipfile.ZipFile, name: str) -> None:
    for kind, path in related(archive, sheet.path, name).values():
        root = part(archive, path, name) if kind == "drawing" else None
        if root is None:
            continue
        charts = related(archive, path, name)
        for node in _settled(root):
            if node.tag == "c.chart":
                chart = part(archive, charts.get(node.get("id") or "", ("", ""))[1], name)
                sheet.charts += [chart] if chart is not None else []
            elif node.tag == "xdr.txBody":
                lines = ("".join(t.text or "" for t in p.iter("a.t")) for p in node.iter("a.p"))
                sheet.boxes.append("\n".join(filter(None, lines)))
            elif node.tag == "xdr.pic":
                sheet.pictures += 1


def _settled(node: Element) -> Iterator[Element]:
    """The elements below a node, of alternatives only the chosen one's."""
    for child in node:
        if child.tag == "mc.AlternateContent":
            for option in chosen(child) or []:
                yield from _settled(option)
        else:
            yield child
            yield from _settled(child)
