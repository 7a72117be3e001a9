"""Stand-ins for llama.cpp, for tests that need no weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


class SavingEngine:
    """Its prompt cache is the tokens themselves, saved as text."""

    def save(self, path: Path, tokens: Sequence[int]) -> int:
        """Bytes written."""
        return path.write_text(" ".join(map(str, tokens)), encoding="ascii")

    def restore(self, path: Path) -> list[int]:
        """The tokens saved."""
        return [int(word) for word in path.read_text(encoding="ascii").split()]


class Clock:
    """Seconds that pass only when something is computed; in the place of `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        """Seconds since the beginning."""
        return self.now


class SlowEngine:
    """A large model that computes so many tokens a second, ten times fewer when it writes."""

    parameters = 8_000_000_000
    vocabulary_size = 1000
    context_tokens = 1024
    first_token = None

    def __init__(
        self, clock: Clock, tokens_per_second: float, loading_seconds: float, **options: Any
    ) -> None:
        self.clock, self.rate = clock, tokens_per_second
        self.micro_batch = options["micro_batch"]
        clock.now += loading_seconds

    def decode(self, tokens: Sequence[int], *, start: int) -> bool:
        """Takes its time."""
        self.clock.now += len(tokens) / self.rate if len(tokens) > 1 else 10 / self.rate
        return True

    def predict(self, tokens: Sequence[int], *, start: int) -> list[int]:
        """The same token all the time."""
        self.decode(tokens, start=start)
        return [7] * len(tokens)

    def logits(self) -> Any:
        """As `predict`."""
        return np.eye(self.vocabulary_size)[7]

    def trim(self, count: int) -> int:
        """Keeps them."""
        return count

    def is_end(self, token: int) -> bool:
        """Never."""
        return False

    def piece(self, token: int) -> bytes:
        """A word."""
        return b" word"

    def close(self) -> None:
        """Nothing to free."""
