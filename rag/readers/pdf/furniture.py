"""Running headers, footers and page numbers of a PDF, known by their coming again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rag.readers.pdf.layout import Row

Page = list[list[Row]]
"""A page's columns in reading order, each as its rows."""

_EDGE_ROWS = 3
_SEEN_OFTEN = 3
# A page number may stand at another height on each page, right below the text.
_PAGE_NUMBER = re.compile(
    r"(?:page )?[-–— ]*(?:[a-z]{1,2}[-–.])?(?:\d{1,4}|[ivxlc]{1,6})[-–— ]*(?:of \d{1,4})?"
)
_ONLY_PAGE = re.compile(r"(?:page )?[-–— ]*1[-–— ]*(?:(?:of|/) ?1)?")
# What may change from one running line to the next: a number at either end, or in "page 3 of 10".
_NUMERAL = re.compile(r"^\W*\d+|\d+\W*$|\d+(?= of \d+\W*$)|^[ivxlc]+$")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")


class Furniture:
    """The lines that come again at the edges of pages: on three of them, or on both of two.

    Of an only page it is its number: what else stands at its edges may be said nowhere else.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        seen = Counter(key for page in pages for key in {key for _, _, key in _edges(page)})
        often = min(_SEEN_OFTEN, max(2, len(pages)))
        self._keys = {key for key, count in seen.items() if count >= often}
        if len(pages) == 1:
            self._keys = {key for _, row, key in _edges(pages[0]) if _ONLY_PAGE.fullmatch(_squeezed(row))}
        self._kept: set[str] = set()

    def of_page(self, page: Page) -> dict[int, str]:
        """id(row) → key of the page's furniture: from each edge up to the first row that is none."""
        found: dict[int, str] = {}
        stopped = set()
        for zone, row, key in _edges(page):
            if key not in self._keys:
                stopped.add(zone)
            elif zone not in stopped:
                found[id(row)] = key
        return found

    def may_go(self, row: Row, key: str, vocabulary: set[str]) -> bool:
        """Whether a running line is left out: not the first time, if it has words that the text has not."""
        words = {word.lower() for word in _LONG_WORD.findall(row.text)}
        is_number = _PAGE_NUMBER.fullmatch(_squeezed(row))
        if is_number or key in self._kept or words <= vocabulary:
            return True
        self._kept.add(key)
        return False


def _edges(page: Page) -> Iterator[tuple[str, Row, str]]:
    """(zone, row, key) of the outermost rows; the key is of place and text, changing numbers set aside."""
    rows = sorted((row for column in page for row in column), key=lambda row: -row.top)
    for zone, edge in (("top", rows[:_EDGE_ROWS]), ("bottom", rows[: -_EDGE_ROWS - 1 : -1])):
        for row in edge:
            text = _squeezed(row)
            height = 0 if _PAGE_NUMBER.fullmatch(text) else round((row.top + row.bottom) / 12)
            yield zone, row, f"{zone} {height} {_NUMERAL.sub('#', text)}"


def _squeezed(row: Row) -> str:
    return " ".join(row.text.split()).lower()
