"""Stand-ins for llama.cpp, for tests that need no weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class SavingEngine:
    """Its prompt cache is the tokens themselves, saved as text."""

    def save(self, path: Path, tokens: Sequence[int]) -> int:
        """Bytes written."""
        return path.write_text(" ".join(map(str, tokens)), encoding="ascii")

    def restore(self, path: Path) -> list[int]:
        """The tokens saved."""
        return [int(word) for word in path.read_text(encoding="ascii").split()]
