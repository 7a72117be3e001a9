"""The pictures on a PDF page: where each lies, the caption under or over it, and how to open it again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.pdf.furniture import Page
from rag.readers.pdf.layout import Row
from rag.readers.pictures import CAPTION, LONGEST_CAPTION, is_worth_keeping

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_OBJECTS = 3000
_DEEPEST_FORM = 3
_NEAR = 30.0
"""Points between a picture and its caption, at most."""
_OVERLAP = 4.0
_SHORT_CAPTION = 2
"""Rows; a paragraph of more that does not call itself a figure is running text."""
_NEEDLE = 40


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture's place on its page, in points from the bottom left, and its number among the page's objects.

    `share` is how much of the page it covers; `key` the hash of its data.
    """

    number: int
    left: float
    bottom: float
    right: float
    top: float
    share: float
    key: bytes


def pictures_of(page: Any) -> list[PagePicture]:
    """The pictures of a pypdfium2 page that can show something, from top to bottom."""
    width, height = page.get_size()
    found = []
    for number, item in enumerate(_images(page)):
        if not is_worth_keeping(*item.get_px_size()):
            continue
        left, bottom, right, top = item.get_bounds()
        key = hashlib.sha256(bytes(item.get_data(decode_simple=False))).digest()
        share = (right - left) * (top - bottom) / (width * height or 1)
        found.append(PagePicture(number, left, bottom, right, top, share, key))
    return sorted(found, key=lambda one: (-one.top, one.left))


def _images(page: Any) -> Iterator[Any]:
    import pypdfium2.raw as pdfium

    # Asking for each object's kind first is 20 times as quick as having pypdfium2 wrap it.
    holders = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
    count = min(pdfium.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)
    kinds = (pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page.raw, i)) for i in range(count))
    if any(kind in holders for kind in kinds):
        yield from page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_DEEPEST_FORM)


def _has(needle: str, text: str) -> bool:
    return bool(needle) and needle in one_line(text)


def add_pictures(
    builder: DocumentBuilder, pdf: Any, number: int, found: Sequence[PagePicture], page: Page, first: int
) -> None:
    """Adds a page's pictures; `first` is the number of its first block."""
    rows = [row for column in page for row in column if not row.turn]
    for one in found:
        below = _below(one, rows)
        caption = _caption(one, below, rows)
        needle = one_line(caption or (below[0].text if below else ""))[:_NEEDLE]
        start = builder.block_start(first, partial(_has, needle))
        if start == builder.length:
            start = builder.block_start(first)
        builder.picture(
            partial(_open, pdf, number, one.number),
            key=one.key,
            page=number,
            caption=caption,
            start=start,
        )


def _below(picture: PagePicture, rows: Sequence[Row]) -> list[Row]:
    """The rows right under a picture, up to the first gap."""
    under = [row for row in rows if row.top <= picture.bottom + _OVERLAP and _beside(picture, row)]
    found: list[Row] = []
    edge, room = picture.bottom, _NEAR
    for row in sorted(under, key=lambda row: -row.top):
        if edge - row.top > room:
            break
        found.append(row)
        edge, room = row.bottom, 0.8 * row.height
    return found


def _caption(picture: PagePicture, below: Sequence[Row], rows: Sequence[Row]) -> str:
    """The rows under it where they call themselves a figure or are few, or the one over it that does."""
    text = " ".join(row.text for row in below)
    if below and len(text) <= LONGEST_CAPTION and (len(below) <= _SHORT_CAPTION or CAPTION.match(text)):
        return text
    over = (
        row for row in rows if 0 <= row.bottom - picture.top + _OVERLAP <= _NEAR and _beside(picture, row)
    )
    return next((row.text for row in over if CAPTION.match(row.text)), "")


def _beside(picture: PagePicture, row: Row) -> bool:
    return row.left < picture.right and row.right > picture.left


def _open(pdf: Any, number: int, place: int) -> Image:
    """The picture itself: a JPEG as it is, others as PDFium decodes them."""
    from PIL import Image

    page = pdf[number - 1]
    try:
        item = list(_images(page))[place]
        if item.get_filters()[-1:] == ["DCTDecode"]:
            image = Image.open(io.BytesIO(bytes(item.get_data(decode_simple=True))))
            if image.mode != "CMYK":  # whether its values are turned around only the PDF knows
                return image
        drawn: Image.Image = item.get_bitmap().to_pil().copy()
        return drawn
    finally:
        page.close()
