"""The vectors of one collection under one model in sqlite-vec, which finds the nearest of them.

`nearest_<embedding>` in index.db is a `vec0` table: one for each collection and model, so each collection
is a partition of its own. It has the vectors minus the collection's mean, at unit length: E5's crowd into a
narrow cone, and without centring their sign bits say little. Up to `FLOAT_LIMIT` vectors are kept as float32,
more as sign bits. What is found are candidates; their scores come from the float32 blobs of library.db.

sqlite-vec selects the k nearest in time vectors · k: 200 of 100,000 sign bits take 70 ms, 1,000 take 0.5 s.
A largest distance beside k leaves it few to select from: 1,000 to 1,400 of 100,000 take 17 ms. That
distance is read off a sample of the vectors. int8 was measured too: 100,000 take 81 ms for k = 50, the
float table 99 ms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Vectors
from rag.store.queries import IDS, Connection, first_row, per_engine, rows
from rag.store.vectors import (
    Embedding,
    add_vectors,
    all_vectors,
    as_blob,
    delete_vectors,
    drop_tables,
    fetch_vectors,
    load_embedding,
    running_mean,
)

Kind = Literal["float", "bit", "half", "graph"]
"""What a table keeps; the last two are PostgreSQL's (`rag.store.postgres.vectors`)."""

FLOAT_LIMIT = 2_000
DRIFT_LIMIT = 0.05  # squared distance of the means, as a share of the vectors' spread
MAX_K = 4_096  # sqlite-vec's own limit
CANDIDATE_SHARE, MIN_CANDIDATES = 25, 1_000  # of sign bits: one passage in 25, at least 1,000
EXACT_FILTER_LIMIT = 1_000  # with a filter this small, the exact scores are quicker than any search
CHUNK = {"float": 64, "bit": 256}  # vectors that sqlite-vec allocates and reads at a time


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """What is recorded of one `vec0` table."""

    kind: Kind
    mean: Vectors
    mean_vectors: int
    changes: int


def table_of(embedding: Embedding) -> str:
    """The name of the embedding's `vec0` table."""
    return f"nearest_{embedding.id}"


def load(db: Connection, embedding: Embedding) -> VectorIndex | None:
    """What is recorded of the embedding's table; None where there is none."""
    found = rows(
        db,
        "SELECT kind, mean, mean_vectors, changes FROM search.vector_indexes WHERE embedding_id = ?",
        (embedding.id,),
    )
    return VectorIndex(found[0][0], np.frombuffer(found[0][1], "<f4"), *found[0][2:]) if found else None


def count(db: Connection, embedding: Embedding) -> int:
    """How many vectors the table has."""
    if load(db, embedding) is None:
        return 0
    return int(first_row(db, f"SELECT count(*) FROM search.{table_of(embedding)}_rowids")[0])


@per_engine
def drop(db: Connection, embedding_id: int) -> None:
    """Removes the table of an embedding."""
    db.execute(f"DROP TABLE IF EXISTS search.nearest_{embedding_id}")
    db.execute("DELETE FROM search.vector_indexes WHERE embedding_id = ?", (embedding_id,))


def drop_all_but(db: Connection, embedding_ids: Iterable[int]) -> None:
    """Removes the tables of embeddings other than these."""
    kept = set(embedding_ids)
    for (id_,) in rows(db, "SELECT embedding_id FROM search.vector_indexes"):
        if id_ not in kept:
            drop(db, id_)


def store_vectors(db: Connection, embedding: Embedding, passage_ids: Sequence[int], vectors: Vectors) -> None:
    """Stores the vectors of new passages in library.db, and indexes them."""
    if len(passage_ids):
        add_vectors(db, embedding, passage_ids, vectors)
        add(db, embedding, passage_ids, vectors)


def remove_vectors(db: Connection, embedding: Embedding, passage_ids: Sequence[int]) -> None:
    """Removes the vectors of these passages from both files."""
    remove(db, embedding, delete_vectors(db, embedding, passage_ids))


def drop_embedding(db: Connection, embedding: Embedding) -> None:
    """Removes an embedding with its tables in both files."""
    drop(db, embedding.id)
    drop_tables(db, embedding)


