"""PDF: pypdfium2 reads the text of each page, pypdf the outline, labels, metadata and encryption."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from rag.errors import EncryptedDocument, UnreadableDocument
from rag.readers import ocr, progress
from rag.readers.building import DocumentBuilder, stem, visible
from rag.readers.pdf.furniture import Furniture, Page
from rag.readers.pdf.headings import Headings
from rag.readers.pdf.layout import Element, code_text, elements, flows, is_item, prose_text, table_text
from rag.readers.pdf.structure import structure_of
from rag.readers.pdf.words import page_phrases
from rag.readers.registry import Format
from rag.records import BlockKind, Document

_WORD = re.compile(r"\w+(?:[-‐]\w+)*")
_SENTENCE_END = re.compile(r"[.!?:;。！？؟।][\"'”’)\]]*$")
_BROKEN_LINE = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
_SCANNED_CHARACTERS = 16


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Headings, paragraphs and tables page by page, in reading order; running headers are left out."""
    pdf = _open(data, name, password)
    structure = structure_of(data, password)
    builder = DocumentBuilder()
    if structure.problem:
        builder.warn(structure.problem)
    pages = [_rows_of_page(pdf, index) for index in range(len(pdf))]
    writer = _Writer(builder, pages, Headings(pages, structure))
    without_text = []
    for number, page in enumerate(pages, start=1):
        if _is_empty(page) and not _add_scan(builder, pdf, number):
            without_text.append(number)
        writer.add_page(number, page)
    if without_text:
        builder.warn(_missing(without_text))
    return builder.build(
        title=structure.title or writer.headings.title or stem(name),
        name=name,
        media_type=FORMAT.media_type,
        page_count=len(pages),
        pages_without_text=tuple(without_text),
        page_labels=structure.page_labels,
        date=structure.date,
    )


def _open(data: bytes, name: str, password: str | None) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            given = (
                "The password given does not open it." if password else "Give its password with --password."
            )
            raise EncryptedDocument(f"{name}: the PDF is encrypted. {given}") from error
        raise UnreadableDocument(
            f"{name}: not a readable PDF ({error}). Open it and save it again."
        ) from error


def _rows_of_page(pdf: Any, index: int) -> Page:
    progress.tell()
    page = pdf[index]
    try:
        return flows(page_phrases(page))
    finally:
        page.close()


def _is_empty(page: Page) -> bool:
    return sum(visible(row.text) for column in page for row in column) < _SCANNED_CHARACTERS


def _add_scan(builder: DocumentBuilder, pdf: Any, number: int) -> bool:
    """Adds what Tesseract reads on a page that is an image; False if there is nothing to be read."""
    import pypdfium2.raw as pdfium

    if ocr.tesseract() is None:
        return False
    page = pdf[number - 1]
    try:
        has_image = any(item.type == pdfium.FPDF_PAGEOBJ_IMAGE for item in page.get_objects(max_depth=3))
        text = ocr.read_page(page) if has_image else ""
    finally:
        page.close()
    progress.tell()
    for paragraph in re.split(r"\n\s*\n", text):
        builder.add("paragraph", _BROKEN_LINE.sub("", paragraph), page=number)
    if text.strip():
        builder.warn("Pages that are images were read with Tesseract: expect slips.")
    return bool(text.strip())


def _missing(pages: Sequence[int]) -> str:
    shown = ", ".join(map(str, pages[:10])) + (", …" if len(pages) > 10 else "")
    remedy = "" if ocr.tesseract() else " Install Tesseract to read scanned pages."
    return f"{len(pages)} of the pages have no text: {shown}.{remedy}"


class _Writer:
    """Turns rows into blocks, with what is known of the whole document."""

    def __init__(self, builder: DocumentBuilder, pages: Sequence[Page], headings: Headings) -> None:
        self.headings = headings
        self._builder = builder
        self._furniture = Furniture(pages)
        self._vocabulary = self._words(pages)

    def _words(self, pages: Sequence[Page]) -> set[str]:
        """The words of the text, in lower case, without the running lines."""
        words: set[str] = set()
        for page in pages:
            running = self._furniture.of_page(page)
            for row in (row for column in page for row in column if id(row) not in running):
                words.update(_WORD.findall(row.text.lower()))
        return words

    def add_page(self, number: int, page: Page) -> None:
        """Adds a page's elements; what runs on from the page before is marked so."""
        running = self._furniture.of_page(page)
        is_heading = functools.partial(self.headings.is_large, number=number)
        first = True
        for column in page:
            kept = []
            for row in column:
                key = running.get(id(row))
                if key is not None and self._furniture.may_go(row, key, self._vocabulary):
                    self._builder.leave_out("running headers and footers", row.text)
                else:
                    kept.append(row)
            for element in elements(kept, is_heading) if kept else ():
                self._add(number, element, first)
                first = False

    def _add(self, number: int, element: Element, first: bool) -> None:
        if element.is_table:
            while element.caption and self.headings.is_caption(element.caption[0], number):
                row = element.caption.pop(0)
                self._builder.heading(
                    row.text, self.headings.level(row.text, [row], number) or 6, page=number
                )
            self._builder.add("table", table_text(element), page=number)
        elif all(row.fixed for row in element.rows):
            self._builder.add("code", code_text(element.rows), page=number)
        else:
            self._add_prose(number, element, first)

    def _add_prose(self, number: int, element: Element, first: bool) -> None:
        text = prose_text(element.rows, self._joins)
        level = self.headings.level(text, element.rows, number)
        if level:
            self._builder.heading(text, level, page=number)
            return
        runs_on = first and text[:1].islower() and self._builder.ends_with("paragraph", _is_open)
        kind: BlockKind = "list" if is_item(element) else "paragraph"
        self._builder.add(kind, text, page=number, run_on=runs_on)

    def _joins(self, head: str, tail: str) -> bool:
        """Whether a word broken at a line's end is one word, by how the document writes it elsewhere."""
        start = (_WORD.findall(head.lower()) or [head.lower()])[-1]
        return start + tail.lower() in self._vocabulary or f"{start}-{tail.lower()}" not in self._vocabulary


def _is_open(text: str) -> bool:
    return not _SENTENCE_END.search(text)


def _recognises(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


FORMAT = Format("PDF", "application/pdf", (".pdf",), read, recognises=_recognises, rank=10)
