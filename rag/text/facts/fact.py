"""One checkable detail of a text, and the form of a text that details are looked for in."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from rag.text.words import fold

FactKind = Literal["number", "date", "time", "code", "name", "quotation"]
Weight = Literal["sure", "weak", "held"]
Date = tuple[int | None, int, int | None]
"""Year or None, month, day or None."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One checkable detail, as written (`text`), at `start` of the text it was found in.

        `readings` are its possible meanings, any of which may match: "1.500" is 1500 or 1.5, "03/05/2024"
    two dates. `unit` is canonical ("EUR", "day"), "ordinal", "part" (of a whole), "label" (of a section) or
    "rate" (a day), "" where none was recognised. A "weak" fact of a claim ("one month", "first", "a third")
    is wrong only where its source has another in its place; a "held" one may mean something else and is
    never asked for.
    """

    kind: FactKind
    text: str
    start: int
    readings: frozenset[object]
    unit: str = ""
    rounded: bool = False
    weight: Weight = "sure"


class Taken:
    """The spans of a text that belong to a fact already."""

    def __init__(self) -> None:
        self._places: set[int] = set()

    def covers(self, start: int, end: int) -> bool:
        """Whether a fact has a part of a span."""
        return not self._places.isdisjoint(range(start, end))

    def take(self, match: re.Match[str]) -> bool:
        """Claims the span of a match, unless an earlier fact has a part of it."""
        if self.covers(*match.span()):
            return False
        self._places.update(range(*match.span()))
        return True


_SIGN = 5
_TRAILING = " \t\n.,;:|"


def span_of(text: str, fact: Fact) -> tuple[int, int]:
    """Where a text has a fact as written, with the sign of its currency, without punctuation behind it."""
    start = plain_text(text).find(fact.text, max(0, fact.start - _SIGN))
    start = fact.start if start < 0 else start
    return start, start + len(text[start : start + len(fact.text)].rstrip(_TRAILING))


def plain_text(text: str) -> str:
    """Lower case without accents and with ASCII digits, every character at its old place."""
    if text.isascii():
        return text.lower()
    return "".join(_plain_character(character) for character in text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character.lower()
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if character in "\u00a0\u202f\u2009":
        return " "
    folded = fold(character)
    return folded if len(folded) == 1 else (folded[:1] if folded[:1].isalpha() else character)
