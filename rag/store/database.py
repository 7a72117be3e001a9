"""Connections to the library's database: opened, pooled, and their errors translated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from rag.errors import LibraryDamaged, LibraryError, LibraryLocked
from rag.store import index_file
from rag.store.connection import PASSPHRASE, connect, is_encrypted, unlocked
from rag.store.queries import first_row, rows
from rag.store.schema import APPLICATION_ID, PRIVATE, Migration, back_up, migrate, migrations, schema_version

if TYPE_CHECKING:
    import apsw

BUSY_MILLISECONDS = 30_000  # the longest write of an ingest, new codes for a million passages, takes seconds


class Database:
    """The library and its index, any number of threads: each use borrows a connection of its own.

    Reading goes on while another thread or process writes (WAL); writers wait for each other. Whoever
    finds that the index is not of the same moment as the library brings it up to date first. On read-only
    media there is nobody to wait for: the files are read as they are.
    """

    def __init__(self, path: Path, *, known_migrations: list[Migration] | None = None) -> None:
        self.path = path
        self._idle: list[apsw.Connection] = []
        self._lock = Lock()
        self._closed = False
        self.is_read_only = path.exists() and not os.access(path.parent, os.W_OK)
        if self.is_read_only:
            with translated_errors(path):
                self._idle.append(self._open_read_only(known_migrations or migrations()))
            return
        with translated_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=PRIVATE)
            db = self._open()
            try:
                migrate(db, path, migrations() if known_migrations is None else known_migrations)
                _catch_up(db)
            except BaseException:
                db.close()
                raise
            self._idle.append(db)

    @contextmanager
    def read(self) -> Iterator[apsw.Connection]:
        """A connection inside one read transaction: everything read is of one moment."""
        with self._borrowed() as db, _transaction(db, "BEGIN"):
            _begin_in_step(db)
            yield db

    @contextmanager
    def write(self) -> Iterator[apsw.Connection]:
        """A connection inside one write transaction: all of it happens, or nothing."""
        if self.is_read_only:
            raise LibraryError(f"{self.path} is on a read-only disk: it can be searched, not changed.")
        with self._borrowed() as db, _transaction(db, "BEGIN IMMEDIATE"):
            index_file.catch_up(db)
            yield db
            index_file.advance(db)

    @contextmanager
    def plain(self) -> Iterator[apsw.Connection]:
        """A connection outside any transaction, for pragmas and checks."""
        with self._borrowed() as db:
            yield db

    def empty_log(self) -> None:
        """Empties the log into the files, where nobody is reading: it still has what was removed."""
        import apsw

        with self._borrowed() as db:
            for schema in ("main", "search"):
                with suppress(apsw.BusyError):
                    db.wal_checkpoint(schema, mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def back_up(self, target: Path) -> None:
        """Copies the database to one file, consistently, while it is in use."""
        with translated_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._borrowed() as db:
                back_up(db, target)
            require_sound(target)

    def restore(self, backup: Path) -> None:
        """Puts a backup in the place of all that the library has, in one transaction, while it is in use."""
        if is_encrypted(backup) != is_encrypted(self.path):
            raise LibraryError(
                f"Of {self.path} and {backup}, one is encrypted and the other is not, so that one cannot "
                "take the other's place. Add what the backup has: python -m rag import FILE.db"
            )
        with translated_errors(backup), self._borrowed() as db:
            # What is in memory is known by generation and id: neither may mean something else afterwards.
            (generation,) = first_row(db, "SELECT coalesce(max(generation), 0) FROM collections")
            next_ids = rows(db, "SELECT next, name FROM next_ids")
            copy = connect(backup, read_only=True)
            try:
                with db.backup("main", copy, "main") as running:
                    while not running.done:
                        running.step(1000)
            finally:
                copy.close()
            db.pragma("journal_mode", "wal")
            migrate(db, self.path, migrations())
            db.execute("UPDATE collections SET generation = max(generation, ?) + 1", (generation,))
            db.executemany("UPDATE next_ids SET next = max(next, ?) WHERE name = ?", next_ids)
        self.make_index_again()

    def make_index_again(self) -> None:
        """Deletes the index and makes it again from the library."""
        self._close_idle()
        with translated_errors(self.path):
            index_file.discard(self.path)
        with self.read():  # brings the new index up to date
            pass

    def close(self) -> None:
        """Closes the idle connections; those in use close when they are given back."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    @contextmanager
    def _borrowed(self) -> Iterator[apsw.Connection]:
        with translated_errors(self.path):
            db = self._take()
            try:
                yield db
            finally:
                self._give_back(db)

    def _take(self) -> apsw.Connection:
        with self._lock:
            if self._closed:
                raise LibraryError(f"The library {self.path} was closed; open it again.")
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _give_back(self, db: apsw.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < 8:
                self._idle.append(db)
                return
        db.close()

    def _open_read_only(self, known: list[Migration]) -> apsw.Connection:
        """A connection that takes no locks, makes no log and never looks whether the files change."""
        import apsw

        for file in (self.path, index_file.index_path(self.path)):
            log = file.with_name(f"{file.name}-wal")
            if not file.exists() or (log.exists() and log.stat().st_size):
                raise LibraryError(
                    f"{self.path} is on a read-only disk and was not closed in order; open it once where it "
                    "can be written to, then copy it again."
                )
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        db = apsw.Connection(f"{self.path.absolute().as_uri()}?immutable=1", flags=flags)
        unlocked(db, self.path, encrypted=is_encrypted(self.path))
        _load_vectors(db)
        index = index_file.index_path(self.path).absolute().as_uri()
        db.execute("ATTACH ? AS search", (f"{index}?immutable=1",))
        if schema_version(db) != len(known) or not index_file.in_step(db):
            db.close()
            raise LibraryError(
                f"{self.path} is on a read-only disk and of another version of Footnote; open it once where "
                "it can be written to, then copy it again."
            )
        return db

    def _open(self) -> apsw.Connection:
        if self.is_read_only:
            return self._open_read_only(migrations())
        db = connect(self.path)
        db.set_busy_timeout(BUSY_MILLISECONDS)
        _load_vectors(db)
        db.pragma("journal_mode", "wal")
        # In WAL mode "normal" survives a crash of the process with every commit; after a power
        # cut the last commits may be missing, and the next ingest makes them again.
        db.pragma("synchronous", "normal")
        db.pragma("foreign_keys", True)
        db.pragma("cache_size", -16_000)
        db.pragma("secure_delete", True)  # what is removed is overwritten, here and in the index
        try:
            index_file.attach(db, self.path)
        except BaseException:
            db.close()
            raise
        return db


def require_sound(path: Path) -> None:
    """Raises `LibraryDamaged` unless a file is a library of a version we know, and whole."""
    if not path.is_file():
        raise LibraryError(f"There is no file {path}.")
    with translated_errors(path):
        db = connect(path, read_only=True)
        try:
            is_library = db.pragma("application_id") == APPLICATION_ID
            version = schema_version(db)
            problems = [row[0] for row in db.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        finally:
            db.close()
    if not is_library:
        raise LibraryError(f"{path} is not a library of Footnote.")
    if version > len(migrations()):
        raise LibraryError(f"{path} was written by a newer Footnote (schema {version}). Update Footnote.")
    if problems:
        raise LibraryDamaged(f"{path} is damaged: {'; '.join(problems)}")


def unused_name(path: Path, pattern: str) -> Path:
    """The first file beside a library that is not there: of "copy{}.db" copy.db, copy2.db and so on."""
    return next(
        name
        for number in count(1)
        if not (name := path.with_name(pattern.format("" if number == 1 else number))).exists()
    )


def _load_vectors(db: apsw.Connection) -> None:
    """Loads sqlite-vec, and lets nothing else be loaded."""
    import sqlite_vec

    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    db.enable_load_extension(False)


@contextmanager
def _transaction(db: apsw.Connection, begin: str) -> Iterator[None]:
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _begin_in_step(db: apsw.Connection) -> None:
    """Leaves a read transaction that sees both files at the same moment."""
    while not index_file.in_step(db):
        # A commit is between the two files, or was killed there.
        db.execute("ROLLBACK")
        _catch_up(db)
        db.execute("BEGIN")


def _catch_up(db: apsw.Connection) -> None:
    """Waits for whoever writes, and mends the index if it is still behind."""
    with _transaction(db, "BEGIN IMMEDIATE"):
        index_file.catch_up(db)


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as `LibraryError`s that say what to do."""
    import apsw

    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise LibraryLocked(f"Another process is writing to {path}; wait for it, or stop it.") from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        locked = f" Or it is encrypted, and {PASSPHRASE} is missing or wrong." if is_encrypted(path) else ""
        raise LibraryDamaged(
            f"{path} is damaged ({error}).{locked} `python -m rag doctor --repair` keeps what can be read, "
            "`python -m rag restore FILE.db` takes a backup in its place."
        ) from error
    except apsw.FullError as error:
        raise LibraryError(f"The disk of {path} is full; free some space. Nothing was lost.") from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.IOError, apsw.PermissionsError) as error:
        raise LibraryError(
            f"{path} cannot be opened or written ({error}); check the folder's permissions and space, or "
            "choose another with --library."
        ) from error
    except apsw.Error as error:
        raise LibraryError(f"{path}: SQLite says: {error}.") from error
    except OSError as error:
        raise LibraryError(
            f"{error.filename or path}: {error.strerror or error}; check the folder's permissions, or choose "
            "another with --library."
        ) from error
