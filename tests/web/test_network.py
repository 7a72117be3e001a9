"""What the app's server refuses: foreign names, foreign pages, and files before the sign-in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from rag.hosts import AllowedHosts
from rag.settings import load_settings
from rag.web.network import AdmittedSessions, inline_script_hashes
from tests.fakes.app_server import FLAGS, serving
from tests.fakes.browser import installed
from tests.fakes.web import fake_library, write_documents

SCRIPT = """
from pathlib import Path
from rag.web.app import run
from tests.fakes.web import fake_library
run(lambda: fake_library(Path({folder!r}), ["The notice period is three months [1]."]), name="fake")
"""
PASSWORD = "open sesame"
PAGES = ("", "library", "history", "explore", "lab", "models", "settings")
LOCAL = AllowedHosts(address="127.0.0.1", named=["Notes.Example.org"])
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8501",
        "127.0.0.1:9",
        "[::1]:8501",
        "notes.example.org",
        "notes.example.org.:443",
    ],
)
def test_the_apps_own_hosts_are_allowed(host: str) -> None:
    assert LOCAL.allows_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8501",
        "evil.example@localhost",
        "localhost/evil.example",
        "localhost:port",
        "notes.example.org.evil.example",
        "192.168.1.9:8501",
        "[::1",
    ],
)
def test_any_other_host_is_refused(host: str) -> None:
    assert not LOCAL.allows_host(host)


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::"])
def test_bound_to_every_address_only_names_are_refused(address: str | None) -> None:
    """A numeric address cannot be pointed elsewhere by anyone's DNS."""
    hosts = AllowedHosts(address=address)
    assert hosts.allows_host("192.168.1.9:8501")
    assert hosts.allows_host("[fd00::9]:8501")
    assert not hosts.allows_host("evil.example")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:8501", True),
        ("https://localhost:8501", True),
        ("https://notes.example.org", False),
        ("http://localhost:3000", False),
        ("http://127.0.0.1:8501", False),
        ("http://evil.example", False),
        ("null", False),
        ("chrome-extension://localhost:8501", False),
        ("http://[", False),
    ],
)
def test_an_origin_is_the_address_the_request_was_sent_to(origin: str, allowed: bool) -> None:
    assert LOCAL.allows_origin(origin, "localhost:8501") is allowed


def test_streamlit_finds_no_pages_of_its_own() -> None:
    """A folder `pages` beside the script ran each page alone: the first one opened was nearly blank."""
    from rag.web import network

    assert network.SCRIPT.is_file()
    assert not (network.SCRIPT.parent / "pages").exists()


def test_files_need_the_browser_of_an_open_session() -> None:
    active = {"one", "two"}
    sessions = AdmittedSessions(active.__contains__)
    sessions.admit("one", "ann")
    sessions.admit("two", "")
    assert sessions.may_upload("one", "ann")
    assert not sessions.may_upload("one", "eve")
    assert not sessions.may_upload("two", "")
    assert not sessions.may_upload("three", "ann")
    assert sessions.may_download("ann")
    assert not sessions.may_download("")
    active.remove("one")
    assert not sessions.may_download("ann")
    active.add("one")
    sessions.revoke("one")
    assert not sessions.may_upload("one", "ann")


def test_streamlits_page_has_one_inline_script() -> None:
    """The policy lists its hash; more or none of them means that Streamlit's page has changed."""
    assert len(inline_script_hashes().split()) == 1


def test_allowed_hosts_may_stand_in_one_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOOTNOTE_ALLOWED_HOSTS", "notes.example.org, notes.local")
    assert load_settings(library=tmp_path).allowed_hosts == ("notes.example.org", "notes.local")


