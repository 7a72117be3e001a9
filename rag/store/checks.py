"""Whether the library is sound: the file, the rows that belong together, and the counts kept of them."""

from __future__ import annotations

from collections.abc import Iterator

from rag.store import keywords, pictures, vector_index, vectors
from rag.store.keywords import terms_table
from rag.store.queries import Connection, first_row, per_engine, rows
from rag.store.rows import Finding
from rag.store.vectors import Embedding

LARGE_LOG_BYTES = 200_000_000
# The tables whose rows belong to another's, owners first.
_OWNERS = {
    "sources": ("collection_id", "collections"),
    "embeddings": ("collection_id", "collections"),
    "documents": ("collection_id", "collections"),
    "passages": ("document_id", "documents"),
    "pictures": ("document_id", "documents"),
    "picture_vectors": ("image_id", "images"),
    "messages": ("conversation_id", "conversations"),
    "citations": ("message_id", "messages"),
    "pending_questions": ("conversation_id", "conversations"),
}
_PASSAGES = "FROM passages JOIN documents ON documents.id = document_id WHERE collection_id = ?"


def check(db: Connection, *, index_problems: list[str], log_bytes: int) -> Iterator[Finding]:
    """One finding a check; `problem` says what is wrong and how to mend it.

    `index_problems` are what `integrity_problems` found in the index, outside of any transaction: one that
    has read a damaged keyword index cannot even end.
    """
    problems = integrity_problems(db, "main")
    yield _finding("file", problems, "Run `python -m rag doctor --repair`, or restore a backup.")
    yield _finding("search index", index_problems, "Run `python -m rag doctor --repair`.")
    yield _finding("references", orphans(db)[:5], "Run `python -m rag doctor --repair`.")
    yield _finding("documents", _document_problems(db), "Ingest these documents again.")
    collections = rows(db, "SELECT id, name FROM collections ORDER BY name")
    for collection_id, name in [] if index_problems else collections:
        yield _finding(
            f"collection {name!r}",
            list(_collection_problems(db, collection_id)),
            "Run `python -m rag doctor --repair`.",
        )
    large = [f"the write-ahead log has {log_bytes:,} bytes"] if log_bytes > LARGE_LOG_BYTES else []
    yield _finding("write-ahead log", large, "Close other programs that use the library.")


@per_engine
def orphans(db: Connection) -> list[str]:
    """The rows that belong to one that is not there."""
    return [f"{table} row {rowid}" for table, rowid, *_ in rows(db, "PRAGMA foreign_key_check")]


@per_engine
def integrity_problems(db: Connection, schema: str) -> list[str]:
    """What SQLite's own check of a file finds wrong with it."""
    import apsw

    try:
        return [row[0] for row in rows(db, f"PRAGMA {schema}.integrity_check(5)") if row[0] != "ok"]
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return [str(error)]


def _finding(check: str, problems: list[str], remedy: str) -> Finding:
    return Finding(check, f"{'; '.join(problems)}. {remedy}" if problems else None)


def _document_problems(db: Connection) -> list[str]:
    found = rows(
        db,
        "SELECT doc, documents.passages, count(passages.id) FROM documents"
        " LEFT JOIN passages ON document_id = documents.id"
        " GROUP BY documents.id HAVING documents.passages <> count(passages.id) ORDER BY doc LIMIT 5",
    )
    problems = [f"{doc} has {there} of its {wanted} passages" for doc, wanted, there in found]
    # length() counts characters, as the offsets do.
    found = rows(
        db,
        "SELECT doc, ordinal FROM passages JOIN documents ON documents.id = document_id"
        ' WHERE substr(documents.text, start + 1, "end" - start) <> passages.text'
        " ORDER BY doc, ordinal LIMIT 5",
    )
    return problems + [f"passage {ordinal} of {doc} is not where it says" for doc, ordinal in found]


