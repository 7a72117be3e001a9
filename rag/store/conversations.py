"""Saved conversations in SQLite: turns whole as JSON, and their citations as rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rag.records import Citation, CitedPassage, ConversationRow, MessageRow
from rag.store.names import SHOWN
from rag.store.queries import Connection, Engine, first_row, rows
from rag.store.rows import storable
from rag.store.vectors import now

_LISTED = (
    "SELECT c.id, c.title, c.collection, c.created, c.updated,"
    " (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id), c.attached FROM conversations c"
)


class ConversationTables:
    """The conversations of one library. Unknown ids give None, [] or no change."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def start(self, title: str, collection: str, *, owner: str = "", created: str | None = None) -> int:
        """A new, empty conversation; returns its id."""
        moment = created or now()
        with self._database.write() as db:
            (id_,) = first_row(
                db,
                "INSERT INTO conversations(title, collection, owner, created, updated)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id",
                (storable(title), collection, owner, moment, moment),
            )
            return int(id_)

    def append(
        self,
        conversation_id: int,
        *,
        question: str,
        answer: str,
        record: str,
        searchable: str,
        citations: Sequence[tuple[Citation, str]],
        created: str | None = None,
    ) -> int | None:
        """Adds a turn; each citation comes with the hash of its quote. Returns the message's id."""
        moment = created or now()
        with self._database.write() as db:
            if not rows(db, "SELECT 1 FROM conversations WHERE id = ?", (conversation_id,)):
                return None
            (ordinal,) = first_row(
                db,
                "SELECT coalesce(max(ordinal) + 1, 0) FROM messages WHERE conversation_id = ?",
                (conversation_id,),
            )
            (message_id,) = first_row(
                db,
                "INSERT INTO messages(conversation_id, ordinal, created, question, answer, record,"
                " searchable) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    conversation_id,
                    ordinal,
                    moment,
                    *(storable(text) for text in (question, answer, record, searchable)),
                ),
            )
            _insert_citations(db, message_id, citations)
            db.execute(
                "UPDATE conversations SET updated = max(updated, ?) WHERE id = ?", (moment, conversation_id)
            )
        return int(message_id)

    def listed(self, limit: int, offset: int, *, owner: str = "") -> list[ConversationRow]:
        """An owner's conversations, the one changed last first."""
        with self._database.read() as db:
            found = rows(
                db,
                f"{_LISTED} WHERE c.owner = ? ORDER BY c.updated DESC, c.id DESC LIMIT ? OFFSET ?",
                (owner, limit, offset),
            )
        return [ConversationRow(*row) for row in found]

    def count(self, *, owner: str = "") -> int:
        """How many conversations an owner has."""
        with self._database.read() as db:
            return int(first_row(db, "SELECT count(*) FROM conversations WHERE owner = ?", (owner,))[0])

    def get(self, conversation_id: int, *, owner: str = "") -> ConversationRow | None:
        """One conversation of an owner without its turns."""
        with self._database.read() as db:
            found = rows(db, f"{_LISTED} WHERE c.id = ? AND c.owner = ?", (conversation_id, owner))
        return ConversationRow(*found[0]) if found else None

    def messages(self, conversation_id: int) -> list[MessageRow]:
        """The turns of a conversation, in order."""
        with self._database.read() as db:
            found = rows(
                db,
                "SELECT id, ordinal, created, record, rating, rating_reason FROM messages"
                " WHERE conversation_id = ? ORDER BY ordinal",
                (conversation_id,),
            )
        return [MessageRow(*row) for row in found]

    def rename(self, conversation_id: int, title: str) -> bool:
        """Gives a conversation another title; False when there is none of that id."""
        return self._change(
            "UPDATE conversations SET title = ? WHERE id = ?", (storable(title), conversation_id)
        )

    def attach(self, conversation_id: int, collection: str) -> bool:
        """Notes which collection has a conversation's files; False when there is none of that id."""
        return self._change(
            "UPDATE conversations SET attached = ? WHERE id = ?", (collection, conversation_id)
        )

    def attached_anywhere(self, collection: str) -> bool:
        """Whether a conversation has this collection's files attached."""
        with self._database.read() as db:
            return bool(rows(db, "SELECT 1 FROM conversations WHERE attached = ?", (collection,)))

    def rewrite(self, message_id: int, record: str) -> bool:
        """Puts another record in the place of a turn's; False when there is no such message."""
        return self._change("UPDATE messages SET record = ? WHERE id = ?", (storable(record), message_id))

    def delete(self, conversation_id: int) -> bool:
        """Removes a conversation; False when there is none of that id."""
        return self._change("DELETE FROM conversations WHERE id = ?", (conversation_id,))

    def delete_from(self, conversation_id: int, ordinal: int) -> bool:
        """Removes the turns from this one on; False when there are none."""
        return self._change(
            "DELETE FROM messages WHERE conversation_id = ? AND ordinal >= ?", (conversation_id, ordinal)
        )

    def rate(self, message_id: int, rating: int | None, reason: str | None) -> bool:
        """Records a judgement of an answer; False when there is no such message."""
        return self._change(
            "UPDATE messages SET rating = ?, rating_reason = ? WHERE id = ?",
            (rating, None if reason is None else storable(reason), message_id),
        )

    def rated(self, rating: int, limit: int, *, owner: str = "") -> list[tuple[int, int, str, str | None]]:
        """(conversation, message, question, reason) of turns with this judgement, the newest first."""
        with self._database.read() as db:
            return rows(
                db,
                "SELECT conversation_id, m.id, question, rating_reason FROM messages m"
                " JOIN conversations c ON c.id = conversation_id"
                " WHERE rating = ? AND owner = ? ORDER BY m.id DESC LIMIT ?",
                (rating, owner, limit),
            )

    def _change(self, sql: str, values: tuple[Any, ...]) -> bool:
        with self._database.write() as db:
            return bool(rows(db, f"{sql} RETURNING 1", values))

    def matching(self, words: Sequence[str], limit: int, *, owner: str = "") -> list[tuple[int, int, str]]:
        """(conversation, message, searchable text) of turns that hold every word, the newest first.

        A plain scan finds parts of words in every script; 10,000 turns take some 20 ms.
        """
        conditions = " AND ".join("instr(searchable, ?) > 0" for _ in words) or "1 = 1"
        with self._database.read() as db:
            return rows(
                db,
                "SELECT conversation_id, m.id, searchable FROM messages m"
                " JOIN conversations c ON c.id = conversation_id"
                f" WHERE owner = ? AND {conditions} ORDER BY m.id DESC LIMIT ?",
                (owner, *words, limit),
            )

    def passages_with(self, collection: str, content_hashes: Sequence[str]) -> dict[str, CitedPassage]:
        """For each content hash that is still in the collection, a passage of today."""
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT content_hash, {SHOWN}, key, passages.text FROM passages"
                " JOIN documents ON documents.id = document_id"
                " JOIN collections ON collections.id = collection_id"
                " WHERE collections.name = ? AND content_hash IN (SELECT value FROM json_each(?))"
                " ORDER BY passages.id DESC",
                (collection, json.dumps(list(content_hashes))),
            )
        return {content_hash: CitedPassage(*row) for content_hash, *row in found}

    def texts_of(self, collection: str, docs: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """(doc, text) of today's documents that have, or had before they were moved, each of these paths."""
        texts: dict[str, list[tuple[str, str]]] = {}
        with self._database.read() as db:
            for asked, doc, text in rows(
                db,
                f"SELECT asked.value, {SHOWN}, documents.text FROM json_each(?) AS asked"
                " JOIN collections AS c ON c.name = ?"
                " JOIN documents ON collection_id = c.id AND (shown = asked.value OR doc IN (asked.value,"
                " (SELECT doc FROM moves WHERE collection_id = c.id AND was = asked.value)))"
                f" ORDER BY {SHOWN} <> asked.value, documents.root",
                (json.dumps(sorted(set(docs))), collection),
            ):
                texts.setdefault(asked, []).append((doc, text))
        return texts


def _insert_citations(db: Connection, message_id: int, citations: Sequence[tuple[Citation, str]]) -> None:
    db.executemany(
        'INSERT INTO citations(message_id, ordinal, marker, doc, page, quote, quote_hash, start, "end",'
        " passage_key, content_hash, supported, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                message_id,
                ordinal,
                cited.marker,
                cited.doc,
                cited.page,
                storable(cited.quote),
                quote_hash,
                cited.start,
                cited.end,
                cited.passage_id,
                cited.content_hash,
                cited.supported,
                cited.origin,
            )
            for ordinal, (cited, quote_hash) in enumerate(citations)
        ),
    )
