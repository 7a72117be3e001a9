"""A chat model behind a server: streaming, stopping, keys, counts and failures, against a loopback server."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rag.answer import Limits, held_to
from rag.errors import ModelServerError, UsageError
from rag.llm import load_chat_model
from rag.llm.server import Address, ServerChatModel
from rag.records import Evidence, Hit, Message, Passage, Usage

ASKED = [Message("system", "Be brief."), Message("user", "Wo liegt Łódź?")]
USAGE = {"prompt_tokens": 21, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 16}}


class Server(ThreadingHTTPServer):
    """Speaks enough of the API; what it does not have is a 404, as on a real server."""

    daemon_threads = True

    def __init__(self, **pages: Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Any] = {"/v1/models": {"data": [{"id": "tiny"}]}} | pages
        self.requests: list[tuple[str, dict[str, Any], str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _reply(self, body: dict[str, Any]) -> None:
        self.server.requests.append((self.path, body, self.headers.get("Authorization")))
        page = self.server.pages.get(self.path)
        if callable(page):
            page(self, body)
        else:
            send(self, 200 if page else 404, json.dumps(page or {"error": "not found"}).encode())

    def log_message(self, *arguments: Any) -> None: ...


def send(handler: Handler, status: int, data: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def streams(*events: Any, done: bool = True, pause_seconds: float = 0.0) -> Callable[[Handler, Any], None]:
    def page(handler: Handler, body: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        for event in [*events, *(["[DONE]"] if done else [])]:
            data = event if isinstance(event, str) else json.dumps(event)
            handler.wfile.write(f"data: {data}\n\n".encode())
            handler.wfile.flush()
            time.sleep(pause_seconds)

    return page


def piece(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}


def words(handler: Handler, body: dict[str, Any]) -> None:
    send(handler, 200, json.dumps({"tokens": body["content"].split()}).encode())


def template(handler: Handler, body: dict[str, Any]) -> None:
    prompt = " ".join(f"<{m['role']}> {m['content']}" for m in body["messages"]) + " <assistant>"
    send(handler, 200, json.dumps({"prompt": prompt}).encode())


@contextmanager
def serving(**pages: Any) -> Iterator[Server]:
    server = Server(**{f"/{name.replace('__', '/').replace('_', '-')}": page for name, page in pages.items()})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(model: ServerChatModel, **options: Any) -> tuple[list[str], Usage]:
    *pieces, usage = model.stream(ASKED, **({"max_tokens": 50} | options))
    assert isinstance(usage, Usage)
    return [str(text) for text in pieces], usage


def test_an_answer_streams_with_the_servers_own_counts() -> None:
    reply = streams(piece("In "), piece("Polen"), piece(".", "stop"), {"choices": [], "usage": USAGE})
    with serving(v1__chat__completions=reply) as server:
        pieces, usage = run(ServerChatModel(server.url, context_tokens=4096), temperature=0.5, seed=7)
    assert pieces == ["In ", "Polen", "."]
    assert (usage.prompt_tokens, usage.cached_tokens, usage.answer_tokens, usage.finish) == (
        21,
        16,
        3,
        "stop",
    )
    path, body, key = server.requests[-1]
    assert (path, key) == ("/v1/chat/completions", None)
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Wo liegt Łódź?"},
    ]
    assert [body[name] for name in ("model", "max_tokens", "temperature", "seed", "stream")] == [
        "tiny", 50, 0.5, 7, True,
    ]  # fmt: skip


def test_a_server_that_counts_nothing_is_counted_for() -> None:
    with serving(v1__chat__completions=streams(piece("Hello there", "length"))) as server:
        model = ServerChatModel(server.url, context_tokens=4096)
        _, usage = run(model)
    assert not model.exact_counts
    assert usage.finish == "length"
    assert usage.prompt_tokens == model.count_prompt_tokens(ASKED)
    assert usage.answer_tokens == model.count_tokens("Hello there") == 3  # two tokens and the margin


def test_llama_server_counts_exactly_and_tells_its_window() -> None:
    properties = {"default_generation_settings": {"n_ctx": 2048}}
    with serving(tokenize=words, apply_template=template, props=properties) as server:
        model = ServerChatModel(server.url, context_tokens=4096)
        assert model.exact_counts
        assert model.context_tokens == 2048
        assert model.count_tokens("one two three") == 3
        assert model.count_prompt_tokens(ASKED) == 8
    assert server.requests[-1][1]["parse_special"] is True


def test_a_prompt_is_counted_with_one_request_and_once() -> None:
    """Fitting passages into a prompt made two requests for every count, dozens an answer."""
    with serving(tokenize=words, apply_template=template) as server:
        model = ServerChatModel(server.url, context_tokens=4096)
        assert model.count_prompt_tokens(ASKED) == 8
        before = len(server.requests)
        longer = [ASKED[0], Message("user", "Wo liegt Łódź heute?")]
        assert [model.count_prompt_tokens(longer) for _ in range(3)] == [9, 9, 9]
        assert [path for path, _, _ in server.requests[before:]] == ["/tokenize"]
        assert server.requests[-1][1]["content"].endswith("<user> Wo liegt Łódź heute? <assistant>")


def test_a_template_that_moves_messages_about_is_asked_each_time() -> None:
    def reversing(handler: Handler, body: dict[str, Any]) -> None:
        prompt = " ".join(message["content"] for message in reversed(body["messages"]))
        send(handler, 200, json.dumps({"prompt": prompt}).encode())

    with serving(tokenize=words, apply_template=reversing) as server:
        assert ServerChatModel(server.url, context_tokens=4096).count_prompt_tokens(ASKED) == 5
        assert server.requests[-1][1]["content"] == "Wo liegt Łódź? Be brief."


def test_a_window_is_read_from_the_list_of_models() -> None:
    with serving(v1__models={"data": [{"id": "a"}, {"id": "b", "max_model_len": 1000}]}) as server:
        assert ServerChatModel(f"{server.url}/v1#b", context_tokens=4096).context_tokens == 1000
        assert ServerChatModel(server.url, context_tokens=4096).context_tokens == 4096


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_SERVER_KEY", "s3cret")
    with serving(v1__chat__completions=streams(piece("Yes"))) as server:
        run(ServerChatModel(server.url, context_tokens=4096))
    assert {key for _, _, key in server.requests} == {"Bearer s3cret"}


def test_a_stop_closes_the_connection_while_the_server_is_silent() -> None:
    released = threading.Event()

    def silent(handler: Handler, body: Any) -> None:
        streams(piece("One"), done=False)(handler, body)
        released.wait(20)

    with serving(v1__chat__completions=silent) as server:
        model = ServerChatModel(server.url, context_tokens=4096)
        stopped: list[bool] = []
        stream = model.stream(ASKED, max_tokens=5, cancelled=lambda: bool(stopped))
        assert next(stream) == "One"
        stopped.append(True)
        (usage,) = stream
        assert isinstance(usage, Usage)
        assert usage.finish == "cancelled"
        assert not released.is_set()
        released.set()


def test_choices_are_passed_on_to_llama_server_only() -> None:
    with serving(tokenize=words, v1__chat__completions=streams(piece("[1]"))) as server:
        stream = ServerChatModel(server.url, context_tokens=4096).stream(
            ASKED, max_tokens=5, choices=['C:\\temp is "full"', "No."]
        )
        assert next(stream) == "[1]"
        stream.close()  # type: ignore[attr-defined]
        assert server.requests[-1][1]["grammar"] == r'root ::= "C:\\temp is \"full\"" | "No."'
    with serving() as server, pytest.raises(ModelServerError, match="cannot be held to quotations"):
        run(ServerChatModel(server.url, context_tokens=4096), choices=["a"])


def told(**tokens: float) -> dict[str, Any]:
    likeliest = [{"token": token.replace("_", " "), "logprob": math.log(p)} for token, p in tokens.items()]
    return {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": [{"top_logprobs": likeliest}]}}]}


@pytest.mark.parametrize(
    ("events", "leaning"),
    [
        ([told(Yes=0.5, _yes=0.1, No=0.2, Maybe=0.2)], 0.75),
        ([{"choices": [{"delta": {"role": "assistant"}}]}, told(no=0.9)], 0.0),
        ([told(Perhaps=0.9)], None),
        ([told(Perhaps=0.9, yes=1e-5, no=1e-7)], None),
        ([{"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "yes"}]}]}}]}], None),
        ([{"choices": [{"logprobs": {"content": {"yes": 1}}}]}], None),
        ([piece("Yes")], None),
    ],
    ids=[
        "both",
        "after an event without tokens",
        "neither",
        "hardly",
        "no number",
        "another form",
        "not told",
    ],
)
def test_a_server_tells_how_likely_its_first_token_was(events: list[Any], leaning: float | None) -> None:
    with serving(v1__chat__completions=streams(*events)) as server:
        model = ServerChatModel(server.url, context_tokens=4096)
        assert model.leaning(ASKED, "yes", "no") == (None if leaning is None else pytest.approx(leaning))
        asked = server.requests[-1][1]
        assert (asked["max_tokens"], asked["logprobs"], asked["top_logprobs"]) == (1, True, 20)
        assert model.leaning(ASKED, "yes", "no", cancelled=lambda: True) is None


def test_a_server_that_refuses_the_question_tells_nothing() -> None:
    with serving() as server:
        assert ServerChatModel(server.url, context_tokens=4096).leaning(ASKED, "yes", "no") is None
    with (
        serving(v1__chat__completions=refuses(401, "")) as server,
        pytest.raises(ModelServerError, match="key"),
    ):
        ServerChatModel(server.url, context_tokens=4096).leaning(ASKED, "yes", "no")


def test_a_server_that_takes_no_choices_is_given_no_choice_of_quotations() -> None:
    """With Ollama or vLLM, an answer that had to quote failed instead of showing its evidence alone."""
    passage = Passage("p", 0, "Łódź liegt in Polen.", 0, 20, 6, "0" * 32)
    quote = Evidence(Hit(1, passage, 1, "towns.md", "Towns", 1.0), 1, passage.text, 0, 20, 1.0)
    limits = Limits(top_k=5, passage_tokens=500, answer_tokens=256, evidence_sentences=3, mode="quoting")
    with serving() as other, serving(tokenize=words) as llama_server:
        without = ServerChatModel(other.url, context_tokens=4096)
        able = ServerChatModel(llama_server.url, context_tokens=4096)
        assert (without.takes_choices, held_to([quote], without, limits)) == (False, [])
        assert (able.takes_choices, held_to([quote], able, limits)) == (True, [quote])


def refuses(status: int, text: str) -> Callable[[Handler, Any], None]:
    return lambda handler, body: send(handler, status, text.encode())


@pytest.mark.parametrize(
    ("page", "message"),
    [
        pytest.param(refuses(401, "no"), "wants a key: set FOOTNOTE_SERVER_KEY", id="key"),
        pytest.param(refuses(503, "loading model"), r"status 503\): loading model", id="refused"),
        pytest.param(streams(piece("Half"), done=False), "broke off", id="broken-off"),
        pytest.param(streams("{half"), "cannot be reached", id="not-json"),
        pytest.param(streams({"error": {"message": "out of memory"}}), "out of memory", id="error-event"),
    ],
)
def test_a_failure_during_an_answer_is_told(page: Any, message: str) -> None:
    with serving(v1__chat__completions=page) as server:
        model = ServerChatModel(server.url, context_tokens=4096)
        with pytest.raises(ModelServerError, match=message):
            run(model)


def test_a_server_that_is_not_there_is_named() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(ModelServerError, match=rf"{url} cannot be reached: .*Is the server running"):
        load_chat_model(url, context_tokens=4096)


def test_a_silent_server_is_given_up() -> None:
    with (
        serving(v1__models=lambda handler, body: time.sleep(0.5)) as server,
        pytest.raises(ModelServerError, match="silent for too long"),
    ):
        ServerChatModel(server.url, context_tokens=4096, timeout_seconds=0.1)


def test_a_server_without_models_is_refused() -> None:
    with serving(v1__models={"data": []}) as server, pytest.raises(ModelServerError, match="add #NAME"):
        ServerChatModel(server.url, context_tokens=4096)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host:8080", Address(False, "host", 8080, "", "")),
        ("https://host/api/v1/#org/name", Address(True, "host", None, "/api", "org/name")),
    ],
)
def test_an_address_is_read(url: str, expected: Address) -> None:
    assert Address.of(url) == expected


@pytest.mark.parametrize("url", ["http://", "ftp://host", "http://host:port", "http://[::1"])
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not a server's address"):
        Address.of(url)
