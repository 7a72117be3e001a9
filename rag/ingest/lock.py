"""One ingest at a time: a lock beside the database that says who holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rag.errors import LibraryError, LibraryLocked


@contextmanager
def writer_lock(database: Path, *, purpose: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the library's writer lock; the system frees it when the process ends, however it ends.

    Raises:
        LibraryLocked: another process still holds it after `wait_seconds`; the message says which.
        LibraryError: the library's folder cannot be written to.
    """
    place = database.with_name(database.name + ".lock")
    lock = FileLock(place)
    holder = database.with_name(database.name + ".writer.json")
    try:
        place.touch()  # FileLock waits for a folder that may not be written to
        lock.acquire(timeout=wait_seconds, poll_interval=0.1)
    except Timeout as error:
        raise LibraryLocked(
            f"{_holder(holder)} is writing to {database}; wait until it is done, or stop it."
        ) from error
    except OSError as error:
        raise LibraryError(
            f"{database.parent} cannot be written to ({error.strerror}); check its permissions and space, or "
            "choose another folder with --library."
        ) from error
    try:
        with suppress(OSError):  # a note for others; without it they learn less, and that is all
            holder.write_text(json.dumps({"pid": os.getpid(), "purpose": purpose}), "utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text("utf-8"))
        return f"Process {note['pid']} ({note['purpose']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "Another process"
