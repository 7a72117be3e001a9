"""Prompt caches kept on disk, one a conversation, the oldest deleted when they grow too large."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rag.llm.llama import Engine

# A 1,700-token prompt takes 39 MB with SmolLM2-135M and 48 MB with a 1.5-billion-parameter Qwen2.5.
MOST_BYTES = 512 * 2**20
# Below this many tokens computing anew is as quick as reading the file.
_FEWEST_TOKENS = 128
# A file half written for so long was left by a process that died; saving takes a second.
_ABANDONED_SECONDS = 600.0


class KeptStates:
    """The folder of saved prompt caches of one model with one set of settings (`identity`)."""

    def __init__(self, folder: Path, *, identity: str, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._identity = identity
        self._most_bytes = most_bytes

    def load(self, engine: Engine, conversation: str) -> list[int] | None:
        """Puts a saved cache into the engine; the tokens it now holds, none where the file is damaged.

        None where nothing was saved; the engine is then as it was.
        """
        path = self._path(conversation)
        if not path.exists():
            return None
        tokens = engine.restore(path)
        if tokens:
            os.utime(path)
        else:
            path.unlink(missing_ok=True)
        return tokens

    def save(self, engine: Engine, conversation: str, tokens: Sequence[int]) -> None:
        """Saves the engine's cache, whole or not at all, and makes room by deleting the oldest."""
        if len(tokens) < _FEWEST_TOKENS:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(conversation)
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            if engine.save(part, tokens):
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        self._make_room()

    def _path(self, conversation: str) -> Path:
        return self._folder / f"{_key(conversation)}-{_key(self._identity)}.kv"

    def _make_room(self) -> None:
        for part in self._folder.glob("*.part"):
            with suppress(FileNotFoundError):  # its writer has just given it its name
                if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                    part.unlink()
        files = [(path.stat(), path) for path in self._folder.glob("*.kv")]
        files.sort(key=lambda entry: (entry[0].st_mtime_ns, entry[1].name), reverse=True)
        total = 0
        for stat, path in files:
            total += stat.st_size
            if total > self._most_bytes:
                path.unlink(missing_ok=True)


def forget(folder: Path, conversation: str) -> None:
    """Deletes a conversation's saved prompt caches, of every model."""
    for path in folder.glob(f"{_key(conversation)}-*"):
        path.unlink(missing_ok=True)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
