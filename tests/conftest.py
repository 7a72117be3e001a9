"""What the tests share: one set of real models, and the sample documents indexed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.interfaces import ChatModel, Embedder
from rag.library import Library
from rag.settings import PROJECT, Settings

SAMPLES = PROJECT / "corpora"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two processes that share the tests, one has all that need the sample library: it is made once."""
    for item in items:
        if "sample_library" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("sample library"))


@pytest.fixture(autouse=True)
def settings_from_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the person's own library, or loads a second model it does not ask for."""
    monkeypatch.setenv("FOOTNOTE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("FOOTNOTE_SECOND_EMBEDDING_MODEL", "none")


@pytest.fixture(scope="session")
def sample_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library with the sample documents in the collection `sample`, and the real models. Read only."""
    settings = Settings(
        library=tmp_path_factory.mktemp("sample") / "library",
        collection="sample",
        second_embedding_model="all-minilm-l6-v2",
    )
    library = Library(settings)
    receipt = [event.receipt for event in library.ingest([SAMPLES])][-1]
    assert receipt is not None
    assert receipt.failed == 0
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
