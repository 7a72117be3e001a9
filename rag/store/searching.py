"""Nearest vectors, in memory: all of a small collection's, the codes of a large one's first.

Three steps over codes: the nearest by Hamming distance; of these, the best by the query's own values
against the signs, which tells them apart about three times better; of these, the exact cosines.
100,000 passages (5,504 of a blog, the rest jittered from them), 60 questions, recall@10: Hamming
alone with 1,000 candidates 0.92, with 4,000 0.98; with the step between, 1,000 give 0.975. Of a
million such passages, 4,000 give 0.965 and 6,000 give 0.983.

The codes are kept in sqlite-vec's table and scanned here with numpy: vec0's own top-k costs
O(vectors · k) and took 69 ms for k = 200 over 300,000 codes and 476 ms for k = 1,000, where the
scan below takes 3 ms for any k.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import LibraryError
from rag.interfaces import Distance, Rowids, Vectors
from rag.store.database import rows
from rag.store.rows import Related
from rag.store.vectors import Embedding, as_matrix, code_bits, coded_mean, fetch_vectors, pack_codes

if TYPE_CHECKING:
    import apsw

# Of n passages, so many pass the first step and the second; reading one row costs 3 µs.
FIRST_SHARE, FIRST_LEAST, FIRST_MOST = 16, 8_000, 48_000
SECOND_SHARE, SECOND_LEAST, SECOND_MOST = 70, 1_000, 6_000
SCAN_BLOCK = 65_536  # codes a step of the scan: its intermediates stay in the cache of a core
EXACT_FILTER_LIMIT = 1_000  # with a filter this small, the exact cosines are quicker than any scan
BYTE_SIGNS = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(
    np.float32
) - np.float32(1)


@dataclass(frozen=True, slots=True)
class ExactIndex:
    """All vectors of a small collection in memory."""

    ids: NDArray[np.int64]
    vectors: Vectors

    def nearest(
        self, vector: Vectors, limit: int, among: NDArray[np.int64] | None
    ) -> list[tuple[int, float]]:
        scores = dot(self.vectors, vector)
        ids = self.ids
        if among is not None:
            chosen = np.isin(ids, among)
            ids, scores = ids[chosen], scores[chosen]
        return best(ids, scores, limit)


@dataclass(frozen=True, slots=True)
class CodeIndex:
    """The codes of a large collection in memory: 56 bytes a passage for 384 dimensions.

    `planes` has shape (words, passages): word by word, so that numpy's popcount and sum run
    over contiguous memory.
    """

    ids: NDArray[np.int64]
    planes: NDArray[np.uint64]
    mean: Vectors

    def candidates(self, vector: Vectors, least: int, among: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The ids worth an exact look: at least `least` of them, where there are so many; in no order."""
        allowed = None if among is None else np.flatnonzero(np.isin(self.ids, among))
        count = len(self.ids) if allowed is None else len(allowed)
        first = max(least, min(max(count // FIRST_SHARE, FIRST_LEAST), FIRST_MOST))
        second = max(least, min(max(count // SECOND_SHARE, SECOND_LEAST), SECOND_MOST))
        places = _nearest_places(self._distances(vector), first, allowed)
        if len(places) > second:
            scores = self._estimates(places, vector)
            places = places[np.argpartition(-scores, second)[:second]]
        return self.ids[places]

    def _distances(self, vector: Vectors) -> NDArray[np.uint16]:
        """The Hamming distance of every code to the query's."""
        query = pack_codes(vector[None, :], self.mean).view("<u8")[0]
        distances = np.zeros(len(self.ids), dtype=np.uint16)
        for start in range(0, len(self.ids), SCAN_BLOCK):
            block = slice(start, start + SCAN_BLOCK)
            for word, plane in zip(query, self.planes, strict=True):
                distances[block] += np.bitwise_count(plane[block] ^ word)
        return distances

    def _estimates(self, places: NDArray[np.intp], vector: Vectors) -> Vectors:
        """The centred query times the signs of these codes: a table look-up for every eight of them."""
        codes = np.ascontiguousarray(self.planes[:, places].T).view(np.uint8)
        query = np.zeros(8 * codes.shape[1], dtype=np.float32)
        query[: len(vector)] = vector - self.mean
        tables = query.reshape(-1, 8) @ BYTE_SIGNS.T
        total = np.zeros(len(places), dtype=np.float32)
        for table, column in zip(tables, codes.T, strict=True):
            total += table[column]
        return total


def _nearest_places(
    distances: NDArray[np.uint16], count: int, allowed: NDArray[np.intp] | None
) -> NDArray[np.intp]:
    """The places of the `count` least distances, and of all that tie with the last of them."""
    if allowed is not None:
        distances = distances[allowed]
    if len(distances) <= count:
        places = np.arange(len(distances))
    else:
        cutoff = int(np.searchsorted(np.cumsum(np.bincount(distances)), count))
        places = np.flatnonzero(distances <= cutoff)
    return places if allowed is None else allowed[places]


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


def related(db: apsw.Connection, embedding: Embedding, document_id: int, limit: int) -> list[Related]:
    """The nearest other documents: cosines of document vectors minus their common mean.

    Without the centring all cosines of E5 lie between 0.97 and 0.99.
    """
    found = rows(db, f"SELECT document_id, vector FROM {embedding.document_table} ORDER BY document_id")
    ids, means = as_matrix(found, embedding.dimensions)
    if document_id not in ids:
        return []
    centred = means - means.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    scores = centred @ centred[ids == document_id][0]
    others = ids != document_id
    ranked = best(ids[others], scores[others], limit)
    names = {
        id_: (doc, title)
        for id_, doc, title in rows(
            db,
            "SELECT id, doc, title FROM documents WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps([id_ for id_, _ in ranked]),),
        )
    }
    return [Related(id_, *names[id_], score) for id_, score in ranked]


def load_exact(db: apsw.Connection, embedding: Embedding) -> ExactIndex:
    """All vectors of an embedding."""
    found = rows(db, f"SELECT passage_id, vector FROM {embedding.table} ORDER BY passage_id")
    return ExactIndex(*as_matrix(found, embedding.dimensions))


def load_codes(db: apsw.Connection, embedding: Embedding) -> CodeIndex:
    """All codes of an embedding, read chunk by chunk from sqlite-vec's own tables.

    A full scan through the virtual table would fetch each row by itself, 40 times slower.
    """
    words = code_bits(embedding.dimensions) // 64
    ids = np.empty(embedding.vectors, dtype=np.int64)
    planes = np.empty((words, embedding.vectors), dtype=np.uint64)
    done = 0
    chunks: Iterable[Any] = db.execute(
        f"SELECT size, validity, rowids, vectors FROM {embedding.codes_table}_chunks AS chunks"
        f" JOIN {embedding.codes_table}_vector_chunks00 AS codes ON codes.rowid = chunks.chunk_id"
        " ORDER BY chunks.chunk_id"
    )
    for size, validity, rowids, codes in chunks:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[:size].astype(bool)
        count = int(valid.sum())
        if done + count > len(ids):
            raise _codes_out_of_step(embedding)
        ids[done : done + count] = np.frombuffer(rowids, "<i8")[:size][valid]
        planes[:, done : done + count] = np.frombuffer(codes, "<u8").reshape(-1, words)[:size][valid].T
        done += count
    if done != len(ids):
        raise _codes_out_of_step(embedding)
    return CodeIndex(ids, planes, coded_mean(db, embedding))


def _codes_out_of_step(embedding: Embedding) -> LibraryError:
    return LibraryError(
        f"The search codes of embedding {embedding.id} are out of step with its vectors; "
        "`python -m rag doctor --repair` makes them again."
    )


def nearest(
    db: apsw.Connection,
    embedding: Embedding,
    index: ExactIndex | CodeIndex,
    vector: Vectors,
    limit: int,
    among: Rowids | None,
) -> list[tuple[int, float]]:
    """(passage id, cosine) of the nearest passages, best first, ties by id."""
    chosen = None if among is None else np.asarray(among, dtype=np.int64)
    if isinstance(index, ExactIndex):
        return index.nearest(vector, limit, chosen)
    if chosen is not None and len(chosen) <= EXACT_FILTER_LIMIT:
        candidates = chosen
    else:
        candidates = index.candidates(vector, 2 * limit, chosen)
    ids, vectors = fetch_vectors(db, embedding, candidates.tolist())
    return best(ids, dot(vectors, vector), limit)


def vectors_of(
    db: apsw.Connection, embedding: Embedding, index: ExactIndex | CodeIndex, passage_ids: Sequence[int]
) -> tuple[NDArray[np.int64], Vectors]:
    """As `fetch_vectors`, from memory where the index holds the vectors."""
    if isinstance(index, CodeIndex):
        return fetch_vectors(db, embedding, passage_ids)
    chosen = np.isin(index.ids, np.asarray(passage_ids, dtype=np.int64))
    return index.ids[chosen], index.vectors[chosen]
