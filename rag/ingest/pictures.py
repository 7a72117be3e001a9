"""Vectors of pictures, for those that have none of this model yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rag import signs
from rag.ingest.events import IngestEvent, Progress
from rag.interfaces import PictureEmbedder
from rag.store import SqliteStore

BATCH_PICTURES = 16
"""A stop waits for one batch: some two seconds with CLIP on two cores."""


def embed_pictures(
    store: SqliteStore,
    embedder: PictureEmbedder | None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[IngestEvent]:
    """Embeds the library's pictures, a batch at a time; what is stored is not embedded again."""
    if embedder is None:
        return
    progress = progress or Progress(time.perf_counter())
    while not cancelled():
        batch = store.pictures.without_vector(embedder.identity, BATCH_PICTURES)
        if not batch:
            return
        with signs.batch():
            embedded = embedder.embed_pictures([thumbnail for _, thumbnail in batch])
        store.pictures.add_vectors(embedder.identity, [id_ for id_, _ in batch], embedded)
        progress.pictures += len(batch)
        yield progress.event(time.perf_counter())
