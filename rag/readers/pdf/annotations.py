"""What lies on a PDF page beside its content: values of form fields, free text, notes, attached files."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rag.readers.building import one_line
from rag.readers.pdf.words import Phrase

_TEXT, _LINK, _FREE_TEXT, _POPUP, _FILE, _WIDGET = 1, 2, 3, 16, 17, 20
_CHECK_BOX, _RADIO, _CHOICES = 2, 3, (4, 5)
_PUSH_BUTTON, _SIGNATURE = 1, 7
_HIDDEN = 2
_LINE_HEIGHT = 12.0


@dataclass(slots=True)
class Annotations:
    """A page's: `phrases` are seen on it, `notes` open on a click, `files` are (name, bytes)."""

    phrases: list[Phrase] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)


def annotations_of(pdf: Any, page: Any) -> Annotations:
    """The annotations of a pypdfium2 page; those that are hidden or empty are passed over."""
    import pypdfium2.raw as pdfium

    found = Annotations()
    for index in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        with _opened(page, index) as raw:
            kind = pdfium.FPDFAnnot_GetSubtype(raw) if raw else _LINK
            if kind in (_LINK, _POPUP) or pdfium.FPDFAnnot_GetFlags(raw) & _HIDDEN:
                continue
            text = _string(raw, b"Contents")
            if kind == _WIDGET:
                found.phrases += _lines(page, raw, _field_text(pdf, raw))
            elif kind == _FREE_TEXT:
                found.phrases += _lines(page, raw, text)
            elif kind == _FILE:
                found.files += _attached(pdf, raw)
            elif text.strip():
                author = _string(raw, b"T").strip()
                found.notes.append(f"{f'Note by {author}' if author else 'Note'}: {one_line(text)}")
    return found


def attachments_of(pdf: Any) -> Iterator[tuple[str, bytes]]:
    """The files attached to the document as a whole: (name, bytes)."""
    for index in range(pdf.count_attachments()):
        attachment = pdf.get_attachment(index)
        yield attachment.get_name() or "attachment", bytes(attachment.get_data())


@contextmanager
def _opened(page: Any, index: int) -> Iterator[Any]:
    import pypdfium2.raw as pdfium

    raw = pdfium.FPDFPage_GetAnnot(page.raw, index)
    try:
        yield raw
    finally:
        if raw:
            pdfium.FPDFPage_CloseAnnot(raw)


def _attached(pdf: Any, raw: Any) -> list[tuple[str, bytes]]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    file = pdfium.FPDFAnnot_GetFileAttachment(raw)
    if not file:
        return []
    attachment = pypdfium2.PdfAttachment(file, pdf)
    return [(attachment.get_name() or "attachment", bytes(attachment.get_data()))]


def _field_text(pdf: Any, raw: Any) -> str:
    """What a form's field shows: its value, or a box and whether it is ticked."""
    import pypdfium2.raw as pdfium

    kind = pdfium.FPDFAnnot_GetFormFieldType(pdf.formenv.raw, raw) if pdf.formenv else 0
    if kind in (_CHECK_BOX, _RADIO):
        return "[x]" if pdfium.FPDFAnnot_IsChecked(pdf.formenv.raw, raw) else "[ ]"
    if kind in (_PUSH_BUTTON, _SIGNATURE):
        return ""
    return _value(pdf, raw) or _string(raw, b"V")


def _value(pdf: Any, raw: Any) -> str:
    import pypdfium2.raw as pdfium

    return _read(pdfium.FPDFAnnot_GetFormFieldValue, pdf.formenv.raw, raw) if pdf.formenv else ""


def _string(raw: Any, key: bytes) -> str:
    import pypdfium2.raw as pdfium

    return _read(pdfium.FPDFAnnot_GetStringValue, raw, key)


def _read(function: Any, *arguments: Any) -> str:
    """A text that PDFium writes into a buffer, whose length in bytes it gives first."""
    length = function(*arguments, None, 0)
    buffer = ctypes.create_string_buffer(length)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0").replace("\r", "\n")


def _lines(page: Any, raw: Any, text: str) -> list[Phrase]:
    """The lines of a text in an annotation's box as phrases, from its top down."""
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(raw, ctypes.byref(rect))
    lines = [one_line(line) for line in text.split("\n") if line.strip()]
    height = min(abs(rect.top - rect.bottom) / max(1, len(lines)), _LINE_HEIGHT)
    single = (abs(rect.top - rect.bottom) - height) / 2 if len(lines) == 1 else 0  # stands in the middle
    top = max(rect.top, rect.bottom) - single
    return [
        Phrase(line, rect.left, rect.right, top - (n + 1) * height, top - n * height, entered=True)
        for n, line in enumerate(lines)
    ]
