"""The other routes: models, vectors, search, documents, uploads, counts, errors, and the description."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from rag.api import routes
from rag.api.records import AskResult
from rag.history.receipts import answer_json
from rag.ingest import ingest
from tests.api.conftest import client_of
from tests.fakes.ingest import PlainPool
from tests.fakes.web import FakeLibrary

MODEL = "multilingual-e5-small"
QUESTION = "How long is the notice period for everybody?"


def test_each_collection_is_a_model(client: TestClient) -> None:
    found = client.get("/v1/models").json()
    assert [one["id"] for one in found["data"]] == ["footnote/bakery", "footnote/default", "footnote/diary"]
    assert client.get("/v1/models/footnote/bakery").json() == found["data"][0]
    missing = client.get("/v1/models/gpt-5")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert "footnote/bakery" in missing.json()["error"]["message"]


def embed(client: TestClient, **fields: Any) -> Any:
    return client.post("/v1/embeddings", json={"model": MODEL, "input": "warm bread"} | fields)


def test_vectors_come_as_numbers_or_bytes(client: TestClient) -> None:
    numbers = embed(client).json()["data"][0]["embedding"]
    packed = embed(client, encoding_format="base64").json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == numbers
    assert sum(value * value for value in numbers) == pytest.approx(1.0, abs=1e-5)


def test_texts_keep_their_order_and_tokens_are_counted(client: TestClient) -> None:
    found = embed(client, input=["warm bread", "violin", "warm bread"]).json()
    first, second, third = (one["embedding"] for one in found["data"])
    assert first == third != second
    assert [one["index"] for one in found["data"]] == [0, 1, 2]
    assert found["usage"] == {"prompt_tokens": 5, "total_tokens": 5}


def test_texts_are_queries_unless_they_are_said_to_be_passages(
    client: TestClient, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    embedder = library.embedder
    for kind in ("queries", "passages"):

        def embed_texts(texts: list[str], kind: str = kind) -> Any:
            read.append(kind)
            return np.zeros((len(texts), embedder.dimensions), np.float32)

        monkeypatch.setattr(embedder, f"embed_{kind}", embed_texts, raising=False)
    for fields in ({}, {"input_type": "passage"}, {"input_type": "query"}):
        assert embed(client, **fields).status_code == 200
    assert read == ["queries", "passages", "queries"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"model": "text-embedding-3-small"}, 404),
        ({"dimensions": 8}, 400),
        ({"input": ""}, 400),
        ({"input": []}, 400),
        ({"input": [1, 2, 3]}, 400),
        ({"input_type": "title"}, 400),
    ],
)
def test_what_cannot_be_embedded_is_refused(client: TestClient, fields: dict[str, Any], status: int) -> None:
    answer = embed(client, **fields)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].endswith(".")


def test_a_search_gives_places_in_the_documents_text(client: TestClient) -> None:
    found = client.post(
        "/api/search", json={"query": "dough rests", "collection": "bakery", "count": 3.0}
    ).json()
    (passage,) = found["passages"]
    page = client.get("/api/documents/page.md?collection=bakery").json()
    assert page["text"][passage["start"] : passage["end"]] == passage["text"]
    assert passage["superseded_by"] is None


def test_an_answer_is_the_json_of_the_command_line(client: TestClient) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION, "without_model": True}).json()
    assert answer["answer"] == "The notice period is three months for everybody. [1]"
    assert answer["abstained"] is False
    assert answer["model"] is None
    assert answer["passages"][0]["doc"] == "leaving.md"


def test_a_follow_up_takes_its_history(client: TestClient) -> None:
    history = [{"role": "user", "content": "What does lunch cost?"}]
    answer = client.post("/api/ask", json={"question": "How much is it?", "history": history}).json()
    assert "lunch" in answer["query"]


def test_documents_are_listed_and_read_page_by_page(client: TestClient) -> None:
    found = client.get("/api/documents", params={"count": 5}).json()
    assert (len(found["documents"]), found["total"], found["next_start"]) == (5, 9, 5)
    only = client.get("/api/documents", params={"containing": "LEAV"}).json()["documents"]
    assert [one["doc"] for one in only] == ["leaving.md"]
    text, start = "", 0
    while start is not None:
        page = client.get("/api/documents/leaving.md", params={"start": start, "count": 30}).json()
        text, start = text + page["text"], page["next_start"]
    assert len(text) == page["characters"]


@pytest.fixture
def plain_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process."""
    monkeypatch.setitem(ingest.__kwdefaults__ or {}, "pools", PlainPool)


@pytest.fixture
def pets(library: FakeLibrary, plain_pool: None) -> Iterator[str]:
    """A collection that is removed again."""
    yield "pets"
    if any(one.name == "pets" for one in library.store.collections()):
        library.store.remove_collection("pets")


def upload(client: TestClient, name: str, content: bytes, collection: str) -> Any:
    files = {"file": (name, content)}
    return client.post("/api/documents", files=files, data={"collection": collection})


def test_an_uploaded_file_is_read_reported_and_replaced(client: TestClient, pets: str) -> None:
    added = upload(client, "cats.md", b"# Cats\n\nThe cat of the office is called Minka.\n", pets)
    assert added.status_code == 201
    assert added.json()["report"]["status"] == "indexed"
    assert added.json()["ingest"]["documents"]["added"] == 1
    replaced = upload(client, "cats.md", b"# Cats\n\nThe cat of the office is called Mohrle.\n", pets)
    assert replaced.json()["ingest"]["documents"]["updated"] == 1
    text = client.get("/api/documents/cats.md", params={"collection": pets}).json()["text"]
    assert "Mohrle" in text
    assert "Minka" not in text


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("broken.pdf", b"%PDF-1.7 nothing else", 422),
        ("film.mkv", bytes(range(256)) * 4, 422),
        (".secret.md", b"# Hidden\n", 400),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    client: TestClient, pets: str, name: str, content: bytes, status: int
) -> None:
    answer = upload(client, name, content, pets)
    assert answer.status_code == status
    assert name in answer.json()["error"]["message"]


