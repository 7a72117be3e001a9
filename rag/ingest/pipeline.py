"""From files to stored documents: read in other processes, embedded in batches, stored whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from rag import signs
from rag.errors import DocumentError, UnsupportedFormat
from rag.ingest.chunk import split
from rag.ingest.events import IngestEvent, Outcome, Progress
from rag.ingest.plan import Task
from rag.ingest.second import embed_second
from rag.interfaces import Embedder, Vectors
from rag.readers import ReadResult
from rag.records import Document, Passage
from rag.store import KnownFile, Source, SqliteStore
from rag.text.terms import passage_terms

BATCH_PASSAGES = 192  # enough to sort by length; more only delays the first documents
# A long document is embedded in parts of this size, so that a stop waits for 7 s at most; smaller parts would
# make it lose more of what was embedded already.
MAX_AT_ONCE = 384
PROGRESS_SECONDS = 1.0


class Pool(Protocol):
    """What reads files, in the order given: `rag.readers.ReaderPool`."""

    def read(
        self,
        paths: Iterable[Path | tuple[Path, str]],
        *,
        password: str | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ReadResult]: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A document read and split, waiting for its vectors; `known` is what it replaces."""

    source: Source
    document: Document
    passages: list[Passage]
    known: KnownFile | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents whose passages are being embedded; `vectors`, by content hash, grow until it is `done`."""

    pending: list[Pending]
    vectors: dict[str, Vectors]
    done: Future[None]


def embedding_text(context: str, text: str) -> str:
    """What a passage is embedded as: its text, after the context it needs to be understood."""
    return f"{context}\n{text}" if context else text


class Pipeline:
    """Stores documents in one collection as they are read; one instance an ingest.

    The second model, where there is one, reads each batch once it is stored, so that its time counts in
    what is estimated; `embed_rest` has it read what earlier ingests left.

    A batch is embedded in the background while the next one is split and the last one stored: that is
    7 % of the time of an ingest of short notes.
    """

    def __init__(
        self,
        store: SqliteStore,
        embedder: Embedder,
        collection: str,
        progress: Progress,
        *,
        second: Embedder | None = None,
        target_tokens: int,
        cancelled: Callable[[], bool],
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._collection = collection
        self._progress = progress
        self._target_tokens = target_tokens
        self.embed_rest = partial(embed_second, store, second, collection, progress, cancelled)
        self._cancelled = cancelled
        self._pending: list[Pending] = []
        self._waiting = 0
        self._embedding: Batch | None = None
        self._background = ThreadPoolExecutor(1, "embedding")
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._background.shutdown(cancel_futures=True)

    def run(self, tasks: Sequence[Task], pool: Pool, *, password: str | None) -> Iterator[IngestEvent]:
        """Reads the tasks' files and stores them, a batch at a time; stops reading if cancelled."""
        files = [(task.path, task.source.doc) for task in tasks]
        results = pool.read(files, password=password, cancelled=self._cancelled)
        for task, result in zip(tasks, results, strict=False):  # fewer results where reading was cancelled
            if self._cancelled():
                break
            yield from self._take(task, result)
        yield from self.finish()

    def _take(self, task: Task, result: ReadResult) -> Iterator[IngestEvent]:
        # After an error the time stays unknown unless the bytes were read: permissions, for
        # instance, change without a new time, so such a file is looked at again.
        read = bool(result.sha256)
        source = replace(
            task.source,
            sha256=result.sha256 or None,
            size=result.size if read else task.source.size,
            mtime_ns=result.mtime_ns if read else None,
        )
        if result.document is None:
            yield self._fail(task, source, result.error)
            return
        try:
            yield from self.add(source, result.document, known=task.known, seconds=result.seconds)
        except DocumentError as error:
            yield self._fail(task, source, error)

    def add(
        self, source: Source, document: Document, *, known: KnownFile | None, seconds: float = 0.0
    ) -> Iterator[IngestEvent]:
        """Splits a document and puts it in the queue; a full queue goes to be embedded."""
        started = time.perf_counter()
        passages = split(document, source.doc, self._embedder, target_tokens=self._target_tokens)
        seconds += time.perf_counter() - started
        self._pending.append(Pending(source, document, passages, known, seconds))
        self._waiting += len(passages)
        if self._waiting >= BATCH_PASSAGES:
            yield from self._hand_over()

    def finish(self) -> Iterator[IngestEvent]:
        """Embeds and stores all that waits; after a stop, only what is embedded already is stored."""
        while self._pending or self._embedding:
            yield from self._hand_over()

    def _hand_over(self) -> Iterator[IngestEvent]:
        """Starts to embed what waits, and stores what was embedded meanwhile."""
        before, pending = self._embedding, self._pending
        self._embedding, self._pending, self._waiting = None, [], 0
        if before is not None:
            yield from self._watch(before)
        done = before.vectors if before else {}
        if pending and not self._stopped():
            self._embedding = self._start(pending, done)
        for item in before.pending if before else []:
            if all(passage.content_hash in done for passage in item.passages):
                yield self._store_whole(item, done)
        if before is not None:
            yield from self.embed_rest()

    def _start(self, pending: list[Pending], before: Mapping[str, Vectors]) -> Batch:
        texts = {p.content_hash: embedding_text(p.context, p.text) for item in pending for p in item.passages}
        vectors = self._store.known_vectors(self._collection, texts)
        vectors.update({hash_: before[hash_] for hash_ in texts if hash_ in before})
        missing = {hash_: text for hash_, text in texts.items() if hash_ not in vectors}
        return Batch(pending, vectors, self._background.submit(self._embed, missing, vectors))

    def _embed(self, texts: Mapping[str, str], vectors: dict[str, Vectors]) -> None:
        """Adds the vectors of texts by their hash; in the background."""
        hashes = list(texts)
        for start in range(0, len(hashes), MAX_AT_ONCE):
            if self._stopped():
                return
            part = hashes[start : start + MAX_AT_ONCE]
            with signs.batch():
                made = self._embedder.embed_passages([texts[hash_] for hash_ in part])
            vectors.update(zip(part, made, strict=True))
            self._progress.embedded += len(part)

    def _watch(self, batch: Batch) -> Iterator[IngestEvent]:
        """Waits for a batch, and tells so."""
        while wait([batch.done], PROGRESS_SECONDS).not_done:
            yield self._progress.event(time.perf_counter(), batch.pending[-1].source.doc)
        batch.done.result()

    def _stopped(self) -> bool:
        return self._closed or self._cancelled()

    def _store_whole(self, item: Pending, vectors: Mapping[str, Vectors]) -> IngestEvent:
        rows = [vectors[passage.content_hash] for passage in item.passages]
        matrix = np.array(rows, dtype=np.float32).reshape(len(rows), self._embedder.dimensions)
        doc, title = item.source.doc, item.document.title
        terms = [passage_terms(passage, title=title, doc=doc) for passage in item.passages]
        self._store.put_document(
            self._collection,
            item.source,
            item.document,
            item.passages,
            matrix,
            terms,
            seconds=item.seconds,
            replaces=item.known.id if item.known else None,
        )
        self._progress.passages += len(item.passages)
        self._progress.pages += item.document.page_count or 1
        outcome: Outcome = "updated" if item.known else "added"
        self._progress.count(outcome, item.source.doc, size=item.source.size or 0)
        return self._progress.event(time.perf_counter(), item.source.doc, outcome)

    def _fail(self, task: Task, source: Source, error: DocumentError | None) -> IngestEvent:
        problem = str(error)
        outcome: Outcome = "failed"
        if not task.path.exists():
            outcome, problem = "skipped", f"{source.doc}: it vanished while it was being read."
        elif isinstance(error, UnsupportedFormat) and not task.explicit:
            outcome = "skipped"
        if task.known is not None or task.path.exists():
            status: Any = outcome
            self._store.put_failure(self._collection, source, problem, status=status)
        self._progress.count(outcome, source.doc, size=task.source.size or 0, error=problem)
        return self._progress.event(time.perf_counter(), source.doc, outcome, error=problem)
