"""The library on disk: one SQLite file for documents, vectors, keywords and conversations."""

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


def open_store(path: Path) -> SqliteStore:
    """Opens the library's database, creating or migrating it; `LibraryError` when it cannot be."""
    return SqliteStore(path)
