"""Which requests the app answers: its own names only, uploads and media only for sessions let in."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rag.errors import UsageError
from rag.hosts import AllowedHosts
from rag.settings import load_settings

SCRIPT = Path(__file__).with_name("entry") / "script.py"
"""What Streamlit runs for each session."""
BROWSER_COOKIE = "footnote_browser"
"""Tells browsers apart, so that media are given only to one with a session that was let in."""
NOT_ADMITTED = "Sign in first: this page of Footnote has not been opened, or its session has ended."


def inline_script_hashes() -> str:
    """CSP sources for the inline scripts of Streamlit's own page."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (
        hashlib.sha256(script.encode()).digest()
        for script in re.findall(r"<script>(.*?)</script>", page, re.S)
    )
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def security_headers() -> dict[str, str]:
    """Headers of every response.

    Streamlit imports a component's script from a blob, sets styles inline, and draws charts and pictures
    from blobs and data URLs.
    """
    policy = (
        "default-src 'self'",
        f"script-src 'self' blob: {inline_script_hashes()}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class AdmittedSessions:
    """The sessions that were let in, each with its browser's cookie."""

    def __init__(self, is_active: Callable[[str], bool]) -> None:
        self._is_active = is_active
        self._browsers: dict[str, str] = {}
        self._lock = threading.Lock()

    def admit(self, session: str, browser: str) -> None:
        """Lets a session's uploads and its browser's downloads pass; forgets the sessions that ended."""
        with self._lock:
            self._browsers = {one: its for one, its in self._browsers.items() if self._is_active(one)}
            self._browsers[session] = browser

    def revoke(self, session: str) -> None:
        """Refuses the session from now on."""
        with self._lock:
            self._browsers.pop(session, None)

    def may_upload(self, session: str, browser: str) -> bool:
        """Whether this session was let in, in this browser."""
        with self._lock:
            return bool(browser) and self._browsers.get(session) == browser

    def may_download(self, browser: str) -> bool:
        """Whether a session that is still open was let in, in this browser."""
        with self._lock:
            sessions = [one for one, its in self._browsers.items() if browser and its == browser]
        return any(map(self._is_active, sessions))


def is_active(session: str) -> bool:
    """Whether a browser is connected to the session."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


ADMITTED_SESSIONS = AdmittedSessions(is_active)


def mark_session(*, admitted: bool) -> None:
    """Records whether the session that runs now was let in."""
    context = get_script_run_ctx()
    if context is None:
        return
    if admitted:
        ADMITTED_SESSIONS.admit(context.session_id, st.context.cookies.get(BROWSER_COOKIE, ""))
    else:
        ADMITTED_SESSIONS.revoke(context.session_id)


class NetworkGuard:
    """ASGI middleware: refuses foreign hosts and origins, guards files, and adds the security headers."""

    def __init__(
        self, app: ASGIApp, *, hosts: AllowedHosts, sessions: AdmittedSessions, base: str = ""
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.sessions = sessions
        self.base = f"/{base.strip('/')}" if base.strip("/") else ""
        self.headers = security_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or refuses, one request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        browser = browser_of(Headers(scope=scope))
        guarded = self.with_headers(scope, send, is_new=not browser)
        problem = self.refusal(scope, browser)
        if problem is None:
            await self.app(scope, receive, guarded)
        elif scope["type"] == "http":
            await PlainTextResponse(problem, status_code=403)(scope, receive, guarded)
        else:
            await refuse_websocket(scope, receive, guarded, problem)

    def refusal(self, scope: Scope, browser: str) -> str | None:
        """Why a request is refused; None where it is not."""
        headers = Headers(scope=scope)
        problem = self.hosts.refusal(headers)
        if problem is not None:
            return problem
        path = str(scope["path"]).removeprefix(self.base)
        if path.startswith("/_stcore/upload_file/"):
            admitted = self.sessions.may_upload(path.split("/")[3], browser)
        elif path.startswith("/media/"):
            admitted = self.sessions.may_download(browser)
        else:
            return None
        return None if admitted else NOT_ADMITTED

    def with_headers(self, scope: Scope, send: Send, *, is_new: bool) -> Send:
        """A `send` that adds the security headers, and the cookie for a new browser's page."""

        async def guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                if is_new and headers.get("content-type", "").startswith("text/html"):
                    secure = "; Secure" if scope.get("scheme") == "https" else ""
                    value = f"{BROWSER_COOKIE}={secrets.token_urlsafe(32)}"
                    headers.append("Set-Cookie", f"{value}; Path=/; HttpOnly; SameSite=Lax{secure}")
            await send(message)

        return guarded


async def refuse_websocket(scope: Scope, receive: Receive, send: Send, problem: str) -> None:
    """Answers a handshake with 403 and the reason, where the server can send one."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": problem.encode(), "more_body": False})


def browser_of(headers: Headers) -> str:
    """The value of the browser's cookie; "" where it has none."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(BROWSER_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def operator_hosts() -> list[str]:
    """The names the operator set: `allowed_hosts`, and the host of the sign-in's `redirect_uri`."""
    try:
        names = list(load_settings().allowed_hosts)
    except UsageError:
        names = []  # every page shows what is wrong with the settings
    if st.secrets.load_if_toml_exists() and "auth" in st.secrets:
        names.append(urlsplit(str(st.secrets["auth"].get("redirect_uri", ""))).hostname or "")
    return [name for name in names if name]


class DefaultNetworkGuard(NetworkGuard):
    """The guard as the settings and Streamlit's options say, read when the server starts."""

    def __init__(self, app: ASGIApp) -> None:
        hosts = AllowedHosts(address=st.get_option("server.address"), named=operator_hosts())
        base = str(st.get_option("server.baseUrlPath") or "")
        super().__init__(app, hosts=hosts, sessions=ADMITTED_SESSIONS, base=base)


async def failed(request: Request, error: Exception) -> PlainTextResponse:
    """The answer to a request that failed: made outside all middleware, so it adds the headers itself."""
    return PlainTextResponse("Internal Server Error", status_code=500, headers=security_headers())


NETWORK_MIDDLEWARE = [Middleware(DefaultNetworkGuard)]
EXCEPTION_HANDLERS = {Exception: failed}
