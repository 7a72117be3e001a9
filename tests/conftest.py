"""What the tests share: one set of real models, and the sample documents indexed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from rag.interfaces import ChatModel, Embedder
from rag.library import Library
from rag.settings import PROJECT, Settings

SAMPLES = PROJECT / "corpora"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def settings_from_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the person's own library, or loads models it does not ask for."""
    monkeypatch.setenv("FOOTNOTE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("FOOTNOTE_SECOND_EMBEDDING_MODEL", "none")
    monkeypatch.setenv("FOOTNOTE_RERANKER", "none")


@pytest.fixture(scope="session")
def sample_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library with the sample documents in the collection `sample`, and the real models. Read only."""
    # Processes that share the tests (pytest-xdist) share this too: whoever comes first makes it.
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "sample-library"
    library = Library(
        Settings(
            library=folder,
            collection="sample",
            second_embedding_model="all-minilm-l6-v2",
            reranker="footnote-reader",
        )
    )
    with FileLock(f"{folder}.lock"):
        if not folder.with_suffix(".ready").exists():
            receipt = [event.receipt for event in library.ingest([SAMPLES])][-1]
            assert receipt is not None
            assert receipt.failed == 0
            folder.with_suffix(".ready").touch()
    yield library
    library.close()


@pytest.fixture(scope="session")
def embedder(sample_library: Library) -> Embedder:
    """multilingual-e5-small, unpacked and compiled once."""
    return sample_library.embedder


@pytest.fixture(scope="session")
def starter(sample_library: Library) -> ChatModel:
    """The starter chat model, loaded once."""
    model = sample_library.chat_model
    assert model is not None
    return model
