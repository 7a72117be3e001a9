"""SQL of one's own over the library, read only, with functions for its vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import UsageError
from rag.store.database import BUSY_MILLISECONDS, translated_errors
from rag.store.index_file import index_path

if TYPE_CHECKING:
    import apsw

Functions = Mapping[str, Callable[..., Any]]
STEPS = 10_000  # of SQLite's machine, between two looks at the clock


@contextmanager
def run_sql(
    library: Path, sql: str, functions: Functions, *, seconds: float | None = None
) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """The names of the columns and the rows of a query; nothing can be changed by it.

    sqlite-vec's functions are there, `functions` too, and index.db as the schema `search`.

    Raises:
        UsageError: SQLite does not accept the query; or it took longer than `seconds`.
        LibraryError: the library cannot be read.
    """
    import apsw

    with translated_errors(library):
        db = _open(library)
        for name, function in functions.items():
            db.create_scalar_function(name, function, deterministic=True)
    until = None if seconds is None else time.monotonic() + seconds
    if until is not None:
        db.set_progress_handler(lambda: time.monotonic() > until, STEPS)
    try:
        cursor = db.execute(sql)
        yield [name for name, *_ in cursor.get_description()], cursor
    except apsw.ExecutionCompleteError:  # nothing to show, as of a PRAGMA that only sets
        yield [], iter(())
    except apsw.InterruptError as error:
        raise UsageError(f"The query was stopped after {seconds:.0f} s.") from error
    except apsw.ReadOnlyError as error:
        raise UsageError("Queries here only read; the library is changed by Footnote alone.") from error
    except apsw.Error as error:
        raise UsageError(f"SQLite says: {error}.") from error
    finally:
        db.close()


def _open(library: Path) -> apsw.Connection:
    import apsw
    import sqlite_vec

    db = apsw.Connection(str(library), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(BUSY_MILLISECONDS)
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    db.enable_load_extension(False)
    if index_path(library).exists():
        db.execute("ATTACH ? AS search", (str(index_path(library)),))
    db.pragma("query_only", True)
    # VACUUM INTO, which writes a file even so, attaches it.
    db.authorizer = lambda action, *_: apsw.SQLITE_DENY if action == apsw.SQLITE_ATTACH else apsw.SQLITE_OK
    return db