def _collection_problems(db: Connection, collection_id: int) -> Iterator[str]:
    (counted,) = first_row(db, "SELECT passages FROM collections WHERE id = ?", (collection_id,))
    (there,) = first_row(db, f"SELECT count(*) {_PASSAGES}", (collection_id,))
    if counted != there:
        yield f"{there} passages, but {counted} on record"
    indexed = f"SELECT id FROM {terms_table(collection_id)}_docsize"
    (found,) = first_row(db, f"SELECT count(*) {_PASSAGES} AND passages.id IN ({indexed})", (collection_id,))
    if found != there:
        yield f"{found} of {there} passages in the keyword index"
    if stray := len(keywords.stray_rows(db, collection_id)):
        yield f"{stray} rows of the keyword index without a passage"
    (first,) = first_row(db, "SELECT embedding_id FROM collections WHERE id = ?", (collection_id,))
    for (id_,) in rows(db, "SELECT id FROM embeddings WHERE collection_id = ?", (collection_id,)):
        yield from _embedding_problems(db, vectors.load_embedding(db, id_), complete=id_ == first)


def _embedding_problems(db: Connection, embedding: Embedding, *, complete: bool) -> Iterator[str]:
    (there,) = first_row(db, f"SELECT count(*) FROM {embedding.table}")
    if there != embedding.vectors:
        yield f"{there} vectors, but {embedding.vectors} on record"
    if orphans := _count_orphans(db, embedding):
        yield f"{orphans} vectors without a passage"
    if complete and (missing := _count_missing(db, embedding)):
        yield f"{missing} passages without a vector"
    (odd,) = first_row(
        db,
        f"SELECT count(*) FROM {embedding.table} WHERE length(vector) <> ?",
        (4 * embedding.dimensions,),
    )
    if odd:
        yield f"{odd} vectors of another length than {embedding.dimensions}"
    indexed = vector_index.count(db, embedding)
    if indexed != there:
        yield f"{indexed} of {there} vectors in the vector index"


def _count_orphans(db: Connection, embedding: Embedding) -> int:
    (orphans,) = first_row(
        db, f"SELECT count(*) FROM {embedding.table} WHERE passage_id NOT IN (SELECT id FROM passages)"
    )
    return int(orphans)


def _count_missing(db: Connection, embedding: Embedding) -> int:
    (missing,) = first_row(
        db,
        f"SELECT count(*) {_PASSAGES} AND passages.id NOT IN (SELECT passage_id FROM {embedding.table})",
        (embedding.collection_id,),
    )
    return int(missing)


def repair(db: Connection) -> None:
    """Makes again what follows from the documents: counts, sums, codes; drops what belongs to nothing.

    A document with a passage that lost its vector or terms is marked to be read again.
    """
    for table, (column, owner) in _OWNERS.items():
        db.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {owner})")
    db.execute("DELETE FROM pictures WHERE image_id NOT IN (SELECT id FROM images)")
    pictures.drop_unused(db)
    pictures.catch_up(db)
    for (embedding_id,) in rows(db, "SELECT id FROM embeddings"):
        embedding = vectors.load_embedding(db, embedding_id)
        db.execute(f"DELETE FROM {embedding.table} WHERE passage_id NOT IN (SELECT id FROM passages)")
        db.execute(
            f"DELETE FROM {embedding.document_table} WHERE document_id NOT IN (SELECT id FROM documents)"
        )
        vectors.recount(db, embedding)
        vector_index.make(db, embedding)
    for collection_id, serving in rows(db, "SELECT id, embedding_id FROM collections"):
        keywords.remove_terms(db, collection_id, keywords.stray_rows(db, collection_id))
        if serving is not None:
            _mark_incomplete(db, collection_id, vectors.load_embedding(db, serving))
    db.execute(
        "UPDATE collections SET generation = generation + 1, passages = (SELECT count(*) FROM passages"
        " JOIN documents ON documents.id = document_id WHERE collection_id = collections.id)"
    )


def _mark_incomplete(db: Connection, collection_id: int, serving: Embedding) -> None:
    """Lets documents with a passage that no search finds be read again by the next ingest."""
    complete = (
        f"EXISTS (SELECT 1 FROM {serving.table} WHERE passage_id = passages.id) AND EXISTS"
        f" (SELECT 1 FROM {terms_table(collection_id)}_docsize AS indexed WHERE indexed.id = passages.id)"
    )
    db.execute(
        "UPDATE documents SET sha256 = NULL, mtime_ns = NULL WHERE collection_id = ? AND id IN"
        f" (SELECT document_id FROM passages WHERE NOT ({complete}))",
        (collection_id,),
    )
