"""Nearest vectors: candidates from sqlite-vec, their exact scores from the float32 blobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Distance, Rowids, Vectors
from rag.store import vector_index
from rag.store.queries import Connection
from rag.store.vectors import Embedding, fetch_vectors, running_mean

SAMPLE_SIZE = 4_096


@dataclass(frozen=True, slots=True)
class Sample:
    """All vectors of a small collection, of a large one `SAMPLE_SIZE` spread evenly over it.

    From it are read how a query's similarities to the whole collection are distributed: exactly for a
    small one; of a large one the standard deviation is known within 1 / sqrt(2 · 4096) = 1.1 %.
    """

    rowids: NDArray[np.int64]
    vectors: Vectors
    centred: Vectors  # minus the collection's mean, at unit length
    codes: NDArray[np.uint8]  # the sign bits that the vector index has of them
    mean: Vectors


def sampled_similarities(sample: Sample, vector: Vectors, distance: Distance) -> Vectors:
    """The vector's similarity to each passage of the sample."""
    if distance == "centred":
        return dot(sample.centred, vector_index.unit(vector - sample.mean))
    return similarities(sample.vectors, vector, distance=distance)


def load_sample(db: Connection, embedding: Embedding) -> Sample:
    """Reads it: 4,096 vectors of 384 dimensions take 11 ms."""
    ids = vector_index.sample_ids(db, embedding, SAMPLE_SIZE)
    found, vectors = fetch_vectors(db, embedding, ids)
    mean, index = running_mean(db, embedding), vector_index.load(db, embedding)
    codes = vector_index.sign_bits(vectors - (mean if index is None else index.mean))
    return Sample(found, vectors, vector_index.unit(vectors - mean), codes, mean)


def dot(matrix: Vectors, vector: Vectors) -> Vectors:
    """The product of each row with the vector, on one thread.

    BLAS would start its threads for it: on a busy machine waiting for them took 20 ms, the
    product itself (9,000 rows) 1 ms.
    """
    product: Vectors = np.einsum("ij,j->i", matrix, vector)
    return product


def similarities(
    matrix: Vectors, vector: Vectors, *, distance: Distance, mean: Vectors | None = None
) -> Vectors:
    """How near each row is to the vector; higher is nearer, shape (rows,).

    "euclidean" and "manhattan" are distances with their sign turned. "centred" is the cosine once the
    collection's mean is subtracted from both.
    """
    nearness: Vectors
    if distance == "euclidean":
        nearness = -np.linalg.norm(matrix - vector, axis=1)
    elif distance == "manhattan":
        nearness = -np.abs(matrix - vector).sum(axis=1)
    elif distance == "centred" and mean is not None:
        matrix, vector = matrix - mean, vector - mean
        lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
        nearness = dot(matrix, vector) / np.maximum(lengths, 1e-12)
    else:
        nearness = dot(matrix, vector)
    return nearness


def best(ids: NDArray[np.int64], scores: NDArray[Any], limit: int) -> list[tuple[int, float]]:
    """The `limit` best (id, score), best first, ties by id."""
    if limit <= 0:
        return []
    if len(ids) > 4 * limit:
        # Everything that ties with the last place stays in, so that ties are broken by id alone.
        threshold = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        keep = scores >= threshold
        ids, scores = ids[keep], scores[keep]
    order = np.lexsort((ids, -scores))[:limit]
    return [(int(ids[i]), float(scores[i])) for i in order]


def nearest(
    db: Connection,
    embedding: Embedding,
    sample: Sample,
    vector: Vectors,
    limit: int,
    among: Rowids | None,
    distance: Distance,
) -> list[tuple[int, float]]:
    """(passage id, similarity) of the nearest passages, best first, ties by id."""
    index = vector_index.load(db, embedding)
    if index is None:
        return []
    chosen = None if among is None else np.asarray(among, dtype=np.int64)
    found = vector_index.candidates(db, embedding, index, sample.codes, vector, limit, chosen)
    ids, vectors = fetch_vectors(db, embedding, found)
    return best(ids, similarities(vectors, vector, distance=distance, mean=sample.mean), limit)
