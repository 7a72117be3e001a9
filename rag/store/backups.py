"""Backups in a folder: dated, checked when they are made, and the old ones thinned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryError

if TYPE_CHECKING:
    from rag.store.sqlite import SqliteStore

NAME = "footnote-%Y-%m-%dT%H%M%SZ.db"
Period = Callable[[datetime], object]
KEPT: tuple[tuple[int, Period], ...] = (
    (7, lambda made: made.date()),
    (4, lambda made: made.isocalendar()[:2]),
    (12, lambda made: (made.year, made.month)),
)
"""The newest backup of each of the last 7 days, 4 weeks and 12 months that have one."""


def back_up(store: SqliteStore, folder: Path, *, now: datetime | None = None) -> Path:
    """Copies the library into a folder, checks the copy, and thins the older ones.

    Raises:
        LibraryError: the copy cannot be written or is not whole: then it is gone, and the older ones stay.
    """
    target = folder / (now or datetime.now(UTC)).astimezone(UTC).strftime(NAME)
    try:
        store.back_up(target)
    except LibraryError:
        with suppress(OSError):
            target.unlink()
        raise
    thin(folder)
    return target


def thin(folder: Path) -> None:
    """Deletes the backups that no day, week or month of `KEPT` needs."""
    made = backups_in(folder)
    for time in made.keys() - needed(made):
        with suppress(OSError):  # it may be on a disk that is read only by now; the next time tries again
            made[time].unlink()


def needed(times: Iterable[datetime]) -> set[datetime]:
    """Those of the backups' times that stay."""
    newest_first, kept = sorted(times, reverse=True), set[datetime]()
    for count, period in KEPT:
        newest: dict[object, datetime] = {}
        for time in newest_first:
            newest.setdefault(period(time), time)
        kept.update(list(newest.values())[:count])
    return kept


def backups_in(folder: Path) -> dict[datetime, Path]:
    """The backups of a folder by when they were made, the oldest first; other files are left alone."""
    found = {}
    for file in sorted(folder.glob("footnote-*.db")):
        try:
            found[datetime.strptime(file.name, NAME).replace(tzinfo=UTC)] = file
        except ValueError:
            continue  # named by a person
    return found
