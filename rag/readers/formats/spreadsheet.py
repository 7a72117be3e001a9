"""Spreadsheets (Excel, old and new, and OpenDocument): a page a sheet, a table a region of cells."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.readers.archives import is_zip_with, open_zip
from rag.readers.building import DocumentBuilder, stem
from rag.readers.cell_grid import Grid
from rag.readers.charts import add_chart
from rag.readers.comments import add_sheet_comments
from rag.readers.numbers import formatted
from rag.readers.openxml import core_properties
from rag.readers.registry import Format
from rag.readers.tables import add_rows, markdown_table
from rag.readers.titles import given_title
from rag.readers.workbook import Sheet, extras_of
from rag.records import HIDDEN_TEXT, Document

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"
_SHOWN_CELLS = 5


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Each sheet under its name: its tables with the numbers as shown, charts, text boxes and comments."""
    from python_calamine import CalamineWorkbook

    archive = open_zip(data, name) if data.startswith(b"PK") else None
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    extras = extras_of(archive, name) if archive is not None else {}
    builder = DocumentBuilder()
    empty = []
    for number, sheet in enumerate(workbook.sheet_names, start=1):
        if not _add_sheet(builder, workbook, sheet, number, archive, extras.get(sheet, Sheet()), name):
            empty.append(number)
    _tell(builder, workbook, extras)
    title, date = core_properties(archive, name) if archive is not None else (None, None)
    return builder.build(
        title=given_title(title) or stem(name),
        name=name,
        media_type=FORMAT.media_type,
        date=date,
        page_count=len(workbook.sheet_names),
        pages_without_text=tuple(empty),
    )


def _add_sheet(
    builder: DocumentBuilder,
    workbook: CalamineWorkbook,
    sheet: str,
    number: int,
    archive: zipfile.ZipFile | None,
    extra: Sheet,
    name: str,
) -> bool:
    """Adds a sheet under its name; False if there is nothing on it."""
    values = workbook.get_sheet_by_name(sheet)
    rows = values.to_python(skip_empty_area=True)
    inside = DocumentBuilder()
    grid = Grid(_texts(rows, values, extra), _merged(values), *_hidden(values, extra))
    shown = grid.shown()
    add_rows(inside, shown.rows, merged=shown.merged, page=number)
    for table in grid.unseen():
        inside.hide(markdown_table(table), kind="table", page=number)
    for chart in extra.charts:
        add_chart(inside, chart, page=number)
    for box in extra.boxes:
        inside.add("paragraph", box, page=number)
    if archive is not None and extra.path:
        add_sheet_comments(inside, archive, extra.path, number, name)
    if inside.block_count == 0:
        return False
    is_hidden = sheet in _hidden_sheets(workbook)
    if is_hidden:
        builder.heading(HIDDEN_TEXT, 1, page=number)
    builder.heading(sheet, 1 + is_hidden, page=number)
    builder.include(inside.build(title=None, name=name, media_type=""))
    return True


def _texts(rows: Sequence[Sequence[object]], values: CalamineSheet, extra: Sheet) -> list[list[str]]:
    top, left = values.start or (0, 0)
    return [
        [_text(value, extra.forms.get((top + y, left + x), "")) for x, value in enumerate(row)]
        for y, row in enumerate(rows)
    ]


def _merged(values: CalamineSheet) -> list[tuple[int, int, int, int]]:
    """(first row, first column, last row, last column) of merged cells within the values."""
    top, left = values.start or (0, 0)
    return [
        (y - top, x - left, last_y - top, last_x - left)
        for (y, x), (last_y, last_x) in values.merged_cell_ranges or []
        if y >= top and x >= left
    ]


def _hidden(values: CalamineSheet, extra: Sheet) -> tuple[frozenset[int], frozenset[int]]:
    """The rows and the columns within the values that are not shown."""
    top, left = values.start or (0, 0)
    return frozenset(y - top for y in extra.hidden_rows), frozenset(x - left for x in extra.hidden_columns)


def _hidden_sheets(workbook: CalamineWorkbook) -> list[str]:
    return [one.name for one in workbook.sheets_metadata if "Hidden" in str(one.visible)]


def _text(value: object, form: str) -> str:
    """A cell as a person reads it: numbers in their format, dates without a midnight."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, int | float):
        plain = str(int(value)) if float(value).is_integer() else repr(value)
        return formatted(plain, form)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _tell(builder: DocumentBuilder, workbook: CalamineWorkbook, extras: dict[str, Sheet]) -> None:
    """Notes hidden sheets, formulas that have no value, and pictures."""
    if hidden := _hidden_sheets(workbook):
        builder.warn(f"Hidden sheets, read too: {', '.join(hidden)}.")
    if filtered := [sheet for sheet, extra in extras.items() if extra.is_filtered]:
        builder.warn(f"Sheets with a filter, all rows read: {', '.join(filtered)}.")
    cells = [f"{sheet} {cell}" for sheet, extra in extras.items() for cell in extra.without_value]
    if cells:
        shown = ", ".join(cells[:_SHOWN_CELLS]) + (", …" if len(cells) > _SHOWN_CELLS else "")
        builder.warn(
            f"Formulas without a stored value: {len(cells)} ({shown})."
            " Open the file in a spreadsheet program and save it."
        )
    builder.count_pictures(sum(extra.pictures for extra in extras.values()))


def _recognises(data: bytes) -> bool:
    if data.startswith(_COMPOUND_FILE):
        import olefile  # type: ignore[import-untyped, unused-ignore]

        try:
            with olefile.OleFileIO(io.BytesIO(data)) as file:
                return bool(file.exists("Workbook") or file.exists("Book"))
        except (OSError, ValueError, IndexError, TypeError):
            return False
    return is_zip_with(data, "xl/workbook.xml", "xl/workbook.bin", mimetype=_ODS)


FORMAT = Format(
    "Spreadsheet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".xltx"),
    read,
    recognises=_recognises,
    rank=20,
)
