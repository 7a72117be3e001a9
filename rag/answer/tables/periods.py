"""Years, quarters, months and dates in a question or a table's labels, and whether one lies in the other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text.facts.words import MONTHS
from rag.text.words import fold

_MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"
_QUARTERS = {
    **{word: place for place, words in enumerate(
        ("first 1st erste[ns]? premier 第?一", "second 2nd zweite[ns]? 第?二", "third 3rd dritte[ns]? 第?三",
         "fourth 4th vierte[ns]? 第?四"), start=1) for word in words.split()},
}  # fmt: skip
_DAY = r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?(?: of)? )?"
_BARE_MONTHS = frozenset({"may", "march", "mar", "mai", "dec", "sept", "set", "ago", "out", "mars"})
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)(?P<year>{_YEAR})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)",
        rf"(?<!\d)(?P<year>{_YEAR})[-/](?P<month>0[1-9]|1[0-2])(?!\d)",
        rf"(?<![\d.])(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>{_YEAR}|\d\d)(?![\d])",
        rf"(?<!\d)(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>{_YEAR})(?!\d)",
        rf"(?P<year>{_YEAR})年(?:第?(?P<quarter>[一二三四1-4])季度|(?P<month>\d{{1,2}})月(?:(?P<day>\d{{1,2}})日)?)?",
        r"第?(?P<quarter>[一二三四1-4])季度",
        r"(?<![\d一二三四五六七八九十])(?P<month>\d{1,2})月(?:份|(?P<day>\d{1,2})日)?",
        rf"(?<!\w){_DAY}(?P<name>{_MONTH})\.?,? (?P<year>{_YEAR})(?!\d)",
        rf"\b(?P<name>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>{_YEAR}))?(?!\d)",
        rf"(?<!\w)(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? (?P<name>{_MONTH})\b",
        rf"\bq(?P<quarter>[1-4])(?:[ /-]*(?:fy)?(?P<year>{_YEAR}|(?<=fy)\d\d))?\b",
        rf"\b(?P<year>{_YEAR})[ /-]*q(?P<quarter>[1-4])\b",
        rf"\b(?:(?P<ordinal>{'|'.join(_QUARTERS)})|(?P<quarter>[1-4])\.) (?:fiscal )?(?:quarter|quartal)s?"
        rf"(?:,? (?:of |in |des |von )?(?:the )?(?:fiscal )?(?:year |jahres? )?(?P<year>{_YEAR}))?",
        rf"(?<!\d)(?P<year>{_YEAR})/(?P<until>\d\d)(?![\d/])",
        rf"(?<!\d)(?P<year>{_YEAR}) ?(?:-|–|to|bis|至|到) ?(?P<until>{_YEAR})(?!\d)",
        r"\b(?:fy|f)[ ’']?(?P<year>\d\d)(?!\d)",
        rf"(?<!\d)(?P<year>{_YEAR})(?![\d%.]*\d|%)",
        rf"\b(?P<name>{_MONTH})\b",
    )
)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time as far as it is written: what is None is left open.

    `until` is the last year of a span of years. `start:end` is its place in the folded text.
    """

    year: int | None = None
    quarter: int | None = None
    month: int | None = None
    day: int | None = None
    until: int | None = None
    start: int = 0
    end: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """What it is sorted by."""
        month = self.month or (3 * self.quarter if self.quarter else 0)
        return self.year or 0, month, self.day or 0

    @property
    def kind(self) -> str:
        """What it is one of: a quarter, a month, or a year, by itself or by the day that ends it."""
        if self.quarter:
            return "quarter"
        return "month" if self.month and not self.day else "year"

    def covers(self, other: Period) -> bool:
        """Whether all that is said of this period is true of the other."""
        if self.until and not other.until:
            return other.year is not None and self.year is not None and self.year <= other.year <= self.until
        quarter = other.quarter or (-(-other.month // 3) if other.month else None)
        return (
            self.year in (None, other.year)
            and self.until == other.until
            and self.quarter in (None, quarter)
            and self.month in (None, other.month)
            and self.day in (None, other.day)
        )

    def __str__(self) -> str:
        """The period in figures: 2024, 2024-Q1, 2024-03, 2024-03-31."""
        if self.until:
            return f"{self.year}–{self.until}"
        parts = [f"{self.year}" if self.year else "", f"Q{self.quarter}" if self.quarter else ""]
        parts += [f"{part:02}" for part in (self.month, self.day) if part]
        return "-".join(part for part in parts if part)


def periods(text: str, *, cautious: bool = False) -> list[Period]:
    """The periods of a text in order; `cautious` takes no bare month that may be another word."""
    plain = fold(text)
    found: list[Period] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            taken = any(match.start() < one.end and one.start < match.end() for one in found)
            period = None if taken else _period(match)
            if period and not (cautious and period.order[0] == 0 and match.group() in _BARE_MONTHS):
                found.append(period)
    return sorted(found, key=lambda one: one.start)


def _period(match: re.Match[str]) -> Period | None:
    said = {name: value for name, value in match.groupdict().items() if value}
    year = int(said["year"]) if "year" in said else None
    if year is not None and year < 100:
        year += 2000
    until = int(said["until"]) if "until" in said else None
    if until is not None and until < 100:  # the fiscal year 2017/18
        year, until = (year or 0) + 1, None
    month = MONTHS[said["name"]] if "name" in said else int(said.get("month", 0)) or None
    day = int(said["day"]) if "day" in said else None
    if (month or 1) > 12 or (day or 1) > 31:
        return None
    return Period(year, _quarter(said), month, day, until, *match.span())


def _quarter(said: dict[str, str]) -> int | None:
    if "ordinal" in said:
        return next(place for pattern, place in _QUARTERS.items() if re.fullmatch(pattern, said["ordinal"]))
    quarter = said.get("quarter")
    return None if quarter is None else "一二三四".find(quarter) + 1 or int(quarter)


def without(text: str, found: list[Period]) -> str:
    """The folded text without its periods."""
    plain = fold(text)
    for period in reversed(found):
        plain = f"{plain[: period.start]} {plain[period.end :]}"
    return plain
