"""Short forms of what every query needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apsw


def rows(db: apsw.Connection, sql: str, values: Any = ()) -> list[Any]:
    """All rows of a query."""
    return db.execute(sql, values).fetchall()


def first_row(db: apsw.Connection, sql: str, values: Any = ()) -> Any:
    """The first row of a query that has one."""
    row = db.execute(sql, values).fetchone()
    assert row is not None, sql
    return row


def take_ids(db: apsw.Connection, table: str, count: int = 1) -> int:
    """The first of `count` consecutive ids that no row of the table ever had."""
    (first,) = first_row(
        db, "UPDATE next_ids SET next = next + ? WHERE name = ? RETURNING next - ?", (count, table, count)
    )
    return int(first)
