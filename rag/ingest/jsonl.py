"""Documents from newline-delimited JSON, as other programs write it on standard input."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rag.errors import DocumentError, UsageError
from rag.ingest.events import IngestEvent, Progress
from rag.ingest.lock import writer_lock
from rag.ingest.pictures import embed_pictures
from rag.ingest.pipeline import Pipeline
from rag.interfaces import Embedder, PictureEmbedder
from rag.readers import read_document
from rag.records import Document
from rag.store import KnownFile, Source, SqliteStore
from rag.text.dates import iso_date

LINES_ROOT = "-"  # the root of what comes without a folder
SUFFIXES = {"text/plain": ".txt", "text/markdown": ".md", "text/html": ".html"}


@dataclass(frozen=True, slots=True)
class Line:
    """One document of the input. `media_type` says how to read the content."""

    id: str
    content: str
    title: str | None
    date: str | None
    media_type: str
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        content = "\0".join([self.content, self.title or "", self.date or "", self.media_type])
        if self.metadata:
            content += "\0" + json.dumps(self.metadata, sort_keys=True)
        data = content.encode("utf-8", "replace")
        return Source(LINES_ROOT, self.id, hashlib.sha256(data).hexdigest(), len(data), 0)


def ingest_lines(
    lines: Iterable[bytes | str | UsageError],
    *,
    store: SqliteStore,
    embedder: Embedder,
    second: Embedder | None = None,
    picture_embedder: PictureEmbedder | None = None,
    collection: str = "default",
    target_tokens: int = 220,
    wait_seconds: float = 0.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[IngestEvent]:
    """Ingests `{"id", "content"}` a line; `title`, `date`, `media_type` and `metadata` where they are known.

    The id is the document's path; the same id again replaces its document. `media_type` is
    text/plain, text/markdown or text/html, else what the id's ending says. A bad line, or what is wrong
    with one in its place, is a failure of the receipt, and the others go on. Nothing is removed. Raises as
    `ingest` does.
    """
    started = time.perf_counter()
    with writer_lock(store.path, purpose=f"ingest into {collection!r}", wait_seconds=wait_seconds):
        store.use_model(collection, embedder.identity, embedder.dimensions)
        known = {file.source.doc: file for file in store.known_files(collection) if file.source.root == "-"}
        store.add_root(collection, LINES_ROOT, is_folder=False)
        progress = Progress(started)
        pipeline = Pipeline(
            store,
            embedder,
            collection,
            progress,
            second=second,
            target_tokens=target_tokens,
            cancelled=cancelled,
        )
        with pipeline:
            for number, raw in enumerate(lines, start=1):
                if cancelled():
                    break
                if isinstance(raw, UsageError) or raw.strip():
                    progress.files_total += 1
                    yield from _one(number, raw, known, pipeline, progress)
            yield from pipeline.finish()
            yield from pipeline.embed_rest()
        yield from embed_pictures(store, picture_embedder, progress, cancelled)
        store.compare_documents(collection)
        now = time.perf_counter()
        yield progress.event(now, receipt=progress.receipt(now, excluded=0, interrupted=cancelled()))


def _one(
    number: int,
    raw: bytes | str | UsageError,
    known: dict[str, KnownFile],
    pipeline: Pipeline,
    progress: Progress,
) -> Iterator[IngestEvent]:
    try:
        if isinstance(raw, UsageError):
            raise raw
        line = parse_line(raw, number)
        before = known.get(line.id)
        if before is not None and before.source.sha256 == line.source.sha256:
            progress.count("unchanged", line.id)
            return
        document = _document(line)
    except (DocumentError, UsageError) as error:
        place = f"{'row' if error is raw else 'line'} {number}"
        progress.count("failed", place, error=str(error))
        yield progress.event(time.perf_counter(), place, "failed", error=str(error))
        return
    yield from pipeline.add(line.source, document, known=before)


def parse_line(raw: bytes | str, number: int) -> Line:
    """The document of one line; `UsageError` says what is wrong with it."""
    try:
        record = json.loads(raw)
    except ValueError as error:
        raise UsageError(f"Line {number} is not JSON ({error}).") from error
    if not isinstance(record, dict) or not isinstance(record.get("content"), str):
        raise UsageError(f'Line {number} is not an object with "id" and "content".')
    id_ = str("" if record.get("id") is None else record["id"]).strip()
    if not id_:
        raise UsageError(f'Line {number} has no "id".')
    suffix = f".{id_.rsplit('.', 1)[-1].lower()}"
    by_name = {suffix: name for name, suffix in SUFFIXES.items()}.get(suffix, "text/plain")
    media_type = str(record.get("media_type") or by_name)
    if media_type not in SUFFIXES:
        raise UsageError(f"Line {number} has media_type {media_type!r}; it can be {', '.join(SUFFIXES)}.")
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise UsageError(f"Line {number} has metadata that is not an object.")
    title, date = _text(record, "title"), _text(record, "date")
    return Line(id_, record["content"], title, date, media_type, metadata)


def _text(record: dict[str, Any], name: str) -> str | None:
    return str(record[name]) if record.get(name) else None


def _document(line: Line) -> Document:
    suffix = SUFFIXES[line.media_type]
    name = line.id if line.id.lower().endswith(suffix) else line.id + suffix
    document = read_document(line.content.encode("utf-8", "replace"), name)
    title = line.title or (line.id if document.title.endswith(suffix) else document.title)
    date = iso_date(line.date) if line.date else None
    return replace(document, title=title, date=date or document.date, metadata=line.metadata)
