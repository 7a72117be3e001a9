"""Connections to a library on a PostgreSQL server: opened, pooled, and their errors translated."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from rag.errors import LibraryError, UsageError
from rag.store.postgres.dialect import is_numbered, translated
from rag.store.queries import first_row
from rag.store.rows import storable
from rag.store.schema import Migration, migrations

if TYPE_CHECKING:
    import psycopg

PSYCOPG_PIN = "psycopg[binary]==3.3.9"
HERE = Path(__file__).parent
MOST_IDLE = 8
CONNECT_SECONDS = 10
OWN_TOOLS = (
    "A library on PostgreSQL is backed up and restored by its tools, pg_dump and pg_restore; "
    "`python -m rag export FILE.db` and `import FILE.db` write it to a file and add one to it."
)
# Writers of a library wait for each other, as with SQLite; the lock ends with their transaction.
_WAIT_FOR_WRITERS = "SELECT pg_advisory_xact_lock(hashtext('footnote'), hashtext(current_schema()))"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresConnection:
    """A connection that reads the store's SQL. Values go into it here: PostgreSQL would guess their types."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        import psycopg

        self.native = connection
        self._cursors = psycopg.ClientCursor

    def execute(self, sql: str, values: Any = ()) -> psycopg.ClientCursor[Any]:
        """Runs one statement, or several separated by semicolons."""
        cursor = self._cursors(self.native)
        return cursor.execute(translated(sql), _bound(sql, values))

    def executemany(self, sql: str, values: Iterable[Any]) -> None:
        """Runs a statement for each of the values, all of them on their way at once."""
        with self.native.cursor() as cursor:
            cursor.executemany(translated(sql), [_bound(sql, one) for one in values])

    def close(self) -> None:
        """Closes it."""
        self.native.close()


def _bound(sql: str, values: Any) -> Any:
    """The values without what PostgreSQL's text cannot hold, named where the statement numbers them."""
    if isinstance(values, dict):
        return {name: _storable(value) for name, value in values.items()}
    listed = [_storable(value) for value in values]
    return {f"p{place}": value for place, value in enumerate(listed, 1)} if is_numbered(sql) else listed


def _storable(value: Any) -> Any:
    """The value; NUL becomes another character that nobody sees, so that the places of a text stay."""
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return storable(value).replace("\0", "\ufffd") if isinstance(value, str) else value


class PostgresDatabase:
    """The library on a server, any number of threads: each use borrows a connection of its own.

    Takes the place of `Database`: reading goes on while another machine writes, writers wait for each other.
    """

    is_read_only = False

    def __init__(self, url: str) -> None:
        if find_spec("psycopg") is None:
            raise UsageError(
                "A library on PostgreSQL needs one more package: "
                f"{sys.executable} -m pip install '{PSYCOPG_PIN}'"
            )
        self.url = url
        self._idle: list[PostgresConnection] = []
        self._lock = Lock()
        self._closed = False
        with self.read() as db:
            version = _version(db)
        if version != len(migrations()):
            with self.write() as db:
                _migrate(db, url)

    @contextmanager
    def read(self) -> Iterator[PostgresConnection]:
        """A connection inside one read transaction: everything read is of one moment."""
        with self._transaction(_READ) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[PostgresConnection]:
        """A connection inside one write transaction: all of it happens, or nothing."""
        with self._transaction("BEGIN") as db:
            db.execute(_WAIT_FOR_WRITERS)
            yield db

    @contextmanager
    def plain(self) -> Iterator[PostgresConnection]:
        """A connection outside any transaction."""
        with self._borrowed() as db:
            yield db

    def empty_log(self) -> None:
        """Left to the server: its log has what was removed until it is recycled."""

    def make_index_again(self) -> None:
        """Nothing: the index is in the same database, and changes with it."""

    def back_up(self, target: Path) -> NoReturn:
        """Left to PostgreSQL's own tools."""
        raise UsageError(OWN_TOOLS)

    def restore(self, backup: Path) -> NoReturn:
        """Left to PostgreSQL's own tools."""
        raise UsageError(OWN_TOOLS)

    def close(self) -> None:
        """Closes the idle connections; those in use close when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[PostgresConnection]:
        with self._borrowed() as db:
            db.execute(begin)
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if not db.native.broken:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _borrowed(self) -> Iterator[PostgresConnection]:
        with translated_errors(self.url):
            db = self._take()
            try:
                yield db
            finally:
                self._give_back(db)

    def _take(self) -> PostgresConnection:
        with self._lock:
            if self._closed:
                raise LibraryError(f"The library {shown(self.url)} was closed; open it again.")
            if self._idle:
                return self._idle.pop()
        return _open(self.url)

    def _give_back(self, db: PostgresConnection) -> None:
        with self._lock:
            if not self._closed and not db.native.broken and len(self._idle) < MOST_IDLE:
                self._idle.append(db)
                return
        db.close()


def _open(url: str) -> PostgresConnection:
    import psycopg

    native = psycopg.connect(
        url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="footnote"
    )
    return PostgresConnection(native)


def _version(db: PostgresConnection) -> int:
    """The version the library is at; 0 where there is none in this schema yet."""
    (there,) = first_row(db, "SELECT to_regclass(quote_ident(current_schema()) || '.schema_version')")
    return int(first_row(db, "SELECT version FROM schema_version")[0]) if there else 0


def _migrate(db: PostgresConnection, url: str) -> None:
    """Brings the library's tables up to date, by the migrations of SQLite's or those that stand in for them.

    Two machines may come here at once: the version is read again under the write lock.
    """
    known, version = migrations(), _version(db)
    if version > len(known):
        raise LibraryError(
            f"{shown(url)} was written by a newer Footnote (schema {version}, this one knows {len(known)}); "
            "update Footnote, or use another --library."
        )
    if version == 0:
        db.native.execute((HERE / "functions.sql").read_text("utf-8"))
    for migration in known[version:]:
        db.execute(_sql(migration))
    db.execute("UPDATE schema_version SET version = ?", (len(known),))


def _sql(migration: Migration) -> str:
    """The migration; one that only SQLite can read has another of its number in this folder."""
    own = HERE / "migrations" / f"{migration.version:04}.sql"
    return own.read_text("utf-8") if own.exists() else migration.sql


def shown(url: str) -> str:
    """An address without the password, for people."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """PostgreSQL's errors as `LibraryError`s that say what to do."""
    import psycopg

    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise LibraryError(
            f"{shown(url)}: {_first_line(error)}. Its user has to be allowed to make tables; have an "
            "administrator run CREATE EXTENSION vector."
        ) from error
    except psycopg.errors.FeatureNotSupported as error:
        raise LibraryError(
            f"{shown(url)}: {_first_line(error)}. Install pgvector on the server; docs/growing.md says how."
        ) from error
    except psycopg.OperationalError as error:
        raise LibraryError(
            f"{shown(url)} cannot be used: {_first_line(error)}. Check that the server runs, the address, "
            "and the password (PGPASSWORD or ~/.pgpass)."
        ) from error
    except psycopg.Error as error:
        raise LibraryError(f"{shown(url)}: PostgreSQL says: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
