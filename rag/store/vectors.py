"""Vectors in SQLite, and their sign bits where there are many.

Each embedding (a collection under one model) has a table `vectors_<id>` of float32 blobs. Above
`EXACT_LIMIT` vectors, `codes_<id>` (sqlite-vec, `bit[dimensions]`) holds the sign of every vector minus the
recorded mean, for `rag.store.searching`. Vectors of E5 crowd into a narrow cone, so without centring their
signs say little.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelMismatch
from rag.interfaces import Vectors
from rag.store.database import first_row, rows, take_ids

if TYPE_CHECKING:
    import apsw

EXACT_LIMIT = 20_000  # 30 MB of E5-small vectors; the product takes 1 ms, loading them 30 ms
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
        _add_codes(db, embedding, passage_ids, vectors, coded_mean(db, embedding))
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
    return as_matrix(found, embedding.dimensions)


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


def as_matrix(found: Sequence[tuple[int, bytes]], dimensions: int) -> tuple[NDArray[np.int64], Vectors]:
    """The ids, and the vectors, shape (ids, dimensions), of rows as they are stored."""
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


def coded_mean(db: apsw.Connection, embedding: Embedding) -> Vectors:
    """The mean that the codes are centred by."""
    (blob,) = first_row(db, "SELECT mean FROM embeddings WHERE id = ?", (embedding.id,))
    return np.frombuffer(blob, dtype="<f4")


def pack_codes(vectors: Vectors, mean: Vectors) -> NDArray[np.uint8]:
    """The sign bits of the centred vectors, shape (vectors, dimensions / 8), padded to whole 64 bits."""
    bits = np.packbits(vectors > mean, axis=-1, bitorder="little")
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))


def code_bits(dimensions: int) -> int:
    """The bits of a code: a sign for each dimension, padded to whole 64 bits."""
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
        if few or _drift(coded_mean(db, embedding), mean) < DRIFT_LIMIT:
            return False
    _make_codes(db, embedding, mean)
    return True


def _make_codes(db: apsw.Connection, embedding: Embedding, mean: Vectors) -> None:
    db.execute(
        f"DROP TABLE IF EXISTS {embedding.codes_table};"
        f"CREATE VIRTUAL TABLE {embedding.codes_table} USING vec0("
        f"passage_id INTEGER PRIMARY KEY, code bit[{code_bits(embedding.dimensions)}])"
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
        yield as_matrix(found, embedding.dimensions)


def check_dimensions(embedding: Embedding, vectors: Vectors, collection: str) -> None:
    """`ModelMismatch` unless the vectors have the embedding's dimensions."""
    if vectors.shape[-1] != embedding.dimensions:
        raise ModelMismatch(
            f"Collection {collection!r} holds vectors of {embedding.dimensions} dimensions "
            f"({embedding.model}), not {vectors.shape[-1]}; embed it again with `python -m rag embed`."
        )
