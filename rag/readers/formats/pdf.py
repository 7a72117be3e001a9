"""PDF: pypdfium2 reads the text of each page, pypdf the outline, labels, metadata and encryption."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import EncryptedDocument, UnreadableDocument
from rag.readers import ocr, progress
from rag.readers.building import DocumentBuilder, one_line, stem, visible
from rag.readers.nesting import add_inner
from rag.readers.ocr.layout import phrases_of
from rag.readers.ocr.report import listed, of_pages
from rag.readers.ocr.seen import Seen
from rag.readers.pdf.annotations import Annotations, annotations_of, attachments_of
from rag.readers.pdf.furniture import Furniture, Page
from rag.readers.pdf.headings import Headings
from rag.readers.pdf.layout import Element, code_text, elements, is_item, page_flows, prose_text, table_text
from rag.readers.pdf.pictures import PagePicture, add_pictures, pictures_of
from rag.readers.pdf.rulings import put_tables, ruled_areas
from rag.readers.pdf.structure import Structure, structure_of
from rag.readers.pdf.words import BROKEN, page_phrases
from rag.readers.registry import Format
from rag.records import BlockKind, Document

_WORD = re.compile(r"\w+(?:[-‐]\w+)*")
_SENTENCE_END = re.compile(r"[.!?:;。！？؟।][\"'”’)\]]*$")
_FEW_CHARACTERS = 300  # a scan has at most a stamp or a line of fax as text
_SCAN_SHARE = 0.6


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Headings, paragraphs and tables page by page, in reading order; running headers are left out."""
    pdf = _open(data, name, password)
    structure = structure_of(data, password)
    builder = DocumentBuilder()
    if structure.problem:
        builder.warn(structure.problem)
    sheets = [_sheet(pdf, index) for index in range(len(pdf))]
    scans = _Scans(builder, pdf)
    for number, sheet in enumerate(sheets, start=1):
        scans.look_at(number, sheet)
    scans.tell()
    pages = [sheet.page for sheet in sheets]
    writer = _Writer(builder, pages, structure, scans.read)
    for number, sheet in enumerate(sheets, start=1):
        first = builder.block_count
        writer.add_page(number, sheet.page)
        builder.hide(sheet.hidden, page=number)
        # A scanned page that was read is a page, not a picture.
        shown = [one for one in sheet.pictures if not (number in scans.read and one.share > _SCAN_SHARE)]
        add_pictures(builder, pdf, number, shown, sheet.page, first)
        for note in sheet.beside.notes:
            builder.add("paragraph", note, page=number)
    for file, content in [*attachments_of(pdf), *(file for sheet in sheets for file in sheet.beside.files)]:
        add_inner(builder, content, file, password=password)
    return builder.build(
        title=structure.title or writer.title or stem(name),
        name=name,
        media_type=FORMAT.media_type,
        page_count=len(pages),
        pages_without_text=tuple(scans.without_text),
        page_labels=structure.page_labels,
        date=structure.date,
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page's columns, what lies on it beside its content or unseen, and how much of it pictures cover."""

    page: Page
    beside: Annotations
    hidden: str
    covered: float
    is_drawn: bool
    pictures: list[PagePicture]


def _open(data: bytes, name: str, password: str | None) -> Any:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data, password=password)
        if pdf.get_formtype():
            pdf.init_forms()
        return pdf
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            given = (
                "The password given does not open it." if password else "Give its password with --password."
            )
            raise EncryptedDocument(f"{name}: the PDF is encrypted. {given}") from error
        raise UnreadableDocument(
            f"{name}: not a readable PDF ({error}). Open it and save it again."
        ) from error


def _sheet(pdf: Any, index: int) -> _Sheet:
    progress.tell()
    page = pdf[index]
    try:
        beside = annotations_of(pdf, page)
        areas = [] if page.get_rotation() else ruled_areas(page)
        phrases = page_phrases(page, [wall for area in areas for wall in area.walls]) + beside.phrases
        hidden = "\n".join(phrase.text.rstrip(BROKEN) for phrase in phrases if phrase.hidden)
        phrases = put_tables([phrase for phrase in phrases if not phrase.hidden], areas)
        few = sum(visible(phrase.text) for phrase in phrases) < _FEW_CHARACTERS
        coverage = _coverage(page) if few else (0.0, False)
        return _Sheet(page_flows(phrases), beside, hidden, *coverage, pictures_of(page))
    finally:
        page.close()


def _coverage(page: Any) -> tuple[float, bool]:
    """The share of a page that its largest picture covers, and whether anything is drawn on it."""
    import pypdfium2.raw as pdfium

    items = list(page.get_objects(max_depth=3))
    width, height = page.get_size()
    sizes = [0.0]
    for item in items:
        if item.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            sizes.append((right - left) * (top - bottom) / (width * height or 1))
    return min(1.0, max(sizes)), any(item.type != pdfium.FPDF_PAGEOBJ_TEXT for item in items)


