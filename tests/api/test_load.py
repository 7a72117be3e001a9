"""Many ask at once over HTTP: they take turns, evidence before text, and who would wait too long is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag.api import routes
from rag.interfaces import ChatModel
from tests.api.conftest import REPLY, client_of
from tests.fakes.web import FakeLibrary, QueuedModel

QUESTION = "How long is the notice period for everybody?"


class HeldModel(QueuedModel):
    """Writes when the test says so."""

    def __init__(self) -> None:
        super().__init__([REPLY])
        self.begun, self.go_on = threading.Event(), threading.Event()

    def stream(self, *given: Any, **options: Any) -> Iterator[Any]:
        """The reply, once it may."""
        self.begun.set()
        assert self.go_on.wait(10)
        yield from super().stream(*given, **options)


@pytest.fixture
def held(library: FakeLibrary) -> Iterator[HeldModel]:
    before: ChatModel | None = library.chat_model
    assert before is not None
    model = HeldModel()
    library.use(model)
    yield model
    model.go_on.set()
    library.use(before)


def asked(client: TestClient, **options: Any) -> Any:
    body = {"question": QUESTION, "collection": "default", **options}
    return client.post("/api/ask", json=body)


def test_evidence_does_not_wait_for_the_text_of_others(library: FakeLibrary, held: HeldModel) -> None:
    with client_of(library) as client, ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(asked, client) for _ in range(6)]
        assert held.begun.wait(10)
        assert asked(client, without_model=True).status_code == 200
        assert client.post("/api/search", json={"query": "notice"}).status_code == 200
        assert not any(one.done() for one in writing)
        held.go_on.set()
        assert {one.result().json()["text"] for one in writing} == {REPLY}


def test_where_the_model_is_busy_for_long_the_quotes_answer_and_say_so(
    library: FakeLibrary, held: HeldModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WRITING_PATIENCE_SECONDS", 0.0)
    with client_of(library) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(asked, client)
        assert held.begun.wait(10)
        second = asked(client).json()
        held.go_on.set()
        assert first.result().json()["text"] == REPLY
    assert second["text"] == "" and "three months" in second["answer"]
    assert second["problem"].startswith("Footnote is busy. Questions that come first: 1")


class HeldSearch:
    """Searches of a library that end when the test says so."""

    def __init__(self, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.users = threading.Semaphore(0), list[str]()
        ask = library.ask

        def held(question: str, **options: Any) -> Any:
            self.users.append(options["history"][0].content if options.get("history") else "")
            assert self.go_on.acquire(timeout=10)
            return ask(question, **options)

        monkeypatch.setattr(library, "ask", held)

    def wait_for(self, count: int) -> None:
        """Returns once so many searches have begun."""
        until = time.monotonic() + 10
        while len(self.users) < count:
            assert time.monotonic() < until
            time.sleep(0.005)


def chat(client: TestClient, user: str) -> Any:
    messages = [{"role": "user", "content": user}, {"role": "user", "content": QUESTION}]
    body = {"model": "footnote/default", "messages": messages, "user": user}
    return client.post("/v1/chat/completions", json=body)


def test_those_who_share_a_key_take_turns(library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "WORKERS", 1)
    held = HeldSearch(library, monkeypatch)
    with client_of(library) as client, ThreadPoolExecutor(8) as pool:
        given: Sequence[str] = ["greedy"] * 4 + ["ann"]
        answers = []
        for count, user in enumerate(given):
            answers.append(pool.submit(chat, client, user))
            waiting_at_least(client, count)
        held.go_on.release(len(given))
        assert [one.result().status_code for one in answers] == [200] * len(given)
    assert held.users[:2] == ["greedy", "ann"]


def waiting_at_least(client: TestClient, count: int) -> None:
    """Returns once so many requests wait for their turn."""
    until = time.monotonic() + 10
    while f"footnote_requests_waiting {count}" not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_who_would_wait_too_long_gets_429_and_when_to_try_again(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WORKERS", 1)
    monkeypatch.setattr(routes, "PATIENCE_SECONDS", 1.0)
    held = HeldSearch(library, monkeypatch)
    with client_of(library) as client, ThreadPoolExecutor(8) as pool:
        first = pool.submit(asked, client)
        held.wait_for(1)
        second = pool.submit(asked, client)
        waiting_at_least(client, 1)
        refused = asked(client)
        held.go_on.release(2)
        assert [first.result().status_code, second.result().status_code] == [200, 200]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert error["message"].startswith("Footnote is busy. Questions that come first: 2")
