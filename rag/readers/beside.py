"""Files beside the one that is read, such as the pictures of a web page: those of its own folder alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import unquote, urlsplit

MAX_BYTES = 50_000_000
_folder: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextmanager
def reading_in(folder: Path) -> Iterator[None]:
    """Lets the file that is being read have those of this folder."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def file_beside(address: str) -> bytes | None:
    """A file by its relative address; None where it is not there, or lies outside of the folder."""
    folder = _folder.get()
    try:
        parts = urlsplit(address)
        if folder is None or parts.scheme or parts.netloc or not parts.path:
            return None
        path = (folder / unquote(parts.path)).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
        return path.read_bytes() if inside and path.stat().st_size <= MAX_BYTES else None
    except (OSError, ValueError):  # not to be opened, or no path at all
        return None
