"""The keys that programs call with: made once, kept as hashes, each for some collections or for all."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from rag.errors import LibraryError, UsageError
from rag.store import Collection
from rag.store.vectors import now

KEYS_FILE = "api_keys.json"
PREFIX = "fn-"


class Caller(BaseModel):
    """Who calls. Without `collections` it sees all: this computer every one, a key those of everybody.

    `name` is the key's; "" is a program on this computer, where there are no keys.
    """

    model_config = ConfigDict(frozen=True)

    name: str = ""
    collections: tuple[str, ...] = ()
    may_add: bool = True

    def may_see(self, found: Collection) -> bool:
        """Whether it may search and read the collection."""
        if self.collections:
            return found.name in self.collections
        return not (self.name and found.owner)


class Key(Caller):
    """A key as it is kept; the secret has 256 random bits, so a plain SHA-256 cannot be guessed back."""

    sha256: str
    created: str


_KEYS = TypeAdapter(list[Key])


class Keys:
    """The keys of a library, read again when their file changes."""

    def __init__(self, library: Path) -> None:
        self.path = library / KEYS_FILE
        self._read: tuple[tuple[int, int], list[Key]] | None = None

    def all(self) -> list[Key]:
        """Every key, in the order in which they were made.

        Raises:
            LibraryError: the file cannot be read: nobody is let in then.
        """
        try:
            found = self.path.stat()
            state = (found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != state:
                self._read = state, _KEYS.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise LibraryError(
                f"The keys in {self.path} cannot be read. Delete the file, and make new keys."
            ) from error
        return self._read[1]

    def find(self, secret: str) -> Key | None:
        """The key of a secret; None where there is none."""
        digest = _hash(secret)
        return next((key for key in self.all() if secrets.compare_digest(key.sha256, digest)), None)

    def add(self, name: str, *, collections: tuple[str, ...] = (), may_add: bool = False) -> str:
        """Makes a key and returns its secret, which is not kept.

        Raises:
            UsageError: there is a key of this name.
        """
        if not name.strip():
            raise UsageError("A key needs a name.")
        if any(key.name == name for key in self.all()):
            raise UsageError(f"There is a key called '{name}' already. Remove it, or choose another name.")
        secret = PREFIX + secrets.token_urlsafe(32)
        made = Key(name=name, collections=collections, may_add=may_add, sha256=_hash(secret), created=now())
        self._write([*self.all(), made])
        return secret

    def remove(self, name: str) -> None:
        """Removes a key: a server that runs refuses it from the next request on.

        Raises:
            UsageError: there is no key of this name.
        """
        kept = [key for key in self.all() if key.name != name]
        if len(kept) == len(self.all()):
            raise UsageError(f"There is no key called '{name}'.")
        self._write(kept)

    def _write(self, keys: list[Key]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_KEYS.dump_json(keys, indent=1))
        part.replace(self.path)
        self._read = None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
