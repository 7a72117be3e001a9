"""SQLite files opened, with their key where they are encrypted.

A library is encrypted from its making on, or never: its first bytes tell. SQLite3 Multiple Ciphers, in the
build of apsw that has it, encrypts each page (ChaCha20 with Poly1305, keys by PBKDF2), in the log as well;
what is attached takes the same key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import LibraryError

if TYPE_CHECKING:
    import apsw

PASSPHRASE = "FOOTNOTE_PASSPHRASE"
_found: list[str] = []
KEYRING = "footnote"
"""The service's name in the platform's keyring; the user is the library's folder."""
PLAIN = b"SQLite format 3\0"
PACKAGE = "apsw-sqlite3mc==3.54.0.0"
NEEDS_PACKAGE = (
    f"{PASSPHRASE} asks for an encrypted library, which this build of apsw does not make. Install the one "
    f"that does: pip uninstall apsw, then pip install {PACKAGE}"
)


def connect(path: Path, *, read_only: bool = False, encrypted: bool | None = None) -> apsw.Connection:
    """A connection to a file; one that is made now is encrypted where there is a passphrase, or as is said.

    Raises:
        LibraryError: it is or becomes encrypted, and this build of apsw cannot do that.
    """
    import apsw

    encrypted = becomes_encrypted(path) if encrypted is None else encrypted
    if encrypted and passphrase(path.parent) and not hasattr(apsw, "mc_version"):
        raise LibraryError(NEEDS_PACKAGE)
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    return unlocked(apsw.Connection(str(path), flags=flags), path, encrypted=encrypted)


def unlocked(db: apsw.Connection, path: Path, *, encrypted: bool) -> apsw.Connection:
    """A connection with its key, where there is one."""
    if encrypted and (phrase := passphrase(path.parent)):
        db.pragma("key", phrase)
    return db


def passphrase(folder: Path) -> str:
    """That of a library: of the environment, or of the platform's keyring; "" where there is none."""
    given = os.environ.get(PASSPHRASE, "")
    if given or not find_spec("keyring"):
        return given
    keyring: Any = import_module("keyring")
    with suppress(keyring.errors.KeyringError):
        if found := keyring.get_password(KEYRING, str(folder.absolute())):
            _found[:] = [found]  # its backups and copies, in other folders, have the same
    return "".join(_found)


def is_encrypted(path: Path) -> bool:
    """Whether a file has content that is no plain database: it is encrypted, or damaged at its beginning."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        start = file.read(len(PLAIN))
        return start not in (b"", PLAIN)
    return False


def becomes_encrypted(path: Path) -> bool:
    """Whether a file is encrypted, or will be once something is written to it."""
    if path.exists() and path.stat().st_size:
        return is_encrypted(path)
    return bool(passphrase(path.parent))
