"""Whether two statements of different documents give the same attribute of the same thing two values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rag.text.statements import COUNTED, Statement, Value
from rag.text.words import stem

COVERED = 0.65
"""This share of a statement's words, rare ones counting more, has to stand in or beside the other."""
FULLY_COVERED = 0.75
"""The same of what is told of the past, and of bare numbers: there are more of them to mistake."""
SHARED = 2
RARE, RARE_SHARE = 3, 0.02
"""Or to say nothing else, with a word of so few passages."""
MAX_VALUES = 3
"""What gives more values at once is a list of figures."""
ONE_PLACE = 0.5
"""Statements that share a single word ("Premium: 40") have to stand in places called so much alike."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a document is about.

    `things` are the names and codes in its title and path that part it from others like it, `main` those of
    them that it keeps speaking of. `title` are the stems of its title and path, `names` all words that it has
    anywhere, folded, `years` those of its title and path, `headings` those of its sections, `parties` whom
    its title says it is for. Documents of one `folder` may each be about another of a kind.
    """

    things: frozenset[str] = frozenset()
    main: frozenset[str] = frozenset()
    title: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    years: frozenset[str] = frozenset()
    headings: frozenset[str] = frozenset()
    parties: frozenset[str] = frozenset()
    folder: str = ""

    def is_other_than(self, other: Subject) -> bool:
        """Whether each is about a name, code or year that the other is not, or both fill in one form."""
        if self.years and other.years and not self.years & other.years:
            return True
        if len(self.headings & other.headings) > max(1, len(self.headings | other.headings) / 2):
            return True
        if self.main - other.names and other.main - self.names:
            return True
        beside = bool(self.folder) and self.folder == other.folder
        alike = beside or bool((self.title & other.title) - self.things - other.things)
        return alike and bool(self.things - other.things) and bool(other.things - self.things)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a word says, by in how many passages of the collection it stands."""

    passages: int = 0
    spread: Counter[str] = field(default_factory=Counter)

    def of(self, word: str) -> float:
        """The weight of a word: that of one in every passage is small, that of a rare one large."""
        return math.log(2 + self.passages / (1 + self.spread[word]))

    def share(self, some: Iterable[str], of: Iterable[str]) -> float:
        """The share that some of the words have in the weight of all of them; 1 where there are none."""
        every = sum(map(self.of, of))
        return sum(map(self.of, some)) / every if every else 1.0


@dataclass(frozen=True, slots=True)
class Side:
    """A statement, what its document is about, and the names in the headings it stands under."""

    says: Statement
    subject: Subject = Subject()
    place: frozenset[str] = frozenset()

    @property
    def parties(self) -> frozenset[str]:
        """Whom it is said for: those it names, or else those its document is for."""
        return self.says.parties or self.subject.parties

    @property
    def around(self) -> frozenset[str]:
        """The stems of all that it is read with."""
        return self.says.about | self.says.beside | self.subject.title

    def coverage(self, other: Side, weights: Weights) -> float:
        """The share of its words that the other has too, or is read with."""
        return weights.share(self.says.about & other.around, self.says.about)


def opposed(one: Side, other: Side, weights: Weights) -> tuple[Value, Value] | None:
    """The two values, where both state the same and differ in it; None otherwise."""
    differing = _differing(one.says, other.says)
    if differing is None or not _of_one_thing(one, other):
        return None
    bare = differing[0].kind == "number" and not differing[0].unit
    if bare and (
        len(one.says.about & other.says.about) < SHARED or bool(one.says.row) != bool(other.says.row)
    ):
        return None
    strict = bare or one.says.past or other.says.past
    return differing if same_matter(one, other, weights, strict=strict) else None


def same_matter(one: Side, other: Side, weights: Weights, *, strict: bool = False) -> bool:
    """Whether two statements are about the same, by their words."""
    shared = one.says.about & other.says.about
    counted = {value.unit.removeprefix(COUNTED) for value in one.says.values}
    told = (one.says.about & other.around) | (other.says.about & one.around)
    named = {stem(name) for name in one.says.names | other.says.names}
    if shared <= counted | named or (len(told) < SHARED and not _is_telling(shared, one, other, weights)):
        return False
    enough = FULLY_COVERED if strict else COVERED
    return min(one.coverage(other, weights), other.coverage(one, weights)) >= enough


def _is_telling(shared: frozenset[str], one: Side, other: Side, weights: Weights) -> bool:
    """Whether a single word names the matter: in places called alike, or a rare one that is all they say."""
    if len(one.around & other.around) >= ONE_PLACE * len(one.around | other.around):
        return True
    rare = max(RARE, RARE_SHARE * weights.passages)
    return one.says.about == other.says.about and all(weights.spread[word] <= rare for word in shared)


def agreed(one: Statement, other: Statement) -> bool:
    """Whether the other gives every value of the one."""
    return all(any(map(mine.agrees, other.values)) for mine in one.values)


def _differing(one: Statement, other: Statement) -> tuple[Value, Value] | None:
    """The values in which they differ: as many on each side, of the same kinds in the same order."""
    mine = [value for value in one.values if not any(map(value.agrees, other.values))]
    theirs = [value for value in other.values if not any(map(value.agrees, one.values))]
    if not mine or len(mine) != len(theirs) or max(len(one.values), len(other.values)) > MAX_VALUES:
        return None
    if not all(a.comparable(b) for a, b in zip(mine, theirs, strict=True)):
        return None
    if len({(value.kind, value.unit) for value in mine}) > 1:
        return None  # a condition differs and what follows from it: another case
    return mine[0], theirs[0]


def _of_one_thing(one: Side, other: Side) -> bool:
    """Whether they speak of the same names, years, cases and rates, and are cells of the same row."""
    mine, theirs = one.says, other.says
    if mine.years != theirs.years or mine.marks != theirs.marks:
        return False
    if mine.rates != theirs.rates and ((mine.rates and theirs.rates) or mine.values[0].kind != "duration"):
        return False
    return _same_row(one, other) and _same_names(one, other) and one.parties == other.parties


def _same_row(one: Side, other: Side) -> bool:
    """Whether cells are of rows with one label, and what is no cell speaks of all that the label does."""
    mine, theirs = one.says, other.says
    if mine.row and theirs.row:
        return mine.row == theirs.row
    if any(word.isdigit() for word in mine.row | theirs.row):
        return False
    return mine.key <= other.around and theirs.key <= one.around


def _same_names(one: Side, other: Side) -> bool:
    """Whether neither speaks of a name that the other's document lacks, nor each of one of its own."""
    mine = one.says.names - other.says.names
    theirs = other.says.names - one.says.names
    if not (mine <= other.subject.names and theirs <= one.subject.names):
        return False
    own = (mine | one.place) - other.place - other.says.names - other.subject.things
    others = (theirs | other.place) - one.place - one.says.names - one.subject.things
    return not (own and others)