def test_an_upload_stays_in_its_folder(client: TestClient, library: FakeLibrary, pets: str) -> None:
    answer = upload(client, "../../escaped.md", b"# Away\n\nNot far.\n", pets)
    assert answer.json()["doc"] == "escaped.md"
    assert (library.store.upload_folder(pets) / "escaped.md").is_file()


def test_without_a_file_an_upload_says_what_to_send(client: TestClient) -> None:
    answer = client.post("/api/documents", data={"collection": "pets"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")


def test_requests_and_answers_are_counted(library: FakeLibrary) -> None:
    client = client_of(library)
    client.post("/api/ask", json={"question": QUESTION})
    client.post("/api/ask", json={"question": "Who won the chess championship of 1972?"})
    client.get("/api/documents/nothing.md")
    text = client.get("/metrics").text
    assert 'footnote_requests_total{method="POST",path="/api/ask",status="200"} 2' in text
    assert 'path="/api/documents/{doc}",status="404"} 1' in text
    assert 'footnote_answers_total{outcome="abstained"} 1' in text
    assert 'footnote_request_seconds_bucket{path="/api/ask",le="+Inf"} 2' in text
    assert 'footnote_documents{collection="bakery"} 1' in text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/v1/models", None, 405),
        ("POST", "/api/ask", b"{", 400),
        ("POST", "/api/ask", b'{"question": 5}', 400),
        ("POST", "/api/search", b'{"query": "x", "count": 2.5}', 400),
        ("POST", "/api/search", b'{"query": "x", "count": "2"}', 400),
        ("POST", "/api/ask", b'{"question": "  "}', 400),
        ("POST", "/api/ask", b'{"question": "\\ud800"}', 400),
        ("POST", "/api/search", b'{"query": "x after:sometime"}', 400),
        ("POST", "/api/search", b'{"query": "x", "collection": "attic"}', 404),
        ("POST", "/api/search", b'{"query": "x", "documents": ["the chess minutes"]}', 404),
        ("POST", "/v1/chat/completions", b'{"model": "footnote/default", "messages": []}', 400),
        ("POST", "/v1/chat/completions", b'{"model": "gpt-5", "messages": [{"role": "user"}]}', 404),
        ("GET", "/api/documents?count=many", None, 400),
        ("GET", "/api/documents/nothing.md", None, 404),
    ],
)
def test_an_error_has_openais_form_and_is_a_sentence(
    client: TestClient, method: str, path: str, body: bytes | None, status: int
) -> None:
    answer = client.request(method, path, content=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].endswith((".", "?"))
    assert "Traceback" not in answer.text


def test_an_error_that_nobody_foresaw_shows_nothing_of_itself(
    client: TestClient, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(library, "search", fail)
    answer = client.post("/api/search", json={"query": "bread"})
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.json()["error"]["type"] == "server_error"


def test_an_empty_library_says_how_to_fill_it(
    client: TestClient, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes.Routes, "_filled", lambda *_: [])
    assert client.get("/v1/models").json()["data"] == []
    assert "ingest FOLDER" in client.post("/api/ask", json={"question": QUESTION}).json()["error"]["message"]


CHAT = {"model": "footnote/default", "messages": [{"role": "user", "content": QUESTION}]}
ANSWERS: list[tuple[str, str, Any]] = [
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/footnote/default", None),
    ("POST", "/v1/chat/completions", CHAT),
    ("POST", "/v1/embeddings", {"model": MODEL, "input": "bread"}),
    ("POST", "/api/search", {"query": "bread"}),
    ("POST", "/api/ask", {"question": QUESTION}),
    ("GET", "/api/documents", None),
    ("GET", "/api/documents/leaving.md", None),
    ("GET", "/health", None),
    ("GET", "/api/documents/nothing.md", None),
    ("POST", "/api/ask", {"question": 5}),
]


@pytest.mark.parametrize(("method", "path", "body"), ANSWERS)
def test_the_description_is_of_what_is_sent(client: TestClient, method: str, path: str, body: Any) -> None:
    description = client.get("/openapi.json").json()
    answer = client.request(method, path, json=body)
    places = [one for one in description["paths"] if path.startswith(one.partition("{")[0])]
    place = path if path in description["paths"] else max(places, key=len)
    described = description["paths"][place][method.lower()]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"] | {"components": description["components"]}
    Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize("question", [QUESTION, "Who won the chess championship of 1972?"])
def test_no_field_of_an_answer_is_dropped(library: FakeLibrary, question: str) -> None:
    """A record drops what it does not know: a key that is new to the command line's JSON would be missing."""
    answer = answer_json(library.answer(question))
    assert AskResult.model_validate(answer).model_dump() == answer


def test_a_method_that_is_not_taken_is_told_those_that_are(client: TestClient) -> None:
    allowed = client.delete("/api/documents").headers["allow"]
    assert set(allowed.split(", ")) == {"GET", "HEAD", "POST"}


def test_every_operation_is_described(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    operations = [one for path in description["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations) == 11
    assert all(one["summary"] for one in operations)
    required = description["components"]["schemas"]["AskResult"]["required"]
    assert set(required) == set(AskResult.model_fields)
