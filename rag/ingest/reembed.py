"""A collection under another embedding model: embedded while the old vectors serve, then switched over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rag import signs
from rag.errors import LibraryLocked
from rag.ingest.events import IngestEvent, Progress
from rag.ingest.lock import writer_lock
from rag.ingest.pictures import embed_pictures
from rag.ingest.pipeline import MAX_AT_ONCE, embedding_text
from rag.ingest.second import embed_second
from rag.interfaces import Embedder, PictureEmbedder
from rag.store import SqliteStore

SWITCH_SECONDS = 1.0
"""How long the switch waits for an ingest before it looks again for passages to embed."""


def embed_again(
    *,
    store: SqliteStore,
    embedder: Embedder,
    second: Embedder | None = None,
    picture_embedder: PictureEmbedder | None = None,
    collection: str = "default",
    wait_seconds: float = 0.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[IngestEvent]:
    """Embeds a collection with this model; searches are served by the old vectors until all are made.

    Ingests go on meanwhile with the old model; what they add is embedded before the switch.

    Cancelled or killed, it goes on next time where it was; with the model that serves already, what was
    begun for another one is given up. The last event carries a receipt whose `passages` and `embedded`
    count vectors.

    Raises:
        UsageError: there is no such collection.
        LibraryLocked: an ingest is still at work after `wait_seconds`, or another embedding.
    """
    started = time.perf_counter()
    purpose = f"embed {collection!r} again"
    # One at a time: another model's vectors would push out those that are being made.
    with writer_lock(store.path.with_name(f"{store.path.name}.embedding"), purpose=purpose):
        progress = Progress(started)
        with writer_lock(store.path, purpose=purpose, wait_seconds=wait_seconds):
            building = _begin(store, embedder, collection, progress)
        if building is not None:
            yield from _build(store, embedder, building, progress, cancelled)
        with writer_lock(store.path, purpose=purpose, wait_seconds=wait_seconds):
            yield from embed_second(store, second, collection, progress, cancelled)
            yield from embed_pictures(store, picture_embedder, progress, cancelled)
            store.compare_documents(collection)
        now = time.perf_counter()
        receipt = progress.receipt(now, excluded=0, interrupted=cancelled())
        yield progress.event(now, receipt=receipt)


def _begin(store: SqliteStore, embedder: Embedder, collection: str, progress: Progress) -> int | None:
    """The id of the vectors to be made; None where the model serves already."""
    current = store.collection(collection)
    progress.bytes_total = current.passages
    if current.model == embedder.identity:
        store.stop_building(collection)
        return None
    return store.start_building(collection, embedder.identity, embedder.dimensions)


def _build(
    store: SqliteStore,
    embedder: Embedder,
    building: int,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Iterator[IngestEvent]:
    """Embeds whatever has no such vector yet, also what an ingest adds meanwhile, and switches over."""
    while not cancelled():
        batch = store.passages_to_embed(building, MAX_AT_ONCE)
        if not batch:
            if _switched_over(store, building):
                return
        else:
            with signs.batch():
                built = embedder.embed_passages([embedding_text(context, text) for _, context, text in batch])
            store.add_built(building, [rowid for rowid, _, _ in batch], built)
            progress.passages += len(batch)
            progress.embedded += len(batch)
            progress.bytes_done += len(batch)
        yield progress.event(time.perf_counter())


def _switched_over(store: SqliteStore, building: int) -> bool:
    """Lets the new vectors serve, unless an ingest is at work: it still brings vectors of the old model."""
    try:
        with writer_lock(store.path, purpose="switch the embedding model", wait_seconds=SWITCH_SECONDS):
            return store.switch_over(building)
    except LibraryLocked:
        return False
