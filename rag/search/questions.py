"""The passages whose written questions are near to the query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rag.interfaces import Layout, PassageQuestions, Vectors
from rag.search.scores import Places, Scores

MIN_QUESTIONS = 8
"""Of fewer the mean and the spread say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The places of passages, best first, and how near the nearest question of each is.

    That is the cosine in standard deviations above the mean of all questions, which is 0 here.
    """

    places: Places
    scores: Scores

    def scores_of(self, places: Places) -> Scores:
        """The scores of these places; 0 where a passage has no question, or one that is far."""
        order = np.argsort(self.places)
        known, scores = self.places[order], self.scores[order]
        if not known.size:
            return np.zeros(len(places))
        found = np.minimum(np.searchsorted(known, places), len(known) - 1)
        return np.where(known[found] == places, scores[found], 0.0)


NOTHING = Nearest(np.zeros(0, dtype=np.int64), np.zeros(0))


def nearest_questions(query: Vectors, written: PassageQuestions | None, layout: Layout) -> Nearest:
    """The passages whose questions are nearer to the query than questions are on average.

    Their own mean is taken off: question and question are nearer than question and passage for that alone.
    """
    if written is None or len(written.rowids) < MIN_QUESTIONS:
        return NOTHING
    mean = written.vectors.mean(axis=0)
    centred, asked = written.vectors - mean, query - mean
    lengths = np.linalg.norm(centred, axis=1) * np.linalg.norm(asked)
    # On one thread, as everywhere in a search: waiting for those of BLAS takes longer.
    cosines = np.einsum("ij,j->i", centred, asked) / np.maximum(lengths, 1e-12)
    scores = ((cosines - cosines.mean()) / max(float(cosines.std()), 1e-9)).astype(np.float64)
    places = layout.places(written.rowids)
    near = np.flatnonzero((scores > 0) & (places >= 0))
    order = near[np.lexsort((places[near], -scores[near]))]
    return Nearest(places[order], scores[order])
