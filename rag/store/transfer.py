"""Collections with their vectors, conversations and notes, from one library to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.store.documents import document_of, passage_ids
from rag.store.pictures import of_document
from rag.store.queries import Connection, first_row, rows
from rag.text.terms import passage_terms

if TYPE_CHECKING:
    from rag.store.rows import Collection, KnownFile, Source
    from rag.store.sqlite import SqliteStore


_CONVERSATION = "title, collection, created, updated, owner, attached"
_NOTE = "owner, title, text, collection, record, searchable, created, updated"


def copy_collection(
    source: SqliteStore, target: SqliteStore, name: str, *, resume: bool = False
) -> Iterator[str]:
    """Copies a collection's documents, yielding the name of each when it is there.

    A document of the same folder and path is replaced; one that is already the same is passed over when the
    copying is to `resume`. Into a collection of another embedding model
    nothing can be copied.

    Raises:
        ModelMismatch: the target has a collection of this name with vectors of another model.
    """
    theirs = source.collection(name)
    _copy_itself(theirs, source, target)
    further = [leg for leg in source.legs(name) if leg.model != theirs.model] if theirs.model else []
    for leg in further:
        target.add_leg(name, leg.model, leg.dimensions)
    there = {_copied(file) for file in target.known_files(name)} if resume else set()
    for file in source.known_files(name):
        if _copied(file) in there:
            continue
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
    if theirs.model is not None:
        target.written.keep(name, source.written.of_collection(name))


def _copy_itself(collection: Collection, source: SqliteStore, target: SqliteStore) -> None:
    """The collection without its documents; whose it is and its instruction only where it is new."""
    name = collection.name
    is_new = name not in {found.name for found in target.collections(attached=True)}
    if collection.model is None or collection.dimensions is None:
        target.add_collection(name)
    else:
        target.use_model(name, collection.model, collection.dimensions)
    if is_new and collection.owner:
        target.give_collection(name, collection.owner)
    if is_new and collection.instruction:
        target.instruct(name, collection.instruction)
    for root, is_folder in source.roots(name).items():
        target.add_root(name, root, is_folder=is_folder)
    target.leave_out(name, source.removed_files(name))
    target.keep_moves(name, source.moves(name))


def _copied(file: KnownFile) -> tuple[Source, str, int]:
    """What a document and its copy have in common."""
    return file.source, file.status, file.passages


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
            insert = f"INSERT INTO conversations({_CONVERSATION}) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
            _copy_messages(theirs, ours, id_, first_row(ours, insert, values)[0])
    return len(missing)


def _copy_messages(theirs: Connection, ours: Connection, conversation: int, copy: int) -> None:
    columns = "ordinal, created, question, answer, record, searchable, rating, rating_reason"
    found = rows(theirs, f"SELECT id, {columns} FROM messages WHERE conversation_id = ?", (conversation,))
    for message, *values in found:
        (new,) = first_row(
            ours,
            f"INSERT INTO messages(conversation_id, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " RETURNING id",
            (copy, *values),
        )
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
