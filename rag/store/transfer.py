"""Collections with their vectors, conversations and notes, from one library to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.store.documents import document_of, passage_ids
from rag.store.pictures import of_document
from rag.store.queries import rows
from rag.text.terms import passage_terms

if TYPE_CHECKING:
    import apsw

    from rag.store.sqlite import SqliteStore


_CONVERSATION = "title, collection, created, updated, owner, attached"
_NOTE = "owner, title, text, collection, record, searchable, created, updated"


def copy_collection(source: SqliteStore, target: SqliteStore, name: str) -> Iterator[str]:
    """Copies a collection's documents, yielding the name of each when it is there.

    A document of the same folder and path is replaced. Into a collection of another embedding model
    nothing can be copied.

    Raises:
        ModelMismatch: the target has a collection of this name with vectors of another model.
    """
    theirs = source.collection(name)
    known = {found.name for found in target.collections(attached=True)}
    if theirs.model is None or theirs.dimensions is None:
        target.add_collection(name)
    else:
        target.use_model(name, theirs.model, theirs.dimensions)
    if name not in known and theirs.owner:
        target.give_collection(name, theirs.owner)
    if name not in known and theirs.instruction:
        target.instruct(name, theirs.instruction)
    for root, is_folder in source.roots(name).items():
        target.add_root(name, root, is_folder=is_folder)
    target.leave_out(name, source.removed_files(name))
    target.keep_moves(name, source.moves(name))
    further = [leg for leg in source.legs(name) if leg.model != theirs.model] if theirs.model else []
    for leg in further:
        target.add_leg(name, leg.model, leg.dimensions)
    for file in source.known_files(name):
        if file.status != "indexed" and not file.passages:
            target.put_failure(name, file.source, file.error or "", status=file.status)
            continue
        with source.database.read() as db:
            ids, document = passage_ids(db, file.id), document_of(db, file.id)
            document = replace(document, pictures=of_document(db, file.id))
        hits = source.hits(ids)
        passages = [hit.passage for hit in hits]
        terms = [passage_terms(hit.passage, title=hit.title, doc=hit.doc) for hit in hits]
        _, vectors = source.vectors_of(name, ids)
        id_ = target.put_document(name, file.source, document, passages, vectors, terms)
        copied = dict(zip(ids, target.passage_rowids([id_]), strict=True))
        for leg in further:
            having, vectors = source.vectors_of(name, ids, leg=leg.model)
            target.add_vectors(name, leg.model, [copied[one] for one in having.tolist()], vectors)
        yield file.source.doc
    target.tell_apart(name)


def copy_conversations(source: SqliteStore, target: SqliteStore) -> int:
    """Copies the conversations that the target does not have yet; returns how many."""
    with source.database.read() as theirs, target.database.write() as ours:
        missing = [
            row
            for row in rows(theirs, f"SELECT id, {_CONVERSATION} FROM conversations")
            if not rows(
                ours,
                f"SELECT 1 FROM conversations WHERE ({_CONVERSATION}) = (?, ?, ?, ?, ?, ?)",
                row[1:],
            )
        ]
        for id_, *values in missing:
            ours.execute(f"INSERT INTO conversations({_CONVERSATION}) VALUES (?, ?, ?, ?, ?, ?)", values)
            _copy_messages(theirs, ours, id_, ours.last_insert_rowid())
    return len(missing)


def _copy_messages(theirs: apsw.Connection, ours: apsw.Connection, conversation: int, copy: int) -> None:
    columns = "ordinal, created, question, answer, record, searchable, rating, rating_reason"
    found = rows(theirs, f"SELECT id, {columns} FROM messages WHERE conversation_id = ?", (conversation,))
    for message, *values in found:
        ours.execute(
            f"INSERT INTO messages(conversation_id, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (copy, *values),
        )
        new = ours.last_insert_rowid()
        for citation in rows(theirs, "SELECT * FROM citations WHERE message_id = ?", (message,)):
            marks = ", ".join("?" * len(citation))
            ours.execute(f"INSERT INTO citations VALUES ({marks})", (new, *citation[1:]))


def copy_notes(source: SqliteStore, target: SqliteStore) -> int:
    """Copies the notes that the target does not have yet; returns how many."""
    with source.database.read() as theirs, target.database.write() as ours:
        missing = [
            row
            for row in rows(theirs, f"SELECT {_NOTE} FROM notes ORDER BY id")
            if not rows(ours, f"SELECT 1 FROM notes WHERE ({_NOTE}) = (?, ?, ?, ?, ?, ?, ?, ?)", row)
        ]
        ours.executemany(f"INSERT INTO notes({_NOTE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", missing)
    return len(missing)
