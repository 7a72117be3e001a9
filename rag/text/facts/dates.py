"""Dates, months and times of day in a text, in many languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.text.facts.fact import Date, Fact, Taken
from rag.text.facts.words import MONTHS

_MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)|(\d{4})年(\d{1,2})月(?:(\d{1,2})日)?")
_DIGIT_DATE = re.compile(r"(?<![\d.])(\d{1,2})([./])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_DAY_MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?: de| of)? ({_MONTH})\b\.?(?:,? (?:de )?(\d{{4}})\b)?"
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?![\d.:]|[, ]\d{{3}}\b)(?:,? (\d{{4}})\b)?"
)
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\.?,?(?: de)? (1\d{{3}}|2[01]\d\d)\b")
_BARE_MONTH = re.compile(rf"\b({_MONTH})\b")
_CHINESE_MONTH = re.compile(r"(?<![\d个個一二三四五六七八九十])(\d{1,2}|十[一二]?|[一二三四五六七八九])月")
_BEFORE_MONTH = re.compile(
    r"(?:^|\W)(?:in|im|since|until|till|by|from|during|mid|seit|bis|von|ab|en|em|de|depuis|des|debut|fin|mi|desde"
    r"|в|с|до|по)[ -]$"
)
_ALSO_OTHER_WORDS = frozenset({"may", "march", "mars", "mai"})
_SHORTEST_MONTH = 4
_NEAR = 40
"""Characters before a month that are looked at: looking at all of them takes quadratic time."""
_CHINESE_NUMERALS = "〇一二三四五六七八九十"
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})(?::(\d\d)(?!\d|:))?\s?(a\.?m\b\.?|p\.?m\b\.?|uhr\b)|(?<![\d:.])(\d{1,2}):(\d\d)(?![\d:])"
)
_GERMAN_AM = re.compile(r"(?<!\bat )(?<!\bfrom )(?<!\bto )(?<!\buntil )\b\d{1,2} am (?=[A-ZÄÖÜ]|\d)")


def dates(text: str, plain: str, taken: Taken) -> Iterator[Fact]:
    """Dates as (year or None, month, day or None); months alone come last."""
    for pattern, read in (
        (_ISO_DATE, _read_iso),
        (_DIGIT_DATE, _read_digits),
        (_DAY_MONTH, lambda m: {(_year(m[3]), MONTHS[m[2]], int(m[1]))}),
        (_MONTH_YEAR, lambda m: {(int(m[2]), MONTHS[m[1]], None)}),
        (_MONTH_DAY, lambda m: {(_year(m[3]), MONTHS[m[1]], int(m[2]))}),
    ):
        for match in pattern.finditer(plain):
            readings = {date for date in read(match) if 1 <= date[1] <= 12 and (date[2] or 1) <= 31}
            if readings and not _is_verb(text, match) and taken.take(match):
                yield Fact("date", match.group().strip(), match.start(), frozenset(readings))
    yield from _bare_months(text, plain, taken)


def _is_verb(text: str, match: re.Match[str]) -> bool:
    """ "30 may be booked" has no date; a month has a capital, or a year behind it."""
    written = re.search(r"\b(?:may|march)\b", text[match.start() : match.end()])
    return bool(written) and not re.search(r"\d{4}$", match.group())


def _bare_months(text: str, plain: str, taken: Taken) -> Iterator[Fact]:
    """Months without day and year, where a capital or a preposition shows that they are no other word."""
    for match in _BARE_MONTH.finditer(plain):
        near = max(0, match.start() - _NEAR)
        led = bool(_BEFORE_MONTH.search(plain[near : match.start()]))
        capital = text[match.start()].isupper()
        opens = not re.search(r"\w[,;:()/–-]* $", text[near : match.start()])
        other = match[1] in _ALSO_OTHER_WORDS or len(match[1]) < _SHORTEST_MONTH
        is_month = (capital or match[1] not in {"may", "march"}) and led if other else capital or led
        is_month = is_month or (capital and not opens and match[1] in {"may", "march", "mai"})
        if is_month and taken.take(match):
            yield Fact("date", match[1], match.start(), frozenset({(None, MONTHS[match[1]], None)}))
    for match in _CHINESE_MONTH.finditer(plain):
        month = int(match[1]) if match[1].isdigit() else sum(map(_CHINESE_NUMERALS.index, match[1]))
        if 1 <= month <= 12 and taken.take(match):
            yield Fact("date", match.group(), match.start(), frozenset({(None, month, None)}))


def _read_iso(match: re.Match[str]) -> set[Date]:
    if match[1]:
        return {(int(match[1]), int(match[2]), int(match[3]))}
    return {(int(match[4]), int(match[5]), int(match[6]) if match[6] else None)}


def _read_digits(match: re.Match[str]) -> set[Date]:
    """Day and month in either order with slashes, day first with dots."""
    first, second, year = int(match[1]), int(match[3]), _year(match[4])
    return {(year, second, first)} if match[2] == "." else {(year, second, first), (year, first, second)}


def _year(digits: str | None) -> int | None:
    if not digits:
        return None
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def times(text: str, plain: str, taken: Taken) -> Iterator[Fact]:
    """Times of day as minutes after midnight."""
    for match in _TIME.finditer(plain):
        hour, minute = int(match[1] or match[4]), int(match[2] or match[5] or 0)
        german = _GERMAN_AM.match(text, match.start())
        if hour > 24 or minute > 59 or german or not taken.take(match):
            continue
        half = (match[3] or "")[:1]
        if half in ("a", "p"):
            hour = hour % 12 + (12 if half == "p" else 0)
        yield Fact("time", match.group().strip(), match.start(), frozenset({hour * 60 + minute}))
