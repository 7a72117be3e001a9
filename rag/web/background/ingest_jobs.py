"""The work on documents that the app does in the background: ingest, and embed again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.ingest import Pages
from rag.library import Library
from rag.settings import save_settings
from rag.web.background.workers import Job
from rag.web.session import App

WAIT_SECONDS = 600.0
"""A watched folder may be at work: an ingest takes its turn after it."""


def begin_ingest(app: App, paths: Sequence[Path], *, collection: str | None = None) -> None:
    """Brings a collection, or else the session's, in step with files and folders.

    Stopping loses nothing: a document is in the library whole or not at all, and the next
    ingest of the same folder goes on where this one stopped.
    """
    library, target = app.library, collection or app.collection

    def work(job: Job) -> None:
        options = {"cancelled": job.stopped.is_set, "wait_seconds": WAIT_SECONDS}
        job.follow(library.ingest(paths, collection=target, **options))

    title = ", ".join(path.name or str(path) for path in paths)
    owner, roots = app.owner_of(target), [str(path) for path in paths]
    app.jobs.start("ingest", title, work, owner=owner, started_by=app.visitor.name, roots=roots)


def begin_fetch(app: App, address: str) -> None:
    """Fetches a web page into the session's collection; a page that cannot be had is told in the report."""
    library, target = app.library, app.collection

    def work(job: Job) -> None:
        options = {"cancelled": job.stopped.is_set, "wait_seconds": WAIT_SECONDS}
        job.follow(library.ingest([], collection=target, pages=Pages((address,)), **options))

    app.jobs.start("ingest", address, work, owner=app.owner_of(target), started_by=app.visitor.name)


def begin_embedding(app: App, model: str) -> None:
    """Embeds every collection with another model, then searches with it.

    Stopped, it goes on next time where it was; until a collection is done, its old vectors serve.
    """
    library = app.library

    def work(job: Job) -> None:
        other = Library(library.settings.model_copy(update={"embedding_model": model}))
        try:
            embed_all(other, job)
            save_settings(library.settings.library, {"embedding_model": model})
            library.take_embedder(other)
        finally:
            other.close()

    app.jobs.start("embedding", model, work)


def begin_picture_embedding(app: App) -> None:
    """Has the picture model look at the pictures it has not seen; stopped, it goes on next time."""
    library, embedder = app.library, app.library.picture_embedder
    if embedder is None:
        return
    identity = embedder.identity

    def work(job: Job) -> None:
        total = library.store.pictures.missing(identity)
        for event in library.embed_pictures(cancelled=job.stopped.is_set):
            job.advance("pictures", event.pictures, total)

    app.jobs.start("embedding", library.settings.picture_model, work)


def embed_all(library: Library, job: Job) -> None:
    """Embeds every collection with the library's model; `Stopped` when the job is."""
    collections = library.store.collections(attached=True)
    total = sum(collection.passages for collection in collections)
    done = 0
    for collection in collections:
        events = library.embed_again(
            collection=collection.name, cancelled=job.stopped.is_set, wait_seconds=WAIT_SECONDS
        )
        for event in events:
            job.event = event
            job.advance("passages", done + event.passages, total)
        done += collection.passages
