"""The library: one SQLite file, or a PostgreSQL database, for documents, vectors, keywords, conversations."""

from __future__ import annotations

from pathlib import Path

from rag.store.documents import StoredDocument
from rag.store.duplicates import DuplicateGroup
from rag.store.exploring import ClusterRow, Kind, PointLabel, ScaleRow
from rag.store.pictures import PictureRow
from rag.store.questions import PassageQuestion, QuestionCounts
from rag.store.rows import Collection, Finding, KnownFile, Page, Related, ReportRow, Source
from rag.store.sqlite import SqliteStore

__all__ = [
    "ClusterRow",
    "Collection",
    "DuplicateGroup",
    "Finding",
    "Kind",
    "KnownFile",
    "Page",
    "PassageQuestion",
    "PictureRow",
    "PointLabel",
    "QuestionCounts",
    "Related",
    "ReportRow",
    "ScaleRow",
    "Source",
    "SqliteStore",
    "StoredDocument",
    "open_store",
]


def open_store(path: Path, *, url: str = "") -> SqliteStore:
    """Opens the library's database, creating or migrating it; `LibraryError` when it cannot be.

    With the `url` of a PostgreSQL database it is there; `path` is in the library's folder on this machine.
    """
    if not url:
        return SqliteStore(path)
    from rag.store.postgres import PostgresDatabase

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteStore(path, PostgresDatabase(url))
