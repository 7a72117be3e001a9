"""The API as others' programs meet it: OpenAI's own client, and one that leaves in the middle."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import uvicorn

from rag.api.server import api_app
from rag.hosts import listening
from rag.records import Usage
from tests.api.conftest import REPLY
from tests.fakes.web import FakeLibrary, QueuedModel

QUESTION = "How long is the notice period for everybody?"


@pytest.fixture(scope="module")
def address(library: FakeLibrary) -> Iterator[tuple[str, int]]:
    """Where a real server listens."""
    config = uvicorn.Config(api_app(library, "127.0.0.1", warm=False), log_level="warning")
    server = uvicorn.Server(config)
    with listening("127.0.0.1", 0) as opened:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        yield opened.getsockname()
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def client(address: tuple[str, int]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{address[1]}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_openais_client_lists_models_and_asks(client: openai.OpenAI) -> None:
    assert "footnote/default" in [model.id for model in client.models.list()]
    assert client.models.retrieve("footnote/bakery").owned_by == "footnote"
    answer = client.chat.completions.create(
        model="footnote/default", messages=[{"role": "user", "content": QUESTION}]
    )
    assert "[1] leaving.md" in str(answer.choices[0].message.content)
    assert (answer.model_extra or {})["footnote"]["citations"][0]["doc"] == "leaving.md"


def test_openais_client_reads_the_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="footnote/default",
        messages=[{"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert REPLY in text
    assert chunks[-1].usage is not None
    assert (chunks[-2].model_extra or {})["footnote"]["abstained"] is False


def test_openais_client_embeds(client: openai.OpenAI, library: FakeLibrary) -> None:
    """It asks for base64 unless it is told otherwise."""
    found = client.embeddings.create(model="multilingual-e5-small", input=["warm bread"])
    assert found.data[0].embedding == pytest.approx(
        library.embedder.embed_queries(["warm bread"])[0].tolist()
    )


def test_openais_client_knows_the_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-5' here"):
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": QUESTION}])
    with pytest.raises(openai.BadRequestError, match="The question is empty"):
        client.chat.completions.create(model="footnote/default", messages=[{"role": "user", "content": ""}])


class EndlessModel(QueuedModel):
    """Writes until it is told to stop."""

    def __init__(self) -> None:
        super().__init__([""])
        self.begun, self.stopped = threading.Event(), threading.Event()

    def stream(self, *_: Any, cancelled: Any = None, **__: Any) -> Iterator[str | Usage]:
        self.begun.set()
        try:
            while not cancelled():
                yield "word "
                time.sleep(0.01)
            yield Usage(1, 0, 1, 0.0, 0.0, "cancelled")
        finally:
            self.stopped.set()


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_model(
    address: tuple[str, int], library: FakeLibrary, stream: bool
) -> None:
    before, model = library.chat_model, EndlessModel()
    assert before is not None
    library.use(model)
    asked = {"model": "footnote/default", "messages": [{"role": "user", "content": QUESTION}]}
    body = json.dumps(asked | {"stream": stream})
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert model.begun.wait(20)
    assert model.stopped.wait(20)
    library.use(before)