def add(db: Connection, embedding: Embedding, passage_ids: Sequence[int], vectors: Vectors) -> None:
    """Indexes vectors that library.db has just got."""
    index = load(db, embedding)
    if index is None:
        make(db, embedding)
        return
    insert(db, embedding, index.kind, passage_ids, vectors - index.mean)
    _changed(db, embedding, len(passage_ids))


def remove(db: Connection, embedding: Embedding, passage_ids: Iterable[int]) -> None:
    """Takes vectors out of the index."""
    if load(db, embedding) is None:
        return
    keys = [(int(id_),) for id_ in passage_ids]
    db.executemany(f"DELETE FROM search.{table_of(embedding)} WHERE passage_id = ?", keys)
    _changed(db, embedding, len(keys))


def catch_up(db: Connection, embedding: Embedding) -> None:
    """Makes the index hold the vectors of library.db, and no others."""
    if load(db, embedding) is None:
        if embedding.vectors:
            make(db, embedding)
        return
    indexed = f"SELECT rowid FROM search.{table_of(embedding)}_rowids"
    stored = f"SELECT passage_id FROM {embedding.table}"
    remove(db, embedding, [id_ for (id_,) in rows(db, f"{indexed} EXCEPT {stored}")])
    missing = [id_ for (id_,) in rows(db, f"{stored} EXCEPT {indexed}")]
    if missing:
        add(db, embedding, *_fetched(db, embedding, missing))


def _fetched(db: Connection, embedding: Embedding, ids: Sequence[int]) -> tuple[list[int], Vectors]:
    found, vectors = fetch_vectors(db, embedding, ids)
    return found.tolist(), vectors


def make(db: Connection, embedding: Embedding) -> None:
    """Makes the table again from the vectors of library.db, around their present mean."""
    embedding = load_embedding(db, embedding.id)
    drop(db, embedding.id)
    mean = running_mean(db, embedding)
    kind = kind_for(db, embedding.vectors)
    create(db, embedding, kind)
    for ids, vectors in all_vectors(db, embedding):
        insert(db, embedding, kind, ids.tolist(), vectors - mean)
    finish(db, embedding, kind)
    db.execute(
        "INSERT INTO search.vector_indexes VALUES (?, ?, ?, ?, 0)",
        (embedding.id, kind, as_blob(mean), embedding.vectors),
    )


@per_engine
def kind_for(db: Connection, vectors: int) -> Kind:
    """What a table of so many vectors keeps."""
    return "float" if vectors <= FLOAT_LIMIT else "bit"


