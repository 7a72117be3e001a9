"""Formats that are known and cannot be read: each is refused with the way to one that can."""

from __future__ import annotations

import io
import zipfile

from rag.errors import UnsupportedFormat
from rag.readers.archives import is_zip_with
from rag.readers.registry import Format
from rag.records import Document

_DRAWING = "application/vnd.oasis.opendocument.graphics"


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Always `UnsupportedFormat`, which says what the file is and what to do."""
    raise UnsupportedFormat(f"{name}: {_what(data)}")


def _what(data: bytes) -> str:
    if is_zip_with(data, mimetype=_DRAWING):
        return "an OpenDocument drawing, which no reader knows. Export it as PDF and add that."
    if _is_apple(data):
        return "a document of Apple Pages, Numbers or Keynote. Export it as PDF or to Office and add that."
    return "an XPS document, which no reader knows. Print it to PDF and add that."


def _is_apple(data: bytes) -> bool:
    return is_zip_with(
        data, "Index/Document.iwa", "Index.zip", "index.xml.gz", "Metadata/BuildVersionHistory.plist"
    )


def _is_xps(data: bytes) -> bool:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile:
        return False
    return any(name.endswith(".fdseq") for name in names)


def _recognises(data: bytes) -> bool:
    if not data.startswith(b"PK\x03\x04"):
        return False
    return is_zip_with(data, mimetype=_DRAWING) or _is_apple(data) or _is_xps(data)


FORMAT = Format("Refused", "application/octet-stream", (), read, recognises=_recognises, rank=30)
