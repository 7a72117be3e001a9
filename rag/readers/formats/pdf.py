"""PDF: pypdfium2 reads the text of each page, pypdf the outline, labels, metadata and encryption."""

from __future__ import annotations

import io
from typing import Any

from rag.errors import EncryptedDocument, UnreadableDocument
from rag.readers.building import DocumentBuilder
from rag.readers.registry import Format
from rag.records import Document


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The text of every page."""
    builder = DocumentBuilder()
    pdf = _open(data, name, password)
    empty = []
    for number, page in enumerate(pdf, start=1):
        text = page.get_textpage().get_text_range()
        builder.add("paragraph", text, page=number)
        if not text.strip():
            empty.append(number)
    return builder.build(
        title=None,
        name=name,
        media_type=FORMAT.media_type,
        page_count=len(pdf),
        pages_without_text=tuple(empty),
    )


def _open(data: bytes, name: str, password: str | None) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(io.BytesIO(data), password=password)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise EncryptedDocument(
                f"{name}: the PDF is encrypted. Give its password with --password."
            ) from error
        raise UnreadableDocument(f"{name}: not a readable PDF ({error}). Open and save it again.") from error


def _recognises(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


FORMAT = Format("PDF", "application/pdf", (".pdf",), read, recognises=_recognises, rank=10)
