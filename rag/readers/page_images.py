"""A page of a PDF as a picture, and where on it quotes stand; `PagePictures` runs it apart."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import UnreadableDocument
from rag.readers.messages import Box, Sheet

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

SHORTEST_HALF = 12
"""Letters; a shorter half of a quote could stand anywhere."""

PAGE_WIDTH = 1100
MAX_HEIGHT = 6000
"""Pixels; four A4 pages under each other. A page may be 20 points wide and 14,400 high."""

IGNORED = frozenset("-\u00ad\u2010\u2011\ufffe\u200b")
"""Hyphens come and go between a page and its text: words are joined over line ends."""


def draw(path: Path, name: str, page: int, quotes: Sequence[str]) -> Sheet:
    """The page (1-based) with the quotes' places; of page 0 only how many pages there are.

    `name` is what the errors call the file.
    """
    with opened(path, name) as document:
        pages = len(document)
        if page == 0:
            return Sheet(b"", (), pages)
        if not 1 <= page <= pages:
            raise UnreadableDocument(f"{name} has no page {page}; it may have changed since. Ingest again.")
        sheet = document[page - 1]
        boxes = tuple(box for quote in quotes for box in quote_boxes(sheet, quote))
        return Sheet(page_picture(sheet), boxes, pages)


@contextmanager
def opened(path: Path, name: str) -> Iterator[PdfDocument]:
    """A PDF file; `UnreadableDocument` when it is not there, or none."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError) as error:
        raise UnreadableDocument(f"{name} cannot be shown: {error}. Ingest its folder again.") from error
    try:
        yield document
    finally:
        document.close()


def page_picture(sheet: PdfPage, *, width: int = PAGE_WIDTH) -> bytes:
    """The page as a JPEG, `width` pixels wide, or narrower where it would be too high."""
    scale = min(width / sheet.get_width(), MAX_HEIGHT / sheet.get_height())
    image = sheet.render(scale=scale).to_pil().convert("RGB")
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=82, optimize=True)
    return buffer.getvalue()


def quote_boxes(sheet: PdfPage, quote: str) -> list[Box]:
    """Where the quote stands on the page, a box a line; [] when the page does not hold it."""
    characters = sheet.get_textpage()
    span = find_quote(characters.get_text_range(), quote)
    if span is None:
        return []
    # Lines are joined before the page is turned: on a turned page they stand upright.
    boxes = (characters.get_charbox(index) for index in range(*span))
    lines = merge_lines([Box(left, -top, right, -bottom) for left, bottom, right, top in boxes])
    return [on_page(sheet, line) for line in lines]


def find_quote(page_text: str, quote: str) -> tuple[int, int] | None:
    """The characters of the page that spell the quote, white space and hyphens apart.

    A quote that runs over the end of the page is found by one of its halves.
    """
    page_letters, offsets = letters(page_text)
    wanted, _ = letters(quote)
    half = len(wanted) // 2
    halves = (wanted[:half], wanted[half:]) if half >= SHORTEST_HALF else ()
    for piece in (wanted, *halves):
        start = page_letters.find(piece) if piece else -1
        if start >= 0:
            return offsets[start], offsets[start + len(piece) - 1] + 1
    return None


def letters(value: str) -> tuple[str, list[int]]:
    """The text's visible characters, case-folded one by one, and where each stood."""
    kept = [(c.lower()[:1], i) for i, c in enumerate(value) if not c.isspace() and c not in IGNORED]
    return "".join(c for c, _ in kept), [i for _, i in kept]


def on_page(sheet: PdfPage, box: Box) -> Box:
    """A box in PDF points (y negated, page possibly turned or cropped) as shares of the picture."""
    scale = 10_000  # PDFium answers in whole pixels
    x1, y1 = to_device(sheet, box.left, -box.top, scale)
    x2, y2 = to_device(sheet, box.right, -box.bottom, scale)
    return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def to_device(sheet: PdfPage, x: float, y: float, scale: int) -> tuple[float, float]:
    """A point of the page in shares of its picture's width and height."""
    import pypdfium2.raw as pdfium

    left, top = ctypes.c_int(), ctypes.c_int()
    target: Any = (sheet, 0, 0, scale, scale, 0, x, y, left, top)
    pdfium.FPDF_PageToDevice(*target)
    return left.value / scale, top.value / scale


def merge_lines(boxes: Sequence[Box]) -> list[Box]:
    """Characters' boxes joined into one a line; empty ones (spaces) are dropped."""
    lines: list[Box] = []
    for box in boxes:
        if box.right <= box.left or box.bottom <= box.top:
            continue
        last = lines[-1] if lines else None
        if last is not None and overlaps(last, box):
            lines[-1] = Box(
                min(last.left, box.left),
                min(last.top, box.top),
                max(last.right, box.right),
                max(last.bottom, box.bottom),
            )
        else:
            lines.append(box)
    return lines


def overlaps(line: Box, box: Box) -> bool:
    """Whether a character stands on the line: by more than half of the lower one's height."""
    shared = min(line.bottom, box.bottom) - max(line.top, box.top)
    return shared > 0.5 * min(line.bottom - line.top, box.bottom - box.top)
