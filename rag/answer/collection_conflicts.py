"""All conflicts between the documents of a collection: one attribute of one thing with two values."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations, product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.answer.statement_pairs import Side, Subject, Weights, agreed, opposed, same_matter
from rag.answer.versions import Version, Versions, same_but_for_version
from rag.interfaces import SearchIndex, Vectors
from rag.records import Conflict, ConflictSide, DocumentEntry, Hit
from rag.text.facts.words import MONTHS
from rag.text.statements import Statement, Value, parties, statements, stems
from rag.text.validity import READ, validity
from rag.text.words import fold, words

NEIGHBOURS = 20
"""So many passages of other documents, the nearest by their vectors, are compared with each."""
FLOOR = 0.1
"""Below this cosine, the collection's mean taken off, two passages are about different things."""
RAREST = 6
BLOCK = 1_000
COMMON = 0.4
"""A name in more of the documents parts none from the others."""
FEW = 5
MANY = 8
"""Documents that differ in so much, and agree in less, are about two things of a kind."""
_NAME_PARTS = re.compile(r"[\s/_.-]+")
_AMENDS = re.compile(
    r"\b(?:amend\w*|addend\w*|endorsement|side letter|supplement\w*|variation|nachtrag|änderung\w*|zusatz\w*"
    r"|avenant|adenda|enmienda|anexo)\b|补充|修订",
    re.IGNORECASE,
)
"""What a document that changes another is called: it does not contradict what it changes."""
_PLANS = re.compile(
    r"\b(?:budget|forecast|draft|proposal|entwurf|vorschlag|prognose|brouillon|proposition|presupuesto|borrador"
    r"|propuesta)\b|预算|草案|建议",
    re.IGNORECASE,
)
"""What a document that says what may come is called."""
_WORD_INSIDE = re.compile(r"(?<=[^\s.!?:|#*>_-] )[^\W\d_][\w'’-]*")
_ORDER = re.compile(r"(?:(?<=/)|^)\d{1,3}(?=[-_. ])(?!-\d\d\b)")
_JOINED = re.compile(r"\w+(?:[-_./]\w+)*")

Progress = Callable[[int, int], None]
"""Told how many of how many steps are done."""


class Index(SearchIndex, Protocol):
    """The part of the store that conflicts are found in."""

    def conflicts(self, collection: str, day: str) -> list[Conflict] | None: ...

    def keep_conflicts(
        self, collection: str, found: Sequence[Conflict], day: str, *, generation: int
    ) -> None: ...

    def generation(self, collection: str) -> int: ...


def conflicts(
    index: Index,
    collection: str,
    *,
    progress: Progress = lambda done, of: None,
    today: str | None = None,
) -> list[Conflict]:
    """The conflicts of a collection as it is now: those kept, or found again where it has changed."""
    day = today or date.today().isoformat()
    kept = index.conflicts(collection, day)
    if kept is not None:
        return kept
    generation = index.generation(collection)
    found = find_conflicts(index, collection, progress=progress, today=day)
    index.keep_conflicts(collection, found, day, generation=generation)
    return found


def find_conflicts(
    index: SearchIndex, collection: str, *, progress: Progress = lambda done, of: None, today: str
) -> list[Conflict]:
    """Compares what the nearest passages of different documents state, and returns what is opposed."""
    entries = index.documents(collection)
    openings = index.openings([entry.id for entry in entries], READ)
    versions = [Version(entry, validity(openings.get(entry.id, ""))) for entry in entries]
    superseded = Versions.of(versions, today).superseded()
    valid = [one for one in versions if one.entry.id not in superseded and one.is_in_force(today)]
    hits = index.hits(index.passage_rowids([one.entry.id for one in valid]))
    reading = Reading([one.entry for one in valid], hits, progress)
    dates = {one.entry.id: one.begins or (None if one.entry.undated else one.entry.date) for one in valid}
    vectors = index.vectors_of(collection, [hit.rowid for hit in hits])
    return list(_conflicts(reading, reading.pairs(*vectors), dates))


