"""Which lines of a PDF are headings: by its outline, else by size, else by bold letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rag.readers.pdf.furniture import Page
from rag.readers.pdf.layout import Row
from rag.readers.pdf.structure import Structure

_LARGER = 1.15
_MOST_WORDS = 16
_SAME_SIZE = 0.93
_TITLE_SIZE = 1.5


class Headings:
    """What tells a heading from the text: the usual size, larger sizes by rank, the outline by page."""

    def __init__(self, pages: Sequence[Page], structure: Structure) -> None:
        sizes, bold = Counter[float](), Counter[bool]()
        for row in (row for page in pages for column in page for row in column if not row.ruled):
            sizes[_size(row)] += len(row.text)
            bold[row.bold] += len(row.text)
        self._usual = sizes.most_common(1)[0][0] if sizes else 10.0
        self._ranks = _ranked(size for size in sizes if size >= _LARGER * self._usual)
        self._bold_is_usual = bold[True] > bold[False]
        self._outline: dict[int, list[tuple[int, str]]] = {}
        for level, title, number in structure.outline:
            self._outline.setdefault(number, []).append((level, _squeezed(title)))
        self.title = self._largest(pages[0]) if pages else None

    def level(self, text: str, rows: Sequence[Row], number: int) -> int | None:
        """The level, from 1 to 6, of a heading on a page; None for a paragraph."""
        squeezed = _squeezed(text)
        for level, wanted in self._outline.get(number, []):
            if wanted and squeezed.endswith(wanted) and len(squeezed) <= len(wanted) + 8:  # with its number
                return min(level, 6)
        letters = sum(character.isalpha() for character in text)
        if letters < 3 or 2 * letters < len(squeezed) or len(text.split()) > _MOST_WORDS:
            return None
        return None if text.rstrip()[-1] in ".,;" else self._level_by_look(text, rows)

    def is_large(self, row: Row, number: int) -> bool:
        """Whether a line is a heading by outline or size: bold lines within a table are its labels."""
        return self._stands_below(row, number, 5)

    def is_caption(self, row: Row, number: int) -> bool:
        """Whether a line above a table is a heading: also one in bold capitals."""
        return self._stands_below(row, number, 6)

    def _stands_below(self, row: Row, number: int, deepest: int) -> bool:
        level = self.level(row.text, [row], number)
        return level is not None and (level < deepest or _size(row) >= _LARGER * self._usual)

    def _level_by_look(self, text: str, rows: Sequence[Row]) -> int | None:
        size = max(map(_size, rows))
        if size >= _LARGER * self._usual and len(rows) <= 3:
            return min(6, (4 if self._outline else 0) + self._ranks.get(size, 4))
        if all(row.bold for row in rows) and not self._bold_is_usual and len(rows) <= 2:
            return 5 if text.isupper() else 6
        return None

    def _largest(self, page: Page) -> str | None:
        """The title that stands out on the first page, in letters half as large again as the text."""
        rows = [row for column in page for row in column if not (row.turn or row.ruled)]
        top = max((row.height for row in rows), default=0.0)
        if top < _TITLE_SIZE * self._usual:
            return None
        lines = [row.text for row in rows if row.height > 0.95 * top]
        title = " ".join(lines)
        return title if len(lines) <= 3 and 2 <= len(title.split()) <= 20 else None


def _size(row: Row) -> float:
    """The height of a line, to half a point."""
    return round(row.height * 2) / 2


def _ranked(sizes: Iterable[float]) -> dict[float, int]:
    """Size → level from 1 to 4; sizes within 7 % (of other letters in one font) share a level."""
    ranks: dict[float, int] = {}
    largest, rank = float("inf"), 0
    for size in sorted(sizes, reverse=True):
        if size < _SAME_SIZE * largest:
            largest, rank = size, min(rank + 1, 4)
        ranks[size] = rank
    return ranks


def _squeezed(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
