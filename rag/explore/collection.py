"""A collection under each of the computations: what the command line and the app show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rag.errors import UsageError
from rag.explore.arithmetic import added, parse_sum
from rag.explore.clusters import Cluster, cluster
from rag.explore.compare import distances
from rag.explore.points import Points, load_points, points_of
from rag.explore.projection import Method, flattened
from rag.explore.scales import Scale, make_scale, scores
from rag.explore.terms import naming_words, telling_words
from rag.interfaces import Embedder, Vectors
from rag.store import ClusterRow, Kind, ScaleRow, SqliteStore
from rag.text.sentences import split_sentences


class TextModels(Protocol):
    """What embeds texts: `rag.library.Library`."""

    @property
    def embedder(self) -> Embedder: ...

    @property
    def second_embedder(self) -> Embedder | None: ...


TITLE_WEIGHT = 2
COMMON_SHARE, FEW = 0.4, 8  # a word in more of the points tells none apart
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
Namer = Callable[[Points, Cluster], str]
"""Gives a cluster a name; "" where it has none better than the distinctive terms."""


def clusters_of(
    store: SqliteStore,
    collection: str,
    count: int | None = None,
    *,
    kind: Kind = "documents",
    docs: Sequence[str] | None = None,
    namer: Namer | None = None,
) -> tuple[Points, list[Cluster]]:
    """The clusters of a collection (see `clusters.cluster`), which are kept in its table.

    Raises:
        UsageError: too few documents or passages.
    """
    points = load_points(store, collection, kind, docs=docs)
    found = cluster(points, words_of(store, collection, points), count)
    if namer is not None:
        found = [c.renamed(namer(points, c) or c.name) if c.name else c for c in found]
    store.keep_clusters(collection, [_row(points, one) for one in found if one.name])
    return points, found


def words_of(store: SqliteStore, collection: str, points: Points) -> list[list[str]]:
    """The words of each point that may name it; those of a document's title and path count more."""
    texts = store.texts(collection, points.kind)
    found = []
    for id_, label in zip(points.ids.tolist(), points.labels, strict=True):
        named = naming_words(label) if points.kind == "documents" else []
        place = [word for run in named for word in run]
        text = _FRONT_MATTER.sub("", texts.get(id_, ""))
        found.append(place * TITLE_WEIGHT + telling_words(text))
    spread = Counter(word for words in found for word in set(words))
    common = {word for word, count in spread.items() if count > max(COMMON_SHARE * len(found), FEW)}
    return [[word for word in words if word not in common] for words in found]


def _row(points: Points, found: Cluster) -> ClusterRow:
    passages = points.kind == "passages"
    items = [
        (points.labels[i].document_id, int(points.ids[i]) if passages else None, similarity)
        for i, similarity in zip(found.members, found.similarities, strict=True)
    ]
    return ClusterRow(found.name, found.terms, items)


@dataclass(frozen=True, slots=True, eq=False)
class CollectionMap:
    """Points with their coordinates, shape (points, 2), between -1 and 1."""

    points: Points
    coordinates: Vectors


def map_of(
    store: SqliteStore,
    collection: str,
    *,
    kind: Kind = "documents",
    method: Method = "pca",
    docs: Sequence[str] | None = None,
) -> CollectionMap:
    """The map of a collection; the same documents give the same map."""
    points = load_points(store, collection, kind, docs=docs)
    return CollectionMap(points, flattened(points.vectors, method))


def scale_of(examples: Mapping[str, Sequence[str]], embedder: Embedder) -> Scale:
    """A scale from examples in words."""
    embedded = {
        name: embedder.embed_passages(list(texts), truncate=True) for name, texts in examples.items() if texts
    }
    return make_scale(embedded)


def ranked(
    store: SqliteStore, collection: str, scale: Scale, *, kind: Kind = "documents"
) -> tuple[Points, Vectors]:
    """All documents or passages, and how far each lies towards each class, shape (points, classes)."""
    ids, vectors = store.all_vectors(collection, kind)
    points = points_of(store, collection, kind, ids, vectors)
    return points, scores(scale, vectors[np.isin(ids, points.ids)]).astype(np.float32)


def keep_scale(
    store: SqliteStore,
    collection: str,
    name: str,
    examples: Mapping[str, Sequence[str]],
    scale: Scale,
    points: Points,
    found: Vectors,
) -> None:
    """Keeps a scale under a name, and the class and score of every document as `ranked` gave them."""
    best = found.argmax(axis=1)
    rows = {
        label.document_id: (
            scale.classes[place],
            float(of_one[1] if len(scale.classes) == 2 else of_one[place]),
        )
        for label, place, of_one in zip(points.labels, best.tolist(), found, strict=True)
    }
    store.keep_scale(collection, ScaleRow(name, examples, rows))


def complete_scales(store: SqliteStore, collection: str, embedder: Embedder) -> None:
    """Scores the documents on the saved scales where some have come since."""
    for kept, whole in store.scales(collection):
        if not whole:
            scale = scale_of(kept.examples, embedder)
            keep_scale(store, collection, kept.name, kept.examples, scale, *ranked(store, collection, scale))


def scored_sentences(
    text: str, scale: Scale, embedder: Embedder, *, limit: int | None = None
) -> list[tuple[int, int, tuple[float, ...]]]:
    """(start, end, score of each class) of every sentence of a text, or of the first `limit`."""
    spans = split_sentences(text)[:limit]
    if not spans:
        return []
    vectors = embedder.embed_passages([text[start:end] for start, end in spans], truncate=True)
    found = scores(scale, vectors)
    return [(*span, tuple(map(float, row))) for span, row in zip(spans, found, strict=True)]


def text_of(store: SqliteStore, collection: str, doc: str) -> str:
    """The text of a document.

    Raises:
        UsageError: there is none of that path.
    """
    found = store.documents_named(collection, doc)
    if not found:
        raise UsageError(f"There is no document {doc!r} in collection {collection!r}.")
    return found[0].text


def nearest_to_sum(
    store: SqliteStore,
    collection: str,
    expression: str,
    embedder: Embedder,
    count: int,
    *,
    kind: Kind = "passages",
) -> tuple[Points, list[tuple[int, float]]]:
    """The points, and the (place, cosine) of those nearest to the sum `A - B + C`, best first."""
    terms = parse_sum(expression)
    points = load_points(store, collection, kind)
    vectors = points.centred(embedder.embed_passages([term.text for term in terms], truncate=True))
    near = points.vectors @ added(terms, vectors)
    order = np.argsort(-near, kind="stable")[:count]
    return points, [(int(place), float(near[place])) for place in order]


def similarities_to(points: Points, text: str, embedder: Embedder) -> Vectors:
    """How near each point is to a typed text, centred, shape (points,)."""
    found: Vectors = points.vectors @ points.centred(embedder.embed_queries([text], truncate=True))[0]
    return found


def compared(library: TextModels, first: str, second: str) -> list[dict[str, str | float]]:
    """How near two texts are, by each embedding model of a library."""
    found: list[dict[str, str | float]] = []
    for embedder in filter(None, (library.embedder, library.second_embedder)):
        one, other = embedder.embed_passages([first, second], truncate=True)
        found.append({"model": embedder.identity.partition("@")[0], **distances(one, other)})
    return found
