"""Hits to the excerpts that most likely hold the answer, exact to the letter, before any model runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Embedder, Vectors
from rag.records import READER_SIGNAL, Evidence, Hit
from rag.text.answer_types import answer_span, expected_answer
from rag.text.excerpts import Unit, excerpt, units_of, without_markup
from rag.text.words import fold, grams, words

Numbers = NDArray[np.float64]

PASSAGES_READ = 8
UNITS_READ = 8
"""Units compared by the embedding models, each twice: the others share too few words with the question.

With 16, the best three of a handbook asked in other words hold the answer in 0.464 for 0.457 of the
questions; in company documents, encyclopedia articles and notes nothing changes.
"""
UNITS_PER_PASSAGE = 3
ROWS_PER_TABLE = 2
MAX_EMBEDDED = 300
"""Characters of a unit that are embedded: more is a table or code."""
MAX_HEADER = 120
"""Of these, the header's: the row of a wide table has to be among them."""
NEAR_DUPLICATE = 0.8
"""The share of words from which two texts with the same numbers say the same."""

FAR_BEHIND = 4.0
"""Excerpts whose score is so far below the best are not shown: of three on average 2.8 are, of a handbook
asked in other words, and 1.5 of encyclopedia articles. At 2.5 the three hold the answer in 0.47 and 0.68 of a
handbook's and notes' questions instead of 0.52 and 0.75."""

OTHER_VERSION = 5.0
"""Taken off the score of a unit whose document has another version that suits the question's time."""

