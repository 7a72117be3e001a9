"""Spreadsheets (Excel, old and new, and OpenDocument): a page a sheet, a table a region of cells."""

from __future__ import annotations

import datetime
import io

from rag.readers.archives import is_zip_with, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.registry import Format
from rag.readers.tables import add_rows
from rag.records import Document

_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Each sheet as a section; rows between empty rows are one table, a lone cell above it its caption."""
    from python_calamine import CalamineWorkbook

    if data.startswith(b"PK"):
        open_zip(data, name)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    builder = DocumentBuilder()
    empty = []
    for number, sheet in enumerate(workbook.sheet_names, start=1):
        before = builder.block_count
        builder.section(sheet, 1)
        rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=True)
        add_rows(builder, [[_text(value) for value in row] for row in rows], page=number)
        if builder.block_count == before:
            empty.append(number)
    return builder.build(
        title=None,
        name=name,
        media_type=FORMAT.media_type,
        page_count=len(workbook.sheet_names),
        pages_without_text=tuple(empty),
    )


def _text(value: object) -> str:
    """A cell as a person reads it: whole numbers without a point, dates without a midnight."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return "" if value is None else str(value)


def _recognises(data: bytes) -> bool:
    if data.startswith(_OLD_EXCEL):
        return "Workbook".encode("utf-16-le") in data or "Book".encode("utf-16-le") in data
    return is_zip_with(data, "xl/workbook.xml", "xl/workbook.bin", mimetype=_ODS)


FORMAT = Format(
    "Spreadsheet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    read,
    recognises=_recognises,
    rank=20,
)
