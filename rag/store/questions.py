"""Questions written for passages: what there is of them, and the vectors they are found by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.interfaces import PassageQuestions
from rag.records import HIDDEN_TEXT
from rag.store.queries import Connection, Engine, first_row, rows
from rag.store.rows import storable
from rag.store.vectors import Embedding, as_blob, as_matrix, now

if TYPE_CHECKING:
    from rag.interfaces import Vectors

EVERY = 2**62
MIN_TOKENS = 20
"""A shorter passage is a heading or a caption: there is nothing to ask about it."""
_ASKABLE = (
    "passages AS p JOIN documents AS d ON d.id = p.document_id"
    " JOIN collections AS c ON c.id = d.collection_id"
    " WHERE c.name = :collection AND p.token_count >= :tokens"
    " AND NOT EXISTS (SELECT 1 FROM json_each(p.heading_path) WHERE value = :hidden)"
)
_OWN = "collection_id = (SELECT id FROM collections WHERE name = :collection)"


@dataclass(frozen=True, slots=True)
class PassageQuestion:
    """What a chat model wrote about a passage; `vector` is there only of one that is `kept`."""

    content_hash: str
    question: str
    kept: bool
    writer: str
    seconds: float
    model: str | None = None
    vector: Vectors | None = None


@dataclass(frozen=True, slots=True)
class QuestionCounts:
    """How many different passages can be asked about, were asked about, and have a question that is kept.

    `seconds` is what those asked about took in all, `bytes` what their rows take on the disk.
    """

    passages: int
    asked: int
    kept: int
    seconds: float
    bytes: int

    @property
    def seconds_left(self) -> float | None:
        """How long the other passages take at the rate so far; None before there is one."""
        return (self.passages - self.asked) * self.seconds / self.asked if self.asked else None


class QuestionTables:
    """The questions of a library. Raises what `SqliteStore` raises."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def next_passages(self, collection: str, limit: int) -> list[int]:
        """The rowids of passages that nobody was asked about yet, spread over the collection.

        Text that a document does not show is left out: no model reads it.
        """
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT min(p.id) FROM {_ASKABLE} AND p.content_hash NOT IN"
                f" (SELECT content_hash FROM passage_questions WHERE {_OWN})"
                " GROUP BY p.content_hash ORDER BY p.content_hash LIMIT :limit",
                _names(collection) | {"limit": limit},
            )
        return [rowid for (rowid,) in found]

    def keep(self, collection: str, questions: Sequence[PassageQuestion]) -> None:
        """Notes what was written, in place of what was written about the same passages before."""
        with self._database.write() as db:
            (id_,) = first_row(db, "SELECT id FROM collections WHERE name = ?", (collection,))
            db.executemany(
                "DELETE FROM passage_questions WHERE collection_id = ? AND content_hash = ?",
                [(id_, one.content_hash) for one in questions],
            )
            db.executemany(
                "INSERT INTO passage_questions(collection_id, content_hash, question, kept,"
                " writer, seconds, model, vector, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(id_, one.content_hash, storable(one.question), int(one.kept)),
                        *(one.writer, one.seconds),
                        *(one.model, None if one.vector is None else as_blob(one.vector), now()),
                    )
                    for one in questions
                ],
            )

    def to_embed(self, collection: str, model: str) -> list[tuple[str, str]]:
        """(content hash, question) of the questions kept that have no vector of this model."""
        with self._database.read() as db:
            return rows(
                db,
                f"SELECT content_hash, question FROM passage_questions WHERE {_OWN} AND kept = 1"
                " AND model IS DISTINCT FROM :model ORDER BY id",
                {"collection": collection, "model": model},
            )

    def embed(self, collection: str, model: str, hashes: Sequence[str], vectors: Vectors) -> None:
        """Gives questions their vectors of another model."""
        with self._database.write() as db:
            db.executemany(
                f"UPDATE passage_questions SET model = :model, vector = :vector WHERE {_OWN}"
                " AND content_hash = :hash",
                [
                    {"collection": collection, "model": model, "vector": as_blob(vector), "hash": hash_}
                    for hash_, vector in zip(hashes, vectors, strict=True)
                ],
            )

    def of_collection(self, collection: str) -> list[PassageQuestion]:
        """All that was written about a collection's passages, the oldest first."""
        with self._database.read() as db:
            found = rows(
                db,
                "SELECT content_hash, question, kept, writer, seconds, model, vector FROM passage_questions"
                f" WHERE {_OWN} ORDER BY id",
                {"collection": collection},
            )
        return [
            PassageQuestion(
                hash_,
                question,
                bool(kept),
                writer,
                seconds,
                model,
                None if vector is None else np.frombuffer(vector, "<f4"),
            )
            for hash_, question, kept, writer, seconds, model, vector in found
        ]

    def listed(self, collection: str, limit: int | None = None) -> list[tuple[Any, ...]]:
        """The rows of `v_questions` of a collection, without its name."""
        with self._database.read() as db:
            return rows(
                db,
                "SELECT doc, title, page, passage_id, question, writer, seconds, made FROM v_questions"
                " WHERE collection = ? ORDER BY doc, passage_id LIMIT ?",
                (collection, EVERY if limit is None else limit),
            )

    def examples(self, collection: str, limit: int) -> list[tuple[str, str]]:
        """(question, path of its document) of some questions kept, one a document."""
        with self._database.read() as db:
            return rows(
                db,
                "SELECT min(question), doc FROM v_questions WHERE collection = ? GROUP BY doc ORDER BY doc"
                " LIMIT ?",
                (collection, limit),
            )

    def counts(self, collection: str) -> QuestionCounts:
        """How far the collection is."""
        with self._database.read() as db:
            (passages,) = first_row(
                db, f"SELECT count(DISTINCT p.content_hash) FROM {_ASKABLE}", _names(collection)
            )
            asked, kept, seconds, size = first_row(
                db,
                "SELECT count(*), coalesce(sum(kept), 0), coalesce(sum(seconds), 0),"
                " coalesce(sum(octet_length(question) + coalesce(octet_length(vector), 0) + 120), 0)"
                f" FROM passage_questions WHERE {_OWN}",
                {"collection": collection},
            )
        return QuestionCounts(passages, asked, kept, seconds, size)

    def remove(self, collection: str) -> None:
        """Removes all that was written about a collection's passages."""
        with self._database.write() as db:
            db.execute(f"DELETE FROM passage_questions WHERE {_OWN}", {"collection": collection})
        self._database.empty_log()


