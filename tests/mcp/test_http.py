"""Who is answered over HTTP: this computer's programs, or who has the token; no foreign host or page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from rag.errors import UsageError
from rag.hosts import AllowedHosts, is_loopback, listening
from rag.mcp.http import Guard, address_of, http_app
from rag.mcp.server import make_server
from rag.settings import Settings
from tests.fakes.web import FakeLibrary, QueuedModel

LOCAL = AllowedHosts(address="127.0.0.1", named=["notes.example.org"])


def status(*, token: str = "", **headers: str) -> int:
    """What a request with these headers gets."""
    app = Guard(PlainTextResponse("inside"), hosts=LOCAL, token=token)
    client = TestClient(app, base_url="http://127.0.0.1:8766")
    return client.get(
        "/", headers={name.replace("_", "-"): value for name, value in headers.items()}
    ).status_code


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, 200, id="a program here"),
        pytest.param({"host": "localhost:9"}, 200, id="forwarded port"),
        pytest.param({"host": "notes.example.org"}, 200, id="named by the operator"),
        pytest.param({"origin": "http://127.0.0.1:8766"}, 200, id="own page"),
        pytest.param({"host": "evil.example"}, 403, id="foreign host"),
        pytest.param({"origin": "http://evil.example"}, 403, id="foreign page"),
        pytest.param({"origin": "null"}, 403, id="page from a file"),
    ],
)
def test_only_own_hosts_and_pages_are_answered(headers: dict[str, str], expected: int) -> None:
    assert status(**headers) == expected


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [("", 401), ("Bearer wrong", 401), ("Basic long secret", 401), ("Bearer long secret", 200)],
)
def test_a_token_that_is_set_is_asked_for(authorization: str, expected: int) -> None:
    assert status(token="long secret", authorization=authorization) == expected


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    settings = Settings(library=tmp_path / "library", second_embedding_model="none")
    with FakeLibrary(settings, QueuedModel([""])) as opened:
        yield opened


def test_beyond_this_computer_it_needs_a_token(library: FakeLibrary) -> None:
    with pytest.raises(UsageError, match="set FOOTNOTE_MCP_TOKEN"):
        http_app(make_server(library), "0.0.0.0")
    http_app(make_server(library), "0.0.0.0", token="long secret")


def test_the_protocol_is_spoken_behind_the_guard(library: FakeLibrary) -> None:
    hello: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    accept = {"accept": "application/json, text/event-stream"}
    app: Any = http_app(make_server(library), "127.0.0.1")
    with TestClient(app, base_url="http://127.0.0.1:8766") as client:
        answer = client.post("/mcp", json=hello, headers=accept)
        assert answer.status_code == 200
        assert '"name":"footnote"' in answer.text.replace(" ", "")
        assert (
            client.post("/mcp", json=hello, headers=accept | {"origin": "http://a.example"}).status_code
            == 403
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:8766", ("127.0.0.1", 8766)), ("[::1]:80", ("::1", 80)), ("localhost:0", ("localhost", 0))],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert address_of(text) == expected
    assert is_loopback(expected[0])


@pytest.mark.parametrize("text", ["8766", "127.0.0.1", "127.0.0.1:70000", "http://localhost:1", "::1:80", ""])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        address_of(text)


def test_a_port_that_is_taken_is_named() -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port} cannot be opened"):
            listening("127.0.0.1", port)
