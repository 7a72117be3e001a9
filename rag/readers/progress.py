"""Word from a slow reader that it gets on, so that its time limit starts afresh."""

from __future__ import annotations

from collections.abc import Callable

_listener: Callable[[], None] | None = None


def listen(listener: Callable[[], None] | None) -> None:
    """Sets who is told; a worker process does so once."""
    global _listener
    _listener = listener


def tell() -> None:
    """Called by a reader after each piece of slow work, at most some times a second."""
    if _listener:
        _listener()
