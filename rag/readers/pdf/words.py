"""A PDF page to phrases: words that stand together, with their place and size."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rag.readers.pdf.unseen import Unseen

_WORD = re.compile("[^\\s\\x00\x02\ufffe\xad]+[\x02\ufffe\xad]?")  # a mark of a broken word ends it
_NUMBER = re.compile(r"[($€£¥+\-–—]*\d[\d.,]*[)%]*|[—–-]+|[$€£¥%)]+")
_MAY_END_RAISED = re.compile(r"[^\W\d_].*\d$|[^(\[].*[(\[]\w{1,2}[)\]]$|\d{1,2}$|[*†‡§]$")
_HYPHENS = "\x02\ufffe\xad"  # how PDFium marks a hyphen that breaks a word at the end of a line
BROKEN = "\xad"
"""Ends a phrase whose last word goes on in the next line."""
SLANTED = 45
_BOLD_WEIGHT = 600
_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_FROM_LEFT = re.compile(r"[A-Za-z\u00c0-\u024f]")
_BOUNDARY = re.compile("(?<=[A-Za-z])(?=[\u0621-\u064a])|(?<=[\u0621-\u064a])(?=[A-Za-z])")
_LAM, _ALEFS = "\u0644", "\u0622\u0623\u0625\u0627"
_NAME_BYTES = 64
_QUARTER = math.pi / 2
_SLANT = 0.05


Wall = tuple[float, float, float]
"""An upright line of a page: its x, and the y where it ends and begins."""
Gap = tuple[int, float, float]
"""Where in a phrase's text a wide space is, the end of the word before it and the start of the next."""
_WIDE_SPACE = 0.5


@dataclass(slots=True)
class Phrase:
    """Words on one line without a gap between them: their text and box, in points from the bottom left.

    `gaps` are spaces wider than half the line's height: set wide in prose, a new cell in a table.
    `turn` is how far the text is turned clockwise against the page, in degrees (`SLANTED` for what is no
    quarter): its box is as it lies when the text is upright. On a page in a script that runs from right to
    left, boxes are `mirrored`, so that what is read first lies left. `entered` is what was put into a form,
    `is_table` a table of Markdown that lines enclose, `hidden` what nobody sees.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    bold: bool = False
    fixed: bool = False
    gaps: list[Gap] = field(default_factory=list)
    turn: int = 0
    mirrored: bool = False
    entered: bool = False
    is_table: bool = False
    hidden: bool = False

    @property
    def height(self) -> float:
        """The height of the line, which grows with the font."""
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        """The height of the middle of the line above the page's bottom."""
        return (self.top + self.bottom) / 2

    @property
    def is_number(self) -> bool:
        """Whether this is a figure, a dash in place of one, or a sign that belongs to one."""
        return all(map(_NUMBER.fullmatch, self.text.split()))


def page_phrases(page: Any, walls: Sequence[Wall] = ()) -> list[Phrase]:
    """The phrases of a pypdfium2 page in the order of its content, as a reader turns it.

    No phrase goes through a wall.

    Two boxes a word (of its first and last character) are enough: 2.5 ms for a page of 500 words,
    where a box for each character takes 15.
    """
    text_page = page.get_textpage()
    try:
        unseen = Unseen(page, text_page.raw)
        _, _, width, height = page.get_mediabox()
        scan = _Scan(text_page.raw, page.get_rotation(), width, height, unseen)
        return scan.phrases(walls)
    finally:
        text_page.close()


