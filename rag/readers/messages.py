"""What the app and its reading processes tell each other, as JSON.

Unpickling would run whatever a parser was made to send.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import IO, Any

from rag import errors
from rag.errors import DocumentError, UnreadableDocument
from rag.records import Block, Document, Picture

LENGTH = struct.Struct(">Q")
MAX_MESSAGE_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read."""

    path: str
    name: str
    password: str | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class PageJob:
    """One page to draw, with the quotes to be found on it; page 0 only has the pages counted."""

    path: str
    name: str
    page: int
    quotes: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Word that a slow job gets on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job, with the state of the file that was read."""

    document: Document | None
    error: DocumentError | None
    sha256: str = ""
    size: int = 0
    mtime_ns: int = 0
    seconds: float = 0.0
    fit_to_go_on: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in shares (0–1) of its width and height, from the top left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page as a JPEG, a box for each line of the quotes on it, and how many pages there are."""

    picture: bytes
    boxes: tuple[Box, ...]
    pages: int


Message = Job | PageJob | Progress | Outcome | Sheet


def send(stream: IO[bytes], message: Message) -> None:
    """Writes one message with its length in front."""
    values = {"message": type(message).__name__, **_values(message)}
    data = json.dumps(values, ensure_ascii=False, default=_plain).encode("utf-8", "surrogatepass")
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """The next message; None when the other side is gone, or sends what is none."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length) if length <= MAX_MESSAGE_BYTES else b""
    if len(data) < length:
        return None
    try:
        values = json.loads(data.decode("utf-8", "surrogatepass"))
        return _READ[values.pop("message")](values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _values(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


def _plain(value: Any) -> Any:
    """What JSON has no form for."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, DocumentError):
        return [type(value).__name__, str(value)]
    return list(_values(value).values()) if isinstance(value, Block | Box) else _values(value)


def _outcome(values: dict[str, Any]) -> Outcome:
    document, error = values["document"], values["error"]
    values["document"] = None if document is None else _document(document)
    values["error"] = None if error is None else _error(*error)
    return Outcome(**values)


def _document(values: dict[str, Any]) -> Document:
    blocks = (
        Block(kind, int(start), int(end), page, tuple(path), level)
        for kind, start, end, page, path, level in values.pop("blocks")
    )
    tuples = ("pages_without_text", "page_labels", "warnings")
    pictures = tuple(map(_picture, values.pop("pictures")))
    return Document(
        **values | {name: tuple(values[name]) for name in tuples}, blocks=tuple(blocks), pictures=pictures
    )


def _picture(values: dict[str, Any]) -> Picture:
    made = {"thumbnail": base64.b64decode(values["thumbnail"]), "heading_path": tuple(values["heading_path"])}
    return Picture(**values | made)


def _error(name: str, message: str) -> DocumentError:
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, DocumentError):
        return kind(message)
    return UnreadableDocument(message)


def _sheet(values: dict[str, Any]) -> Sheet:
    boxes = tuple(Box(*map(float, box)) for box in values["boxes"])
    return Sheet(base64.b64decode(values["picture"]), boxes, int(values["pages"]))


_READ: dict[str, Callable[[dict[str, Any]], Message]] = {
    "Job": lambda values: Job(**values),
    "PageJob": lambda values: PageJob(**values | {"quotes": tuple(values["quotes"])}),
    "Progress": lambda values: Progress(),
    "Outcome": _outcome,
    "Sheet": _sheet,
}
