"""The wire from files to a searchable library: scan, compare, read, split, embed, store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rag.errors import UsageError
from rag.ingest.events import Failure, IngestEvent, Progress, Receipt
from rag.ingest.jsonl import ingest_lines
from rag.ingest.lock import writer_lock
from rag.ingest.moves import move_document
from rag.ingest.pages import FetchedPages, Pages, fetch_pages
from rag.ingest.pictures import embed_pictures
from rag.ingest.pipeline import Pipeline, Pool
from rag.ingest.plan import Plan, ScanOptions, make_plan
from rag.ingest.reembed import embed_again
from rag.interfaces import Embedder, PictureEmbedder
from rag.readers import ReaderPool
from rag.store import KnownFile, Source, SqliteStore

__all__ = [
    "Failure",
    "IngestEvent",
    "Pages",
    "Receipt",
    "embed_again",
    "embed_pictures",
    "ingest",
    "ingest_lines",
    "watch",
]

PAGES_SECONDS = 900.0
"""Watched pages are asked for again so often."""

Pools = Callable[[], AbstractContextManager[Pool]]


def ingest(
    paths: Sequence[Path],
    *,
    store: SqliteStore,
    embedder: Embedder,
    second: Embedder | None = None,
    picture_embedder: PictureEmbedder | None = None,
    collection: str = "default",
    target_tokens: int = 220,
    exclude: Iterable[str] = (),
    include: Iterable[str] = (),
    hidden: bool = False,
    password: str | None = None,
    retry_failed: bool = False,
    verify: bool = False,
    prune: bool = False,
    pages: Pages | None = None,
    wait_seconds: float = 0.0,
    pools: Pools = ReaderPool,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[IngestEvent]:
    """Brings a collection in step with files and folders; the last event carries the receipt.

    Folders are followed: what is deleted from one leaves the collection. Of a folder that is suddenly empty
    or not there, as on a drive that is not connected, nothing does, unless asked to `prune`. Unchanged files
    are known by size and time, then by content, which `verify` always compares; of a changed file only new
    passages are embedded, and a moved or renamed one is not read again. Documents are stored whole, so an
    ingest that is cancelled, killed or no longer asked for events goes on next time where it was.

    Of the web only `pages` are fetched, into the library's folder, and read from there like files.

    A file that cannot be read is a `failure` of the receipt; it is tried again when it changes,
    when it is named itself, or with `retry_failed` or a `password`. A `second` embedding model reads the
    passages in English once more (`rag.ingest.second`), a `picture_embedder` the pictures.

    Raises:
        UsageError: a path does not exist and never did, or a pattern is not valid.
        LibraryLocked: another ingest is still at work after `wait_seconds`.
        ModelMismatch: the collection was embedded with another model.
        LibraryError: the library cannot be written to (disk full, read-only).
    """
    started = time.perf_counter()
    again = retry_failed or password is not None
    fetched = FetchedPages()
    if pages is not None:
        fetched = yield from fetch_pages(pages, store, collection, prune=prune, cancelled=cancelled)
        paths = [*paths, *fetched.files]
    options = ScanOptions(tuple(exclude), tuple(include), hidden, again, verify, prune)
    with writer_lock(store.path, purpose=f"ingest into {collection!r}", wait_seconds=wait_seconds):
        known, removed = store.known_files(collection), store.removed_files(collection)
        plan = make_plan(paths, known, store.roots(collection), options, removed)
        store.use_model(collection, embedder.identity, embedder.dimensions)
        plan.unreadable += fetched.failures
        plan.outside += fetched.barred
        progress = _start(plan, started)
        for url in fetched.removed:
            progress.count("removed", url)
        yield progress.event(time.perf_counter())
        store.touch(plan.touched)
        store.take_back(collection, plan.taken_back)
        for root, is_folder in plan.roots.items():
            store.add_root(collection, root, is_folder=is_folder)
        yield from _move(store, collection, plan.moved, progress, cancelled)
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
            if plan.tasks:
                with pools() as pool:
                    yield from pipeline.run(plan.tasks, pool, password=password)
            yield from pipeline.embed_rest()
        yield from embed_pictures(store, picture_embedder, progress, cancelled)
        if not cancelled():
            yield from _remove(store, collection, plan.removed, progress)
        store.describe_pages(collection)
        store.tell_apart(collection)
        store.compare_documents(collection)
        now = time.perf_counter()
        receipt = progress.receipt(now, excluded=plan.excluded, interrupted=cancelled())
        yield progress.event(now, receipt=receipt)


def watch(
    paths: Sequence[Path],
    *,
    pages: Pages | None = None,
    stop: threading.Event | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Iterator[IngestEvent]:
    """Ingests, and again after every change below the paths, until `stop` is set, or cancelled, or Ctrl-C.

    Takes the options of `ingest`. Changes are gathered until nothing has happened for half a
    second (at most two), so that a file being written is read once. What is not there is not watched.
    `pages` are asked for again every quarter of an hour.

    Raises:
        UsageError: none of the paths is there.
    """
    options["cancelled"] = cancelled
    yield from ingest(paths, pages=pages, **options)
    there = [path for path in paths if path.exists()]
    if not there and pages is None:
        raise UsageError(f"{', '.join(map(str, paths))}: nothing is there to watch.")
    options = {"wait_seconds": 3_600.0, **options}  # for its turn: another ingest may be at work
    fetched = time.monotonic()
    missed = bool(there)  # what happened before the watching began is found by looking once more
    for found in _changes(there, stop):
        if cancelled():
            return
        if pages is not None and time.monotonic() > fetched + PAGES_SECONDS:
            yield from ingest(paths, pages=pages, **options)
            fetched = time.monotonic()
        elif found or missed:
            yield from ingest(paths, **options)
        missed = False


def _changes(paths: Sequence[Path], stop: threading.Event | None) -> Iterator[bool]:
    """About every second whether anything below the paths has changed, until `stop` is set, or Ctrl-C."""
    from watchfiles import watch as changes

    stop = stop or threading.Event()
    while not paths and not stop.wait(1.0):
        yield False
    if paths:
        for found in changes(
            *paths,
            debounce=2_000,
            step=500,
            rust_timeout=1_000,
            yield_on_timeout=True,
            stop_event=stop,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            yield bool(found)


def _start(plan: Plan, started: float) -> Progress:
    """The counts of what needs no reading."""
    progress = Progress(started)
    progress.files_total = len(plan.tasks) + len(plan.unchanged)
    progress.files_total += sum(known.status == "indexed" for known, _ in plan.moved)
    progress.files_total += len(plan.still_failed) + len(plan.still_skipped)
    progress.files_total += len(plan.unreadable) + len(plan.outside)
    progress.bytes_total = sum(task.source.size or 0 for task in plan.tasks)
    for file in plan.unchanged:
        progress.count("unchanged", file.source.doc)
    for file in plan.still_failed:
        progress.count("failed", file.source.doc, error=file.error)
    for file in plan.still_skipped:
        progress.count("skipped", file.source.doc, error=file.error)
    for failure in plan.unreadable:
        progress.count("failed", failure.doc, error=failure.error)
    for link in plan.outside:
        progress.count("skipped", link.doc, error=link.error)
    return progress


def _move(
    store: SqliteStore,
    collection: str,
    moved: Sequence[tuple[KnownFile, Source]],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Iterator[IngestEvent]:
    """Gives documents the paths of their files, and forgets folders that have gone with all their files."""
    for known, source in moved:
        if cancelled():
            return
        move_document(store, collection, known, source)
        if known.status == "indexed":
            progress.count("moved", source.doc)
            yield progress.event(time.perf_counter(), source.doc, "moved")
    for root in {known.source.root for known, _ in moved}:
        if not Path(root).exists():
            store.forget_root_without_documents(collection, root)


def _remove(
    store: SqliteStore, collection: str, gone: Sequence[KnownFile], progress: Progress
) -> Iterator[IngestEvent]:
    for file in gone:
        store.remove_documents(collection, [file.id])
        progress.count("removed", file.source.doc)
        yield progress.event(time.perf_counter(), file.source.doc, "removed")