class _Scan:
    def __init__(self, raw: Any, rotation: int, width: float, height: float, unseen: Unseen) -> None:
        import pypdfium2.raw as pdfium

        self._rotation, self._width, self._height = rotation, width, height
        self._pdfium, self._unseen = pdfium, unseen
        self._raw = raw
        self._count = pdfium.FPDFText_CountChars(raw)
        last = self._count - 1
        self._is_plain = pdfium.FPDFText_GetCharIndexFromTextIndex(raw, last) == last
        self._rect = pdfium.FS_RECTF()
        self._rect_pointer = ctypes.byref(self._rect)
        self._flags = ctypes.c_int()
        self._flags_pointer = ctypes.byref(self._flags)
        self._mirrored = False
        self._name = ctypes.create_string_buffer(_NAME_BYTES)

    def phrases(self, walls: Sequence[Wall] = ()) -> list[Phrase]:
        """Every phrase, in PDFium's order."""
        found: list[Phrase] = []
        previous_end = 0
        text = self._text()
        self._mirrored = 2 * len(_FROM_RIGHT.findall(text)) > len(text.split()) + len(
            _FROM_LEFT.findall(text)
        )
        for match in _WORD.finditer(text):
            start, end = match.span()
            new_line = "\n" in text[previous_end:start] or not found
            previous_end = end
            for word in self._words(match.group(), start, end):
                apart = walls and not new_line and _is_walled(found[-1], word, walls)
                if new_line or apart or not _continues(found[-1], word):
                    word.bold, word.fixed = self._style(start)
                    found.append(word)
                else:
                    _extend(found[-1], word)
                new_line = False
        for phrase in found:
            phrase.text = _readable(phrase.text)
        return [phrase for phrase in found if phrase.text.strip(BROKEN)]

    def _text(self) -> str:
        """One character for each of PDFium's text indexes."""
        buffer = (ctypes.c_ushort * (self._count + 1))()
        length = self._pdfium.FPDFText_GetText(self._raw, 0, self._count, buffer)
        return "".join(map(chr, buffer[: max(0, length - 1)]))

    def _words(self, text: str, start: int, end: int) -> list[Phrase]:
        """A word; or the word and the superscript, or the word in another script, that is glued to it."""
        if self._mirrored:
            return self._mirrored_words(text, start)
        first, last = self._index(start), self._index(end - 1)
        if len(text) > 1 and _MAY_END_RAISED.search(text):
            size = self._pdfium.FPDFText_GetFontSize(self._raw, first)
            if self._pdfium.FPDFText_GetFontSize(self._raw, last) < 0.8 * size:
                cut = self._where_small(start, end, 0.8 * size)
                return [
                    self._phrase(text[:cut], start, start + cut),
                    self._phrase(text[cut:], start + cut, end),
                ]
        return [self._phrase(text, start, end)]

    def _mirrored_words(self, text: str, start: int) -> list[Phrase]:
        cuts = [0, *(match.start() for match in _BOUNDARY.finditer(text)), len(text)]
        return [
            self._phrase(self._ligatures(text[one:other], start + one), start + one, start + other)
            for one, other in pairwise(cuts)
        ]

    def _ligatures(self, text: str, start: int) -> str:
        """The text with each lam-alef in order: PDFium has the letters of one glyph reversed."""
        letters = list(text)
        for at, (one, other) in enumerate(pairwise(text)):
            if one in _ALEFS and other == _LAM and self._left(start + at) == self._left(start + at + 1):
                letters[at], letters[at + 1] = other, one
        return "".join(letters)

    def _left(self, text_index: int) -> float:
        self._pdfium.FPDFText_GetLooseCharBox(self._raw, self._index(text_index), self._rect_pointer)
        return float(self._rect.left)

    def _where_small(self, start: int, end: int, size: float) -> int:
        """How many characters come before the small ones at the end of a word."""
        cut = end
        while cut - 1 > start and self._pdfium.FPDFText_GetFontSize(self._raw, self._index(cut - 1)) < size:
            cut -= 1
        return cut - start

    def _phrase(self, text: str, start: int, end: int) -> Phrase:
        rect, box, first = self._rect, self._pdfium.FPDFText_GetLooseCharBox, self._index(start)
        box(self._raw, first, self._rect_pointer)
        left, right, bottom, top = rect.left, rect.right, rect.bottom, rect.top
        if end - start > 1:
            box(self._raw, self._index(end - 1), self._rect_pointer)
            left, right = min(left, rect.left), max(right, rect.right)
            bottom, top = min(bottom, rect.bottom), max(top, rect.top)
        says_something = any(map(str.isalnum, text))
        hidden = says_something and self._unseen.holds(first, (left, bottom, right, top))
        turned, turn = self._turn_of(first)
        left, right, bottom, top = self._turned(left, right, bottom, top, turned)
        if self._mirrored:
            left, right = self._width - right, self._width - left
        return Phrase(text, left, right, bottom, top, turn=turn, mirrored=self._mirrored, hidden=hidden)

    def _turn_of(self, index: int) -> tuple[int, int]:
        """How far a character is turned against the sheet, anticlockwise, and clockwise against the page."""
        quarters = self._pdfium.FPDFText_GetCharAngle(self._raw, index) / _QUARTER
        whole = round(quarters)
        if abs(quarters - whole) > _SLANT:
            return self._rotation, SLANTED
        return -90 * whole % 360, (self._rotation + 90 * whole) % 360

    def _turned(
        self, left: float, right: float, bottom: float, top: float, turned: int
    ) -> tuple[float, float, float, float]:
        """A box on the sheet as it lies when text that is turned so is upright."""
        if turned == 90:
            return bottom, top, self._width - right, self._width - left
        if turned == 180:
            return self._width - right, self._width - left, self._height - top, self._height - bottom
        if turned == 270:
            return self._height - top, self._height - bottom, left, right
        return left, right, bottom, top

    def _index(self, text_index: int) -> int:
        """The character's own index; it differs where PDFium made up characters without a place."""
        if self._is_plain:
            return text_index
        index = self._pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, text_index)
        return text_index if index < 0 else int(index)

    def _style(self, start: int) -> tuple[bool, bool]:
        """Whether a character's font is bold, and whether it is of fixed width."""
        index = self._index(start)
        self._pdfium.FPDFText_GetFontInfo(self._raw, index, self._name, _NAME_BYTES, self._flags_pointer)
        name = self._name.value.lower()
        bold = b"bold" in name or b"black" in name
        heavy = bold or self._pdfium.FPDFText_GetFontWeight(self._raw, index) >= _BOLD_WEIGHT
        return heavy, bool(self._flags.value & 1) or b"mono" in name or b"courier" in name


