"""Word from a slow reader that it gets on, so that its time limit starts afresh."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS_BETWEEN = 0.5
_listener: Callable[[], None] | None = None
_last_told = 0.0


def listen(listener: Callable[[], None] | None) -> None:
    """Sets who is told; a worker process does so once."""
    global _listener
    _listener = listener


def tell() -> None:
    """Called by a reader after each piece of slow work, however often; passed on twice a second at most."""
    global _last_told
    if _listener and time.monotonic() - _last_told > _SECONDS_BETWEEN:
        _last_told = time.monotonic()
        _listener()
