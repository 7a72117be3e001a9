"""An embedder that works by words and counts its work, and a reader that stays in this process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rag.errors import DocumentError, UnreadableDocument
from rag.ingest import IngestEvent, Receipt, ingest
from rag.interfaces import Similarity, Vectors
from rag.readers import ReadResult, read_document
from rag.store import SqliteStore
from tests.fakes.store import DIMENSIONS, text_vectors


class WordEmbedder:
    """Vectors computed from a text's words; `embedded` holds every passage it was asked for."""

    identity: str = "words-v1"
    dimensions: int = DIMENSIONS
    max_passage_tokens = 100

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        return [[match.start() for match in re.finditer(r"\S+", text)] for text in texts]

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        self.embedded += texts
        return text_vectors(texts)

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        return text_vectors(texts)

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        return self.compare(query, texts).cosines

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        cosines = text_vectors(texts) @ text_vectors([query])[0]
        return Similarity(cosines, cosines[:, None])


class PlainPool:
    """`ReaderPool` without processes: reads each file when its turn comes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(
        self,
        paths: Iterable[Path | tuple[Path, str]],
        *,
        password: str | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ReadResult]:
        for item in paths:
            path, name = item if isinstance(item, tuple) else (item, item.name)
            yield self.read_one(path, name, password)

    def read_one(self, path: Path, name: str, password: str | None) -> ReadResult:
        try:
            data, state = path.read_bytes(), path.stat()
        except OSError as error:
            return ReadResult(
                path, name, None, UnreadableDocument(f"{name}: {error.strerror}."), "", 0, 0, 0.0
            )
        digest = hashlib.sha256(data).hexdigest()
        try:
            document = read_document(data, name, password=password)
        except DocumentError as error:
            return ReadResult(path, name, None, error, digest, len(data), state.st_mtime_ns, 0.0)
        return ReadResult(path, name, document, None, digest, len(data), state.st_mtime_ns, 0.0)


def run(store: SqliteStore, embedder: WordEmbedder, *paths: Path, **options: Any) -> Receipt:
    """One ingest to its end; returns the receipt."""
    options = {"pools": PlainPool, **options}
    events = list(ingest(paths, store=store, embedder=embedder, **options))
    assert [event.receipt is not None for event in events] == [False] * (len(events) - 1) + [True]
    receipt = events[-1].receipt
    assert receipt is not None
    return receipt


def closed(events: Iterator[IngestEvent]) -> None:
    """Ends an ingest where it is, as a program that is stopped does."""
    assert isinstance(events, Generator)
    events.close()
