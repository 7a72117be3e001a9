"""Whether a text holds a fact, in whatever form it writes it."""

from __future__ import annotations

import re
from decimal import Decimal

from rag.text.facts import NAME_WORD, Date, Fact, FactKind, plain_text, squeezed
from rag.text.wording import fold, words

_IN_SCALE = {
    10**3: re.compile(r"in thousands|\(thousands|in tausend|in tsd|en milliers|k€|\$k|千元"),
    10**6: re.compile(r"in millions|\(millions|in mio|in millionen|en millions|m€|\$m\b|\bm\$|百万"),
    10**9: re.compile(r"in billions|in mrd|in milliarden|en milliards"),
}


def holds(source: str, source_facts: list[Fact], fact: Fact) -> bool:
    """Whether a text with these facts has the fact, in whatever form it is written."""
    if fact.kind == "quotation":
        return str(next(iter(fact.readings))) in squeezed(source)
    if fact.kind == "code":
        return str(next(iter(fact.readings))) in re.sub(r"[-_./ ]", "", plain_text(source))
    if fact.kind == "name":
        held = words(source)
        return all(any(_same_name(part, word) for word in held) for part in words(fact.text)) or _is_acronym(
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


def _same_name(claimed: str, found: str) -> bool:
    """Equal but for an ending of up to three letters: "Köln", "Kölner"; not "Anna", "Anne"."""
    if claimed == found:
        return True
    shared = next(
        (i for i, (a, b) in enumerate(zip(claimed, found, strict=False)) if a != b),
        min(len(claimed), len(found)),
    )
    return shared >= max(4, len(claimed) - 2) and abs(len(claimed) - len(found)) <= 3


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
    return all(a is None or a == b for a, b in pairs) or (pairs[0][1] is None and pairs[2][0] == pairs[2][1])


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
        units = {f.unit for f in same} - {"ambiguous"}
        return not fact.unit or fact.unit == "ambiguous" or "" in units or fact.unit in units or not units
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
