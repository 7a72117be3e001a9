"""Short forms of what every query needs, and what it asks of a connection, whichever database it is to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import singledispatch
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

IDS = "(SELECT CAST(value AS BIGINT) FROM json_each(?))"
"""The SQL of ids that are given as a JSON list."""
Step = TypeVar("Step", bound=Callable[..., Any])


class Cursor(Protocol):
    """The rows that a statement gives."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection inside a transaction: `apsw.Connection`, or one to PostgreSQL that reads the same SQL."""

    def execute(self, sql: str, values: Any = ..., /) -> Cursor: ...
    def executemany(self, sql: str, values: Iterable[Any], /) -> Any: ...


class Engine(Protocol):
    """A database that holds a library: the file of `Database`, or a server."""

    def read(self) -> AbstractContextManager[Connection]:
        """A connection inside one read transaction: everything read is of one moment."""

    def write(self) -> AbstractContextManager[Connection]:
        """A connection inside one write transaction: all of it happens, or nothing."""

    def plain(self) -> AbstractContextManager[Connection]:
        """A connection outside any transaction."""

    def empty_log(self) -> None:
        """Empties the log, where it is a file of ours: it still has what was removed."""

    def make_index_again(self) -> None:
        """Makes the index again from the library."""

    def back_up(self, target: Path) -> None:
        """Copies the database to one file."""

    def restore(self, backup: Path) -> None:
        """Puts a backup in the place of all that the library has."""

    def close(self) -> None:
        """Closes its connections."""


def per_engine(step: Step) -> Step:
    """A step on SQLite that other databases take otherwise: they say how with `in_its_own_way`."""
    return cast(Step, singledispatch(step))


def in_its_own_way(step: Callable[..., Any], connection: type) -> Callable[[Step], Step]:
    """Has the decorated function take this step on connections of another database."""
    return cast(Any, step).register(connection)  # type: ignore[no-any-return]


def rows(db: Connection, sql: str, values: Any = ()) -> list[Any]:
    """All rows of a query."""
    return db.execute(sql, values).fetchall()


def first_row(db: Connection, sql: str, values: Any = ()) -> Any:
    """The first row of a query that has one."""
    row = db.execute(sql, values).fetchone()
    assert row is not None, sql
    return row


def take_ids(db: Connection, table: str, count: int = 1) -> int:
    """The first of `count` consecutive ids that no row of the table ever had."""
    (first,) = first_row(
        db, "UPDATE next_ids SET next = next + ? WHERE name = ? RETURNING next - ?", (count, table, count)
    )
    return int(first)