# Conditional logit over the units of 504 questions in six sets (a handbook, company documents, notes and
# articles, asked in their own and in other words). Fitted on all other sets, the first excerpt and the first
# three hold the answer as often, within 0.01. What a unit's neighbours say, and whether it has what the
# question asks for (a number, a name), added nothing. tests/benchmarks/fit_evidence.py fits them anew.
# The reader's opinion of the passage takes the first excerpt of a handbook from 0.375 to 0.430, of documents
# that it was not trained on from 0.405 to 0.500, of notes from 0.567 to 0.583 (three: 0.586 to 0.578, 0.571,
# 0.700 to 0.717); its opinion of each unit, or the second model left out, brings less.
WEIGHTS = {"similarity": 40.0, "second": 7.5, "grams": 2.0, "passage": 0.25, "reader": 0.8}
SHORTLIST_WEIGHTS = {"grams": 4.5, "passage": 1.0}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit of a passage, and the excerpt around it from `start` to `end`."""

    hit: Hit
    marker: int
    unit: Unit
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.hit.passage.text[self.unit.start : self.unit.end]

    @property
    def excerpt(self) -> str:
        """What is shown: the unit with what belongs to it."""
        return self.hit.passage.text[self.start : self.end]

    @property
    def header(self) -> str:
        """What the unit is read under, where the excerpt does not hold it."""
        header = self.unit.header
        if self.unit.kind == "table" and not header:
            header = self.hit.passage.context.strip()
        return "" if header in self.excerpt else header

    @property
    def read(self) -> str:
        """The unit as it is understood: a row of a table with the table's header."""
        header = self.unit.header[:MAX_HEADER]
        return f"{header}\n{self.text}" if header else self.text

    @property
    def embedded(self) -> str:
        """What it is chosen by: the unit under its last two headings."""
        headings = " ".join(self.hit.passage.heading_path[-2:]) or self.hit.title
        return f"{headings}: {without_markup(self.read)}"[:MAX_EMBEDDED]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read in the first passages.

    `evidence` are the best excerpts, best first, and `quotes` the best sentences, items and rows;
    `similarity` is the highest cosine of a unit under its headings.
    `matches`, shape (units read, question tokens), has how well each unit that was read holds each token of
    the question, and `markers`, shape (units read,), its passage: what the decision to answer looks at where
    no reader has read the passages; else they are empty.
    """

    evidence: tuple[Evidence, ...]
    matches: Vectors
    markers: NDArray[np.int64]
    quotes: tuple[Evidence, ...] = ()
    similarity: float = 0.0


def read(
    question: str,
    hits: Sequence[Hit],
    *,
    embedder: Embedder,
    count: int = 3,
    second: Embedder | None = None,
    quotes: int = 5,
    other_versions: Container[int] = (),
) -> Reading:
    """Finds up to `count` excerpts of the first hits that most likely hold the answer.

    An excerpt is a paragraph, list, table or block of code around the unit that answers. A second and third
    are given where they are not much less likely than the first. Markers number the hits from 1. `second` is
    a further embedding model that compares. `other_versions` are documents by their ids of which another
    version is asked for: their excerpts come after that version's.
    """
    every = candidates(question, hits)
    if not every:
        return Reading((), np.zeros((0, 0), np.float32), np.zeros(0, np.int64))
    lexical = lexical_signals(question, hits, every)
    kept = shortlist(every, lexical)
    chosen = [every[i] for i in kept]
    opinions = reader_opinions(chosen)
    # The decision leaves other versions out, so what was read of them spares it no matches.
    judged = [hit for hit in hits if hit.document_id not in other_versions]
    match = not any(READER_SIGNAL in hit.signals for hit in judged)
    compared, matches = compared_signals(question, chosen, embedder, second, match=match)
    scores = score({name: values[kept] for name, values in lexical.items()} | compared | opinions)
    scores -= OTHER_VERSION * np.array([one.hit.document_id in other_versions for one in chosen])
    ranked = [(chosen[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]
    return Reading(
        tuple(_shown(question, one, worth) for one, worth in distinct(ranked, count)),
        matches,
        np.array([one.marker for one in chosen[: len(matches)]], np.int64),
        tuple(islice((_quoted(one, worth) for one, worth in ranked if one.unit.kind != "code"), quotes)),
        float(compared["similarity"].max()),
    )


def candidates(question: str, hits: Sequence[Hit]) -> list[Candidate]:
    """Every distinct unit of the first hits, in order; front matter only where it is asked for."""
    asked = set(words(question))
    found: dict[str, Candidate] = {}
    if not asked:
        return []
    for marker, hit in enumerate(hits[:PASSAGES_READ], start=1):
        text = hit.passage.text
        every = units_of(hit.passage, hit.title)
        for i, unit in enumerate(every):
            piece = text[unit.start : unit.end]
            if not unit.answers or (unit.kind == "properties" and asked.isdisjoint(_label(piece))):
                continue
            found.setdefault(fold(piece), Candidate(hit, marker, unit, *excerpt(text, every, i)))
    return list(found.values())


def _label(line: str) -> set[str]:
    return set(words(line.partition(":")[0]))


def shortlist(every: Sequence[Candidate], lexical: Mapping[str, Numbers]) -> list[int]:
    """The places of the units worth comparing: of each passage those that share most with the question.

    Rows of a table are alike, since each is read under its header: they leave room for another unit.
    """
    scores = score(lexical, SHORTLIST_WEIGHTS)
    taken: Counter[tuple[int, int | None]] = Counter()
    kept = []
    for place in np.argsort(-scores, kind="stable"):
        one = every[place]
        table = (one.marker, one.unit.block if one.unit.kind == "table" else None)
        if taken[one.marker, None] < UNITS_PER_PASSAGE and (
            table[1] is None or taken[table] < ROWS_PER_TABLE
        ):
            taken.update({(one.marker, None), table})
            kept.append(int(place))
    return sorted(kept[:UNITS_READ])


def score(signals: Mapping[str, Numbers], weights: Mapping[str, float] = WEIGHTS) -> Numbers:
    """The weighted sum of the signals given."""
    total: Numbers = np.sum([weights[name] * values for name, values in signals.items()], axis=0)
    return total


def lexical_signals(question: str, hits: Sequence[Hit], every: Sequence[Candidate]) -> dict[str, Numbers]:
    """What can be told of each candidate without embedding it, each of shape (len(every),)."""
    return {
        "grams": np.array(_gram_overlaps(question, [one.read for one in every])),
        "passage": np.array([one.hit.score - hits[0].score for one in every]),
    }


def reader_opinions(chosen: Sequence[Candidate]) -> dict[str, Numbers]:
    """What the reader holds of each candidate's passage; of one that it has not read, the mean."""
    opinions = [one.hit.signals.get(READER_SIGNAL) for one in chosen]
    known = [opinion for opinion in opinions if opinion is not None]
    if not known:
        return {}
    mean = sum(known) / len(known)
    return {READER_SIGNAL: np.array([mean if opinion is None else opinion for opinion in opinions])}


