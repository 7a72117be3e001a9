"""A collection under another embedding model: embedded while the old vectors serve, then switched over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rag.indexing.events import IngestEvent, Progress
from rag.indexing.locking import writer_lock
from rag.indexing.pipeline import MOST_AT_ONCE, embedding_text
from rag.protocols import Embedder
from rag.store import SqliteStore


def embed_again(
    *,
    store: SqliteStore,
    embedder: Embedder,
    collection: str = "default",
    wait_seconds: float = 0.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[IngestEvent]:
    """Embeds a collection with this model; searches are served by the old vectors until all are made.

    Cancelled or killed, it goes on next time where it was; with the model that serves already, what was
    begun for another one is given up. The last event carries a receipt whose `passages` and `embedded`
    count vectors.

    Raises:
        UsageError: there is no such collection.
        LibraryLocked: an ingest is still at work after `wait_seconds`.
    """
    started = time.perf_counter()
    with writer_lock(store.path, purpose=f"embed {collection!r} again", wait_seconds=wait_seconds):
        progress = Progress(started)
        current = store.collection(collection)
        progress.bytes_total = current.passages
        if current.model == embedder.identity:
            store.stop_building(collection)
        else:
            yield from _build(store, embedder, collection, progress, cancelled)
        now = time.perf_counter()
        receipt = progress.receipt(now, excluded=0, interrupted=cancelled())
        yield progress.event(now, receipt=receipt)


def _build(
    store: SqliteStore,
    embedder: Embedder,
    collection: str,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Iterator[IngestEvent]:
    building = store.start_building(collection, embedder.identity, embedder.dimensions)
    while not cancelled():
        batch = store.passages_to_embed(building, MOST_AT_ONCE)
        if not batch:
            if store.switch_over(building):
                return
            continue
        built = embedder.embed_passages([embedding_text(context, text) for _, context, text in batch])
        store.add_built(building, [rowid for rowid, _, _ in batch], built)
        progress.passages += len(batch)
        progress.embedded += len(batch)
        progress.bytes_done += len(batch)
        yield progress.event(time.perf_counter())