class Reading:
    """What the passages of some documents state, and what each document is about."""

    def __init__(self, entries: Sequence[DocumentEntry], hits: Sequence[Hit], progress: Progress) -> None:
        self.entries = {entry.id: entry for entry in entries}
        self.hits = {hit.rowid: hit for hit in hits}
        self.vocabulary = Vocabulary(hits)
        self.subjects = {entry.id: self.vocabulary.subject(entry) for entry in entries}
        self.sides: dict[int, list[Side]] = {}
        for done, hit in enumerate(hits):
            progress(done, len(hits))
            self.sides[hit.rowid] = [] if _PLANS.search(hit.title) else list(self._sides(hit))
        progress(len(hits), len(hits))

    def _sides(self, hit: Hit) -> Iterator[Side]:
        place = frozenset(filter(self.vocabulary.is_name, words(" ".join(hit.passage.heading_path[1:]))))
        for found in statements(hit.passage, hit.title):
            names = frozenset(name for name in found.names if name[0] == "#" or self.vocabulary.is_name(name))
            yield Side(replace(found, names=names), self.subjects[hit.document_id], place)

    def pairs(
        self, rowids: NDArray[np.int64], vectors: Vectors
    ) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Pairs of passages that may be about the same thing, by their documents."""
        found = defaultdict(list)
        near = _nearest(rowids, vectors, [self.hits[int(i)].document_id for i in rowids])
        for one, other in sorted(near | self._of_the_same_words()):
            if self.sides[one] and self.sides[other]:
                docs = self.hits[one].document_id, self.hits[other].document_id
                found[docs].append((one, other))
        return {docs: pairs for docs, pairs in found.items() if not self._differ(*docs)}

    def _of_the_same_words(self) -> set[tuple[int, int]]:
        """Pairs of passages with statements that share two words which few others have together.

        A passage of many short answers has a vector that is near none of what they are about.
        """
        having: dict[tuple[str, ...], set[int]] = defaultdict(set)
        weights = self.vocabulary.weights
        for rowid, sides in self.sides.items():
            for side in sides:
                rarest = sorted(side.says.about, key=lambda word: (-weights.of(word), word))[:RAREST]
                for key in combinations(sorted(rarest), min(2, len(rarest))):
                    having[key].add(rowid)
        return {
            pair
            for rowids in having.values()
            if 1 < len(rowids) <= NEIGHBOURS
            for pair in combinations(sorted(rowids), 2)
            if self.hits[pair[0]].document_id != self.hits[pair[1]].document_id
        }

    def _differ(self, one: int, other: int) -> bool:
        """Whether two documents are about different things: two customers, two years of one report."""
        first, second = self.entries[one], self.entries[other]
        if self.subjects[one].is_other_than(self.subjects[other]) or same_but_for_version(first, second):
            return True
        return bool(_AMENDS.search(_called(first))) is not bool(_AMENDS.search(_called(second)))


class Vocabulary:
    """The words of a collection: how common each is, and which are names, by how they are written."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self.weights = Weights(len(hits), Counter())
        self._names, self._plain = Counter[str](), Counter[str]()
        self._of: dict[int, Counter[str]] = defaultdict(Counter)
        headings: dict[int, set[str]] = defaultdict(set)
        for hit in hits:
            text = hit.passage.text
            headings[hit.document_id].update(map(fold, hit.passage.heading_path[1:]))
            self.weights.spread.update(stems(text))
            self._of[hit.document_id].update(words(text))
            for word in _WORD_INSIDE.findall(text):
                (self._names if word[0].isupper() else self._plain)[fold(word)] += 1
            joined = (_squeezed(code) for code in _JOINED.findall(text) if not code.isalnum())
            self._of[hit.document_id].update(joined)
        self._headings = {id_: frozenset(headings[id_]) for id_ in self._of}
        self._documents = Counter(word for of_one in self._of.values() for word in of_one)

    def is_name(self, word: str) -> bool:
        """Whether a folded word is a code or month, or is written with a capital inside sentences."""
        return any(map(str.isdigit, word)) or word in MONTHS or self._names[word] > 3 * self._plain[word]

    def subject(self, entry: DocumentEntry) -> Subject:
        """What a document is about, by its title and path and the names in it."""
        called, of_one = words(_called(entry)), self._of[entry.id]
        most = max(1, COMMON * len(self._of)) if len(self._of) >= FEW else len(self._of)
        things = frozenset(word for word in called if not _is_year(word) and self.is_name(word))
        return Subject(
            things,
            frozenset(
                word
                for word in things
                if of_one[word] > 1 and self._documents[word] <= most and not word.isdigit()
            ),
            stems(_called(entry)),
            frozenset(of_one) | frozenset(called),
            frozenset(filter(_is_year, called)),
            self._headings[entry.id],
            parties(entry.title),
            entry.doc.rpartition("/")[0],
        )