def compared_signals(
    question: str,
    chosen: Sequence[Candidate],
    embedder: Embedder,
    second: Embedder | None,
    *,
    match: bool = True,
) -> tuple[dict[str, Numbers], Vectors]:
    """What the embedding models tell of each candidate, and how it matches the question token by token.

    Each is read under its headings to be chosen, and without them to be matched: with them every unit
    holds the question's subject, and whether the answer is there shows less (AUROC 0.87 against 0.91).
    Without `match` there are no matches, shape (0, 0), and it takes half the time.
    """
    texts = [one.embedded for one in chosen]
    found = {"similarity": embedder.cosines(question, texts).astype(np.float64)}
    if second is not None:
        found["second"] = second.cosines(question, texts).astype(np.float64)
    if not match:
        return found, np.zeros((0, 0), np.float32)
    bare = [without_markup(one.read)[:MAX_EMBEDDED] for one in chosen]
    return found, embedder.compare(question, bare).matches


def distinct(ranked: Sequence[tuple[Candidate, float]], count: int) -> list[tuple[Candidate, float]]:
    """The best candidates whose excerpts say different things and are not far behind the first."""
    found: list[tuple[Candidate, float]] = []
    for one, worth in ranked:
        if len(found) == count or worth < ranked[0][1] - FAR_BEHIND:
            break
        if not any(says_the_same(one, other) for other, _ in found):
            found.append((one, worth))
    return found


def says_the_same(one: Candidate, other: Candidate) -> bool:
    """Whether two excerpts overlap in their passage, or share nearly all words and all numbers."""
    if one.hit.rowid == other.hit.rowid and one.start < other.end and other.start < one.end:
        return True
    mine, others = Counter(words(one.excerpt)), Counter(words(other.excerpt))
    numbers = {word for word in mine.keys() ^ others.keys() if any(map(str.isdigit, word))}
    smaller = min(mine.total(), others.total())
    return not numbers and (mine & others).total() >= NEAR_DUPLICATE * max(smaller, 1)


def _shown(question: str, candidate: Candidate, worth: float) -> Evidence:
    kind = expected_answer(question)
    span = answer_span(kind, candidate.text, question) if kind else None
    start = candidate.unit.start
    return Evidence(
        hit=candidate.hit,
        marker=candidate.marker,
        quote=candidate.excerpt,
        start=candidate.start,
        end=candidate.end,
        score=worth,
        sentence=(start, candidate.unit.end),
        answer=(start + span[0], start + span[1]) if span else None,
        header=candidate.header,
    )


def _quoted(candidate: Candidate, worth: float) -> Evidence:
    unit = candidate.unit
    return Evidence(candidate.hit, candidate.marker, candidate.text, unit.start, unit.end, worth)


def _gram_overlaps(question: str, texts: Sequence[str]) -> list[float]:
    """The share of the question's four-letter runs that each text holds, rare ones counting more.

    Runs see through inflection and compounds, and those that every candidate holds (the subject of the
    whole passage) hardly count: this alone took the best sentence from 0.817 to 0.837.
    """
    asked = grams(question)
    held = [grams(text) & asked for text in texts]
    counts = Counter(gram for text in held for gram in text)
    weights = {gram: math.log(1 + len(texts) / (counts[gram] + 0.5)) for gram in asked}
    total = sum(weights[gram] for gram in sorted(asked))
    return [sum(weights[gram] for gram in sorted(text)) / total if total else 0.0 for text in held]
