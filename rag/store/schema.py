"""The numbered migrations of the library's database, each applied whole, after a backup."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryError
from rag.store.connection import connect, is_encrypted
from rag.store.views import VIEWS_SINCE, refresh_vectors_view

if TYPE_CHECKING:
    import apsw

APPLICATION_ID = 0x466F6F74  # "Foot": `file library.db` and doctors can tell whose database it is
PLAIN_SINCE = 8  # from this version on, the file has no virtual tables: stock SQLite opens all of it
PRIVATE = 0o600
"""Only its owner reads and writes a library's file; SQLite gives the files beside it the same rights."""
MIGRATIONS = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Migration:
    """The SQL that takes a database from `version - 1` to `version`."""

    version: int
    sql: str


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a folder of `NNNN_what.sql` files, in order and without gaps."""
    found = [Migration(int(file.name[:4]), file.read_text("utf-8")) for file in sorted(folder.glob("*.sql"))]
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise LibraryError(f"The migrations in {folder} are not numbered 0001, 0002, …; reinstall Footnote.")
    return found


def schema_version(db: apsw.Connection) -> int:
    """The version the database is at; 0 for an empty one."""
    return int(db.pragma("user_version"))


def migrate(db: apsw.Connection, path: Path, known: list[Migration]) -> int:
    """Brings the database up to date and returns its version.

    A database that holds data is first copied to `library.db.v<N>.bak`. Two processes may come
    here at once: the version is read again under the write lock.
    """
    version = schema_version(db)
    if version > len(known):
        raise LibraryError(
            f"{path} was written by a newer Footnote (schema {version}, this one knows {len(known)}); "
            "update Footnote, or use another --library."
        )
    if 0 < version < len(known):
        back_up(db, path.with_name(f"{path.name}.v{version}.bak"))
    for migration in known[version:]:
        _apply(db, migration)
    return schema_version(db)


def _apply(db: apsw.Connection, migration: Migration) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        if schema_version(db) < migration.version:
            if migration.version == PLAIN_SINCE:
                _drop_virtual_tables(db)
            db.execute(migration.sql)
            if migration.version == VIEWS_SINCE:
                refresh_vectors_view(db)
            db.pragma("application_id", APPLICATION_ID)
            db.pragma("user_version", migration.version)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _drop_virtual_tables(db: apsw.Connection) -> None:
    found = db.execute(
        "SELECT name FROM main.sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
        " ORDER BY name LIKE '%_vocabulary' DESC"  # a vocabulary before the index it reads
    ).fetchall()
    for (name,) in found:
        db.execute(f'DROP TABLE main."{name}"')


def back_up(db: apsw.Connection, target: Path) -> None:
    """A consistent copy of the database in one file, made while others read and write it."""
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=PRIVATE)
    copy = connect(unfinished, encrypted=is_encrypted(Path(db.filename)))
    try:
        with copy.backup("main", db, "main") as backup:
            while not backup.done:
                backup.step(1000)
        copy.pragma("journal_mode", "delete")
    finally:
        copy.close()
    unfinished.replace(target)
