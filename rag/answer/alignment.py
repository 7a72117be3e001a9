"""Two documents side by side: what they say alike, what one says otherwise, and what it alone says."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Embedder, SearchIndex, Vectors
from rag.records import Change, DocumentEntry, Evidence, Hit
from rag.text.excerpts import Unit, units_of, without_markup
from rag.text.facts import facts
from rag.text.facts.fact import Fact, span_of
from rag.text.facts.match import holds
from rag.text.words import content_words, stem, words

COMPARED_UNITS = 3_000
EMBEDDED_UNITS = 120
_ALIKE = 0.5
"""Half of their words, rare ones counting more, make two sentences one that was changed."""
_SAME_SECTION, _NEAR, _MEANING, _SAME_UNIT = 0.15, 0.3, 0.5, 0.1
_SAME_ROW = 0.6
_VERSIONS = 0.2
"""Two documents with so many of their sentences in common are two versions of one."""
_NO_UNIT = ("", "rate", "label", "ordinal", "part")
_MARKER = re.compile(r"\s*(?:[-*+•‣▪◦–—]\s+|\(?\d{1,3}[.)]\s+)+")
_NUMBERING = re.compile(r"^[\d.]+\s+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two documents differ in, in the second one's order, and how many sentences they share.

    `read` is the share of both that was compared, 1.0 for all.
    """

    first: DocumentEntry
    second: DocumentEntry
    changes: tuple[Change, ...]
    same: int
    total: int
    read: float = 1.0

    @property
    def are_versions(self) -> bool:
        """Whether one document seems to be made from the other."""
        return self.same + 2 * self.count("changed") >= _VERSIONS * self.total

    def count(self, kind: str) -> int:
        """How many changes there are of a kind."""
        return sum(change.kind == kind for change in self.changes)


def quotes_of(changes: Sequence[Change]) -> tuple[Evidence, ...]:
    """Every quote of some changes, in order."""
    sides = (side for change in changes for side in (change.first, change.second))
    return tuple(side for side in sides if side is not None)


class _Piece:
    """A sentence, list item or table row of a document."""

    def __init__(self, hit: Hit, unit: Unit, place: int) -> None:
        self.hit, self.unit, self.place = hit, unit, place
        text = hit.passage.text[unit.start : unit.end]
        marker = _MARKER.match(text) if unit.kind == "list" else None
        self.start = unit.start + (marker.end() if marker else 0)
        self.text = hit.passage.text[self.start : unit.end]
        self.is_row = unit.kind == "table"

    @cached_property
    def said(self) -> tuple[str, ...]:
        """Its words: two pieces with the same ones are the same."""
        return tuple(words(without_markup(self.text)))

    @cached_property
    def terms(self) -> frozenset[str]:
        """What it speaks of, numbers aside."""
        found = (stem(word) for word in content_words(without_markup(self.text)))
        return frozenset(one for one in found if not one.isdigit())

    @cached_property
    def units(self) -> frozenset[str]:
        """What its numbers are of: euros, days."""
        return frozenset(
            fact.unit for fact in facts(self.text) if fact.kind == "number" and fact.unit not in _NO_UNIT
        )

    @cached_property
    def row(self) -> tuple[str, ...]:
        """What a table's row is about: its first cell."""
        cells = [cell for cell in self.text.strip().strip("|").split("|") if cell.strip()]
        return tuple(words(cells[0])) if self.is_row and cells else ()

    @cached_property
    def section(self) -> frozenset[str]:
        """The words of the heading it stands under."""
        heading = self.hit.passage.heading_path[-1:] if self.hit.passage.heading_path[1:] else ()
        return frozenset(stem(word) for word in content_words(_NUMBERING.sub("", " ".join(heading))))

    def quoted(self, values: Sequence[Fact] = ()) -> Evidence:
        """The piece as an excerpt, the first of the values marked in it."""
        answer = None
        if values:
            start, end = span_of(self.text, values[0])
            answer = (self.start + start, self.start + end)
        place = (self.start, self.unit.end)
        return Evidence(self.hit, 0, self.text, *place, 1.0, answer=answer, header=self.unit.header)


