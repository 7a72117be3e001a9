"""What the store gives back about collections and documents, beyond the shared records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["indexed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents, and the embedding model of its vectors (None before the first).

    `owner` is who alone sees it in a shared app; "" is everybody. `generation` grows with every change
    of what can be found. `instruction` is what a model is told about all answers from it. One that
    `is_attached` has the files of a conversation.
    """

    id: int
    name: str
    model: str | None
    dimensions: int | None
    documents: int
    passages: int
    created: str
    owner: str = ""
    generation: int = 0
    instruction: str = ""
    is_attached: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from: the file, and what it looked like when it was read.

    `doc` is relative to `root`, with forward slashes. `mtime_ns` None means that the file has
    to be looked at again next time, whatever its size and time.
    """

    root: str
    doc: str
    sha256: str | None = None
    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A web page that was fetched: its address, and its file below the collection's page folder.

    `fetched` is when the server last said what it is; it knows this version by `etag` and `modified`.
    """

    url: str
    doc: str
    fetched: str
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A document as the next sync compares it with the file on disk."""

    id: int
    source: Source
    status: Status
    error: str | None
    passages: int


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The stored receipt of one document. Characters are non-space characters of its text.

    `doc` is what it is called, `place` where it lies below its root. `duplicate_of` names the first document
    with the same bytes.
    """

    id: int
    root: str
    doc: str
    title: str
    media_type: str
    status: Status
    pages: int | None
    pages_without_text: tuple[int, ...]
    characters_read: int
    characters_indexed: int
    characters_left_out: dict[str, int]
    passages: int
    language: str | None
    date: str | None
    warnings: tuple[str, ...]
    error: str | None
    size: int | None
    mtime_ns: int | None
    seconds: float
    indexed_at: str
    place: str
    metadata: dict[str, Any]
    duplicate_of: str | None

    def as_json(self) -> dict[str, Any]:
        """The row as the command line prints it."""
        left_out = [
            f"left out: {what} ({count} characters)"
            for what, count in sorted(self.characters_left_out.items())
        ]
        return {
            "doc": self.doc,
            "status": self.status,
            "pages": self.pages,
            "pages_without_text": list(self.pages_without_text),
            "characters_read": self.characters_read,
            "characters_indexed": self.characters_indexed,
            "passages": self.passages,
            "language": self.language,
            "warnings": [*self.warnings, *left_out],
            "error": self.error,
            "duplicate_of": self.duplicate_of,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Related:
    """A document near another one; `score` is the cosine of their centred vectors."""

    document_id: int
    doc: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of the library: `problem` is None when it passed."""

    check: str
    problem: str | None
    detail: str = ""


def storable(text: str) -> str:
    """The text without lone surrogates, which SQLite's UTF-8 cannot hold; its length stays."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text
