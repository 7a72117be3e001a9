"""Files within files (attachments, archives), read like any other but only so deep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rag.errors import DocumentError
from rag.readers.building import DocumentBuilder

DEEPEST = 3
"""An archive in a mail in an archive is read; what lies deeper is not, as it may have no end."""
_DEEPEST_LEVEL = 6
_depth: ContextVar[int] = ContextVar("depth", default=0)


def add_inner(builder: DocumentBuilder, data: bytes, name: str, *, password: str | None = None) -> bool:
    """Adds a file within the file as a section of its own; a failure becomes a warning and gives False."""
    from rag.readers.reading import read_document  # it knows every format, and so this module's users

    with _one_deeper() as depth:
        if depth > DEEPEST:
            builder.warn(f"{name}: left out, it lies more than {DEEPEST} files deep.")
            return False
        try:
            document = read_document(data, name, password=password)
        except DocumentError as error:
            builder.warn(f"Left out {error}")
            return False
    builder.section(name, _DEEPEST_LEVEL)
    builder.include(document)
    builder.section("", _DEEPEST_LEVEL)
    return True


@contextmanager
def _one_deeper() -> Iterator[int]:
    token = _depth.set(_depth.get() + 1)
    try:
        yield _depth.get()
    finally:
        _depth.reset(token)