def compared(
    first: DocumentEntry,
    second: DocumentEntry,
    *,
    index: SearchIndex,
    collection: str,
    embedder: Embedder | None,
) -> Comparison:
    """Aligns the sentences, items and rows of two documents, each with its like in the other.

    With an embedder also those that say the same in other words, where they are not too many.
    """
    (old, read_old), (new, read_new) = _pieces(first, index), _pieces(second, index)
    rowids, vectors = index.vectors_of(collection, sorted({piece.hit.rowid for piece in (*old, *new)}))
    same, pairs = _aligned(old, new, _Nearness.of(rowids.tolist(), vectors), embedder)
    mates = {a.place: b.place for a, b in (*same, *pairs)}
    known = set(mates.values())
    found = [((b.place, 0), _changed(a, b)) for a, b in pairs]
    found += [
        ((b.place, 0), Change("added", _heading(b), None, b.quoted())) for b in new if b.place not in known
    ]
    before = -1
    for a in old:  # what is gone stands behind what came before it
        before = mates.get(a.place, before)
        if a.place not in mates:
            found.append(((before, 1 + a.place), Change("removed", _heading(a), a.quoted(), None)))
    found.sort(key=lambda one: one[0])
    total = len(old) + len(new)
    read = min(read_old, read_new)
    return Comparison(first, second, numbered([change for _, change in found]), 2 * len(same), total, read)


def _pieces(entry: DocumentEntry, index: SearchIndex) -> tuple[list[_Piece], float]:
    """What a document says, in its order, and the share of its passages that this is of."""
    rowids = index.passage_rowids([entry.id])
    found: list[_Piece] = []
    for number, hit in enumerate(index.hits(rowids)):
        if len(found) >= COMPARED_UNITS:
            return found, number / len(rowids)
        for unit in () if hit.passage.is_hidden else units_of(hit.passage, hit.title):
            piece = _Piece(hit, unit, len(found))
            if unit.answers and unit.kind != "properties" and piece.said:
                found.append(piece)
    return found, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Nearness:
    """How near texts are to each other, by the cosine of their vectors less the mean of all."""

    places: dict[int, int]
    cosines: NDArray[np.float32]

    @classmethod
    def of(cls, keys: Sequence[int], vectors: Vectors) -> _Nearness:
        """Between texts by their keys."""
        centred = vectors - vectors.mean(axis=0)
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        return cls(
            {int(key): place for place, key in enumerate(keys)}, np.einsum("ik,jk->ij", centred, centred)
        )

    def __call__(self, a: int, b: int) -> float:
        """0 to 1; 0 for what is apart, or unknown."""
        if a not in self.places or b not in self.places:
            return 0.0
        return max(0.0, float(self.cosines[self.places[a], self.places[b]]))


Pairs = list[tuple["_Piece", "_Piece"]]


def _aligned(
    old: Sequence[_Piece], new: Sequence[_Piece], passages: _Nearness, embedder: Embedder | None
) -> tuple[Pairs, Pairs]:
    """The pieces that are the same in both, and those that are alike, each in one pair at most.

    By their words first; then what is left by its meaning, with an embedder, where it is not too much.
    """
    same = list(_same(old, new))
    gone, come = _without(old, [a for a, _ in same]), _without(new, [b for _, b in same])
    likeness = _Likeness([*old, *new], passages)
    pairs = _paired(gone, come, likeness)
    gone, come = _without(gone, [a for a, _ in pairs]), _without(come, [b for _, b in pairs])
    prose = [piece for piece in (*gone, *come) if not piece.is_row]
    if embedder and gone and come and 1 < len(prose) <= EMBEDDED_UNITS:
        vectors = embedder.embed_passages([piece.text for piece in prose], truncate=True)
        likeness.meanings = _Nearness.of([id(piece) for piece in prose], vectors)
        pairs += _paired(gone, come, likeness)
    return same, pairs


def _without(pieces: Sequence[_Piece], taken: Sequence[_Piece]) -> list[_Piece]:
    left = {piece.place for piece in taken}
    return [piece for piece in pieces if piece.place not in left]


def _paired(old: Sequence[_Piece], new: Sequence[_Piece], likeness: _Likeness) -> Pairs:
    """The pieces that are most alike, the most alike first, each taken once."""
    scored = [(likeness(a, b), -abs(a.place - b.place), a, b) for a, b in likeness.candidates(old, new)]
    scored = [one for one in scored if one[0] >= _ALIKE]
    scored.sort(key=lambda one: (-one[0], -one[1], one[2].place, one[3].place))
    found: dict[int, tuple[_Piece, _Piece]] = {}
    taken: set[int] = set()
    for _, _, a, b in scored:
        if a.place not in found and b.place not in taken:
            found[a.place] = (a, b)
            taken.add(b.place)
    return list(found.values())


