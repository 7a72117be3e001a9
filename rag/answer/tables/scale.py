"""What a table's figures are counted in: thousands, millions, billions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag.answer.tables.find import Point
from rag.answer.tables.grid import Table
from rag.text.words import fold

_MONEY = (
    r"(?:us\$|u\.s\. ?|us |united states |canadian |rmb|hk\$|[$€£¥]|usd|eur|gbp|dollars?|euros?|pounds?|yuan)"
)
_SCALES = {
    3: (
        rf"\b(?:in|of) ?(?:{_MONEY} ?)?(?:thousands?|tausend)\b|\bthousands? of {_MONEY}|['’‘]000s?\b|千元"
        rf"|{_MONEY} ?(?:in )?['’‘]?(?:thousands?|000s?)|\b(?:teur|tusd|tchf|t€|tsd\.? ?(?:€|eur))"
    ),
    6: (
        rf"\b(?:in|of) ?(?:{_MONEY} ?)?(?:millions?|millionen)\b|\bmillions? of {_MONEY}|\bmillion\b|百万元"
        rf"|{_MONEY}['’ ]?(?:in )?millions?|[$€£¥]m\b|\b(?:usd|eur|gbp|rmb|chf)m\b"
        r"|\bmio\.? ?(?:€|eur|chf|usd)"
    ),
    9: (
        rf"\b(?:in|of) ?(?:{_MONEY} ?)?(?:billions?|milliarden)\b|{_MONEY} ?(?:in )?billions?|[$€£¥]bn\b"
        r"|\bmrd\.? ?(?:€|eur)"
    ),
    4: r"万元",
    8: r"亿元",
}
_PATTERNS = [(power, re.compile(pattern)) for power, pattern in _SCALES.items()]
_NOT_SCALED = re.compile(
    r"\bper\b|%|percent|\brate\b|\bratio\b|margin|\bprice\b|\bdays\b|\bje\b|\bpro\b|quote|[率价]|每"
)
_CURRENCY = re.compile(r"(?:us)?\$|[€£¥]|\b(?:usd|eur|teur|euros?|gbp|dollars|chf)(?:m\b|\b)|元")
_SIGNS = {
    "usd": "$", "usdm": "$", "dollars": "$", "eur": "€", "eurm": "€", "teur": "€", "euro": "€", "euros": "€",
    "gbp": "£", "gbpm": "£", "元": "¥", "chf": "CHF", "chfm": "CHF",
}  # fmt: skip
NAMES = {
    "en": {3: "thousand", 6: "million", 9: "billion", 4: "× 10,000", 8: "× 100 million"},
    "de": {3: "Tausend", 6: "Millionen", 9: "Milliarden", 4: "× 10.000", 8: "× 100 Millionen"},
    "zh": {3: "千", 6: "百万", 9: "十亿", 4: "万", 8: "亿"},
}


def scale_of(points: Iterable[Point], table: Table) -> int:
    """The power of ten that the cells are counted in, by what stands nearest; 0 where nothing says so."""
    first = next(iter(points))
    amount = first.cell.amount
    if (amount and amount.unit not in ("", "$", "€", "£", "¥")) or _NOT_SCALED.search(fold(first.row.label)):
        return 0
    before, _, behind = table.about.rpartition("\n")
    own = (first.column.label, first.row.section, table.corner, table.caption)
    for text in own:
        if found := _in(text):
            return found[0][1]
    near = _in(before, prose=True)[-1:] or _in(behind, prose=True)[:1]
    return near[0][1] if near else 0


def currency_of(point: Point, table: Table) -> str:
    """The currency that a header states, "" where none does."""
    for text in (point.column.label, table.corner, table.caption):
        found = _CURRENCY.search(fold(text))
        if found:
            return _SIGNS.get(found.group(), found.group()[-1])
    return ""


def _in(text: str, *, prose: bool = False) -> list[tuple[int, int]]:
    """(place, power) of what a text says, in order; of `prose`, not what is said of a single number."""
    plain = fold(text)
    found = ((match, power) for power, pattern in _PATTERNS for match in pattern.finditer(plain))
    return sorted(
        (match.start(), power)
        for match, power in found
        if not (prose and re.search(r"\d ?$", plain[: match.start()]))
    )
