"""The legs of a search: what each embedding model makes of a query, and how its similarities compare."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Distance, Embedder, Layout, SearchIndex, Vectors
from rag.search.ranking import Ranking
from rag.search.scores import Places, Scores
from rag.text.words import seems_english

FEW_PASSAGES = 20  # in a language: its own mean counts half


@dataclass(frozen=True, slots=True)
class Leg:
    """A query under one embedding model of the collection; `model` None is the first."""

    name: str
    model: str | None
    vector: Vectors
    weight: float
    distance: Distance

    def nearest(
        self, index: SearchIndex, collection: str, limit: int, among: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """The rowids of the nearest passages."""
        found = index.nearest(
            collection, self.vector, limit, among=among, leg=self.model, distance=self.distance
        )
        return np.array([rowid for rowid, _ in found], dtype=np.int64)

    def similarities(self, index: SearchIndex, collection: str, rowids: NDArray[np.int64]) -> Scores:
        """How near each passage is; NaN where the model has no vector of it."""
        found = index.similarities(
            collection, rowids.tolist(), self.vector, leg=self.model, distance=self.distance
        )
        return np.array(found, dtype=np.float64)

    def standardised(
        self, index: SearchIndex, collection: str, layout: Layout, places: Places, similarities: Scores
    ) -> Scores:
        """The similarities of these places in standard deviations above the collection's mean, 0 for NaN.

        Compared with the candidates alone, which are all near, answer recall@1 is 0.02 lower. From a language
        with many passages its own mean is taken off too: else what is written in the question's language is
        near for that alone. Of 34 questions of the sample corpus in other languages than English, 0.85 have
        the right document among the first five so, and 0.68 otherwise.
        """
        rowids, sampled = index.sampled_similarities(
            collection, self.vector, leg=self.model, distance=self.distance
        )
        of_sample = layout.places(rowids)
        sampled, of_sample = sampled[of_sample >= 0], of_sample[of_sample >= 0]
        if not sampled.size:
            return np.zeros(len(places))
        language = layout.languages[layout.documents]
        means = _means(sampled, language[of_sample], len(layout.entries))
        scores = (similarities - means[language[places]]) / max(float(sampled.std()), 1e-9)
        return np.nan_to_num(scores, nan=0.0)


def _means(sampled: Vectors, languages: NDArray[np.int64], count: int) -> Scores:
    """The mean similarity of each of `count` languages, near the mean of all for one with few passages."""
    sums = np.bincount(languages, weights=sampled, minlength=count)
    passages = np.bincount(languages, minlength=count)
    means: Scores = (sums + FEW_PASSAGES * sampled.mean()) / (passages + FEW_PASSAGES)
    return means


def legs_of(
    query: str,
    *,
    index: SearchIndex,
    collection: str,
    embedder: Embedder,
    second: Embedder | None,
    ranking: Ranking,
) -> list[Leg]:
    """The query under the collection's first model, and where it is English, under the second."""
    (vector,) = embedder.embed_queries([query], truncate=True)
    first = Leg("dense", None, vector, ranking.dense_weight, ranking.distance)
    if second is None or not seems_english(query) or not _has_vectors(index, collection, second):
        # The first model stands for both, else words would weigh twice as much.
        return [replace(first, weight=first.weight and first.weight + ranking.second_weight)]
    if not ranking.second_weight:
        return [first]
    (vector,) = second.embed_queries([query], truncate=True)
    return [first, Leg("second", second.identity, vector, ranking.second_weight, "cosine")]


def _has_vectors(index: SearchIndex, collection: str, second: Embedder) -> bool:
    return any(leg.model == second.identity and leg.vectors for leg in index.legs(collection)[1:])
