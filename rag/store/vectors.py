"""Vectors in SQLite: exact search for small collections, centred sign bits and rescoring for large ones.

Each embedding (a collection under one model) has a table `vectors_<id>` of float32 blobs. Up to
`EXACT_LIMIT` vectors a search multiplies the whole matrix. Above it, `codes_<id>` (sqlite-vec,
`bit[dimensions]`) holds the sign of every vector minus the recorded mean; the nearest codes by
Hamming distance are the candidates, and their exact cosines decide. Vectors of E5 crowd into a
narrow cone, so without centring their signs say little.

Three steps: the nearest codes by Hamming distance; of these, the best by the query's own values
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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import LibraryError, ModelMismatch
from rag.protocols import Distance, Rowids, Vectors
from rag.store.database import first_row, rows, take_ids
from rag.store.rows import Related

if TYPE_CHECKING:
    import apsw

EXACT_LIMIT = 20_000  # 30 MB of E5-small vectors; the product takes 1 ms, loading them 30 ms
# Of n passages, so many pass the first step and the second; reading one row costs 3 µs.
FIRST_SHARE, FIRST_LEAST, FIRST_MOST = 16, 8_000, 48_000
SECOND_SHARE, SECOND_LEAST, SECOND_MOST = 70, 1_000, 6_000
SCAN_BLOCK = 65_536  # codes a step of the scan: its intermediates stay in the cache of a core
EXACT_FILTER_LIMIT = 1_000  # with a filter this small, the exact cosines are quicker than any scan
BYTE_SIGNS = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(
    np.float32
) - np.float32(1)
DRIFT_LIMIT = 0.05  # squared distance of the means, as a share of the vectors' spread


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vectors of one collection under one model."""

    id: int
    collection_id: int
    model: str
    dimensions: int
    state: str
    vectors: int
    mean_vectors: int
    mean_changes: int

    @property
    def table(self) -> str:
        return f"vectors_{self.id}"

    @property
    def document_table(self) -> str:
        return f"document_vectors_{self.id}"

    @property
    def codes_table(self) -> str:
        return f"codes_{self.id}"


def now() -> str:
    """The time as stored: ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def load_embedding(db: apsw.Connection, embedding_id: int) -> Embedding:
    """The embedding with this id."""
    columns = "id, collection_id, model, dimensions, state, vectors, mean_vectors, mean_changes"
    return Embedding(*first_row(db, f"SELECT {columns} FROM embeddings WHERE id = ?", (embedding_id,)))


def create_embedding(
    db: apsw.Connection, collection_id: int, model: str, dimensions: int, state: str
) -> Embedding:
    """An empty embedding with its tables."""
    id_ = take_ids(db, "embeddings")
    db.execute(
        "INSERT INTO embeddings(id, collection_id, model, dimensions, state, created, vector_sum)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (id_, collection_id, model, dimensions, state, now(), bytes(8 * dimensions)),
    )
    embedding = load_embedding(db, id_)
    db.execute(
        f"CREATE TABLE {embedding.table} (passage_id INTEGER PRIMARY KEY, vector BLOB NOT NULL);"
        f"CREATE TABLE {embedding.document_table} (document_id INTEGER PRIMARY KEY, vector BLOB NOT NULL)"
    )
    return embedding


def drop_embedding(db: apsw.Connection, embedding: Embedding) -> None:
    """Removes an embedding and its tables."""
    for table in (embedding.table, embedding.document_table, embedding.codes_table):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute("DELETE FROM embeddings WHERE id = ?", (embedding.id,))


def as_blob(vector: NDArray[Any]) -> bytes:
    """A vector as it is stored: little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def add_vectors(
    db: apsw.Connection, embedding: Embedding, passage_ids: Sequence[int], vectors: Vectors
) -> None:
    """Stores the vectors of new passages, with their codes where the embedding has codes."""
    if not len(passage_ids):
        return
    db.executemany(
        f"INSERT INTO {embedding.table}(passage_id, vector) VALUES (?, ?)",
        ((id_, as_blob(vector)) for id_, vector in zip(passage_ids, vectors, strict=True)),
    )
    _add_to_sum(db, embedding, vectors.sum(axis=0, dtype=np.float64), len(passage_ids))
    if embedding.mean_vectors:
        _add_codes(db, embedding, passage_ids, vectors, _mean(db, embedding))
    refresh_codes(db, load_embedding(db, embedding.id))


