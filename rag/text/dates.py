"""A date as a document writes it, in ISO 8601."""

from __future__ import annotations

import datetime
import re

from rag.text.facts import facts

_YEAR_FIRST = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2})(?!\d)|\s*$)|(\d\d)(\d\d)(?!\d)|\s*$)")
_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:([-_.])(\d\d)(?:\2(\d\d))?)?(?!\d)")
_FOUR_DIGITS = re.compile(r"\d{4}")
_EARLIEST = 1000  # before it are the dates that programs write for want of one
_LONGEST = 100  # characters of a field: what is longer tells of something else


def iso_date(written: str) -> str | None:
    """YYYY-MM-DD, YYYY-MM or YYYY; None for what is no date, or could be two.

    "01/05/2024" is the fifth of January or the first of May, so it is none; dots are read as day first.
    A time and its zone are left out.
    """
    text = written[:_LONGEST].strip(" \t\r\n<>[]\"'")
    match = _YEAR_FIRST.match(text)
    if match:
        return _iso(int(match[1]), _number(match[3] or match[5]), _number(match[4] or match[6]))
    first = next((fact for fact in facts(text) if fact.kind == "date"), None)
    if first is None or len(first.readings) != 1 or not _FOUR_DIGITS.search(first.text):
        return None
    (reading,) = first.readings
    assert isinstance(reading, tuple)
    return _iso(*reading)


def date_in_name(doc: str) -> str | None:
    """The date in a file's name (`expenses-2023.md`, `2024-09-ups.md`), as precise as it is there."""
    found = _IN_NAME.search(doc.rsplit("/", 1)[-1])
    return _iso(int(found[1]), _number(found[3]), _number(found[4])) if found else None


def _number(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _iso(year: int, month: int | None, day: int | None) -> str | None:
    """The date in the precision given, if there is such a day."""
    if year < _EARLIEST:
        return None
    try:
        date = datetime.date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return None
    return date.isoformat()[: 4 if month is None else 7 if day is None else 10]
