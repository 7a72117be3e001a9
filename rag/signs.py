"""Signs of life of the work that could get stuck, for whoever watches over this process from another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_SECONDS = 60.0
"""A batch takes some 7 s; on a busy machine more, but then it still computes."""
_begun: list[float] = []
"""When each batch that is being embedded was begun."""


@contextmanager
def batch() -> Iterator[None]:
    """Around the embedding of a batch."""
    began = time.monotonic()
    _begun.append(began)
    try:
        yield
    finally:
        _begun.remove(began)


def seems_stuck() -> bool:
    """Whether a batch takes for ever."""
    return any(time.monotonic() - began > MAX_SECONDS for began in list(_begun))
