"""Who is answered: this computer's programs, or whoever has a key, within its collections and limits."""

from __future__ import annotations

import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag.api import guard
from rag.api.keys import KEYS_FILE, PREFIX, Keys
from rag.api.server import NEEDS_KEYS, api_app
from rag.errors import LibraryError, UsageError
from rag.text.command import as_started
from tests.api.conftest import client_of
from tests.fakes.web import FakeLibrary

SEARCH = {"query": "dough rests"}


@pytest.fixture
def keys(library: FakeLibrary) -> Iterator[Keys]:
    """The library's keys, of which none is left behind."""
    found = Keys(library.settings.library)
    yield found
    found.path.unlink(missing_ok=True)


def with_key(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a program here"),
        pytest.param({"Authorization": "Bearer none"}, 200, id="a client that must send something"),
        pytest.param({"Host": "localhost:1"}, 200, id="forwarded port"),
        pytest.param({"Host": "evil.example"}, 403, id="foreign host"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="foreign page"),
        pytest.param({"X-Forwarded-For": "203.0.113.9"}, 401, id="passed on by a proxy"),
    ],
)
def test_without_keys_only_this_computers_programs_are_answered(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/v1/models", headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["message"].endswith((".", "NAME"))
    assert "access-control-allow-origin" not in answer.headers


def test_without_keys_no_other_computer_is_answered(library: FakeLibrary) -> None:
    answer = client_of(library, address="192.168.1.9").get("/v1/models")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert client_of(library, address="192.168.1.9").get("/health").status_code == 200


def test_beyond_this_computer_it_needs_a_key(library: FakeLibrary, keys: Keys) -> None:
    with pytest.raises(UsageError) as refused:
        api_app(library, "0.0.0.0", warm=False)
    assert as_started(str(refused.value)) == as_started(NEEDS_KEYS)
    keys.add("tablet")
    api_app(library, "0.0.0.0", warm=False)


def test_with_a_key_everybody_needs_one_and_removing_it_counts_at_once(
    library: FakeLibrary, keys: Keys, client: TestClient
) -> None:
    secret, other = keys.add("tablet"), keys.add("phone")
    assert client.get("/v1/models").status_code == 401
    assert client.get("/v1/models", headers=with_key(PREFIX + "wrong")).status_code == 401
    assert client.get("/v1/models", headers=with_key(secret)).status_code == 200
    Keys(library.settings.library).remove("tablet")
    assert client.get("/v1/models", headers=with_key(secret)).status_code == 401
    assert client.get("/v1/models", headers=with_key(other)).status_code == 200


def test_a_key_opens_its_collections_alone(keys: Keys, client: TestClient) -> None:
    baker = with_key(keys.add("baker", collections=("bakery",)))
    assert [one["id"] for one in client.get("/v1/models", headers=baker).json()["data"]] == [
        "footnote/bakery"
    ]
    found = client.post("/api/search", json=SEARCH, headers=baker).json()
    assert {one["doc"] for one in found["passages"]} == {"page.md"}
    for refused in (
        client.post("/api/search", json=SEARCH | {"collection": "default"}, headers=baker),
        client.get("/api/documents?collection=default", headers=baker),
        client.get("/api/documents/leaving.md?collection=default", headers=baker),
        client.get("/v1/models/footnote/default", headers=baker),
    ):
        assert refused.status_code == 404
        assert "leaving" not in refused.text
    assert "default" not in client.get("/metrics", headers=baker).text


def test_what_a_question_names_opens_no_other_collection(keys: Keys, client: TestClient) -> None:
    baker = with_key(keys.add("baker", collections=("bakery",)))
    asked = {"question": "collection:default How long is the notice period for everybody?"}
    answer = client.post("/api/ask", json=asked, headers=baker)
    assert answer.status_code == 400
    assert "This search is in 'bakery'" in answer.json()["error"]["message"]


def test_a_persons_own_collection_is_for_this_computer_and_keys_that_name_it(
    keys: Keys, client: TestClient
) -> None:
    def names(headers: dict[str, str]) -> set[str]:
        found = client.get("/v1/models", headers=headers).json()["data"]
        return {one["id"].removeprefix("footnote/") for one in found}

    assert names({}) == {"default", "bakery", "diary"}
    secret, own = keys.add("tablet"), keys.add("ann", collections=("diary",))
    assert names(with_key(secret)) == {"default", "bakery"}
    assert names(with_key(own)) == {"diary"}


def test_only_a_key_that_may_adds(keys: Keys, client: TestClient) -> None:
    reader = with_key(keys.add("reader"))
    baker = with_key(keys.add("baker", collections=("bakery",), may_add=True))
    file = {"file": ("new.md", b"# New\n")}
    assert client.post("/api/documents", files=file, headers=reader).status_code == 403
    elsewhere = client.post("/api/documents", files=file, data={"collection": "default"}, headers=baker)
    assert elsewhere.status_code == 403


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a person's folders apart itself")
def test_only_hashes_are_kept_in_a_file_of_its_owners(keys: Keys) -> None:
    secret = keys.add("tablet", collections=("bakery",))
    assert secret not in keys.path.read_text(encoding="utf-8")
    assert stat.S_IMODE(keys.path.stat().st_mode) & 0o077 == 0
    with pytest.raises(UsageError, match="already"):
        keys.add("tablet")
    with pytest.raises(UsageError, match="no key called 'phone'"):
        keys.remove("phone")


def test_damaged_keys_let_nobody_in(keys: Keys, client: TestClient, tmp_path: Path) -> None:
    keys.path.write_text("[{]", encoding="utf-8")
    answer = client.get("/v1/models")
    assert answer.status_code == 500
    assert KEYS_FILE in answer.json()["error"]["message"]
    with pytest.raises(LibraryError):
        keys.all()


def test_more_at_once_than_allowed_is_put_off(library: FakeLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    search = library.search

    def slow(*given: Any, **options: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return search(*given, **options)

    monkeypatch.setattr(library, "search", slow)
    with client_of(library, concurrent=1) as client:
        first = threading.Thread(target=client.post, args=("/api/search",), kwargs={"json": SEARCH})
        first.start()
        assert begun.wait(10)
        second = client.get("/v1/models")
        assert (second.status_code, second.headers["retry-after"]) == (429, "1")
        assert second.json()["error"]["code"] == "rate_limit_exceeded"
        assert client.get("/health").status_code == 200
        go_on.set()
        first.join()
        assert client.get("/v1/models").status_code == 200


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(guard, "MAX_BODY_BYTES", 2**20)
    body = b"x" * (2**20 + 1)
    answer = client.post("/api/ask", content=body if announced else iter([body]))
    assert answer.status_code == 413
    assert "1 MB" in answer.json()["error"]["message"]
