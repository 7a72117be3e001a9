"""Whether two statements of different documents give the same attribute of the same thing two values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rag.text.statements import Statement, Value

COVERED = 0.6
"""This share of a statement's words, rare ones counting more, has to stand in or beside the other."""
FULLY_COVERED = 0.8
"""The same of what is told of the past, and of bare numbers: there are more of them to mistake."""
SHARED = 2
_BARE = ("number", "time")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a document is about: `things` are the names and codes that part it from others like it.

    `words` are all of its title, path and headings, `body` the names that it speaks of anywhere.
    """

    things: frozenset[str]
    words: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a word says, by in how many passages of the collection it stands."""

    passages: int = 0
    spread: Counter[str] = field(default_factory=Counter)

    def of(self, word: str) -> float:
        return math.log(2 + self.passages / (1 + self.spread[word]))

    def share(self, some: Iterable[str], of: Iterable[str]) -> float:
        """The share of the weight of some words that others have."""
        every = sum(map(self.of, of))
        return sum(map(self.of, some)) / every if every else 0.0


def opposed(
    one: Statement, other: Statement, subjects: tuple[Subject, Subject], weights: Weights
) -> tuple[Value, Value] | None:
    """The two values, where both state the same and differ in it; None otherwise."""
    differing = _differing(one, other)
    if differing is None or not _of_one_thing(one, other, subjects):
        return None
    strict = one.past or other.past or differing[0].kind in _BARE
    return differing if _says_the_same(one, other, subjects, weights, strict=strict) else None


def agreed(one: Statement, other: Statement) -> bool:
    """Whether every value that the two could share is the same."""
    pairs = [(mine, theirs) for mine in one.values for theirs in other.values if mine.comparable(theirs)]
    return any(mine.agrees(theirs) for mine, theirs in pairs)


def _differing(one: Statement, other: Statement) -> tuple[Value, Value] | None:
    """The values in which they differ: as many on each side, of the same kinds in the same order."""
    mine = [value for value in one.values if not any(map(value.agrees, other.values))]
    theirs = [value for value in other.values if not any(map(value.agrees, one.values))]
    if not mine or len(mine) != len(theirs):
        return None
    if not all(a.comparable(b) for a, b in zip(mine, theirs, strict=True)):
        return None
    if len(mine) > 1 and len({(value.kind, value.unit) for value in mine}) > 1:
        return None  # both a condition and what follows from it differ: another case
    return mine[0], theirs[0]


def _of_one_thing(one: Statement, other: Statement, subjects: tuple[Subject, Subject]) -> bool:
    """Whether they speak of the same names, years, cases and rates."""
    if one.cell != other.cell and (one.row or other.row) and not one.row | other.row:
        return False
    if one.cell and other.cell and one.row != other.row:
        return False
    if one.years != other.years or one.marks != other.marks:
        return False
    if one.rates and other.rates and one.rates != other.rates:
        return False
    return not (one.names - other.names - subjects[1].names) and not (
        other.names - one.names - subjects[0].names
    )


def _says_the_same(
    one: Statement,
    other: Statement,
    subjects: tuple[Subject, Subject],
    weights: Weights,
    *,
    strict: bool,
) -> bool:
    shared = one.about & other.about
    mine = one.about & (other.about | other.beside | subjects[1].words)
    theirs = other.about & (one.about | one.beside | subjects[0].words)
    enough = FULLY_COVERED if strict else COVERED
    few = min(len(one.about), len(other.about))
    return len(shared) >= min(SHARED, few) and bool(shared) and all(
        weights.share(covered, of) >= enough
        for covered, of in ((mine, one.about), (theirs, other.about))
    )


def of_other_things(one: Subject, other: Subject) -> bool:
    """Whether each document is about a name or code that the other is not: two customers, two sites."""
    return bool(one.things - other.names) and bool(other.things - one.names)


def best_of(pairs: Sequence[tuple[float, tuple[Statement, Statement]]]) -> tuple[Statement, Statement]:
    return max(pairs, key=lambda pair: pair[0])[1]
