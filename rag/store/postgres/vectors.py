"""The nearest vectors by pgvector, and the steps of other modules that PostgreSQL takes otherwise.

`nearest_<embedding>` has the vectors minus the collection's mean in half precision, under an HNSW graph
(Malkov and Yashunin 2018) from `GRAPH_FROM` vectors on. What it finds are candidates, as with SQLite: their
scores come from the float32 vectors in `vectors_<embedding>`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Vectors
from rag.store import checks, pictures, vector_index, vectors, views
from rag.store.postgres.database import PostgresConnection
from rag.store.queries import first_row, in_its_own_way, rows
from rag.store.vector_index import EXACT_FILTER_LIMIT, Kind, VectorIndex, table_of, unit
from rag.store.vectors import Embedding, as_matrix

GRAPH_FROM = 10_000
MOST_EF = 1_000  # pgvector's own limit
CANDIDATES = 200
BUILD_MEMORY = "1GB"


@in_its_own_way(vector_index.kind_for, PostgresConnection)
def kind_for(db: PostgresConnection, vectors: int) -> Kind:
    """Whether a table of so many vectors has a graph."""
    return "half" if vectors < GRAPH_FROM else "graph"


@in_its_own_way(vector_index.create, PostgresConnection)
def create(db: PostgresConnection, embedding: Embedding, kind: Kind) -> None:
    """An empty table."""
    table = table_of(embedding)
    db.execute(
        f"CREATE TABLE {table} (passage_id BIGINT PRIMARY KEY,"
        f" vector halfvec({embedding.dimensions}) NOT NULL);"
        f"CREATE VIEW {table}_rowids AS SELECT passage_id AS rowid FROM {table}"
    )


@in_its_own_way(vector_index.finish, PostgresConnection)
def finish(db: PostgresConnection, embedding: Embedding, kind: Kind) -> None:
    """Makes the graph over all vectors at once, which is quicker than one by one."""
    if kind == "graph":
        table = table_of(embedding)
        db.execute(
            f"SET LOCAL maintenance_work_mem = '{BUILD_MEMORY}';"
            f"CREATE INDEX {table}_graph ON {table} USING hnsw (vector halfvec_cosine_ops)"
        )


@in_its_own_way(vector_index.drop, PostgresConnection)
def drop(db: PostgresConnection, embedding_id: int) -> None:
    """Removes the table of an embedding."""
    db.execute(f"DROP TABLE IF EXISTS nearest_{embedding_id} CASCADE")
    db.execute("DELETE FROM vector_indexes WHERE embedding_id = ?", (embedding_id,))


@in_its_own_way(vector_index.insert, PostgresConnection)
def insert(
    db: PostgresConnection, embedding: Embedding, kind: Kind, passage_ids: Sequence[int], centred: Vectors
) -> None:
    """Puts vectors, minus the mean, into the table."""
    sql = f"COPY {table_of(embedding)} (passage_id, vector) FROM STDIN"
    with db.native.cursor() as cursor, cursor.copy(sql) as copy:
        for id_, vector in zip(passage_ids, unit(centred), strict=True):
            copy.write_row((int(id_), _written(vector)))


def _written(vector: Vectors) -> str:
    return f"[{','.join(f'{value:.5g}' for value in vector.tolist())}]"


@in_its_own_way(vector_index.candidates, PostgresConnection)
def candidates(
    db: PostgresConnection,
    embedding: Embedding,
    index: VectorIndex,
    sample: NDArray[np.uint8],
    vector: Vectors,
    limit: int,
    among: NDArray[np.int64] | None,
) -> list[int]:
    """The passages that may be among the `limit` nearest, at least so many where there are; in no order."""
    if among is not None and len(among) <= EXACT_FILTER_LIMIT:
        return [int(id_) for id_ in among]
    wanted = max(CANDIDATES, 2 * limit)
    filtered, values = "", [_written(unit(vector - index.mean)), wanted]
    if among is not None:
        filtered, values = " WHERE passage_id = ANY(?)", [among.tolist(), *values]
    if index.kind == "graph":
        db.execute(f"SET LOCAL hnsw.ef_search = {min(wanted, MOST_EF)}")
        db.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
    sql = f"SELECT passage_id FROM {table_of(embedding)}{filtered} ORDER BY vector <=> ? LIMIT ?"
    return [id_ for (id_,) in rows(db, sql, values)]


@in_its_own_way(vectors.fetch_vectors, PostgresConnection)
def fetch_vectors(
    db: PostgresConnection, embedding: Embedding, passage_ids: Sequence[int]
) -> tuple[NDArray[np.int64], Vectors]:
    """The ids that have a vector, ascending, and the vectors, which come as bytes: half of what text is."""
    wanted = np.unique(np.fromiter(passage_ids, dtype=np.int64, count=len(passage_ids)))
    sql = f"SELECT passage_id, vector FROM {embedding.table} WHERE passage_id = ANY(%s) ORDER BY passage_id"
    with db.native.cursor(binary=True) as cursor:
        found = cursor.execute(sql, (wanted.tolist(),)).fetchall()
    return as_matrix(found, embedding.dimensions)


@in_its_own_way(pictures.nearest, PostgresConnection)
def nearest_pictures(
    db: PostgresConnection, collection: str, vector: Vectors, limit: int
) -> list[tuple[int, float]]:
    """(image id, cosine) of the nearest images of a collection; all of its pictures are looked at."""
    found = rows(
        db,
        "SELECT v.image_id, v.vector FROM picture_vectors AS v"
        " WHERE v.image_id IN (SELECT image_id FROM pictures"
        " JOIN documents AS d ON d.id = document_id"
        " JOIN collections AS c ON c.id = collection_id WHERE c.name = ?)",
        (collection,),
    )
    ids, matrix = as_matrix(found, len(vector))
    scores = matrix @ vector / max(float(np.linalg.norm(vector)), 1e-12)
    order = np.lexsort((ids, -scores))[:limit]
    return [(int(ids[place]), float(scores[place])) for place in order]


@in_its_own_way(pictures.catch_up, PostgresConnection)
@in_its_own_way(pictures.drop_index, PostgresConnection)
@in_its_own_way(views.refresh_vectors_view, PostgresConnection)
def nothing(db: PostgresConnection) -> None:
    """There is no index of pictures, and pgvector's vectors are read without a view."""


@in_its_own_way(pictures.take_out, PostgresConnection)
def take_out(db: PostgresConnection, image_ids: Sequence[tuple[int]]) -> None:
    """There is no index of pictures."""


@in_its_own_way(checks.orphans, PostgresConnection)
def orphans(db: PostgresConnection) -> list[str]:
    """None: PostgreSQL lets no reference lead nowhere."""
    return []


@in_its_own_way(checks.integrity_problems, PostgresConnection)
def integrity_problems(db: PostgresConnection, schema: str) -> list[str]:
    """What can be known of the files from here: that the server answers."""
    first_row(db, "SELECT 1")
    return []
