"""A library over models made of words, and the API on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag.api.server import api_app
from rag.ingest import ingest
from rag.settings import Settings
from tests.fakes.ingest import PlainPool
from tests.fakes.web import FakeLibrary, QueuedModel, write_documents

REPLY = "The notice period is three months for everybody [1]."


def add_documents(library: FakeLibrary, folder: Path, collection: str) -> None:
    """Reads a folder into a collection, in this process."""
    events = ingest(
        [folder],
        store=library.store,
        embedder=library.embedder,
        pools=PlainPool,
        collection=collection,
    )
    for _ in events:
        pass


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeLibrary]:
    """The collections `default`, `bakery` and `diary`, which is Ann's own."""
    folder = tmp_path_factory.mktemp("api")
    with FakeLibrary(
        Settings(library=folder / "library", second_embedding_model="none", reranker="none"),
        QueuedModel([REPLY]),
    ) as opened:
        write_documents(folder / "default")
        for collection, text in (
            ("bakery", "# Bread\n\nThe dough rests for nine hours.\n"),
            ("diary", "# Monday\n\nIt rained on the violin.\n"),
        ):
            (folder / collection).mkdir()
            (folder / collection / "page.md").write_text(text, encoding="utf-8")
        for collection in ("default", "bakery", "diary"):
            add_documents(opened, folder / collection, collection)
        opened.store.give_collection("diary", "ann@example.org")
        yield opened


def client_of(library: FakeLibrary, *, address: str = "127.0.0.1", **options: Any) -> TestClient:
    """A client of the API at that address."""
    app: Any = api_app(library, "127.0.0.1", warm=False, **options)
    return TestClient(app, base_url="http://127.0.0.1:8642", client=(address, 50_000))


@pytest.fixture
def client(library: FakeLibrary) -> TestClient:
    """A program on this computer."""
    return client_of(library)
