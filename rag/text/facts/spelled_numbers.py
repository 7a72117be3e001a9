"""Numbers written in words, in the languages that build them alike, and in Chinese characters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.text.facts.words import (
    CHINESE_COUNTERS,
    CHINESE_DIGITS,
    CHINESE_SCALES,
    HUNDREDS,
    NUMBER_WORDS,
    SCALES,
)

_WORD = re.compile(r"[^\W\d_]+")
_JOINTS = {"and": 100, "und": 100, "et": 10, "y": 10}
"""What joins two parts of a number, and what the first part must be a multiple of."""
CHINESE_NUMERALS = "".join([*CHINESE_DIGITS, *CHINESE_SCALES])
_CHINESE = re.compile(f"[{CHINESE_NUMERALS}]{{1,20}}")


@dataclass(frozen=True, slots=True)
class SpelledNumber:
    """`text[start:end]` is the number; `following` are the two words behind it, "" where there are none."""

    value: int
    start: int
    end: int
    following: tuple[str, str]


def spelled_numbers(plain: str) -> Iterator[SpelledNumber]:
    """Every spelled number of a text in lower case: "one hundred and twenty" is one of them."""
    pieces = list(_WORD.finditer(plain))
    position = 0
    while position < len(pieces):
        count, value = _longest(pieces, position, plain)
        if count:
            behind = [match.group() for match in pieces[position + count : position + count + 2]]
            first, second = (*behind, "", "")[:2]
            start, end = pieces[position].start(), pieces[position + count - 1].end()
            yield SpelledNumber(value, start, end, (first, second))
        position += count or 1


def _longest(pieces: Sequence[re.Match[str]], position: int, plain: str) -> tuple[int, int]:
    """How many words from here on are one number, and its value; 0 words where none begins."""
    total = current = taken = 0
    for index in range(position, len(pieces)):
        word = pieces[index].group()
        if index > position and plain[pieces[index - 1].end() : pieces[index].start()] not in (" ", "-"):
            break
        if taken and word in _JOINTS and current % _JOINTS[word] == 0:
            continue
        grown = _with_word(total, current, word, first=index == position)
        if grown is None:
            break
        total, current = grown
        taken = index - position + 1
    return taken, total + current


def _with_word(total: int, current: int, word: str, *, first: bool) -> tuple[int, int] | None:
    """A number in two parts, of which the second still grows, with one more word; None if it takes none."""
    value = NUMBER_WORDS.get(word)
    if value is not None:
        fits = current % 100 == 0 if value >= 10 else current % 10 == 0 and current % 100 != 10
        return (total, current + value) if first or (fits and current + total and value) else None
    if word in HUNDREDS and (first or current < 10):
        return total, max(1, current) * HUNDREDS[word]
    if word in SCALES and len(word) > 2 and not first and current:
        return total + current * SCALES[word], 0
    return None


def chinese_numbers(plain: str) -> Iterator[SpelledNumber]:
    """The runs of Chinese numerals that count something, "第三" and "三分之一" left out."""
    for match in _CHINESE.finditer(plain):
        behind = plain[match.end() : match.end() + 3]
        counts = bool(behind) and (behind[0] in CHINESE_COUNTERS or behind.startswith("分钟"))
        if counts and match[0][0] in CHINESE_DIGITS | {"十": 10} and plain[: match.start()][-1:] != "第":
            yield SpelledNumber(chinese_value(match[0]), match.start(), match.end(), (behind, ""))


def chinese_value(numerals: str) -> int:
    """四十七 is 47; digits in a row, as in 二〇二四, are read as figures."""
    if not any(character in CHINESE_SCALES for character in numerals):
        return int("".join(str(CHINESE_DIGITS[character]) for character in numerals))
    total = section = digit = 0
    for character in numerals:
        if character in CHINESE_DIGITS:
            digit = CHINESE_DIGITS[character]
            continue
        scale = CHINESE_SCALES[character]
        if scale >= 10**4:
            total, section, digit = (total + section + digit) * scale, 0, 0
        else:
            section, digit = section + max(1, digit) * scale, 0
    return total + section + digit