class _Scans:
    """Pages that are pictures: what a program reads on them becomes their text, else they are told."""

    def __init__(self, builder: DocumentBuilder, pdf: Any) -> None:
        self._builder = builder
        self._pdf = pdf
        self.read: dict[int, Seen] = {}
        self.without_text: list[int] = []
        self._unread: list[int] = []

    def look_at(self, number: int, sheet: _Sheet) -> None:
        """Reads a page that is a picture under a stamp or a line of fax at most: its rows are then there."""
        stamps = [phrase for column in sheet.page for row in column for phrase in row.phrases]
        count = sum(visible(phrase.text) for phrase in stamps)
        if not (sheet.covered > _SCAN_SHARE if count else sheet.is_drawn):
            self.without_text += [] if count else [number]
        elif seen := self._seen(number):
            self.read[number] = seen
            found = phrases_of(seen, points_per_pixel=72 / ocr.DOTS_PER_INCH)
            text = one_line(" ".join(line.text for line in seen.lines))
            unseen = [phrase for phrase in stamps if one_line(phrase.text) not in text]
            sheet.page[:] = page_flows([*unseen, *found])
        else:
            self._unread.append(number)

    def _seen(self, number: int) -> Seen | None:
        page = self._pdf[number - 1]
        try:
            return ocr.read_page(page)
        finally:
            page.close()

    def tell(self) -> None:
        """Notes the pages that were read, those that are empty, and those that could not be read."""
        for line in of_pages(self.read):
            self._builder.warn(line)
        if self.without_text:
            self._builder.warn(f"Empty pages: {listed(self.without_text)}.")
        if self._unread:
            remedy = "" if ocr.programs() else f" {ocr.REMEDY}"
            self._builder.warn(f"Pages that are pictures without text: {listed(self._unread)}.{remedy}")
        self.without_text = sorted(self.without_text + self._unread)


class _Writer:
    """Turns rows into blocks, with what is known of the whole document."""

    def __init__(
        self, builder: DocumentBuilder, pages: Sequence[Page], structure: Structure, scanned: Container[int]
    ) -> None:
        # What is usual on other pages is not on scanned ones: their lines are as high as the boxes around.
        self._typed, self._scanned = (
            Headings(
                [page if (n in scanned) is is_scan else [] for n, page in enumerate(pages, 1)], structure
            )
            for is_scan in (False, True)
        )
        self._scans = scanned
        self.title = self._typed.title or self._scanned.title
        self._builder = builder
        self._furniture = Furniture(pages)
        self._vocabulary = self._words(pages)

    def _words(self, pages: Sequence[Page]) -> set[str]:
        """The words of the text, in lower case, without the running lines."""
        words: set[str] = set()
        for number, page in enumerate(pages):
            running = self._furniture.of_page(page, number)
            for row in (row for column in page for row in column if id(row) not in running):
                words.update(_WORD.findall(row.text.lower()))
        return words

    def add_page(self, number: int, page: Page) -> None:
        """Adds a page's elements; what runs on from the page before is marked so."""
        running = self._furniture.of_page(page, number - 1)
        headings = self._headings(number)
        is_heading = functools.partial(headings.is_large, number=number)
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
            headings = self._headings(number)
            while element.caption and headings.is_caption(element.caption[0], number):
                row = element.caption.pop(0)
                self._builder.heading(row.text, headings.level(row.text, [row], number) or 6, page=number)
            self._builder.add("table", table_text(element), page=number)
        elif all(row.fixed for row in element.rows):
            self._builder.add("code", code_text(element.rows), page=number)
        else:
            self._add_prose(number, element, first)

    def _add_prose(self, number: int, element: Element, first: bool) -> None:
        text = prose_text(element.rows, self._joins)
        level = self._headings(number).level(text, element.rows, number)
        if level:
            self._builder.heading(text, level, page=number)
            return
        runs_on = first and text[:1].islower() and self._builder.ends_with("paragraph", _is_open)
        kind: BlockKind = "list" if is_item(element) else "paragraph"
        self._builder.add(kind, text, page=number, run_on=runs_on)

    def _headings(self, number: int) -> Headings:
        return self._scanned if number in self._scans else self._typed

    def _joins(self, head: str, tail: str) -> bool:
        """Whether a word broken at a line's end is one word, by how the document writes it elsewhere."""
        start = (_WORD.findall(head.lower()) or [head.lower()])[-1]
        return start + tail.lower() in self._vocabulary or f"{start}-{tail.lower()}" not in self._vocabulary


def _is_open(text: str) -> bool:
    return not _SENTENCE_END.search(text)


def _recognises(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


FORMAT = Format("PDF", "application/pdf", (".pdf",), read, recognises=_recognises, rank=10)
