"""Vectors in SQLite, as anyone can read them.

Each embedding (a collection under one model) has a table `vectors_<id>` of float32 blobs, and their running
sum. What finds the nearest of them is in index.db (`rag.store.vector_index`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelMismatch
from rag.interfaces import Vectors
from rag.store.queries import IDS, Connection, first_row, per_engine, rows, take_ids
from rag.store.views import refresh_vectors_view


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vectors of one collection under one model."""

    id: int
    collection_id: int
    model: str
    dimensions: int
    state: str
    vectors: int

    @property
    def table(self) -> str:
        return f"vectors_{self.id}"

    @property
    def document_table(self) -> str:
        return f"document_vectors_{self.id}"


def now() -> str:
    """The time as stored: ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def load_embedding(db: Connection, embedding_id: int) -> Embedding:
    """The embedding with this id."""
    columns = "id, collection_id, model, dimensions, state, vectors"
    return Embedding(*first_row(db, f"SELECT {columns} FROM embeddings WHERE id = ?", (embedding_id,)))


def create_embedding(
    db: Connection, collection_id: int, model: str, dimensions: int, state: str
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
    refresh_vectors_view(db)
    return embedding


def drop_tables(db: Connection, embedding: Embedding) -> None:
    """Removes an embedding and its tables from library.db."""
    for table in (embedding.table, embedding.document_table):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute("DELETE FROM embeddings WHERE id = ?", (embedding.id,))
    refresh_vectors_view(db)


def as_blob(vector: NDArray[Any]) -> bytes:
    """A vector as it is stored: little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def add_vectors(db: Connection, embedding: Embedding, passage_ids: Sequence[int], vectors: Vectors) -> None:
    """Stores the vectors of new passages."""
    if not len(passage_ids):
        return
    db.executemany(
        f"INSERT INTO {embedding.table}(passage_id, vector) VALUES (?, ?)",
        ((id_, as_blob(vector)) for id_, vector in zip(passage_ids, vectors, strict=True)),
    )
    _add_to_sum(db, embedding, vectors.sum(axis=0, dtype=np.float64), len(passage_ids))


def delete_vectors(db: Connection, embedding: Embedding, passage_ids: Sequence[int]) -> list[int]:
    """Removes the vectors of these passages; returns the ids that had one."""
    if not len(passage_ids):
        return []
    ids, vectors = fetch_vectors(db, embedding, passage_ids)
    _add_to_sum(db, embedding, -vectors.sum(axis=0, dtype=np.float64), -len(ids))
    keys = [(int(id_),) for id_ in ids]
    db.executemany(f"DELETE FROM {embedding.table} WHERE passage_id = ?", keys)
    return [int(id_) for id_ in ids]


def add_document_vector(db: Connection, embedding: Embedding, document_id: int, vectors: Vectors) -> None:
    """Stores the mean of a document's passage vectors; a document without passages has none."""
    if len(vectors):
        db.execute(
            f"INSERT INTO {embedding.document_table}(document_id, vector) VALUES (?, ?)"
            " ON CONFLICT (document_id) DO UPDATE SET vector = excluded.vector",
            (document_id, as_blob(vectors.mean(axis=0))),
        )


@per_engine
def fetch_vectors(
    db: Connection, embedding: Embedding, passage_ids: Sequence[int]
) -> tuple[NDArray[np.int64], Vectors]:
    """The ids that have a vector, ascending, and the vectors, shape (ids, dimensions)."""
    ids = np.unique(np.fromiter(passage_ids, dtype=np.int64, count=len(passage_ids)))
    vectors = _read_where_they_lie(db, embedding, ids)
    if vectors is not None:
        return ids, vectors
    found = rows(
        db,
        f"SELECT passage_id, vector FROM {embedding.table} WHERE passage_id IN {IDS} ORDER BY passage_id",
        (json.dumps(ids.tolist()),),
    )
    return as_matrix(found, embedding.dimensions)


def _read_where_they_lie(db: Connection, embedding: Embedding, ids: NDArray[np.int64]) -> Vectors | None:
    """The vectors of these ids by SQLite's blob handle, 2.7 µs each instead of 4.2; None if one is gone."""
    import apsw

    vectors = np.empty((len(ids), embedding.dimensions), dtype="<f4")
    if not len(ids):
        return vectors
    room, size = vectors.data.cast("B"), vectors.strides[0]
    try:
        blob = cast(apsw.Connection, db).blob_open("main", embedding.table, "vector", int(ids[0]), False)
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


def _add_to_sum(db: Connection, embedding: Embedding, change: NDArray[np.float64], count: int) -> None:
    (blob,) = first_row(db, "SELECT vector_sum FROM embeddings WHERE id = ?", (embedding.id,))
    total = np.frombuffer(blob, dtype="<f8") + change
    db.execute(
        "UPDATE embeddings SET vector_sum = ?, vectors = vectors + ? WHERE id = ?",
        (total.astype("<f8").tobytes(), count, embedding.id),
    )


def running_mean(db: Connection, embedding: Embedding) -> Vectors:
    """The mean of all vectors as they are now, shape (dimensions,), not a unit vector."""
    blob, count = first_row(db, "SELECT vector_sum, vectors FROM embeddings WHERE id = ?", (embedding.id,))
    mean: Vectors = (np.frombuffer(blob, dtype="<f8") / max(count, 1)).astype(np.float32)
    return mean


def recount(db: Connection, embedding: Embedding) -> None:
    """Makes the count and the sum of an embedding again from its vectors."""
    total, count = np.zeros(embedding.dimensions), 0
    for ids, vectors in all_vectors(db, embedding):
        total += vectors.sum(axis=0, dtype=np.float64)
        count += len(ids)
    db.execute(
        "UPDATE embeddings SET vectors = ?, vector_sum = ? WHERE id = ?",
        (count, total.astype("<f8").tobytes(), embedding.id),
    )


def all_vectors(
    db: Connection, embedding: Embedding, batch: int = 20_000
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """All ids and vectors, ascending by id, a batch at a time."""
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
