"""What is made of a collection's vectors: everything read at once, clusters and scales kept as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Vectors
from rag.store.documents import to_json
from rag.store.queries import Connection, first_row, rows
from rag.store.similar import document_vectors
from rag.store.vectors import Embedding, now
from rag.store.vectors import all_vectors as vector_batches

Kind = Literal["documents", "passages"]


@dataclass(frozen=True, slots=True)
class PointLabel:
    """What a vector stands for: a document, or a passage of it, and the beginning of its text.

    Of a document that is the text of its first passage. `start` and `end` are offsets into the document.
    """

    id: int
    document_id: int
    doc: str
    title: str
    text: str
    page: int | None
    language: str | None
    date: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A cluster as it is kept: `items` are (document id, passage id or None, similarity to the centre)."""

    name: str
    terms: Sequence[str]
    items: Sequence[tuple[int, int | None, float]]


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """A scale as it is kept: the examples of each end, and the (class, score) of each document by its id."""

    name: str
    examples: Mapping[str, Sequence[str]]
    scores: Mapping[int, tuple[str, float]] = field(default_factory=dict)


def all_vectors(db: Connection, embedding: Embedding, kind: Kind) -> tuple[NDArray[np.int64], Vectors]:
    """All ids, ascending, and their vectors."""
    if kind == "documents":
        return document_vectors(db, embedding)
    batches = list(vector_batches(db, embedding))
    if not batches:
        return np.zeros(0, dtype=np.int64), np.zeros((0, embedding.dimensions), dtype=np.float32)
    return np.concatenate([ids for ids, _ in batches]), np.concatenate([found for _, found in batches])


def labels(db: Connection, collection_id: int, kind: Kind, characters: int) -> list[PointLabel]:
    """What the points of a collection are called, by id."""
    id_, which = ("d.id", " AND p.ordinal = 0") if kind == "documents" else ("p.id", "")
    found = rows(
        db,
        f"SELECT {id_}, d.id, coalesce(d.shown, d.doc), d.title, substr(p.text, 1, ?), p.first_page,"
        ' d.language, d.date, p.start, p."end" FROM documents AS d JOIN passages AS p ON p.document_id = d.id'
        f" WHERE d.collection_id = ?{which} ORDER BY {id_}",
        (characters, collection_id),
    )
    return [PointLabel(*row) for row in found]


def texts(db: Connection, collection_id: int, kind: Kind) -> dict[int, str]:
    """The whole text of each document or passage, by id."""
    if kind == "documents":
        sql = "SELECT id, text FROM documents WHERE collection_id = ?"
    else:
        sql = (
            "SELECT p.id, p.text FROM passages AS p JOIN documents AS d ON d.id = document_id"
            " WHERE collection_id = ?"
        )
    return dict(rows(db, sql, (collection_id,)))


def keep_clusters(db: Connection, collection_id: int, clusters: Sequence[ClusterRow]) -> None:
    """Writes the clusters of a collection in place of those of last time; leaves out what is gone since."""
    db.execute("DELETE FROM clusters WHERE collection_id = ?", (collection_id,))
    for cluster in clusters:
        (id_,) = first_row(
            db,
            "INSERT INTO clusters(collection_id, name, terms, made) VALUES (?, ?, ?, ?) RETURNING id",
            (collection_id, cluster.name, to_json(list(cluster.terms)), now()),
        )
        db.executemany(
            "INSERT INTO cluster_items SELECT ?1, ?2, ?3, ?4"
            " WHERE EXISTS (SELECT 1 FROM documents WHERE id = ?2)"
            " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM passages WHERE id = ?3))",
            ((id_, *item) for item in cluster.items),
        )


def scales(db: Connection, collection_id: int) -> list[tuple[ScaleRow, bool]]:
    """The scales that are kept, by name, without scores, and whether every document has a score on each."""
    found = rows(
        db,
        "SELECT name, examples, (SELECT count(*) FROM documents WHERE collection_id = ?1 AND passages > 0)"
        " = (SELECT count(*) FROM scale_scores WHERE scale_id = scales.id) FROM scales"
        " WHERE collection_id = ?1 ORDER BY name",
        (collection_id,),
    )
    return [(ScaleRow(name, json.loads(examples)), bool(whole)) for name, examples, whole in found]


def keep_scale(db: Connection, collection_id: int, scale: ScaleRow) -> None:
    """Writes a scale in place of an earlier one of its name."""
    db.execute("DELETE FROM scales WHERE collection_id = ? AND name = ?", (collection_id, scale.name))
    (id_,) = first_row(
        db,
        "INSERT INTO scales(collection_id, name, examples, made) VALUES (?, ?, ?, ?) RETURNING id",
        (collection_id, scale.name, to_json({name: list(t) for name, t in scale.examples.items()}), now()),
    )
    db.executemany(
        "INSERT INTO scale_scores SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM documents WHERE id = ?2)",
        ((id_, document_id, *score) for document_id, score in scale.scores.items()),
    )
