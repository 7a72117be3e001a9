"""Hits to the quotes that most likely hold the answer, exact to the letter, before any model runs."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Embedder, Vectors
from rag.records import Evidence, Hit
from rag.text.answer_types import expected_answer, holds_answer
from rag.text.quotes import Quotable, quotable
from rag.text.words import content_words, fold, grams, stem, words

Numbers = NDArray[np.float64]

PASSAGES_READ = 6
QUOTES_READ = 12
"""The others share too few words with the question: reading all of them finds nothing more.

Each is read under its headings to be chosen, and without them to be matched token by token: with them every
quote holds the question's subject, and whether the answer is there shows less (AUROC 0.87 against 0.91; with
the tokens of the headings left out 0.89).
"""
LONGEST_EMBEDDED = 300
"""Characters of a quote that are embedded: more is a table or code. With 600, notes full of code take a fifth
longer, and no more answers are found in them, in English articles or in company documents."""

# Conditional logit over the quotes of 938 questions in four sets (English and German articles, notes with
# code, company documents with tables), each left out in turn. Best quote / best three, against single
# sentences and rows with weights fitted on English articles alone:
#   English articles 0.842 / 0.952 (0.818 / 0.955)    notes 0.317 / 0.650 (0.317 / 0.533)
#   German articles  0.807 / 0.933 (0.797 / 0.937)    company documents 0.596 / 0.719 (0.494 / 0.646)
# Embedding a quote under its heading is worth 0.02 to 0.05; similarity alone gives 0.802 / 0.928 in English.
_SIMILARITY = 42.0
_GRAMS = 4.5
_NEIGHBOURS = 4.4
_ANTECEDENT = 1.8
_PASSAGE = 0.34
_ANSWER_TYPE = 1.4

# A sentence that opens with one of these speaks of what the sentence before it named.
_POINTS_BACK = re.compile(
    r"\W*(?:it|its|this|that|these|those|they|their|them|he|she|his|her|such|both|another|other|er|sie|es"
    r"|ihr\w*|sein\w*|dies\w*|jen\w*|solch\w*|beide|il|elle|ils|elles|ce|cet|cette|ces|leurs?|este|esta|estos"
    r"|estas|ese|esa|ellos|ellas|esto|он|она|оно|они|это|эт\w{1,2})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A piece of a passage and the text around it; `before` and `after` are its neighbours."""

    hit: Hit
    marker: int
    piece: Quotable
    before: str
    after: str

    @property
    def text(self) -> str:
        return self.hit.passage.text[self.piece.start : self.piece.end]

    @property
    def read(self) -> str:
        """The piece as it is understood: a row of a table with the table's header."""
        return f"{self.piece.header}\n{self.text}" if self.piece.header else self.text

    @property
    def embedded(self) -> str:
        """What it is chosen by: the piece under its last two headings."""
        headings = " ".join(self.hit.passage.heading_path[-2:]) or self.hit.title
        return f"{headings}: {self.read}"[:LONGEST_EMBEDDED]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read in the first passages.

    `evidence` are the best quotes, best first. `matches`, shape (quotes read, question tokens), has how
    well each quote that was read holds each token of the question, and `markers`, shape (quotes read,),
    its passage: what the decision to answer looks at.
    """

    evidence: tuple[Evidence, ...]
    matches: Vectors
    markers: NDArray[np.int64]


def read(
    question: str,
    hits: Sequence[Hit],
    *,
    embedder: Embedder,
    count: int = 3,
) -> Reading:
    """Finds the `count` quotes of the first hits that most likely hold the answer.

    A quote is a sentence, or a short table, list or block of code with the sentence that leads in to it.
    Markers number the hits from 1. At most 12 quotes are read.
    """
    candidates = _candidates(question, hits)
    if not candidates:
        return Reading((), np.zeros((0, 0), np.float32), np.zeros(0, np.int64))
    lexical = _lexical_scores(question, hits, candidates)
    kept = np.argsort(-lexical, kind="stable")[:QUOTES_READ]
    chosen = [candidates[i] for i in kept]
    bare = [one.read[:LONGEST_EMBEDDED] for one in chosen]
    likeness = embedder.compare(question, [*(one.embedded for one in chosen), *bare])
    scores = lexical[kept] + _SIMILARITY * likeness.cosines[: len(chosen)]
    order = np.lexsort((kept, -scores))[:count]
    evidence = tuple(_evidence(chosen[i], float(scores[i])) for i in order)
    return Reading(evidence, likeness.matches[len(chosen) :], np.array([one.marker for one in chosen]))


def _evidence(candidate: _Candidate, score: float) -> Evidence:
    return Evidence(
        hit=candidate.hit,
        marker=candidate.marker,
        quote=candidate.text,
        start=candidate.piece.start,
        end=candidate.piece.end,
        score=score,
    )


def _candidates(question: str, hits: Sequence[Hit]) -> list[_Candidate]:
    """Every distinct quote of the first hits, in order; front matter only where it is asked for."""
    asked = {stem(word) for word in content_words(question)}
    found: dict[str, _Candidate] = {}
    for marker, hit in enumerate(hits[:PASSAGES_READ], start=1):
        text = hit.passage.text
        pieces = quotable(text)
        for i, piece in enumerate(pieces):
            before = text[pieces[i - 1].start : piece.start] if i else ""
            after = text[piece.end : pieces[i + 1].end] if i + 1 < len(pieces) else ""
            candidate = _Candidate(hit, marker, piece, before, after)
            if piece.labelled and asked.isdisjoint(map(stem, words(candidate.text))):
                continue
            if not _only_a_heading(hit, candidate.text):
                found.setdefault(fold(candidate.text), candidate)
    return list(found.values())


def _only_a_heading(hit: Hit, piece: str) -> bool:
    """Whether a line merely repeats a heading of its passage, as a front matter's title does too."""
    line = fold(piece.lstrip("# ").removeprefix("title:").strip(" \"'"))
    return line in {fold(heading) for heading in (*hit.passage.heading_path, hit.title)}