def test_allowed_hosts_may_stand_in_the_librarys_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('allowed_hosts = ["notes.example.org"]', encoding="utf-8")
    assert load_settings(library=tmp_path).allowed_hosts == ("notes.example.org",)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script of the app over a small library."""
    folder = tmp_path_factory.mktemp("network")
    write_documents(folder / "documents")
    library = fake_library(folder / "library", ["x"])
    for _ in library.ingest([folder / "documents"]):
        pass
    library.close()
    path = folder / "pages.py"
    path.write_text(SCRIPT.format(folder=str(folder / "library")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def open_app(script: Path) -> Iterator[str]:
    """The app without a password, with one name set."""
    with serving(script, script.with_name("open.txt"), FOOTNOTE_ALLOWED_HOSTS="notes.example.org") as address:
        yield address


@pytest.fixture(scope="module")
def closed_app(script: Path) -> Iterator[str]:
    """The app behind a password."""
    with serving(script, script.with_name("closed.txt"), FOOTNOTE_KEEPER_PASSWORD=PASSWORD) as address:
        yield address


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    """A Chromium that takes rebind.example for this computer."""
    flags = [*FLAGS, "--host-resolver-rules=MAP rebind.example 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=flags)
        yield browser.new_context(locale="en-US")
        browser.close()


def request(
    address: str, path: str = "/", *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, str, dict[str, str]]:
    """The status, the text and the headers of an answer."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = "" if answer.status == 101 else answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text, {name.casefold(): value for name, value in answer.getheaders()}


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/library", "/_stcore/health", "/_stcore/host-config", "/media/x"])
def test_a_foreign_host_gets_nothing(open_app: str, path: str) -> None:
    status, text, headers = request(open_app, path, Host="evil.example")
    assert status == 403
    assert "FOOTNOTE_ALLOWED_HOSTS" in text
    assert headers["content-type"].startswith("text/plain")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 101),
        ({"Origin": "{address}"}, 101),
        ({"Host": "notes.example.org", "Origin": "https://notes.example.org"}, 101),
        ({"Origin": "https://notes.example.org"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_web_socket_is_opened_for_the_apps_own_pages(
    open_app: str, headers: dict[str, str], expected: int
) -> None:
    """Streamlit alone takes any page of `localhost`, and any origin that equals the host it is asked for."""
    filled: dict[str, Any] = {name: value.format(address=open_app) for name, value in headers.items()}
    status, text, _ = request(open_app, "/_stcore/stream", **(HANDSHAKE | filled))
    assert status == expected
    assert expected == 101 or "FOOTNOTE_ALLOWED_HOSTS" in text


@pytest.mark.slow
def test_a_request_without_a_host_is_refused(open_app: str) -> None:
    parts = urlsplit(open_app)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(64).split()[1] == b"403"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/media/none", "/static/none", "/favicon.png"])
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_carries_the_security_headers(open_app: str, path: str, host: str) -> None:
    _, _, headers = request(open_app, path, Host=host)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.slow
def test_a_rebound_name_shows_nothing_of_the_library(open_app: str, context: BrowserContext) -> None:
    port = urlsplit(open_app).port
    page = context.new_page()
    answer = page.goto(f"http://rebind.example:{port}/library")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("body")).to_contain_text("does not answer to the host name")


@pytest.mark.slow
def test_no_other_origin_can_frame_the_app(open_app: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.set_content(f'<iframe src="{open_app}"></iframe>')
    page.wait_for_timeout(3000)
    assert "Streamlit" not in page.frames[1].content()


@pytest.mark.slow
@pytest.mark.parametrize("place", PAGES)
def test_no_page_violates_the_policy(open_app: str, context: BrowserContext, place: str) -> None:
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{open_app}/{place}")
    expect(page.locator("h1")).to_be_visible(timeout=60_000)
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        page.wait_for_timeout(500)
    page.wait_for_timeout(1000)
    assert [text for text in said if "Content Security Policy" in text or "403" in text] == []


def upload_from(page: Page, session: str) -> int:
    """The status of an upload that a page's script sends, with the token Streamlit asks for."""
    code = """async session => {
        const token = document.cookie.match(/_streamlit_xsrf=([^;]+)/)[1]
        const form = new FormData()
        form.append("file", new Blob(["hello"]), "hello.txt")
        const url = `/_stcore/upload_file/${session}/one`
        const sent = await fetch(url, {method: "PUT", body: form, headers: {"X-Xsrftoken": token}})
        return sent.status
    }"""
    return int(page.evaluate(code, session))


@pytest.mark.slow
def test_files_are_taken_only_after_the_password(closed_app: str, context: BrowserContext) -> None:
    """At the gate, a session with the token of its own took an upload of up to 500 MB."""
    page = context.new_page()
    sessions: list[str] = []
    page.on("websocket", lambda found: found.on("framereceived", lambda frame: sessions.extend(ids(frame))))
    page.goto(closed_app)
    field = page.locator("input[type=password]")
    expect(field).to_be_visible(timeout=60_000)
    assert sessions
    assert upload_from(page, sessions[0]) == 403
    assert page.evaluate("async () => (await fetch('/media/none')).status") == 403
    field.fill(PASSWORD)
    field.press("Enter")
    expect(page.get_by_test_id("stChatInput")).to_be_visible(timeout=60_000)
    assert upload_from(page, sessions[0]) == 204
    assert page.evaluate("async () => (await fetch('/media/none')).status") == 404
    assert request(closed_app, f"/_stcore/upload_file/{sessions[0]}/one", method="PUT", body=b"x")[0] == 403


def ids(frame: str | bytes) -> list[str]:
    """The session's id in a message of Streamlit's that starts one."""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    if isinstance(frame, str):
        return []
    message = ForwardMsg.FromString(frame)
    return [message.new_session.initialize.session_id] if message.HasField("new_session") else []