def remove_vectors(db: apsw.Connection, embedding: Embedding, passage_ids: Sequence[int]) -> None:
    """Removes the vectors and codes of these passages."""
    if not len(passage_ids):
        return
    ids, vectors = fetch_vectors(db, embedding, passage_ids)
    _add_to_sum(db, embedding, -vectors.sum(axis=0, dtype=np.float64), -len(ids))
    keys = [(int(id_),) for id_ in ids]
    db.executemany(f"DELETE FROM {embedding.table} WHERE passage_id = ?", keys)
    if embedding.mean_vectors:
        db.executemany(f"DELETE FROM {embedding.codes_table} WHERE passage_id = ?", keys)
        refresh_codes(db, load_embedding(db, embedding.id))


def add_document_vector(
    db: apsw.Connection, embedding: Embedding, document_id: int, vectors: Vectors
) -> None:
    """Stores the mean of a document's passage vectors; a document without passages has none."""
    if len(vectors):
        db.execute(
            f"INSERT OR REPLACE INTO {embedding.document_table}(document_id, vector) VALUES (?, ?)",
            (document_id, as_blob(vectors.mean(axis=0))),
        )


def related(db: apsw.Connection, embedding: Embedding, document_id: int, limit: int) -> list[Related]:
    """The nearest other documents: cosines of document vectors minus their common mean.

    Without the centring all cosines of E5 lie between 0.97 and 0.99.
    """
    found = rows(db, f"SELECT document_id, vector FROM {embedding.document_table} ORDER BY document_id")
    ids, means = _matrix(found, embedding.dimensions)
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


def fetch_vectors(
    db: apsw.Connection, embedding: Embedding, passage_ids: Sequence[int]
) -> tuple[NDArray[np.int64], Vectors]:
    """The ids that have a vector, ascending, and the vectors, shape (ids, dimensions)."""
    ids = np.unique(np.fromiter(passage_ids, dtype=np.int64, count=len(passage_ids)))
    vectors = _read_where_they_lie(db, embedding, ids)
    if vectors is not None:
        return ids, vectors
    found = rows(
        db,
        f"SELECT passage_id, vector FROM {embedding.table}"
        " WHERE passage_id IN (SELECT value FROM json_each(?)) ORDER BY passage_id",
        (json.dumps(ids.tolist()),),
    )
    return _matrix(found, embedding.dimensions)


def _read_where_they_lie(db: apsw.Connection, embedding: Embedding, ids: NDArray[np.int64]) -> Vectors | None:
    """The vectors of these ids by SQLite's blob handle, 2.7 µs each instead of 4.2; None if one is gone."""
    import apsw

    vectors = np.empty((len(ids), embedding.dimensions), dtype="<f4")
    if not len(ids):
        return vectors
    room, size = vectors.data.cast("B"), vectors.strides[0]
    try:
        blob = db.blob_open("main", embedding.table, "vector", int(ids[0]), False)
        for place, id_ in enumerate(ids.tolist()):
            blob.reopen(id_)  # a failure closes it
            blob.read_into(room, place * size, size)
        blob.close()
    except apsw.SQLError:  # there is no such row
        return None
    return vectors


def _matrix(found: Sequence[tuple[int, bytes]], dimensions: int) -> tuple[NDArray[np.int64], Vectors]:
    ids = np.fromiter((id_ for id_, _ in found), dtype=np.int64, count=len(found))
    vectors = np.frombuffer(b"".join([blob for _, blob in found]), dtype="<f4")
    return ids, vectors.reshape(-1, dimensions)


def _add_to_sum(db: apsw.Connection, embedding: Embedding, change: NDArray[np.float64], count: int) -> None:
    (blob,) = first_row(db, "SELECT vector_sum FROM embeddings WHERE id = ?", (embedding.id,))
    total = np.frombuffer(blob, dtype="<f8") + change
    db.execute(
        "UPDATE embeddings SET vector_sum = ?, vectors = vectors + ?, mean_changes = mean_changes + ?"
        " WHERE id = ?",
        (total.astype("<f8").tobytes(), count, abs(count), embedding.id),
    )


def running_mean(db: apsw.Connection, embedding: Embedding) -> Vectors:
    """The mean of all vectors as they are now, shape (dimensions,), not a unit vector."""
    blob, count = first_row(db, "SELECT vector_sum, vectors FROM embeddings WHERE id = ?", (embedding.id,))
    mean: Vectors = (np.frombuffer(blob, dtype="<f8") / max(count, 1)).astype(np.float32)
    return mean


def _mean(db: apsw.Connection, embedding: Embedding) -> Vectors:
    (blob,) = first_row(db, "SELECT mean FROM embeddings WHERE id = ?", (embedding.id,))
    return np.frombuffer(blob, dtype="<f4")