def _names(collection: str) -> dict[str, str | int]:
    return {"collection": collection, "tokens": MIN_TOKENS, "hidden": HIDDEN_TEXT}


def state(db: Connection, embedding: Embedding) -> tuple[int, ...]:
    """Differs whenever the questions of a collection do, or what they are embedded with."""
    found: tuple[int, ...] = first_row(
        db,
        "SELECT count(*), coalesce(max(id), 0), count(CASE WHEN model = ? THEN 1 END) FROM passage_questions"
        " WHERE collection_id = ?",
        (embedding.model, embedding.collection_id),
    )
    return found


def load(db: Connection, embedding: Embedding) -> PassageQuestions:
    """The questions kept, a row for each passage that one belongs to."""
    found = rows(
        db,
        "SELECT p.id, q.vector FROM passage_questions AS q"
        " JOIN passages AS p ON p.content_hash = q.content_hash"
        " JOIN documents AS d ON d.id = p.document_id AND d.collection_id = q.collection_id"
        " WHERE q.collection_id = ? AND q.kept = 1 AND q.model = ? ORDER BY p.id",
        (embedding.collection_id, embedding.model),
    )
    return PassageQuestions(*as_matrix(found, embedding.dimensions))


def drop_unused(db: Connection, collection_id: int) -> None:
    """Removes the questions whose last passage has gone."""
    db.execute(
        "DELETE FROM passage_questions WHERE collection_id = ?1 AND unused = 1 AND content_hash NOT IN"
        " (SELECT p.content_hash FROM passages AS p JOIN documents AS d ON d.id = p.document_id"
        " WHERE d.collection_id = ?1 AND p.content_hash = passage_questions.content_hash)",
        (collection_id,),
    )
    db.execute(
        "UPDATE passage_questions SET unused = 0 WHERE collection_id = ? AND unused = 1", (collection_id,)
    )