def _called(entry: DocumentEntry) -> str:
    """The words of a document's path and title, without the numbers by which files are put in order."""
    path = _ORDER.sub("", entry.doc.rpartition(".")[0] or entry.doc)
    return " ".join(_NAME_PARTS.split(f"{path} {entry.title}"))


def _is_year(word: str) -> bool:
    return bool(re.fullmatch(r"(?:19|20)\d\d", word))


def _squeezed(code: str) -> str:
    return re.sub(r"[\W_]", "", fold(code))


def _nearest(rowids: NDArray[np.int64], vectors: Vectors, documents: Sequence[int]) -> set[tuple[int, int]]:
    """Pairs of passages of different documents, of which one is among the nearest of the other."""
    if len(rowids) < 2:
        return set()
    centred = vectors - vectors.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    owners, found = np.asarray(documents), set()
    for start in range(0, len(rowids), BLOCK):
        scores = centred[start : start + BLOCK] @ centred.T
        scores[owners[start : start + BLOCK, None] == owners] = -2.0
        most = min(NEIGHBOURS, scores.shape[1] - 1)
        nearest = np.argpartition(-scores, most, axis=1)[:, : most + 1]
        near = np.take_along_axis(scores, nearest, axis=1) > FLOOR
        for row, column in np.argwhere(near):
            one, other = int(rowids[start + row]), int(rowids[nearest[row, column]])
            found.add((min(one, other), max(one, other)))
    return found


def _conflicts(
    reading: Reading,
    pairs: dict[tuple[int, int], list[tuple[int, int]]],
    dates: dict[int, str | None],
) -> Iterator[Conflict]:
    """What is opposed in these passages, and said nowhere else as the other document says it."""
    for near in pairs.values():
        found, agreements = _compared(reading, near, dates)
        if len(found) < MANY or len(found) <= agreements:
            yield from found


def _compared(
    reading: Reading, near: Sequence[tuple[int, int]], dates: dict[int, str | None]
) -> tuple[list[Conflict], int]:
    """The conflicts between two documents, and how many statements of the one the other makes too."""
    weights = reading.vocabulary.weights
    ids = [sorted(set(of_one)) for of_one in zip(*near, strict=True)]
    ours, theirs = ([side for i in of_one for side in reading.sides[i]] for of_one in ids)
    settled = {id(side) for side in ours if _is_among(side, theirs, weights)}
    settled |= {id(side) for side in theirs if _is_among(side, ours, weights)}
    found: dict[tuple[str, str], Conflict] = {}
    for one, other in near:
        for first, second in product(reading.sides[one], reading.sides[other]):
            values = opposed(first, second, weights)
            if values and settled.isdisjoint((id(first), id(second))):
                left = _side(reading.hits[one], first.says, values[0], dates)
                right = _side(reading.hits[other], second.says, values[1], dates)
                found.setdefault((left.quote, right.quote), Conflict(values[0].kind, left, right))
    return list(found.values()), len(settled)


def _is_among(one: Side, others: Sequence[Side], weights: Weights) -> bool:
    """Whether the other document also says what this statement does: it speaks of another case then."""
    return any(agreed(one.says, other.says) and same_matter(one, other, weights) for other in others)


def _side(hit: Hit, says: Statement, value: Value, dates: dict[int, str | None]) -> ConflictSide:
    passage = hit.passage
    return ConflictSide(
        hit.rowid,
        hit.doc,
        hit.title,
        hit.page,
        hit.heading,
        passage.text[says.start : says.end],
        passage.start + says.start,
        passage.start + says.end,
        value.text,
        passage.start + value.start,
        dates.get(hit.document_id),
    )
