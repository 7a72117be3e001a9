"""Embedding models and rerankers behind a server, against one on loopback that behaves as they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.embeddings import server
from rag.embeddings.server import ServedEmbedder, ServedReranker
from rag.errors import ModelError, ModelServerError, UsageError
from rag.library import Library
from rag.models import use
from rag.settings import load_settings
from tests.fakes.store import text_vector

Page = Callable[[dict[str, Any]], tuple[int, Any]]


class Server(ThreadingHTTPServer):
    """Answers what it has a page for; the rest is a 404, as on a real server."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _reply(self, body: dict[str, Any]) -> None:
        self.server.asked.append((self.path, body, self.headers.get("Authorization")))
        page = self.server.pages.get(self.path, lambda body: (404, {"error": "not found"}))
        status, reply = page(body)
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None: ...


def embeddings(body: dict[str, Any]) -> tuple[int, Any]:
    """Vectors of twice unit length, in another order than the texts."""
    rows = [
        {"index": place, "embedding": (2 * text_vector(text)).tolist()}
        for place, text in enumerate(body["input"])
    ]
    return 200, {"data": rows[::-1]}


def offering(model: str) -> Page:
    return lambda body: (200, {"data": [{"id": model}]})


@pytest.fixture
def served() -> Iterator[Server]:
    """A server of the embedding model `words`."""
    running = Server()
    running.pages = {"/v1/models": offering("words"), "/v1/embeddings": embeddings}
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_texts_become_unit_vectors_in_their_order(served: Server) -> None:
    embedder = ServedEmbedder(f"{served.url}/v1")
    texts = [f"passage number {place}" for place in range(70)]
    found = embedder.embed_passages(texts)
    assert found.dtype == np.float32
    assert np.allclose(found, [text_vector(text) for text in texts], atol=1e-6)
    assert (embedder.dimensions, embedder.identity) == (64, f"{served.url}#words")
    sizes = sorted(len(body["input"]) for path, body, _ in served.asked if path == "/v1/embeddings")
    assert sizes == [1, 6, 32, 32]


def test_a_model_reads_what_it_was_trained_to_read_before_a_text(served: Server) -> None:
    served.pages["/v1/models"] = offering("intfloat/multilingual-e5-large")
    embedder = ServedEmbedder(served.url)
    embedder.embed_queries(["when?"])
    embedder.embed_passages(["at nine"])
    assert [body["input"] for path, body, _ in served.asked if path == "/v1/embeddings"][1:] == [
        ["query: when?"],
        ["passage: at nine"],
    ]


def test_a_long_text_is_cut_where_the_server_stops_reading(served: Server) -> None:
    served.pages["/info"] = lambda body: (200, {"model_id": "words", "max_input_length": 66})
    embedder = ServedEmbedder(served.url)
    assert embedder.max_passage_tokens == 42
    embedder.embed_queries(["word " * 100], truncate=True)
    assert served.asked[-1][1]["input"] == ["word " * 42]


def test_texts_are_compared_as_wholes(served: Server) -> None:
    found = ServedEmbedder(served.url).compare("ferry sails", ["ferry sails", "bees hum"])
    assert found.cosines[0] == pytest.approx(1.0, abs=1e-6)
    assert found.matches.shape == (2, 1)


def test_a_busy_server_is_asked_again(served: Server) -> None:
    embedder = ServedEmbedder(served.url)
    replies: Iterator[tuple[int, Any]] = iter([(503, {}), (429, {})])
    served.pages["/v1/embeddings"] = lambda body: next(replies, None) or embeddings(body)
    assert len(embedder.embed_queries(["again"])) == 1
    assert len(served.asked) == 6  # the name, whether it is TEI's, the trial, and three times the text


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (lambda body: (401, {"error": "no key"}), "refused with 401.*no key"),
        (lambda body: (200, {"data": []}), "gives no embeddings"),
        (lambda body: (404, {}), "gives no embeddings"),
    ],
    ids=["refused", "empty", "absent"],
)
def test_what_fails_says_which_server_and_why(served: Server, page: Page, message: str) -> None:
    served.pages["/v1/embeddings"] = page
    with pytest.raises(ModelServerError, match=message):
        ServedEmbedder(served.url)


def test_a_key_of_the_environment_goes_along(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server.KEY_VARIABLE, "secret")
    ServedEmbedder(served.url)
    assert {key for *_, key in served.asked} == {"Bearer secret"}


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://here/v1"])
def test_what_is_not_an_address_is_told(url: str) -> None:
    with pytest.raises(UsageError, match="not a server's address"):
        ServedEmbedder(url)


def test_a_reranker_gives_a_score_to_each_text_in_its_place(served: Server) -> None:
    def rerank(body: dict[str, Any]) -> tuple[int, Any]:
        scored = [
            {"index": place, "relevance_score": float(len(text))}
            for place, text in enumerate(body["documents"])
        ]
        return 200, {"results": scored[::-1]}

    served.pages["/v1/rerank"] = rerank
    assert ServedReranker(served.url).scores("?", ["a", "abc"]).tolist() == [1.0, 3.0]


def test_the_reranker_of_text_embeddings_inference_is_asked_in_its_form(served: Server) -> None:
    served.pages["/info"] = lambda body: (200, {"model_id": "cross"})
    served.pages["/rerank"] = lambda body: (
        200,
        [{"index": place, "score": float(len(text))} for place, text in enumerate(body["texts"])],
    )
    assert ServedReranker(served.url).scores("?", ["ab"]).tolist() == [2.0]


def test_an_embedding_server_is_not_taken_for_a_reranker(served: Server) -> None:
    with pytest.raises(ModelServerError, match="not a reranker"):
        ServedReranker(served.url).scores("?", ["a"])


def test_a_library_is_filled_and_searched_by_a_served_model(served: Server, tmp_path: Path) -> None:
    (tmp_path / "harbour.md").write_text("# Harbour\n\nThe pilot boards at the outer buoy.", "utf-8")
    with Library(load_settings(library=tmp_path / "library", embedding_model=f"{served.url}/v1")) as library:
        assert library.add(tmp_path / "harbour.md").added == 1
        assert library.search("where does the pilot board?")[0].doc == "harbour.md"
        assert library.store.collections()[0].model == f"{served.url}#words"


def test_a_served_model_is_tried_before_it_is_saved(served: Server, tmp_path: Path) -> None:
    library = Library(load_settings(library=tmp_path))
    del served.pages["/v1/embeddings"]
    with pytest.raises(ModelError, match="keeps multilingual-e5-small"):
        use(served.url, library=tmp_path, kind="embedding", attempt=library.try_model)
    assert load_settings(library=tmp_path).embedding_model == "multilingual-e5-small"
    served.pages["/v1/embeddings"] = embeddings
    use(served.url, library=tmp_path, kind="embedding", attempt=library.try_model)
    assert load_settings(library=tmp_path).embedding_model == served.url
