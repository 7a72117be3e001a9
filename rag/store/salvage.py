"""A damaged library made whole again from the rows that can still be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import LibraryDamaged
from rag.store import index_file
from rag.store.connection import connect, is_encrypted
from rag.store.database import require_sound, unused_name
from rag.store.queries import first_row, rows
from rag.store.schema import PRIVATE, migrate, migrations
from rag.store.views import refresh_vectors_view

if TYPE_CHECKING:
    import apsw

TABLES = (
    "collections",
    "embeddings",
    "documents",
    "passages",
    "images",
    "pictures",
    "picture_vectors",
    "scales",
    "passage_questions",
    "conversations",
    "messages",
    "notes",
    "pending_questions",
)
WITHOUT_ROWIDS = ("sources", "citations", "next_ids", "removed", "moves", "pages", "scale_scores")
BEYOND = 1_000
"""Ids looked at behind the last one that could be read, where the highest is not known."""
MAX_FAILURES = 50_000
"""A table is given up after so many reads that failed; a damaged page makes a handful of them."""


@dataclass(frozen=True, slots=True)
class Salvage:
    """What could be kept, by table; the damaged file is kept too, as `damaged`."""

    kept: dict[str, int]
    damaged: Path


def salvage(path: Path) -> Salvage:
    """Puts a library of all that can be read in the place of a damaged one.

    Documents that lost something are marked, so that the next ingest reads their files again. Nobody else
    may have the library open.

    Raises:
        LibraryDamaged: not even the list of its tables can be read.
    """
    import apsw

    new = path.with_name(f"{path.name}.salvaged")
    new.unlink(missing_ok=True)
    new.touch(mode=PRIVATE)
    source, target = connect(path), connect(new, encrypted=is_encrypted(path))
    try:
        version = int(source.pragma("user_version"))
        migrate(target, new, migrations()[:version])
        kept = _copy(source, target)
        _mend(target)
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise LibraryDamaged(
            f"Nothing can be read of {path} ({error}). Restore a backup: python -m rag restore FILE.db"
        ) from error
    finally:
        source.close(True)
        target.close()
    damaged = _put_aside(path)
    index_file.discard(path)
    new.rename(path)
    return Salvage(kept, damaged)


def put_backup_in_place(path: Path, backup: Path) -> Path:
    """Puts a sound backup in the place of a damaged library; returns what the damaged file is called now."""
    require_sound(backup)
    damaged = _put_aside(path)
    index_file.discard(path)
    path.touch(mode=PRIVATE)
    shutil.copyfile(backup, path)
    return damaged


def _copy(source: apsw.Connection, target: apsw.Connection) -> dict[str, int]:
    """Copies every row that can be read; returns how many of each table there are."""
    target.pragma("foreign_keys", False)
    target.execute("BEGIN")
    target.execute("DELETE FROM next_ids")
    for table in WITHOUT_ROWIDS:
        if not _columns(target, table):  # the library is of an earlier version
            continue
        _insert(target, table, _columns(source, table), _streamed(source, table))
    bounds = dict(rows(target, "SELECT name, next FROM next_ids"))
    tables = [table for table in TABLES if _columns(target, table)]
    for table in tables:
        _insert(target, table, _columns(source, table), _readable(source, table, bounds.get(table)))
    for embedding_id, kind, table in [
        (id_, kind, table)
        for (id_,) in rows(target, "SELECT id FROM embeddings")
        for kind, table in (("passage", f"vectors_{id_}"), ("document", f"document_vectors_{id_}"))
    ]:
        target.execute(f"CREATE TABLE {table} ({kind}_id INTEGER PRIMARY KEY, vector BLOB NOT NULL)")
        found = _readable(source, table, bounds.get(f"{kind}s"))
        _insert(target, table, [f"{kind}_id", "vector"], found)
        (size,) = first_row(target, "SELECT 4 * dimensions FROM embeddings WHERE id = ?", (embedding_id,))
        target.execute(f"DELETE FROM {table} WHERE length(vector) <> ?", (size,))
    target.execute("COMMIT")
    return {table: first_row(target, f"SELECT count(*) FROM {table}")[0] for table in tables}


def _columns(source: apsw.Connection, table: str) -> list[str]:
    return [name for _, name, *_ in rows(source, f"PRAGMA table_info({table})")]


def _insert(
    target: apsw.Connection, table: str, columns: list[str], found: Iterator[tuple[Any, ...]]
) -> None:
    """Adds rows, except those that no longer fit the table."""
    import apsw

    names = ", ".join(f'"{column}"' for column in columns)
    for row in found:
        try:
            target.execute(
                f"INSERT OR IGNORE INTO {table}({names}) VALUES ({', '.join('?' * len(columns))})", row
            )
        except apsw.Error:
            continue


def _streamed(source: apsw.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table without rowids, from both ends up to the damage."""
    import apsw

    keys = ", ".join(name for _, name, *_, key in rows(source, f"PRAGMA table_info({table})") if key)
    for way in ("ASC", "DESC"):
        order = ", ".join(f"{key} {way}" for key in keys.split(", "))
        try:
            yield from source.execute(f"SELECT * FROM {table} ORDER BY {order}")
        except (apsw.Error, UnicodeDecodeError):
            continue
        return


