"""PDF: pypdfium2 reads the text of each page, pypdf the outline, labels, metadata and encryption."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import EncryptedDocument, UnreadableDocument
from rag.readers import ocr, progress
from rag.readers.building import DocumentBuilder, stem, visible
from rag.readers.pdf_layout import Element, Row, code_text, elements, flows, is_item, prose_text, table_text
from rag.readers.pdf_structure import Structure, structure_of
from rag.readers.pdf_words import BROKEN, page_phrases
from rag.readers.registry import Format
from rag.records import Document

_EDGE_ROWS = 3
_SEEN_OFTEN = 3
_WORD = re.compile(r"\w+(?:[-‐]\w+)*")
_SENTENCE_END = re.compile(r"[.!?:;。！？؟।][\"'”’)\]]*$")
# A page number may stand at another height on each page, right below the text.
_PAGE_NUMBER = re.compile(
    r"(?:page )?[-–— ]*(?:[a-z]{1,2}[-–.])?(?:\d{1,4}|[ivxlc]{1,6})[-–— ]*(?:of \d{1,4})?"
)
# What may change from one running line to the next: a number at either end, or in "page 3 of 10".
_NUMERAL = re.compile(r"^\W*\d+|\d+\W*$|\d+(?= of \d+\W*$)|^[ivxlc]+$")
_HEADING_WORDS = 16
_SCANNED_CHARACTERS = 16
_PAGES_A_WORD = 50

Page = list[list[Row]]  # columns in reading order, each as its rows


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Headings, paragraphs and tables page by page, in reading order; running headers are left out."""
    pdf = _open(data, name, password)
    structure = structure_of(data, password)
    builder = DocumentBuilder()
    if structure.problem:
        builder.warn(structure.problem)
    pages = [_rows_of_page(pdf, index) for index in range(len(pdf))]
    furniture = _furniture(pages)
    style = _style(pages, structure)
    joins = _joiner(pages)
    without_text = []
    for number, page in enumerate(pages, start=1):
        if _is_empty(page) and not _add_scan(builder, pdf, number):
            without_text.append(number)
        _add_page(builder, number, page, furniture, style, joins)
    if without_text:
        builder.warn(_missing(without_text))
    return builder.build(
        title=structure.title or style.title or stem(name),
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
    if index % _PAGES_A_WORD == 0:
        progress.tell()
    page = pdf[index]
    try:
        return list(flows(page_phrases(page)))
    finally:
        page.close()


def _is_empty(page: Page) -> bool:
    return sum(visible(row.text) for column in page for row in column) < _SCANNED_CHARACTERS


def _add_scan(builder: DocumentBuilder, pdf: Any, number: int) -> bool:
    """Adds what Tesseract reads on a page that is an image; False if there is nothing to be read."""
    if ocr.tesseract() is None:
        return False
    page = pdf[number - 1]
    try:
        import pypdfium2.raw as pdfium

        has_image = any(item.type == pdfium.FPDF_PAGEOBJ_IMAGE for item in page.get_objects(max_depth=3))
        text = ocr.read_page(page) if has_image else ""
    finally:
        page.close()
    progress.tell()
    for paragraph in re.split(r"\n\s*\n", text):
        builder.add("paragraph", re.sub(r"(?<=[^\W\d_])-\n(?=[^\W\d_])", "", paragraph), page=number)
    if text.strip():
        builder.warn("Pages that are images were read with Tesseract: expect slips.")
    return bool(text.strip())


def _missing(pages: Sequence[int]) -> str:
    shown = ", ".join(map(str, pages[:10])) + (", …" if len(pages) > 10 else "")
    remedy = "" if ocr.tesseract() else " Install Tesseract to read scanned pages."
    return f"{len(pages)} of the pages have no text: {shown}.{remedy}"


# --- Running headers and footers


def _furniture(pages: Sequence[Page]) -> frozenset[str]:
    """Keys of the lines that come again at the edges of pages: on three of them, or on both of two."""
    seen = Counter(key for page in pages for key in {key for _, key in _edge_keys(page)})
    often = min(_SEEN_OFTEN, max(2, len(pages)))
    return frozenset(key for key, count in seen.items() if count >= often)


def _edge_keys(page: Page) -> Iterator[tuple[Row, str]]:
    """The outermost rows of a page with a key of place and text, figures set aside."""
    rows = sorted((row for column in page for row in column), key=lambda row: -row.top)
    for zone, edge in (("top", rows[:_EDGE_ROWS]), ("bottom", rows[: -_EDGE_ROWS - 1 : -1])):
        for row in edge:
            text = " ".join(row.text.split()).lower()
            height = 0 if _PAGE_NUMBER.fullmatch(text) else round((row.top + row.bottom) / 12)
            yield row, f"{zone} {height} {_NUMERAL.sub('#', text)}"


def _split_furniture(page: Page, furniture: frozenset[str]) -> dict[int, str]:
    """id(row) → key of the page's furniture: from each edge, up to the first row that is not."""
    found: dict[int, str] = {}
    stopped = set()
    for row, key in _edge_keys(page):
        zone = key.split(" ", 1)[0]
        if key not in furniture:
            stopped.add(zone)
        elif zone not in stopped:
            found[id(row)] = key
    return found


# --- Headings


@dataclass
class _Style:
    """What tells a heading from the text: the usual size, larger sizes by rank, the outline by page."""

    body_height: float
    ranks: dict[float, int]
    outline: dict[int, list[tuple[int, str]]]
    bold_is_usual: bool
    title: str | None
    kept: set[str]


def _style(pages: Sequence[Page], structure: Structure) -> _Style:
    sizes, bold = Counter[float](), Counter[bool]()
    for row in (row for page in pages for column in page for row in column):
        sizes[_size(row)] += len(row.text)
        bold[row.bold] += len(row.text)
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    ranks = _ranked(size for size in sizes if size >= 1.15 * body)
    outline: dict[int, list[tuple[int, str]]] = {}
    for level, title, number in structure.outline:
        outline.setdefault(number, []).append((level, title))
    return _Style(body, ranks, outline, bold[True] > bold[False], _largest(pages, body), set())


def _ranked(sizes: Iterable[float]) -> dict[float, int]:
    """Size → level from 1 to 4; sizes within 7 % (of other letters in one font) share a level."""
    ranks: dict[float, int] = {}
    largest, rank = float("inf"), 0
    for size in sorted(sizes, reverse=True):
        if size < 0.93 * largest:
            largest, rank = size, min(rank + 1, 4)
        ranks[size] = rank
    return ranks


def _size(row: Row) -> float:
    """The height of a line, to half a point."""
    return round(row.height * 2) / 2


def _largest(pages: Sequence[Page], body: float) -> str | None:
    """The title that stands out on the first page, in letters half as large again as the text."""
    rows = [row for column in pages[0] for row in column] if pages else []
    top = max((row.height for row in rows), default=0.0)
    if top < 1.5 * body:
        return None
    lines = [row.text for row in rows if row.height > 0.95 * top]
    title = " ".join(lines)
    return title if len(lines) <= 3 and 2 <= len(title.split()) <= 20 else None


def _heading_level(text: str, rows: Sequence[Row], number: int, style: _Style) -> int | None:
    """The level of a heading, by the outline, else by size, else by bold letters; None for a paragraph."""
    squeezed = _squeeze(text)
    for level, title in style.outline.get(number, []):
        wanted = _squeeze(title)
        if wanted and squeezed.endswith(wanted) and len(squeezed) <= len(wanted) + 8:  # with its number
            return level
    words = text.split()
    letters = sum(character.isalpha() for character in text)
    if (
        len(words) > _HEADING_WORDS
        or letters < 3
        or 2 * letters < len(squeezed)
        or text.rstrip()[-1] in ".,;"
    ):
        return None
    height = max(map(_size, rows))
    deepest = 4 if style.outline else 0
    if height >= 1.15 * style.body_height and len(rows) <= 3:
        return min(6, deepest + style.ranks.get(height, 4))
    if all(row.bold for row in rows) and not style.bold_is_usual and len(rows) <= 2:
        return 5 if text.isupper() else 6
    return None


def _squeeze(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


# --- Words broken at the end of a line


def _joiner(pages: Sequence[Page]) -> Callable[[str, str], bool]:
    """Whether a broken word is one word, by how the document writes it elsewhere."""
    known: set[str] = set()
    rows = [row.text for page in pages for column in page for row in column]
    if any(text.endswith((BROKEN, "-", "‐")) for text in rows):
        known = {word.lower() for text in rows for word in _WORD.findall(text)}

    def joins(head: str, tail: str) -> bool:
        start = _WORD.findall(head)[-1:] or [head]
        one, two = (start[0] + tail).lower(), f"{start[0]}-{tail}".lower()
        return one in known or two not in known

    return joins


# --- Pages to blocks


def _add_page(
    builder: DocumentBuilder,
    number: int,
    page: Page,
    furniture: frozenset[str],
    style: _Style,
    joins: Callable[[str, str], bool],
) -> None:
    left_out = _split_furniture(page, furniture)
    first = True
    for column in page:
        kept = [row for row in column if not _drop(builder, row, left_out.get(id(row)), style)]
        for element in elements(kept) if kept else ():
            _add_element(builder, number, element, style, joins, first)
            first = False


def _drop(builder: DocumentBuilder, row: Row, key: str | None, style: _Style) -> bool:
    """Whether a running line is left out: always, but for the first time that its words are met."""
    if key is None:
        return False
    words = re.sub(r"[\W\d_]+|\bpage\b|\bof\b", "", key.split(" ", 2)[2])
    if len(words) > 1 and words not in style.kept:
        style.kept.add(words)
        return False
    builder.leave_out("running headers and footers", row.text)
    return True


def _add_element(
    builder: DocumentBuilder,
    number: int,
    element: Element,
    style: _Style,
    joins: Callable[[str, str], bool],
    first: bool,
) -> None:
    if element.is_table:
        while element.caption and _stands_out(element.caption[0], number, style):
            row = element.caption.pop(0)
            builder.heading(row.text, _heading_level(row.text, [row], number, style) or 6, page=number)
        builder.add("table", table_text(element), page=number)
        return
    if all(row.fixed for row in element.rows):
        builder.add("code", code_text(element.rows), page=number)
        return
    text = prose_text(element.rows, joins)
    level = _heading_level(text, element.rows, number, style)
    if level:
        builder.heading(text, level, page=number)
    else:
        goes_on = first and text[:1].islower() and builder.ends_with("paragraph", _open_ended)
        builder.add("list" if is_item(element) else "paragraph", text, page=number, run_on=goes_on)


def _stands_out(row: Row, number: int, style: _Style) -> bool:
    """Whether a line above a table is a heading: larger than the text, bold capitals, in the outline."""
    level = _heading_level(row.text, [row], number, style)
    return level is not None and level < 6


def _open_ended(text: str) -> bool:
    return not _SENTENCE_END.search(text)


def _recognises(data: bytes) -> bool:
    return b"%PDF-" in data[:1024]


FORMAT = Format("PDF", "application/pdf", (".pdf",), read, recognises=_recognises, rank=10)
