"""`index.db` beside `library.db`: the keyword and vector indexes, which stock SQLite cannot open.

Everything in it follows from `library.db`, so it can be deleted at any time. A transaction writes both
files, but in WAL mode SQLite commits them one after the other (sqlite.org/lang_attach.html): after a kill
in between, the index lacks the last transaction. Every transaction therefore leaves a random stamp in both.
Where the stamps differ, the index is brought up to date: by the ids of the passages if it lacks only the
last transaction (ids are never used again and passages never change), else from nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.store import documents, keywords, pictures, vector_index
from rag.store.queries import first_row, rows
from rag.store.schema import PRIVATE
from rag.store.vectors import load_embedding
from rag.text.terms import passage_terms

if TYPE_CHECKING:
    import apsw

VERSION = 1
BATCH = 2_000
SCHEMA = f"""
CREATE TABLE search.state (stamp TEXT NOT NULL);
INSERT INTO search.state VALUES ('');
CREATE TABLE search.vector_indexes (
    embedding_id INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,      -- float or bit
    mean         BLOB NOT NULL,      -- what was subtracted from the vectors, little-endian float32
    mean_vectors INTEGER NOT NULL,   -- how many vectors the mean was taken over
    changes      INTEGER NOT NULL    -- vectors added or removed since
);
PRAGMA search.user_version = {VERSION};
"""


def index_path(library: Path) -> Path:
    """The index of a library: `index.db` beside `library.db`, `copy-index.db` beside `copy.db`."""
    return library.with_name("index.db" if library.name == "library.db" else f"{library.stem}-index.db")


def attach(db: apsw.Connection, library: Path) -> None:
    """Attaches the library's index as the schema `search`, in place of a damaged one an empty one."""
    import apsw

    try:
        known = _attach(db, library)
    except (apsw.NotADBError, apsw.CorruptError):
        known = False
    if not known:
        if any(name == "search" for _, name, _ in rows(db, "PRAGMA database_list")):
            db.execute("DETACH search")
        discard(library)
        _attach(db, library)


def _attach(db: apsw.Connection, library: Path) -> bool:
    """False where the file is of another version."""
    path = index_path(library)
    if not path.exists():
        path.touch(mode=PRIVATE)
    db.execute("ATTACH ? AS search", (str(path),))
    (version,) = first_row(db, "PRAGMA search.user_version")
    if version not in (0, VERSION):
        return False
    db.execute("PRAGMA search.journal_mode = wal; PRAGMA search.synchronous = normal")
    if version == 0:
        db.execute("BEGIN IMMEDIATE")
        if first_row(db, "PRAGMA search.user_version") == (0,):  # no other process was quicker
            db.execute(SCHEMA)
        db.execute("COMMIT")
    return True


def discard(library: Path) -> None:
    """Deletes the index; it is made again when the library is next opened."""
    path = index_path(library)
    for file in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
        file.unlink(missing_ok=True)


def in_step(db: apsw.Connection) -> bool:
    """Whether both files are of the same transaction."""
    stamp, indexed = first_row(
        db, "SELECT (SELECT stamp FROM main.index_state), (SELECT stamp FROM search.state)"
    )
    return bool(stamp == indexed)


def advance(db: apsw.Connection) -> None:
    """Gives both files a new stamp: the last step of every transaction that writes."""
    (stamp,) = first_row(
        db,
        "UPDATE main.index_state SET stamp_before = stamp, stamp = lower(hex(randomblob(8))) RETURNING stamp",
    )
    db.execute("UPDATE search.state SET stamp = ?", (stamp,))


def catch_up(db: apsw.Connection) -> None:
    """Brings the index up to date with the library, inside a transaction that writes."""
    if in_step(db):
        return
    stamp, before = first_row(db, "SELECT stamp, stamp_before FROM main.index_state")
    if first_row(db, "SELECT stamp FROM search.state") != (before,):
        _clear(db)
    collections = [id_ for (id_,) in rows(db, "SELECT id FROM collections")]
    embeddings = [id_ for (id_,) in rows(db, "SELECT id FROM embeddings")]
    keywords.drop_all_but(db, collections)
    vector_index.drop_all_but(db, embeddings)
    for collection_id in collections:
        index_terms_of(db, collection_id)
    for embedding_id in embeddings:
        vector_index.catch_up(db, load_embedding(db, embedding_id))
    pictures.catch_up(db)
    db.execute("UPDATE search.state SET stamp = ?", (stamp,))


def _clear(db: apsw.Connection) -> None:
    keywords.drop_all_but(db, [])
    vector_index.drop_all_but(db, [])
    pictures.drop_index(db)


def index_terms_of(db: apsw.Connection, collection_id: int) -> None:
    """Makes the keyword index hold the collection's passages, and no others."""
    keywords.create_terms(db, collection_id)
    keywords.remove_terms(db, collection_id, keywords.stray_rows(db, collection_id))
    missing = keywords.missing_rows(db, collection_id)
    for start in range(0, len(missing), BATCH):
        hits = documents.hits(db, missing[start : start + BATCH])
        terms = [passage_terms(hit.passage, title=hit.title, doc=hit.doc) for hit in hits]
        keywords.add_terms(db, collection_id, [hit.rowid for hit in hits], terms)
