"""Further embedding models: beside the first for good, or built beside it to take over at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rag.interfaces import Leg, Vectors
from rag.records import Hit
from rag.store import documents, vector_index, vectors
from rag.store.queries import IDS, Connection, first_row, rows
from rag.store.vectors import Embedding


def start_building(db: Connection, collection_id: int, model: str, dimensions: int) -> Embedding:
    """The embedding under construction for this model: the one begun earlier, or a new one.

    One begun for a third model is given up.
    """
    for embedding in _under_construction(db, collection_id):
        if (embedding.model, embedding.dimensions) == (model, dimensions):
            return embedding
        vector_index.drop_embedding(db, embedding)
    return vectors.create_embedding(db, collection_id, model, dimensions, "building")


def stop_building(db: Connection, collection_id: int) -> None:
    """Gives up what is under construction: the embedding that serves stays."""
    for embedding in _under_construction(db, collection_id):
        vector_index.drop_embedding(db, embedding)


def find_leg(db: Connection, collection_id: int, model: str) -> Embedding | None:
    """The vectors of this model that the collection can be searched by."""
    found = rows(
        db,
        "SELECT id FROM embeddings WHERE collection_id = ? AND model = ? AND state = 'serving'",
        (collection_id, model),
    )
    return vectors.load_embedding(db, found[0][0]) if found else None


def legs(db: Connection, collection_id: int) -> list[Leg]:
    """The models that the collection can be searched by, the first one first."""
    found = rows(
        db,
        "SELECT model, dimensions, vectors, c.passages - vectors FROM embeddings AS e"
        " JOIN collections AS c ON c.id = collection_id WHERE c.id = ? AND state = 'serving'"
        " ORDER BY e.id <> embedding_id, e.id",
        (collection_id,),
    )
    return [Leg(*row) for row in found]


def _under_construction(db: Connection, collection_id: int) -> list[Embedding]:
    found = rows(
        db, "SELECT id FROM embeddings WHERE collection_id = ? AND state = 'building'", (collection_id,)
    )
    return [vectors.load_embedding(db, id_) for (id_,) in found]


def passages_to_embed(db: Connection, embedding: Embedding, limit: int) -> list[tuple[int, str, str]]:
    """(id, context, text) of the next passages that have no vector of this embedding yet."""
    return _without_vector(db, embedding, limit, "passages.id, context, passages.text")


def passages_without(db: Connection, embedding: Embedding, limit: int, language: str | None) -> list[Hit]:
    """The next passages that have no vector of this embedding yet, with their documents' titles.

    With a `language`, only those of documents in it, or in one that is not known.
    """
    found = _without_vector(db, embedding, limit, "passages.id", language)
    return documents.hits(db, [id_ for (id_,) in found])


def _without_vector(
    db: Connection, embedding: Embedding, limit: int, columns: str, language: str | None = None
) -> list[Any]:
    return rows(
        db,
        f"SELECT {columns} FROM passages"
        " JOIN documents ON documents.id = document_id"
        " WHERE collection_id = :collection"
        " AND (:language IS NULL OR coalesce(language, :language) = :language)"
        f" AND passages.id NOT IN (SELECT passage_id FROM {embedding.table})"
        " ORDER BY passages.id LIMIT :limit",
        {"collection": embedding.collection_id, "language": language, "limit": limit},
    )


def further_embeddings(db: Connection, collection_id: int) -> list[Embedding]:
    """The collection's embeddings beside its first."""
    found = rows(
        db,
        "SELECT e.id FROM embeddings AS e JOIN collections AS c ON c.id = collection_id"
        " WHERE c.id = ? AND e.id <> embedding_id",
        (collection_id,),
    )
    return [vectors.load_embedding(db, id_) for (id_,) in found]


PassageKey = tuple[str, ...]
FurtherVectors = dict[int, dict[PassageKey, bytes]]


def further_vectors(db: Connection, first: Embedding, content_hashes: Sequence[str]) -> FurtherVectors:
    """The vectors that passages of this content have of the collection's further models, by embedding.

    A further model reads a passage under its title and headings, so they are part of what it is known by.
    """
    wanted = json.dumps(sorted(set(content_hashes)))
    found: FurtherVectors = {}
    for (id_,) in rows(
        db, "SELECT id FROM embeddings WHERE collection_id = ? AND id <> ?", (first.collection_id, first.id)
    ):
        known = rows(
            db,
            "SELECT content_hash, heading_path, title, vector FROM json_each(?) AS wanted"
            " JOIN passages ON passages.content_hash = wanted.value"
            " JOIN documents ON documents.id = document_id"
            f" JOIN {vectors.load_embedding(db, id_).table} ON passage_id = passages.id",
            (wanted,),
        )
        found[id_] = {tuple(key): vector for *key, vector in known}
    return found


def keep_vectors(db: Connection, further: FurtherVectors, ids: Sequence[int]) -> None:
    """Gives new passages the further vectors of those that say the same in the same place."""
    if not any(further.values()):
        return
    keys = rows(
        db,
        "SELECT passages.id, content_hash, heading_path, title FROM passages"
        " JOIN documents ON documents.id = document_id"
        f" WHERE passages.id IN {IDS}",
        (json.dumps(list(ids)),),
    )
    for embedding_id, known in further.items():
        embedding = vectors.load_embedding(db, embedding_id)
        kept = [(id_, known[key]) for id_, *place in keys if (key := tuple(place)) in known]
        found, matrix = vectors.as_matrix(kept, embedding.dimensions)
        vector_index.store_vectors(db, embedding, found.tolist(), matrix)


def add_built(db: Connection, embedding: Embedding, ids: Sequence[int], built: Vectors) -> None:
    """Stores new vectors, except of passages that were removed or embedded meanwhile."""
    wanted = {
        id_
        for id_ in ids
        if rows(db, "SELECT 1 FROM passages WHERE id = ?", (id_,))
        and not rows(db, f"SELECT 1 FROM {embedding.table} WHERE passage_id = ?", (id_,))
    }
    keep = [position for position, id_ in enumerate(ids) if id_ in wanted]
    vector_index.store_vectors(db, embedding, [ids[position] for position in keep], built[keep])


def switch_over(db: Connection, embedding: Embedding) -> bool:
    """Lets the embedding serve and drops the one before; False when passages still lack a vector."""
    if passages_to_embed(db, embedding, 1):
        return False
    _make_document_vectors(db, embedding)
    (old,) = first_row(db, "SELECT embedding_id FROM collections WHERE id = ?", (embedding.collection_id,))
    further = find_leg(db, embedding.collection_id, embedding.model)
    if further is not None:
        vector_index.drop_embedding(db, further)
    db.execute("UPDATE embeddings SET state = 'serving' WHERE id = ?", (embedding.id,))
    db.execute(
        "UPDATE collections SET embedding_id = ?, generation = generation + 1 WHERE id = ?",
        (embedding.id, embedding.collection_id),
    )
    if old is not None and old != embedding.id:
        vector_index.drop_embedding(db, vectors.load_embedding(db, old))
    return True


def _make_document_vectors(db: Connection, embedding: Embedding) -> None:
    db.execute(f"DELETE FROM {embedding.document_table}")
    documents = rows(
        db, "SELECT id FROM documents WHERE collection_id = ? AND passages > 0", (embedding.collection_id,)
    )
    for (document_id,) in documents:
        ids = [id_ for (id_,) in rows(db, "SELECT id FROM passages WHERE document_id = ?", (document_id,))]
        _, found = vectors.fetch_vectors(db, embedding, ids)
        vectors.add_document_vector(db, embedding, document_id, found)
