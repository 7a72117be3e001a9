"""A library loads what it needs when it needs it, and one part does not wait for another."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from rag.config import Settings
from rag.errors import UsageError
from rag.generation.states import KeptStates
from rag.library import Library
from tests.generation_fakes import SavingEngine
from tests.indexing_fakes import WordEmbedder


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


def test_a_query_names_its_collection_where_none_was_chosen(tmp_path: Path) -> None:
    library = Library(Settings(library=tmp_path / "library"))
    library._embedder = WordEmbedder()
    for name, text in (("default", "The cat sleeps."), ("farm", "The cow sleeps.")):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
        for _ in library.ingest([tmp_path / f"{name}.txt"], collection=name):
            pass
    assert [hit.doc for hit in library.search("who sleeps")] == ["default.txt"]
    assert [hit.doc for hit in library.search("who sleeps collection:farm")] == ["farm.txt"]
    with pytest.raises(UsageError, match="choose the collection 'farm'"):
        library.search("who sleeps collection:farm", collection="default")
    with pytest.raises(UsageError, match="'nowhere' has no documents"):
        library.search("who sleeps collection:nowhere")
    library.close()


def test_a_plain_query_is_words_only(tmp_path: Path) -> None:
    library = Library(Settings(library=tmp_path / "library"))
    library._embedder = WordEmbedder()
    (tmp_path / "manual.txt").write_text(
        'Search with doc:hr/*.md or -word or "two words" after:yesterday.', encoding="utf-8"
    )
    for _ in library.ingest([tmp_path / "manual.txt"]):
        pass
    query = 'doc:hr/*.md -word "two words" collection:other after:yesterday'
    assert [hit.doc for hit in library.search(query, plain=True)] == ["manual.txt"]
    with pytest.raises(UsageError, match="after:yesterday is not a date"):
        library.search(query)
    library.close()


def test_deleting_a_conversation_deletes_its_prompt_caches(tmp_path: Path) -> None:
    library = Library(Settings(library=tmp_path))
    states = KeptStates(library.settings.cache / "prompts", identity="model")
    engine: Any = SavingEngine()
    conversation_id = library.conversations.start("Rivers")
    states.save(engine, str(conversation_id), list(range(200)))
    states.save(engine, "other", list(range(200)))
    library.conversations.delete(conversation_id)
    assert states.load(engine, str(conversation_id)) is None
    assert states.load(engine, "other") == list(range(200))
    library.close()
