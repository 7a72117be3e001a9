"""Running headers, footers and page numbers of a PDF, known by their coming again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

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
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_FIGURE = re.compile(r"\d[\d.,]*")
_ANY_PAGE = "any page number"
_MOST_DIGITS = 12
_ALIKE = 0.6
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")


class Furniture:
    """The lines that come again at the edges of pages: on three of them, or on both of two.

    A number in such a line must be the same on each page or count with them, "page 3"; what changes
    otherwise is a page's own figure. Where most of each page comes again, as on forms, only page numbers
    are furniture. Of an only page it is its number: what else is at its edges may be said nowhere else.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        often = min(_SEEN_OFTEN, max(2, len(pages)))
        numbered = list(enumerate(pages))
        seen = Counter(key for number, page in numbered for key in _all_keys(page, number))
        self._keys = {key for key, count in seen.items() if count >= often}
        if len(pages) == 1:
            edges = _edges(pages[0], 0)
            self._keys = {
                key for _, row, keys in edges if _ONLY_PAGE.fullmatch(_squeezed(row)) for key in keys
            }
        self._are_forms = _look_alike(pages, often)
        if self._are_forms:
            self._keys = {key for key in self._keys if not key.endswith(_ANY_PAGE)}
        self._kept: set[str] = set()

    def of_page(self, page: Page, number: int) -> dict[int, str]:
        """id(row) → key of the page's furniture, by its number from 0: up to the first row that is none."""
        found: dict[int, str] = {}
        stopped = set()
        for zone, row, keys in _edges(page, number):
            key = next((one for one in keys if one in self._keys), None)
            own_figure = (
                self._are_forms and _DIGIT.search(row.text) and not _PAGE_NUMBER.fullmatch(_squeezed(row))
            )
            if key is None or own_figure:
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


def _edges(page: Page, number: int) -> Iterator[tuple[str, Row, list[str]]]:
    """(zone, row, keys) of the outermost rows; a key is of place and text."""
    turns = {row.turn for column in page for row in column}
    for turn in turns:
        rows = sorted(
            (row for column in page for row in column if row.turn == turn), key=lambda row: -row.top
        )
        for zone, edge in (("top", rows[:_EDGE_ROWS]), ("bottom", rows[: -_EDGE_ROWS - 1 : -1])):
            for row in edge:
                yield f"{zone} {turn}", row, _keys(f"{zone} {turn}", row, number)


def _keys(zone: str, row: Row, number: int) -> list[str]:
    """What a row may be known by: each changing number as it is, and as its distance from the page's."""
    text = _squeezed(row)
    height = 0 if _PAGE_NUMBER.fullmatch(text) else round((row.top + row.bottom) / 12)
    readings = [f"{zone} {height} "]
    end = 0
    for match in _NUMERAL.finditer(text):
        digits = _DIGITS.search(match.group())
        same = match.group()
        counted = f"#{int(digits.group()) - number}" if digits and len(same) < _MOST_DIGITS else "#"
        between = text[end : match.start()]
        readings = [f"{reading}{between}{value}" for reading in readings for value in (same, counted)]
        end = match.end()
    readings = [reading + text[end:] for reading in readings]
    return [*readings, f"{zone} {_ANY_PAGE}"] if _PAGE_NUMBER.fullmatch(text) else readings


def _all_keys(page: Page, number: int) -> set[str]:
    return {key for _, _, keys in _edges(page, number) for key in keys}


def _look_alike(pages: Sequence[Page], often: int) -> bool:
    """Whether most lines of most pages are on others too, but for their figures."""
    if len(pages) < 2:
        return False
    lines = [{_FIGURE.sub("#", _squeezed(row)) for column in page for row in column} for page in pages]
    seen = Counter(line for page in lines for line in page)
    shares = [sum(seen[line] >= often for line in page) / len(page) for page in lines if page]
    return bool(shares) and median(shares) > _ALIKE


def _squeezed(row: Row) -> str:
    return " ".join(row.text.split()).lower()