def _same(old: Sequence[_Piece], new: Sequence[_Piece]) -> Iterator[tuple[_Piece, _Piece]]:
    """Pairs with the same words; of several, those of the same section first."""
    by_words: defaultdict[tuple[str, ...], list[_Piece]] = defaultdict(list)
    for b in new:
        by_words[b.said].append(b)
    for a in old:
        twins = by_words[a.said]
        if twins:
            twin = next((b for b in twins if b.section == a.section), twins[0])
            twins.remove(twin)
            yield a, twin


class _Likeness:
    """How much of what two pieces say is the same matter."""

    def __init__(self, pieces: Sequence[_Piece], passages: _Nearness) -> None:
        counts = Counter(term for piece in pieces for term in piece.terms)
        self.weights = {term: 1 / math.sqrt(count) for term, count in counts.items()}
        self.passages = passages
        self.meanings: _Nearness | None = None

    def candidates(self, old: Sequence[_Piece], new: Sequence[_Piece]) -> Iterator[tuple[_Piece, _Piece]]:
        """The pairs that can be alike: those that share a word, or all where meanings are known."""
        by_term: defaultdict[str, list[_Piece]] = defaultdict(list)
        for b in new:
            for term in b.terms | ({" ".join(b.row)} if b.row else set()):
                by_term[term].append(b)
        for a in old:
            sharing = (b for term in a.terms | {" ".join(a.row)} for b in by_term[term])
            yield from ((a, b) for b in (new if self.meanings else dict.fromkeys(sharing)))

    def __call__(self, a: _Piece, b: _Piece) -> float:
        """The share of their weighted terms that both have, with the signs that they are of one matter.

        These are the same heading, near passages, a near meaning and values of one unit.
        """
        if a.is_row != b.is_row:
            return 0.0
        if a.is_row and a.row == b.row:
            return 1.0 + _SAME_ROW
        shared = sum(self.weights[term] for term in a.terms & b.terms)
        whole = sum(self.weights[term] for term in (*a.terms, *b.terms)) or 1.0
        under = len(a.section & b.section) / max(1, min(len(a.section), len(b.section)))
        near = self.passages(a.hit.rowid, b.hit.rowid)
        meaning = _MEANING * self.meanings(id(a), id(b)) if self.meanings else 0.0
        unit = _SAME_UNIT if a.units & b.units else 0.0
        return 2 * shared / whole + _SAME_SECTION * under + _NEAR * near + meaning + unit


def _changed(a: _Piece, b: _Piece) -> Change:
    """A pair with the values that only one of the two has."""
    mine, theirs = _lacking(a.text, b.text), _lacking(b.text, a.text)
    return Change(
        "changed",
        _heading(b),
        a.quoted(mine),
        b.quoted(theirs),
        tuple(_written(a, fact) for fact in mine),
        tuple(_written(b, fact) for fact in theirs),
    )


def _lacking(text: str, other: str) -> list[Fact]:
    """The numbers, dates, times and codes of a text that another lacks, in their order."""
    held = facts(other)
    found = [
        fact
        for fact in facts(text)
        if fact.kind in ("number", "date", "time", "code")
        and fact.unit not in ("rate", "label", "ordinal")
        and fact.weight != "held"
        and not holds(other, held, fact)
    ]
    return sorted(found, key=lambda fact: fact.start)


def _written(piece: _Piece, fact: Fact) -> str:
    return piece.text[slice(*span_of(piece.text, fact))]


def _heading(piece: _Piece) -> str:
    path = piece.hit.passage.heading_path
    return path[-1] if len(path) > 1 or (path and path[0] != piece.hit.title) else ""


def numbered(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with their quotes numbered through."""
    found, marker = [], 0
    for change in changes:
        sides: list[Evidence | None] = []
        for side in (change.first, change.second):
            marker += side is not None
            sides.append(side and replace(side, marker=marker))
        found.append(replace(change, first=sides[0], second=sides[1]))
    return tuple(found)