@per_engine
def create(db: Connection, embedding: Embedding, kind: Kind) -> None:
    """An empty table."""
    size = embedding.dimensions if kind == "float" else -(-embedding.dimensions // 8) * 8
    db.execute(
        f"CREATE VIRTUAL TABLE search.{table_of(embedding)} USING vec0("
        f"passage_id INTEGER PRIMARY KEY, vector {kind}[{size}], chunk_size={CHUNK[kind]})"
    )


@per_engine
def finish(db: Connection, embedding: Embedding, kind: Kind) -> None:
    """What is done once a table that was made again is full: nothing here."""


@per_engine
def insert(
    db: Connection, embedding: Embedding, kind: Kind, passage_ids: Sequence[int], centred: Vectors
) -> None:
    """Puts vectors, minus the mean, into the table."""
    marks = "?, ?" if kind == "float" else "?, vec_bit(?)"
    db.executemany(
        f"INSERT INTO search.{table_of(embedding)}(passage_id, vector) VALUES ({marks})",
        ((int(id_), blob) for id_, blob in zip(passage_ids, _blobs(kind, centred), strict=True)),
    )


def _blobs(kind: Kind, centred: Vectors) -> list[bytes]:
    if kind == "bit":
        return [code.tobytes() for code in sign_bits(centred)]
    return [as_blob(vector) for vector in unit(centred)]


def sign_bits(centred: Vectors) -> NDArray[np.uint8]:
    """A bit for each value, set where it is positive: shape (vectors, dimensions / 8), rounded up."""
    return np.packbits(centred > 0, axis=-1, bitorder="little")


def unit(vectors: Vectors) -> Vectors:
    """The vectors at unit length; those without a direction stay zero."""
    found: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return found


def _changed(db: Connection, embedding: Embedding, vectors: int) -> None:
    """Counts the change, and makes the table again where it is of the wrong kind or around a wrong mean.

    The mean is looked at only when half as many vectors were added or removed as it was taken over: a
    collection under change is indexed O(1) times a vector.
    """
    db.execute(
        "UPDATE search.vector_indexes SET changes = changes + ? WHERE embedding_id = ?",
        (vectors, embedding.id),
    )
    embedding, index = load_embedding(db, embedding.id), load(db, embedding)
    assert index is not None
    too_small = index.kind in ("float", "half") and kind_for(db, embedding.vectors) != index.kind
    few = 2 * index.changes < index.mean_vectors
    if too_small or (not few and _drift(index.mean, running_mean(db, embedding)) >= DRIFT_LIMIT):
        make(db, embedding)


def _drift(old: Vectors, new: Vectors) -> float:
    """Squared distance of two means of unit vectors over their spread, 1 - |mean|²."""
    spread = max(1.0 - float(new @ new), 1e-6)
    return float(((old - new) ** 2).sum()) / spread


def sample_ids(db: Connection, embedding: Embedding, size: int) -> list[int]:
    """At most `size` ids, evenly spread over the table."""
    if load(db, embedding) is None:
        return []
    ids = [
        id_ for (id_,) in rows(db, f"SELECT rowid FROM search.{table_of(embedding)}_rowids ORDER BY rowid")
    ]
    if len(ids) <= size:
        return ids
    return [ids[place] for place in np.linspace(0, len(ids) - 1, size).astype(int)]


@per_engine
def candidates(
    db: Connection,
    embedding: Embedding,
    index: VectorIndex,
    sample: NDArray[np.uint8],
    vector: Vectors,
    limit: int,
    among: NDArray[np.int64] | None,
) -> list[int]:
    """The passages that may be among the `limit` nearest, at least so many where there are; in no order.

    `sample` has the sign bits of some of the vectors.
    """
    if among is not None and len(among) <= EXACT_FILTER_LIMIT:
        return [int(id_) for id_ in among]
    total = embedding.vectors if among is None else min(len(among), embedding.vectors)
    if limit > MAX_K:
        return _all_of(db, embedding, among)
    centred = vector - index.mean
    if index.kind == "float":
        return _match(db, embedding, "?", as_blob(unit(centred)), min(4 * limit + 100, MAX_K), among=among)
    wanted = min(max(2 * limit, total // CANDIDATE_SHARE, MIN_CANDIDATES), MAX_K)
    code = sign_bits(centred)
    distances = np.bitwise_count(sample ^ code).sum(axis=1)
    furthest = int(np.quantile(distances, min(wanted / max(total, 1), 1.0)))
    found = _match(db, embedding, "vec_bit(?)", code.tobytes(), MAX_K, furthest=furthest, among=among)
    if len(found) < min(limit, total):
        found = _match(db, embedding, "vec_bit(?)", code.tobytes(), wanted, among=among)
    return found


def _match(
    db: Connection,
    embedding: Embedding,
    mark: str,
    query: bytes,
    k: int,
    *,
    furthest: int | None = None,
    among: NDArray[np.int64] | None,
) -> list[int]:
    sql = f"SELECT passage_id FROM search.{table_of(embedding)} WHERE vector MATCH {mark} AND k = ?"
    values: list[bytes | int | str] = [query, k]
    if furthest is not None:
        sql += " AND distance <= ?"
        values.append(furthest)
    if among is not None:
        sql += f" AND passage_id IN {IDS}"
        values.append(json.dumps(among.tolist()))
    return [id_ for (id_,) in rows(db, sql, values)]


def _all_of(db: Connection, embedding: Embedding, among: NDArray[np.int64] | None) -> list[int]:
    if among is not None:
        return [int(id_) for id_ in among]
    return [id_ for (id_,) in rows(db, f"SELECT passage_id FROM {embedding.table}")]
