"""Whether a text holds a fact, in whatever form it writes it."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from rag.text.facts import NAME_WORD, squeezed
from rag.text.facts.fact import Date, Fact, FactKind, plain_text
from rag.text.inflection import same_name
from rag.text.words import fold, words

_IN_SCALE = {
    10**3: re.compile(r"in thousands|\(thousands|in tausend|in tsd|en milliers|k€|\$k|千元"),
    10**6: re.compile(r"in millions|\(millions|in mio|in millionen|en millions|m€|\$m\b|\bm\$|百万"),
    10**9: re.compile(r"in billions|in mrd|in milliarden|en milliards"),
}

_ALSO_UNITS = {
    "part": set[str](),
    "ordinal": {"", "label"},
    "label": {"", "ordinal"},
    "degree": {"", "°C", "°F"},
    "°C": {"", "degree"},
    "°F": {"", "degree"},
}


def holds(source: str, source_facts: list[Fact], fact: Fact) -> bool:
    """Whether a text with these facts has the fact, in whatever form it is written."""
    if fact.kind == "quotation":
        return str(next(iter(fact.readings))) in squeezed(source)
    if fact.kind == "code":
        return bool(_whole_code(fact.text).search(plain_text(source)))
    if fact.kind == "name":
        held = words(source)
        return all(any(same_name(part, word) for word in held) for part in words(fact.text)) or _is_acronym(
            fact.text, source
        )
    if fact.kind == "date":
        return any(_same_date(a, b) for a in fact.readings for b in _readings(source_facts, "date")) or (
            _year_and_month_apart(fact, source_facts)
        )
    if fact.kind == "time":
        return bool(fact.readings & _readings(source_facts, "time"))
    return _holds_number(source, source_facts, fact)


def _readings(source_facts: list[Fact], kind: FactKind) -> set[object]:
    return {reading for fact in source_facts if fact.kind == kind for reading in fact.readings}


@lru_cache(maxsize=512)
def _whole_code(code: str) -> re.Pattern[str]:
    """A code with its separators written in any way: not as a part of another, but for a plural and "v3"."""
    parts = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=\d)s$", "", re.sub(r"^v(?=\d)", "", code)))
    written = "[-_./ ]?".join(parts)
    return re.compile(
        rf"(?<![a-uw-z0-9])(?<![a-z0-9]v)(?<!\d\.){written}(?!(?!s\b)[a-z0-9]|[-_.]\d)", re.ASCII
    )


def _is_acronym(name: str, source: str) -> bool:
    """Whether the letters of an upper-case name are the initials of words that stand in a row."""
    if not (name.isupper() and len(name) >= 2):
        return False
    initials = "".join(word[0] for word in NAME_WORD.findall(source) if word[0].isupper())
    return name in initials


def _same_date(claimed: object, found: object) -> bool:
    """Equal as far as both say; the claim may leave out the day or the year, not change them."""
    if not (isinstance(claimed, tuple) and isinstance(found, tuple)):
        return False
    pairs = list(zip(claimed, found, strict=True))
    if pairs[1][0] != pairs[1][1]:
        return False
    return all(a is None or a == b for a, b in pairs) or (
        pairs[0][1] is None and pairs[2][0] is not None and pairs[2][0] == pairs[2][1]
    )


def _year_and_month_apart(fact: Fact, source_facts: list[Fact]) -> bool:
    """A full date whose day and month stand in one place and whose year in another."""
    years = _readings(source_facts, "number") | {Decimal(date[0]) for date in _dated(source_facts) if date[0]}
    bare = {(date[1], date[2]) for date in _dated(source_facts) if date[0] is None}
    return any(
        isinstance(date, tuple) and (date[1], date[2]) in bare and date[0] and Decimal(date[0]) in years
        for date in fact.readings
    )


def _dated(source_facts: list[Fact]) -> list[Date]:
    return [d for d in _readings(source_facts, "date") if isinstance(d, tuple)]


def _holds_number(source: str, source_facts: list[Fact], fact: Fact) -> bool:
    """The value is there, and where the source names its unit, it is the same unit."""
    same = [f for f in source_facts if f.kind == "number" and _equal_values(fact, f, source)]
    if same:
        units = {f.unit for f in same if f.weight != "held" or f.unit == fact.unit}
        return not fact.unit or fact.unit in units or bool(units & _ALSO_UNITS.get(fact.unit, {""}))
    years = {Decimal(date[0]) for date in _dated(source_facts) if date[0]}
    days = {Decimal(date[2]) for date in _dated(source_facts) if date[2]}
    return bool(fact.readings & years) or (not fact.unit and bool(fact.readings & days))


def _equal_values(claimed: Fact, found: Fact, source: str) -> bool:
    """Equal, equal in the scale the table's caption gives ("in millions"), or a stated rounding of it."""
    if claimed.readings & found.readings:
        return True
    values = [value for value in claimed.readings if isinstance(value, Decimal)]
    held = [value for value in found.readings if isinstance(value, Decimal)]
    for scale, caption in _IN_SCALE.items():
        if any(value / scale == other for value in values for other in held) and caption.search(fold(source)):
            return True
    return claimed.rounded and any(_rounds_to(other, value) for value in values for other in held)


def _rounds_to(exact: Decimal, claimed: Decimal) -> bool:
    """Whether the claim is within half of its last non-zero digit, or 5 %, of the exact value."""
    if not claimed:
        return False
    return abs(exact - claimed) / abs(claimed) <= Decimal("0.05")
