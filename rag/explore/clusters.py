"""Groups of documents or passages that lie together, and the words that set each apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rag.errors import UsageError
from rag.explore.points import Points, unit
from rag.explore.projection import flattened
from rag.explore.terms import as_written, distinct, naming_words
from rag.interfaces import Vectors

SEED = 0
TERMS = 5
MAX_COUNTED = 3  # times that a word counts in a text
IN_TITLE = 2  # texts that one with the word in its title is worth
MIN_SHARE, MIN_SIZE = 80, 4  # automatic: a cluster has one point in eighty, at least four
PERPLEXITY = 15.0
MAX_LOOKED_AT = 4_000
"""Of more points, as many are clustered, and the others join the nearest: 4,000 take half a minute."""


Title = Sequence[Sequence[str]]
"""The words of a title, those that stand side by side together."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group: the places of its points, the one nearest to its centre first, and its distinctive terms."""

    name: str
    terms: tuple[str, ...]
    members: tuple[int, ...]
    similarities: tuple[float, ...]

    def renamed(self, name: str) -> Cluster:
        """The same group under another name."""
        return replace(self, name=name)


def cluster(points: Points, texts: Sequence[Sequence[str]], count: int | None) -> list[Cluster]:
    """`count` clusters by k-means, or as many as HDBSCAN finds; the largest first.

    `texts` are the words of each point; those in the titles of documents name a group before others. What
    belongs to no cluster comes last, without a name, if there is
    any.

    Raises:
        UsageError: more clusters than points.
    """
    if len(points) < 2 or (count is not None and count > len(points)):
        wanted = "more than one" if count is None else str(count)
        raise UsageError(f"There are {len(points)} {points.kind}: too few for {wanted} clusters.")
    labels = _k_means(points.vectors, count) if count is not None else _automatic(points.vectors)
    order = [label for label, _ in Counter(labels[labels >= 0].tolist()).most_common()]
    groups = [np.flatnonzero(labels == label) for label in order]
    titles = [naming_words(label) if points.kind == "documents" else [] for label in points.labels]
    terms = distinctive_terms(
        [[texts[i] for i in group.tolist()] for group in groups],
        titles=[[titles[i] for i in group.tolist()] for group in groups],
    )
    named = [
        [as_written(term, [points.labels[i].title for i in group.tolist()]) for term in of_group]
        for of_group, group in zip(terms, groups, strict=True)
    ]
    found = [_made(points.vectors, group, terms) for group, terms in zip(groups, named, strict=True)]
    rest = np.flatnonzero(labels < 0)
    return [*found, _made(points.vectors, rest, ())] if rest.size else found


def _made(vectors: Vectors, group: NDArray[np.int64], terms: Sequence[str]) -> Cluster:
    near = vectors[group] @ unit(vectors[group].mean(axis=0))
    order = np.argsort(-near, kind="stable")
    members, similarities = group[order].tolist(), near[order].tolist()
    return Cluster(", ".join(terms[:3]), tuple(terms), tuple(members), tuple(similarities))


def _k_means(vectors: Vectors, count: int) -> NDArray[np.int64]:
    # scikit-learn takes 3 s to import.
    from sklearn.cluster import KMeans

    different = len(np.unique(vectors.round(6), axis=0))
    labels: NDArray[np.int64] = (
        KMeans(min(count, different), n_init=4, random_state=SEED).fit(vectors).labels_
    )
    return labels


def _automatic(vectors: Vectors) -> NDArray[np.int64]:
    """The clusters that HDBSCAN finds on a map of the points; -1 for what lies between them.

    In 384 dimensions everything is far from everything: there HDBSCAN leaves 0.58 of 578 notes over, on the
    map 0.1. Where it finds fewer than two, k-means takes over.
    """
    from sklearn.cluster import HDBSCAN

    looked_at = np.unique(np.linspace(0, len(vectors) - 1, MAX_LOOKED_AT).astype(int))
    some = vectors[looked_at]
    size = min(max(MIN_SIZE, len(some) // MIN_SHARE), max(2, len(some) // 3))
    scan = HDBSCAN(min_cluster_size=size, min_samples=2, copy=True)
    labels: NDArray[np.int64] = scan.fit(flattened(some, "tsne", perplexity=PERPLEXITY)).labels_
    if labels.max() < 1:
        return _k_means(vectors, max(2, round(math.sqrt(len(vectors) / 2))))
    if len(some) == len(vectors):
        return labels
    centres = [unit(some[labels == number].mean(axis=0)) for number in range(int(labels.max()) + 1)]
    nearest: NDArray[np.int64] = (vectors @ np.array(centres).T).argmax(axis=1)
    nearest[looked_at] = labels
    return nearest


def distinctive_terms(
    groups: Sequence[Sequence[Sequence[str]]],
    count: int = TERMS,
    *,
    titles: Sequence[Sequence[Title]] | None = None,
) -> list[list[str]]:
    """The words of each group that the others have less of, best first.

    Class-based TF-IDF (Grootendorst 2022, "BERTopic", section 3.4): the frequency of a word in a group times
    log(1 + mean words of a group / its frequency in all groups). A text counts a word at most three times, so
    that no single one names its group. A text with the word in its title counts two more, and two words that
    mostly stand side by side in `titles` are one term.
    """
    counts = [_counted(texts) for texts in groups]
    everywhere: Counter[str] = Counter()
    for counted in counts:
        everywhere.update(counted)
    mean = sum(everywhere.values()) / max(len(groups), 1)
    found = []
    for counted, of_group in zip(counts, titles or [[] for _ in groups], strict=True):
        titled = Counter(word for title in of_group for word in {word for run in title for word in run})
        weights = {
            word: (n / MAX_COUNTED + IN_TITLE * titled[word]) * math.log(1 + mean / everywhere[word])
            for word, n in counted.items()
        }
        best = sorted(weights, key=lambda word: (-weights[word], word))[: 4 * count]
        found.append(distinct(_phrased(best, of_group), count))
    return found


def _phrased(terms: Sequence[str], titles: Sequence[Title]) -> list[str]:
    """The terms, each in the pair of words that half of the titles with it have, if three do or more."""
    pairs = Counter(pair for title in titles for pair in {pair for run in title for pair in pairwise(run)})
    titled = Counter(word for title in titles for word in {w for run in title if len(run) > 1 for w in run})
    found = []
    for term in terms:
        own = [(n, pair) for pair, n in pairs.items() if term in pair and n >= max(3, titled[term] / 2)]
        found.append(" ".join(max(own)[1]) if own else term)
    return list(dict.fromkeys(found))


def _counted(texts: Sequence[Sequence[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for words in texts:
        found.update({word: min(count, MAX_COUNTED) for word, count in Counter(words).items()})
    return found
