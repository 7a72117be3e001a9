"""A library loads what it needs when it needs it, and one part does not wait for another."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.embeddings.folder import read_folder
from rag.errors import ModelError, ModelMismatch, UsageError
from rag.interfaces import Vectors
from rag.library import Library
from rag.llm.prompt_cache import KeptStates
from rag.models import use
from rag.models.folders import write_manifest
from rag.records import PartlyRead
from rag.settings import Settings, load_settings
from tests.fakes.ingest import WordEmbedder
from tests.fakes.llm import SavingEngine


def test_a_search_does_not_wait_for_the_chat_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loading, loaded = threading.Event(), threading.Event()

    def load(*args: Any, **options: Any) -> object:
        loading.set()
        assert loaded.wait(30)
        return object()

    monkeypatch.setattr("rag.llm.load_chat_model", load)
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


def embedding_model(folder: Path) -> Path:
    """A folder that passes for an embedding model; its checksum is that of its name."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(f'{{"name": "{folder.name}"}}', encoding="utf-8")
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    return folder


class LoadedEmbedder(WordEmbedder):
    """Words in another order of dimensions for each model: vectors of different models are strangers."""

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__()
        self.identity = read_folder(folder).identity
        self.place = cache / "embedding" / self.identity
        self.place.mkdir(parents=True, exist_ok=True)
        self.queries: list[str] = []

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        self.queries += texts
        return super().embed_queries(texts)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> dict[str, LoadedEmbedder]:
    """The embedders loaded so far, by their folders' names."""
    found: dict[str, LoadedEmbedder] = {}

    def load(folder: Path, *, cache: Path, **options: Any) -> LoadedEmbedder:
        found[folder.name] = LoadedEmbedder(folder, cache)
        return found[folder.name]

    monkeypatch.setattr("rag.embeddings.load_embedder", load)
    return found


@pytest.mark.parametrize("own", [True, False], ids=["folder-of-ones-own", "pulled"])
def test_the_old_vectors_serve_until_a_collection_is_embedded_again(
    loaded: dict[str, LoadedEmbedder], tmp_path: Path, caplog: pytest.LogCaptureFixture, own: bool
) -> None:
    """Once another model was chosen, every search was refused until `embed` had ended."""
    settings = Settings(library=tmp_path / "library")
    place = tmp_path if own else settings.models
    first, second = embedding_model(place / "someone--first"), embedding_model(place / "second")
    if not own:
        for folder in (first, second):
            write_manifest(folder, name=folder.name.replace("--", "/"), source="test", licence="MIT")
    (tmp_path / "cats.txt").write_text("The cat sleeps.", encoding="utf-8")
    names = (str(first), str(second)) if own else ("someone/first", "second")
    before = Library(settings.model_copy(update={"embedding_model": names[0]}))
    for collection in ("default", "copies"):
        for _ in before.ingest([tmp_path / "cats.txt"], collection=collection):
            pass
    before.close()
    assert "/" not in read_folder(first).identity  # it names a folder of the cache

    library = Library(settings.model_copy(update={"embedding_model": names[1]}))
    assert [hit.doc for hit in library.search("cat")] == ["cats.txt"]
    assert "Searched with someone--first" in caplog.text
    with pytest.raises(ModelMismatch, match="rag embed --collection default"):
        list(library.ingest([tmp_path / "cats.txt"]))
    for _ in library.embed_again():
        pass
    assert [hit.doc for hit in library.search("cat")] == ["cats.txt"]
    assert [hit.doc for hit in library.search("cat", collection="copies")] == ["cats.txt"]
    assert (loaded["someone--first"].queries, loaded["second"].queries) == (["cat", "cat"], ["cat"])
    library.close()


def test_vectors_of_a_model_that_is_gone_are_refused(
    loaded: dict[str, LoadedEmbedder], tmp_path: Path
) -> None:
    first, second = embedding_model(tmp_path / "first"), embedding_model(tmp_path / "second")
    settings = Settings(library=tmp_path / "library", embedding_model=str(first))
    (tmp_path / "cats.txt").write_text("The cat sleeps.", encoding="utf-8")
    before = Library(settings)
    for _ in before.ingest([tmp_path / "cats.txt"]):
        pass
    before.close()
    (first / "config.json").write_text('{"name": "another"}', encoding="utf-8")
    library = Library(settings.model_copy(update={"embedding_model": str(second)}))
    with pytest.raises(ModelMismatch, match="was embedded with first@"):
        library.search("cat")
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


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken.gguf", r"broken\.gguf"),
        ("no-weights", r"tokenizer\.json.*Remove the model"),
        ("http://127.0.0.1:1/v1#m", r"http://127\.0\.0\.1:1"),
    ],
    ids=["chat", "embedding", "server"],
)
def test_a_model_that_fails_leaves_the_settings_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.gguf").write_bytes(b"GGUF")
    modules = [{"type": f"x.{kind}", "path": ""} for kind in ("Transformer", "Pooling")]
    Path("no-weights").mkdir()
    Path("no-weights/modules.json").write_text(json.dumps(modules))
    library = Library(Settings(library=tmp_path / "library"))
    before = load_settings(library=tmp_path / "library")
    kept = before.embedding_model if name == "no-weights" else before.chat_model
    with pytest.raises(ModelError, match=f"{name} does not work here, so the library keeps {kept}.*{why}"):
        use(name, library=tmp_path / "library", attempt=library.try_model)
    assert load_settings(library=tmp_path / "library") == before


def test_a_model_is_taken_once_it_has_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    class Embedder(WordEmbedder):
        def compare(self, query: str, texts: Sequence[str]) -> Any:
            compared.append(query)

    monkeypatch.setattr("rag.embeddings.load_embedder", lambda folder, **options: Embedder())
    folder = tmp_path / "library" / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "modules.json").write_text("[]")
    library = Library(Settings(library=tmp_path / "library"))
    use(str(folder), library=tmp_path / "library", attempt=library.try_model)
    assert len(compared) == 1
    assert load_settings(library=tmp_path / "library").embedding_model == str(folder)


@pytest.mark.parametrize("fault", [RuntimeError("out of memory"), MemoryError()], ids=["foreign", "memory"])
def test_a_foreign_failure_of_a_model_is_put_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def load(*args: Any, **options: Any) -> object:
        raise fault

    monkeypatch.setattr("rag.llm.load_chat_model", load)
    library = Library(Settings(library=tmp_path / "library"))
    with pytest.raises(ModelError, match=f"does not work here.*{type(fault).__name__}"):
        library.try_model("chat", "http://127.0.0.1:1/v1#m")


def test_an_answer_says_which_of_its_documents_were_read_in_part(tmp_path: Path) -> None:
    """Nobody saw from an answer that its document had more than could be read."""
    library = Library(Settings(library=tmp_path / "library", chat_model="none"))
    library._embedder = WordEmbedder()
    whole = "<!doctype html><html><body><p>The {} rent is due in May.</p>{}</body></html>"
    pages = {
        "barn.html": whole.format("barn", "<p hidden>Waived.</p>"),
        "mill.html": whole.format("mill", ""),
    }
    for name, page in pages.items():
        (tmp_path / name).write_text(page, encoding="utf-8")
    for _ in library.ingest([tmp_path / name for name in pages]):
        pass
    answer = library.answer("when is the barn rent due", docs=["barn.html"])
    assert [citation.doc for citation in answer.citations] == ["barn.html"]
    assert answer.partly_read == (
        PartlyRead("barn.html", ("Hidden text, kept apart from the rest: 7 characters.",)),
    )
    assert library.answer("when is the mill rent due", docs=["mill.html"]).partly_read == ()
    library.close()
