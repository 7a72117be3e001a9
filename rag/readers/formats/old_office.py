"""Word and PowerPoint from before 2007: LibreOffice, where it is installed, makes them new."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument, UnsupportedFormat
from rag.readers import office
from rag.readers.formats import docx, pptx
from rag.readers.registry import Format
from rag.records import Document

if TYPE_CHECKING:
    from rag.interfaces import Reader  # imports numpy

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROGRAMS = ("soffice", "libreoffice", "/Applications/LibreOffice.app/Contents/MacOS/soffice")


@dataclass(frozen=True, slots=True)
class _Kind:
    """An old format: the stream that tells it, and the format that took its place."""

    media_type: str
    stream: str
    successor: str
    read: Reader


_KINDS = (
    _Kind("application/msword", "WordDocument", "docx", docx.read),
    _Kind("application/vnd.ms-powerpoint", "PowerPoint Document", "pptx", pptx.read),
)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """What the reader of today's format makes of it; `UnsupportedFormat` without LibreOffice."""
    kind = _kind(data)
    assert kind  # else it would not have been recognised
    successor = kind.successor.upper()
    if office.soffice() is None:
        raise UnsupportedFormat(
            f"{name}: an Office file from before 2007."
            f" Install LibreOffice, or save it as {successor} and add that."
        )
    converted = office.converted(data, kind.successor)
    if converted is None:
        raise UnreadableDocument(
            f"{name}: LibreOffice could not open it. Save it as {successor} and add that."
        )
    document = kind.read(converted, name, password=password)
    return replace(document, media_type=kind.media_type)


def _kind(data: bytes) -> _Kind | None:
    """Which of the old formats it is, by the streams of the compound file."""
    import olefile  # type: ignore[import-untyped, unused-ignore]

    if not data.startswith(_COMPOUND_FILE):
        return None
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            return next((kind for kind in _KINDS if file.exists(kind.stream)), None)
    except (OSError, ValueError, IndexError, TypeError):
        return None


def _recognises(data: bytes) -> bool:
    return _kind(data) is not None


# Known by their content alone: many a file called .doc is RTF or a web page.
FORMAT = Format("old Office", "application/msword", (), read, recognises=_recognises, rank=30)
