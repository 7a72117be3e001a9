"""A library loads what it needs when it needs it, and one part does not wait for another."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from rag.config import Settings
from rag.library import Library


def test_a_search_does_not_wait_for_the_chat_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loading, loaded = threading.Event(), threading.Event()

    def load(*args: Any, **options: Any) -> object:
        loading.set()
        assert loaded.wait(30)
        return object()

    monkeypatch.setattr("rag.generation.load_chat_model", load)
    library = Library(Settings(library=tmp_path, chat_model="http://127.0.0.1:1/v1#m"))
    warming = threading.Thread(target=lambda: library.chat_model)
    warming.start()
    try:
        assert loading.wait(30)
        opened: list[int] = []
        searching = threading.Thread(target=lambda: opened.append(library.store.passage_count("default")))
        searching.start()
        searching.join(10)
        assert opened == [0]
    finally:
        loaded.set()
        warming.join()
        library.store.close()