def _lexical_scores(question: str, hits: Sequence[Hit], candidates: Sequence[_Candidate]) -> Numbers:
    """What can be told of each candidate without embedding it, shape (len(candidates),)."""
    weights = word_weights(question, hits)
    shared = _gram_overlaps(question, [candidate.read for candidate in candidates])
    kind = expected_answer(question)
    scores = np.zeros(len(candidates))
    for i, candidate in enumerate(candidates):
        around = candidate.before + candidate.text + candidate.after
        scores[i] = _GRAMS * shared[i] + _NEIGHBOURS * overlap(weights, around)
        scores[i] += _PASSAGE * (candidate.hit.score - hits[0].score)
        if kind is not None and holds_answer(kind, candidate.text, question):
            scores[i] += _ANSWER_TYPE
        if _POINTS_BACK.match(candidate.text):
            with_antecedent = overlap(weights, candidate.before + candidate.text)
            scores[i] += _ANTECEDENT * (with_antecedent - overlap(weights, candidate.text))
    return scores


def word_weights(question: str, hits: Sequence[Hit]) -> dict[str, float]:
    """How much each content word of the question tells, by its stem: the rarer in the hits, the more."""
    asked = content_words(question)
    held = [{stem(word) for word in words(hit.passage.text)} for hit in hits]
    counts = {stem(word): sum(stem(word) in passage for passage in held) for word in asked}
    return {key: math.log(1 + (len(held) + 1) / (count + 0.5)) for key, count in counts.items()}


def overlap(weights: Mapping[str, float], text: str) -> float:
    """The share of the question's weight that the text's words hold, 0 to 1."""
    total = sum(weights.values())
    held = {stem(word) for word in words(text)}
    return sum(weight for key, weight in weights.items() if key in held) / total if total else 0.0


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