def pack_codes(vectors: Vectors, mean: Vectors) -> NDArray[np.uint8]:
    """The sign bits of the centred vectors, shape (vectors, dimensions / 8), padded to whole 64 bits."""
    bits = np.packbits(vectors > mean, axis=-1, bitorder="little")
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))


def _code_bits(dimensions: int) -> int:
    return -(-dimensions // 64) * 64


def _add_codes(
    db: apsw.Connection, embedding: Embedding, passage_ids: Sequence[int], vectors: Vectors, mean: Vectors
) -> None:
    db.executemany(
        f"INSERT INTO {embedding.codes_table}(passage_id, code) VALUES (?, vec_bit(?))",
        (
            (int(id_), code.tobytes())
            for id_, code in zip(passage_ids, pack_codes(vectors, mean), strict=True)
        ),
    )


def refresh_codes(db: apsw.Connection, embedding: Embedding) -> bool:
    """Makes the codes, or makes them again when the mean has drifted; returns whether it did.

    The drift is looked at only when half as many vectors were added or removed as the mean was taken
    over, so that a collection under change is coded O(1) times a vector.
    """
    if embedding.vectors <= EXACT_LIMIT:
        return False
    mean = running_mean(db, embedding)
    if embedding.mean_vectors:
        few = 2 * embedding.mean_changes < embedding.mean_vectors
        if few or _drift(_mean(db, embedding), mean) < DRIFT_LIMIT:
            return False
    _make_codes(db, embedding, mean)
    return True


def _make_codes(db: apsw.Connection, embedding: Embedding, mean: Vectors) -> None:
    db.execute(
        f"DROP TABLE IF EXISTS {embedding.codes_table};"
        f"CREATE VIRTUAL TABLE {embedding.codes_table} USING vec0("
        f"passage_id INTEGER PRIMARY KEY, code bit[{_code_bits(embedding.dimensions)}])"
    )
    for ids, vectors in _all_vectors(db, embedding):
        _add_codes(db, embedding, ids.tolist(), vectors, mean)
    db.execute(
        "UPDATE embeddings SET mean = ?, mean_vectors = vectors, mean_changes = 0 WHERE id = ?",
        (as_blob(mean), embedding.id),
    )


def recount(db: apsw.Connection, embedding: Embedding) -> None:
    """Makes the count, the sum and the codes of an embedding again from its vectors."""
    total, count = np.zeros(embedding.dimensions), 0
    for ids, vectors in _all_vectors(db, embedding):
        total += vectors.sum(axis=0, dtype=np.float64)
        count += len(ids)
    db.execute(
        "UPDATE embeddings SET vectors = ?, vector_sum = ? WHERE id = ?",
        (count, total.astype("<f8").tobytes(), embedding.id),
    )
    if embedding.mean_vectors:
        _make_codes(db, embedding, running_mean(db, embedding))


def _drift(old: Vectors, new: Vectors) -> float:
    """Squared distance of two means of unit vectors over their spread, 1 - |mean|²."""
    spread = max(1.0 - float(new @ new), 1e-6)
    return float(((old - new) ** 2).sum()) / spread


def _all_vectors(
    db: apsw.Connection, embedding: Embedding, batch: int = 20_000
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    last = -1
    while True:
        found = rows(
            db,
            f"SELECT passage_id, vector FROM {embedding.table} WHERE passage_id > ?"
            " ORDER BY passage_id LIMIT ?",
            (last, batch),
        )
        if not found:
            return
        last = found[-1][0]
        yield _matrix(found, embedding.dimensions)


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


def load_exact(db: apsw.Connection, embedding: Embedding) -> ExactIndex:
    """All vectors of an embedding."""
    found = rows(db, f"SELECT passage_id, vector FROM {embedding.table} ORDER BY passage_id")
    return ExactIndex(*_matrix(found, embedding.dimensions))


def load_codes(db: apsw.Connection, embedding: Embedding) -> CodeIndex:
    """All codes of an embedding, read chunk by chunk from sqlite-vec's own tables.

    A full scan through the virtual table would fetch each row by itself, 40 times slower.
    """
    words = _code_bits(embedding.dimensions) // 64
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
    return CodeIndex(ids, planes, _mean(db, embedding))


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


def check_dimensions(embedding: Embedding, vectors: Vectors, collection: str) -> None:
    """`ModelMismatch` unless the vectors have the embedding's dimensions."""
    if vectors.shape[-1] != embedding.dimensions:
        raise ModelMismatch(
            f"Collection {collection!r} holds vectors of {embedding.dimensions} dimensions "
            f"({embedding.model}), not {vectors.shape[-1]}; embed it again with `python -m rag embed`."
        )
