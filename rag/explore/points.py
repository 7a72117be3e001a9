"""A collection as points: the vector of each document or passage, and what it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import UsageError
from rag.interfaces import Vectors
from rag.store import Kind, PointLabel, SqliteStore

TEXT_CHARACTERS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Documents or passages, ascending by id.

    `vectors`, shape (points, dimensions), are unit vectors once the `mean` of the whole collection is taken
    off: without that, all cosines of E5 lie between 0.7 and 1.
    """

    kind: Kind
    ids: NDArray[np.int64]
    vectors: Vectors
    mean: Vectors
    labels: tuple[PointLabel, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def centred(self, vectors: Vectors) -> Vectors:
        """Other vectors of the same model, made comparable with these."""
        return unit(vectors - self.mean)


def unit(vectors: Vectors) -> Vectors:
    """The vectors at length one; those without a direction stay zero."""
    found: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return found


def load_points(
    store: SqliteStore, collection: str, kind: Kind = "documents", *, docs: Sequence[str] | None = None
) -> Points:
    """The points of a collection, or of some of its documents, centred by the mean of all.

    Raises:
        UsageError: there is no such collection or document.
    """
    return points_of(store, collection, kind, *store.all_vectors(collection, kind), docs=docs)


def points_of(
    store: SqliteStore,
    collection: str,
    kind: Kind,
    ids: NDArray[np.int64],
    vectors: Vectors,
    *,
    docs: Sequence[str] | None = None,
) -> Points:
    """The points of vectors that were read already; what has left the collection since is left out."""
    mean = vectors.mean(axis=0) if len(ids) else np.zeros(vectors.shape[1], dtype=np.float32)
    labels = {label.id: label for label in store.labels(collection, kind, TEXT_CHARACTERS)}
    if docs is not None:
        wanted = set(docs)
        missing = sorted(wanted - {label.doc for label in labels.values()})
        if missing:
            raise UsageError(f"There is no document {missing[0]!r} in collection {collection!r}.")
        labels = {id_: label for id_, label in labels.items() if label.doc in wanted}
    kept = np.array([id_ in labels for id_ in ids.tolist()], dtype=bool)
    ids, vectors = ids[kept], vectors[kept]
    return Points(kind, ids, unit(vectors - mean), mean, tuple(labels[id_] for id_ in ids.tolist()))
