"""What was read of a collection, kept in memory until the collection changes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One value a key, of the generation last asked for; the `most` keys last used stay."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._lock = Lock()
        self._held: dict[int, tuple[object, T]] = {}

    def get(self, key: int, generation: object, load: Callable[[], T]) -> T:
        """The value of this generation; `load` is called when the one in memory is another's."""
        with self._lock:
            held = self._held.pop(key, None)
            if held is None or held[0] != generation:
                held = (generation, load())
            self._held[key] = held  # the newest is last, the first is dropped
            while len(self._held) > self._most:
                self._held.pop(next(iter(self._held)))
            return held[1]
