"""The text of a table's cell to an exact decimal with its unit, in either convention of separators."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

DecimalMark = Literal[".", ","]

_MINUS = "-−–‐‑"
_DASHES = frozenset({"-", "–", "—", "―", "−", "--", "nil", "*-", "$-", "$—", "$–", "€-", "€—", "£-", "£—"})
_CURRENCY = (
    r"(?:us|a|c|nz|hk|s)?\$|[€£¥₹₽]|rmb|eur|usd|gbp|chf|jpy|cny|sek|nok|dkk|pln|czk|inr|aud|cad|fr\.|元|円"
)
_SCALES = (
    r"%|％|thousand|million|billion|tsd\.?|mio\.?|mrd\.?|bn|mn|k|m|bps|百万|千|万|亿"
    r"|(?:percentage )?points?|pp"
)
# Blanks are given back nowhere: a cell of stars or of blanks is read in one pass.
_NOTE = r"(?:\s*+(?:\(\d{1,2}\)|\[\d{1,2}\]|[*†‡§¹²³⁴-⁹]))*"
_CELL = re.compile(
    rf"\s*+(?P<open>\(\s*+)?(?P<sign>[{_MINUS}+]\s*+)?(?P<before>{_CURRENCY})?\s*+(?P<inner>\(\s*+)?"
    rf"(?P<minus>[{_MINUS}+]\s*+)?(?P<digits>\d[\d.,'’\u00a0\u202f ]*\d|\d|[.,]\d+)\s*+"
    rf"(?P<inside>(?:{_SCALES})(?![\w²³]))?\s*+"
    rf"(?P<close>\)\s*+)?(?P<after>{_CURRENCY})?\s*+"
    rf"(?P<unit>(?:{_SCALES})(?![\w²³])|[^\W\d_][^\W\d_]{{0,11}}\.?[²³]?)?"
    rf"{_NOTE}\s*+\.?\s*+",
    re.IGNORECASE,
)
_MULTIPLES = {
    "thousand": 10**3, "k": 10**3, "tsd": 10**3, "千": 10**3, "万": 10**4, "million": 10**6, "m": 10**6,
    "mn": 10**6, "mio": 10**6, "百万": 10**6, "亿": 10**8, "billion": 10**9, "bn": 10**9, "mrd": 10**9,
}  # fmt: skip
_NAMES = {
    "eur": "€",
    "usd": "$",
    "us$": "$",
    "gbp": "£",
    "jpy": "¥",
    "％": "%",
    "元": "¥",
    "cny": "¥",
    "rmb": "¥",
}
_THREES = re.compile(r"\d{1,3}(?:[.,]\d{3})+")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as a cell states it: exact, with as many `places` behind the mark as are written.

    `unit` is a currency, "%" or the word behind the number, "" where there is none.
    """

    value: Decimal
    unit: str = ""
    places: int = 0


def is_dash(text: str) -> bool:
    """Whether a cell says with a dash that there is nothing."""
    return text.strip().casefold().replace(" ", "") in _DASHES


def decimal_mark(texts: Iterable[str], default: DecimalMark = ".") -> DecimalMark:
    """Which mark the numbers of a table put before their decimals, by those that can only be read one way."""
    votes = {".": 0, ",": 0}
    for text in texts:
        cell = _CELL.fullmatch(text)
        mark = _sure_mark(cell["digits"]) if cell else None
        if mark:
            votes[mark] += 1
    if votes["."] == votes[","]:
        return default
    return "." if votes["."] > votes[","] else ","


def _sure_mark(digits: str) -> DecimalMark | None:
    marks = re.findall(r"[.,]", digits)
    if not marks:
        return None
    other: dict[str, DecimalMark] = {".": ",", ",": "."}
    last: DecimalMark = "." if marks[-1] == "." else ","
    if len(set(marks)) == 2:
        return last
    if len(marks) > 1:
        return other[last]
    whole, _, fraction = digits.rpartition(last)
    return None if len(fraction) == 3 and whole.lstrip("0") and len(whole) < 4 else last


def amount(text: str, mark: DecimalMark = ".") -> Amount | None:
    """What a cell states, None where it is no plain number or its separators fit no reading.

    Parentheses and a minus both mean a negative number; footnote marks behind it are left out.
    """
    cell = _CELL.fullmatch(text)
    if not cell or (cell["close"] and not (cell["open"] or cell["inner"])):
        return None
    value = _value(cell["digits"], mark)
    if value is None:
        return None
    inside, behind = (_word(cell[name]) for name in ("inside", "unit"))
    currency = _word(cell["before"] or cell["after"])
    bare = () if currency else ("m", "k")  # "5 m" is a length, "$5 m" is not
    scale = next((word for word in (inside, behind) if word in _MULTIPLES and word not in bare), "")
    unit = currency or next((word for word in (inside, behind) if word and word != scale), "")
    negative = bool(cell["close"]) or any(
        cell[name] and cell[name].strip() in _MINUS for name in ("sign", "minus")
    )
    places = 0 if scale else max(0, -int(value.as_tuple().exponent))
    value *= _MULTIPLES.get(scale, 1)
    return Amount(-value if negative else value, unit, places)


def _word(found: str | None) -> str:
    word = (found or "").casefold().rstrip(".")
    return _NAMES.get(word, word)


def _value(digits: str, mark: DecimalMark) -> Decimal | None:
    """The digits as a number under a decimal mark; None where they do not follow it."""
    compact = re.sub(r"[ '’\u00a0\u202f]", "", digits)
    if compact != digits and not re.fullmatch(r"\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+(?:[.,]\d+)?", digits):
        return None
    thousands = "," if mark == "." else "."
    whole, _, fraction = compact.partition(mark)
    if thousands in fraction or mark in fraction:
        return None
    if thousands in whole and not _THREES.fullmatch(whole):
        return None
    return Decimal(
        f"{whole.replace(thousands, '') or '0'}.{fraction}" if fraction else whole.replace(thousands, "")
    )
