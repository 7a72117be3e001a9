"""Which words of a PDF page nobody sees: beside the page, tiny, or painted so that nothing shows."""

from __future__ import annotations

import ctypes
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points from the sheet's bottom left."""

_TINY = 1.0
_INVISIBLE = 3
"""The text rendering mode of what is there to be found and copied only, as over a scanned page."""
_PALE = 240
_FAINT = 16
_BLANK = 20
"""Shades of grey, of 256, that a place may have and show nothing."""
_SCALE = 2.0
_MOST_PIXELS = 2400
_EDGE = 0.15
"""The share of a word's height that lines above and below it may touch."""


class Unseen:
    """The words of one pypdfium2 page that are not seen.

    Pale, transparent and invisible ones are looked for in the page as it is drawn, which is drawn only then:
    white letters stand on dark cells far more often than on white paper. Invisible letters over a picture
    are what was read on a scan.
    """

    def __init__(self, page: Any, text: Any) -> None:
        import pypdfium2.raw as pdfium

        self._pdfium, self._page, self._text = pdfium, page, text
        self._edges: Box = page.get_cropbox()
        self._matrix = pdfium.FS_MATRIX()
        self._colour = [ctypes.c_uint() for _ in range(4)]

    def holds(self, index: int, box: Box) -> bool:
        """Whether a word in this box, whose first character has this index, is not seen."""
        left, bottom, right, top = box
        if (
            right <= self._edges[0]
            or top <= self._edges[1]
            or left >= self._edges[2]
            or bottom >= self._edges[3]
        ):
            return right > left
        if min(right - left, top - bottom) < _TINY and self._size(index) < _TINY:
            return True
        if self._is_invisible(index):
            return not self._is_over_picture(box) and self._is_blank(box)
        return self._is_faint(index) and self._is_blank(box)

    def _size(self, index: int) -> float:
        """The size of a character on the page, in points."""
        pdfium, matrix = self._pdfium, self._matrix
        if not pdfium.FPDFText_GetMatrix(self._text, index, matrix):
            return _TINY
        scale = math.sqrt(abs(matrix.a * matrix.d - matrix.b * matrix.c))
        return float(pdfium.FPDFText_GetFontSize(self._text, index) * scale)

    def _is_invisible(self, index: int) -> bool:
        letters = self._pdfium.FPDFText_GetTextObject(self._text, index)
        return bool(letters) and self._pdfium.FPDFTextObj_GetTextRenderMode(letters) == _INVISIBLE

    def _is_faint(self, index: int) -> bool:
        """Whether a character is nearly white, or nearly transparent."""
        if not self._pdfium.FPDFText_GetFillColor(self._text, index, *self._colour):
            return False
        red, green, blue, opacity = (part.value for part in self._colour)
        return opacity < _FAINT or min(red, green, blue) >= _PALE

    def _is_over_picture(self, box: Box) -> bool:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in self._pictures)

    @cached_property
    def _pictures(self) -> list[Box]:
        kind = self._pdfium.FPDF_PAGEOBJ_IMAGE
        return [one.get_bounds() for one in self._page.get_objects(max_depth=3) if one.type == kind]

    def _is_blank(self, box: Box) -> bool:
        """Whether nothing stands out where a word is."""
        left, bottom, right, top = box
        edge = _EDGE * (top - bottom)
        xs, ys = zip(self._pixel(left, bottom + edge), self._pixel(right, top - edge), strict=True)
        place = self._drawn[max(0, min(ys)) : max(ys) + 1, max(0, min(xs)) : max(xs) + 1]
        return place.size == 0 or int(place.max()) - int(place.min()) < _BLANK

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        across, down = ctypes.c_int(), ctypes.c_int()
        height, width = self._drawn.shape
        self._pdfium.FPDF_PageToDevice(self._page.raw, 0, 0, width, height, 0, x, y, across, down)
        return across.value, down.value

    @cached_property
    def _drawn(self) -> NDArray[np.uint8]:
        """The page in shades of grey."""
        scale = min(_SCALE, _MOST_PIXELS / max(self._page.get_size()))
        drawn: NDArray[np.uint8] = self._page.render(scale=scale, grayscale=True).to_numpy().copy()
        return drawn.reshape(drawn.shape[:2])
