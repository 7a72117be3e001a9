"""The wire from a library to its findings: what `doctor` looks at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.errors import ModelError
from rag.models import chat_model_location, embedding_folder
from rag.store import Finding

if TYPE_CHECKING:
    from rag.library import Library

LEAST_FREE_BYTES = 500_000_000


def check(library: Library) -> list[Finding]:
    """One finding a check; nothing is changed, but a library that is not there yet is made."""
    return [*library.store.check(), *model_findings(library), free_space(library)]


def model_findings(library: Library) -> Iterator[Finding]:
    """Whether the two models of the settings are where they should be, and fit the vectors."""
    settings = library.settings
    try:
        folder = embedding_folder(settings.embedding_model, models=settings.models)
        yield Finding("embedding model", None, str(folder))
        yield from (stale_vectors(library, name) for name in embedded_collections(library))
    except ModelError as error:
        yield Finding("embedding model", str(error))
    if settings.chat_model == "none":
        yield Finding("chat model", None, "none: answers are quoted only")
        return
    try:
        yield Finding("chat model", None, chat_model_location(settings.chat_model, models=settings.models))
    except ModelError as error:
        yield Finding("chat model", str(error))


def embedded_collections(library: Library) -> list[str]:
    """The collections that hold vectors."""
    return [found.name for found in library.store.collections() if found.passages]


def stale_vectors(library: Library, collection: str) -> Finding:
    """Whether the collection's vectors are of the model that the settings name."""
    stored = library.store.collection(collection).model
    asked = library.embedder.identity
    problem = None
    if stored != asked:
        problem = (
            f"its vectors are of {stored}, the settings ask for {asked}. "
            f"Run `python -m rag embed --collection {collection}`."
        )
    return Finding(f"vectors of '{collection}'", problem, asked)


def free_space(library: Library) -> Finding:
    """Whether there is room to go on."""
    free = shutil.disk_usage(library.settings.library).free
    few = f"only {free / 1e6:.0f} MB are free; an ingest may stop." if free < LEAST_FREE_BYTES else None
    return Finding("disk", few, f"{free / 1e9:.1f} GB free")
