"""What a table's figures are counted in: thousands, millions, billions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag.answer.tables.grid import Table
from rag.answer.tables.find import Point
from rag.text.words import fold

_MONEY = r"(?:us\$|u\.s\. ?|us |united states |canadian |rmb|hk\$|[$€£¥]|usd|eur|gbp|dollars?|euros?|pounds?|yuan)"
_SCALES = (
    (3, rf"\b(?:in|of) ?(?:{_MONEY} ?)?(?:thousands?|tausend)\b|\bthousands? of {_MONEY}|{_MONEY} ?(?:in )?['’‘]?(?:thousands?|000s?)"
        r"|['’‘]000s?\b|\b(?:teur|tusd|tchf|t€|tsd\.? ?(?:€|eur|euro))|[千]元"),
    (6, rf"\b(?:in|of) ?(?:{_MONEY} ?)?(?:millions?|millionen)\b|\bmillions? of {_MONEY}|{_MONEY}['’ ]?(?:in )?millions?"
        r"|[$€£¥]m\b|\b(?:usd|eur|gbp|rmb|chf)m\b|\bmio\.? ?(?:€|eur|euro|chf|usd)|\bmillion\b|百万元"),
    (9, rf"\b(?:in|of) ?(?:{_MONEY} ?)?(?:billions?|milliarden)\b|{_MONEY} ?(?:in )?billions?|[$€£¥]bn\b|\bmrd\.? ?(?:€|eur)"),
    (4, r"万元"),
    (8, r"亿元"),
)  # fmt: skip
_PATTERNS = [(power, re.compile(pattern)) for power, pattern in _SCALES]
_NOT_SCALED = re.compile(r"\bper\b|%|percent|\brate\b|\bratio\b|margin|\bprice\b|\bdays\b|\bje\b|\bpro\b|quote|[率价]|每")
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
    near = sorted((_in(before)[-1:]) + [(len(before), power) for _, power in _in(behind)[:1]])
    return near[0][1] if near else 0


def _in(text: str) -> list[tuple[int, int]]:
    """(place, power) of what a text says, in order."""
    plain = fold(text)
    found = ((match, power) for power, pattern in _PATTERNS for match in pattern.finditer(plain))
    return sorted(
        (match.start(), power) for match, power in found if not re.search(r"\d ?$", plain[: match.start()])
    )