def _continues(phrase: Phrase, word: Phrase) -> bool:
    """Whether a word stands in the same line as the phrase, at most about a space after it."""
    if (
        word.turn != phrase.turn
        or word.hidden != phrase.hidden
        or word.middle > phrase.top
        or word.middle < phrase.bottom
    ):
        return False
    numbers = phrase.is_number and word.is_number
    widest = phrase.height * (0.6 if numbers else 1.0)
    if -0.5 * phrase.height <= word.left - phrase.right <= widest:
        return True
    # A word of a script that runs the other way on a mirrored page stands before the one it follows.
    other_way = phrase.mirrored and not (_FROM_RIGHT.search(word.text) or _FROM_RIGHT.search(phrase.text))
    return other_way and -0.5 * phrase.height <= phrase.left - word.right <= widest


def _is_walled(phrase: Phrase, word: Phrase, walls: Sequence[Wall]) -> bool:
    """Whether a drawn line stands between a phrase and the word after it."""
    near, far = phrase.right - 0.2 * phrase.height, word.left + 0.2 * word.height
    return any(near <= x <= far and low <= word.middle <= high for x, low, high in walls)


def _extend(phrase: Phrase, word: Phrase) -> None:
    if word.left - phrase.right > _WIDE_SPACE * phrase.height:
        phrase.gaps.append((len(phrase.text), phrase.right, word.left))
    broken = phrase.text[-1] in _HYPHENS  # a place where the word could have been broken, but was not
    phrase.text = phrase.text[:-1] + word.text if broken else f"{phrase.text} {word.text}"
    phrase.left = min(phrase.left, word.left)
    phrase.right = max(phrase.right, word.right)


def _readable(text: str) -> str:
    """The text in whole characters, with real hyphens and `BROKEN` where its last word goes on."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    broken = text[-1] in _HYPHENS
    return re.sub(f"[{_HYPHENS}]", "-", text[:-1] if broken else text) + BROKEN * broken
