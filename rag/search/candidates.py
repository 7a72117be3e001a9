"""The passages a query may mean, and the score of each: from vectors, words and the names of documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import UsageError
from rag.interfaces import Layout, SearchIndex
from rag.search.legs import Leg
from rag.search.query import ParsedQuery, holds_phrase, matching
from rag.search.questions import Nearest
from rag.search.ranking import Ranking
from rag.search.scores import (
    Places,
    Scores,
    bm25,
    document_shares,
    floor_group_means,
    placed,
    reciprocal_ranks,
    top_indices,
)
from rag.search.title_match import named, rarities
from rag.text.terms import joined_terms, query_terms, telling_terms

MAX_LOOKED_THROUGH = 5_000  # passages that hold all words of a phrase, perhaps apart: 40 µs each


@dataclass(frozen=True, slots=True)
class Words:
    """A query's words in a collection.

    `rarity` is the weight of each term, `places` and `scores` the BM25 of the passages that hold any, and
    `about`, shape (documents,), how far each document is about them.
    """

    rarity: dict[str, float]
    places: Places
    scores: Scores
    about: Scores

    @classmethod
    def of(cls, text: str, index: SearchIndex, collection: str, layout: Layout) -> Words:
        """Looks the words of a query up."""
        terms = list(dict.fromkeys((*telling_terms(text), *joined_terms(text))))
        postings = index.postings(collection, terms)
        found = placed(postings, layout)
        return cls(rarities(postings.frequencies, len(layout.rowids)), *bm25(found), document_shares(found))

    def standardised(self, scores: Scores, passages: int) -> Scores:
        """BM25 scores in standard deviations above the mean of all passages, most of which have none."""
        mean = self.scores.sum() / max(passages, 1)
        variance = (self.scores**2).sum() / max(passages, 1) - mean**2
        deviation = float(np.sqrt(max(variance, 0.0)))
        standardised: Scores = (scores - mean) / max(deviation, 1e-9)
        return standardised


@dataclass(frozen=True, slots=True)
class Search:
    """One query against one collection; `among` are the rowids it is limited to, ascending.

    `questions` are the passages whose written questions are near to it.
    """

    index: SearchIndex
    collection: str
    layout: Layout
    legs: Sequence[Leg]
    words: Words
    questions: Nearest
    among: NDArray[np.int64] | None

    def candidates(self, ranking: Ranking, limit: int, phrases: Sequence[str]) -> Candidates:
        """The passages that any search finds, `limit` from each, and those that hold a phrase."""
        places, scores = self.words.places, self.words.scores
        if self.among is not None:
            allowed = np.isin(self.layout.rowids[places], self.among)
            places, scores = places[allowed], scores[allowed]
        keywords = np.zeros(len(self.layout.rowids))
        keywords[places] = scores
        nearest = [self._nearest(leg, limit) for leg in self.legs if leg.weight]
        found = places[top_indices(scores, limit if ranking.keyword_weight else 0)]
        quoted = [self._holders(phrase, keywords, limit) for phrase in phrases]
        asked = self._allowed(self.questions.places)[: limit if ranking.question_weight else 0]
        every = np.unique(np.concatenate([*nearest, found, *quoted, asked]))
        rowids = self.layout.rowids[every]
        similarities = tuple(leg.similarities(self.index, self.collection, rowids) for leg in self.legs)
        return Candidates(every, similarities, keywords[every])

    def _holders(self, phrase: str, keywords: Scores, limit: int) -> Places:
        """The places of up to `limit` passages that hold a phrase, ascending; of many, the likeliest."""
        places = self.layout.places(self.index.holding(self.collection, query_terms(phrase)))
        places = places[places >= 0]
        places = self._allowed(places)
        places = places[np.argsort(-keywords[places], kind="stable")]
        kept: list[int] = []
        for start in range(0, min(len(places), MAX_LOOKED_THROUGH), limit):
            rowids = self.layout.rowids[places[start : start + limit]]
            hits = self.index.hits(rowids.tolist())
            kept += [hit.rowid for hit in hits if holds_phrase(hit.passage.text, phrase)]
            if len(kept) >= limit:
                break
        return np.sort(self.layout.places(np.array(kept[:limit], dtype=np.int64)))

    def _allowed(self, places: Places) -> Places:
        """Those of these places that the search is not limited from."""
        return places if self.among is None else places[np.isin(self.layout.rowids[places], self.among)]

    def cosines(self, rowids: Sequence[int]) -> list[float]:
        """How near these passages are to the query by the first model."""
        return self.index.similarities(self.collection, rowids, self.legs[0].vector)

    def _nearest(self, leg: Leg, limit: int) -> Places:
        places = self.layout.places(leg.nearest(self.index, self.collection, limit, self.among))
        return places[places >= 0]

    def scored(self, candidates: Candidates, ranking: Ranking) -> Scored:
        """The score of each candidate, from its own words, its document's name and its document's words.

        A question shares no words with a text in another language, however well that answers it: what
        words bring is no less there than on average. Of ten questions of the sample corpus whose answer is
        in another language, all are found among the first 20 so, and eight otherwise.
        """
        documents = self.layout.documents[candidates.places]
        name = self._names(documents) if ranking.name_weight else np.zeros(len(documents))
        about = self.words.about[documents]
        languages = self.layout.languages[documents]
        score = self._fused(candidates, ranking, languages) + ranking.name_weight * name
        score += ranking.document_weight * floor_group_means(about, languages)
        asked = self.questions.scores_of(candidates.places)
        score += ranking.question_weight * asked
        similarities = {
            leg.name: known for leg, known in zip(self.legs, candidates.similarities, strict=True)
        }
        signals: dict[str, Scores] = {
            **similarities,
            "keyword": candidates.keyword,
            "name": name,
            "document": about,
        }
        if self.questions.places.size:
            signals["question"] = asked
        return Scored(self.layout.rowids[candidates.places], score, signals)

    def _fused(self, candidates: Candidates, ranking: Ranking, languages: NDArray[np.int64]) -> Scores:
        """One score a candidate.

        Adding scores keeps how much better a passage is, which ranks throw away.
        """
        if ranking.fusion == "ranks":
            score = ranking.keyword_weight * reciprocal_ranks(candidates.keyword)
            for leg, found in zip(self.legs, candidates.similarities, strict=True):
                score += leg.weight * reciprocal_ranks(np.nan_to_num(found, nan=-1.0))
            return score
        words = self.words.standardised(candidates.keyword, len(self.layout.rowids))
        score = ranking.keyword_weight * floor_group_means(words, languages)
        for leg, found in zip(self.legs, candidates.similarities, strict=True):
            score += leg.weight * leg.standardised(
                self.index, self.collection, self.layout, candidates.places, found
            )
        return score

    def _names(self, documents: NDArray[np.int64]) -> Scores:
        """How far the query names each of these documents."""
        different, inverse = np.unique(documents, return_inverse=True)
        entries = [self.layout.entries[document] for document in different]
        rarity = self.words.rarity
        return np.array(named(entries, set(rarity), rarity), dtype=np.float64)[inverse]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Places in the layout, ascending, with each leg's similarity and the BM25 score of each."""

    places: Places
    similarities: tuple[Scores, ...]
    keyword: Scores


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates by rowid, ascending, with the score of each and what it is made of."""

    rowids: NDArray[np.int64]
    scores: Scores
    signals: dict[str, Scores]

    def best(self, count: int) -> dict[int, float]:
        """The scores of the `count` best, by rowid, best first."""
        places = top_indices(self.scores, count)
        return dict(zip(self.rowids[places].tolist(), self.scores[places].tolist(), strict=True))

    def signals_of(self, rowid: int) -> dict[str, float]:
        """What one candidate's score is made of, as far as it is known."""
        place = np.searchsorted(self.rowids, rowid)
        known = {name: float(values[place]) for name, values in self.signals.items()}
        return {name: value for name, value in known.items() if not np.isnan(value)}


def passing_rowids(
    layout: Layout, collection: str, parsed: ParsedQuery, docs: Sequence[str] | None
) -> NDArray[np.int64] | None:
    """The rowids the filters leave, or None without filters."""
    if not parsed.filters and docs is None:
        return None
    wanted = None if docs is None else set(docs)
    passing = {
        entry.id
        for entry in matching(layout.entries, parsed.filters)
        if wanted is None or entry.doc in wanted
    }
    if not passing:
        limits = " ".join(map(str, parsed.filters))
        raise UsageError(f"No document in '{collection}' passes {limits or 'the chosen documents'}.")
    passes = np.array([entry.id in passing for entry in layout.entries])
    allowed: NDArray[np.int64] = layout.rowids[passes[layout.documents]]
    return allowed