def _readable(source: apsw.Connection, table: str, bound: int | None) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, around those that cannot be read: what failed is tried again in halves."""
    import apsw

    last, failures = 0, 0
    spans = [(1, 2**62 if bound is None else bound)]
    while spans and failures < MAX_FAILURES:
        low, high = spans.pop()
        try:
            for id_, *row in source.execute(
                f"SELECT rowid, * FROM {table} NOT INDEXED WHERE rowid BETWEEN ? AND ? ORDER BY rowid",
                (low, high),
            ):
                last, low = id_, id_ + 1
                yield tuple(row)
        except (apsw.Error, UnicodeDecodeError):
            failures += 1
            high = min(high, last + BEYOND) if bound is None else high
            if low < high:
                middle = (low + high) // 2
                spans += [(middle + 1, high), (low, middle)]


def _mend(target: apsw.Connection) -> None:
    """Makes the rows fit each other, as far as `repair` does not."""
    target.execute(
        "BEGIN;"
        "INSERT OR IGNORE INTO collections(id, name, created) SELECT DISTINCT collection_id,"
        " 'recovered ' || collection_id, strftime('%Y-%m-%dT%H:%M:%SZ', 'now') FROM documents;"
        "UPDATE collections SET embedding_id = (SELECT min(id) FROM embeddings"
        " WHERE collection_id = collections.id AND state = 'serving')"
        " WHERE embedding_id IS NULL OR embedding_id NOT IN (SELECT id FROM embeddings);"
        "DELETE FROM passages WHERE NOT EXISTS (SELECT 1 FROM documents WHERE id = document_id"
        ' AND substr(documents.text, start + 1, "end" - start) = passages.text);'
        "UPDATE documents SET sha256 = NULL, mtime_ns = NULL, passages = (SELECT count(*) FROM passages"
        " WHERE document_id = documents.id) WHERE passages <> (SELECT count(*) FROM passages"
        " WHERE document_id = documents.id);"
        "UPDATE documents SET sha256 = NULL, mtime_ns = NULL WHERE collection_id IN"
        " (SELECT id FROM collections WHERE embedding_id IS NULL);"
    )
    known = ("passages", "documents", "collections", "embeddings", "images", "pictures")
    for table in (table for table in known if _columns(target, table)):
        target.execute(
            "INSERT INTO next_ids VALUES (?, 1) ON CONFLICT DO NOTHING;"
            f"UPDATE next_ids SET next = max(next, (SELECT coalesce(max(id), 0) + 1 FROM {table}))"
            " WHERE name = ?",
            (table, table),
        )
    if _columns(target, "similarities"):  # the next ingest compares the documents again
        target.execute("UPDATE documents SET compared = 0; UPDATE embeddings SET document_mean = NULL")
        refresh_vectors_view(target)
    target.execute("COMMIT")


def _put_aside(path: Path) -> Path:
    """Renames a library's file and its log; returns the new name, which no file had."""
    aside = unused_name(path, f"{path.name}.damaged{{}}")
    for ending in ("", "-wal", "-shm"):
        file = path.with_name(path.name + ending)
        if file.exists():
            file.rename(aside.with_name(aside.name + ending))
    return aside
