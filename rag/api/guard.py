"""Who is answered, how much they may send, and how much at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.api.errors import Refusal, refusal_of
from rag.api.keys import Caller, Keys
from rag.api.metrics import Metrics
from rag.errors import RagError
from rag.hosts import AllowedHosts, is_loopback

MAX_BODY_BYTES = 4 * 2**20
MAX_UPLOAD_BYTES = 200 * 2**20
OPEN_PATHS = {"/health", "/openapi.json"}
"""They say nothing about the library."""
PASSED_ON = {"forwarded", "x-forwarded-for", "x-real-ip"}
NEEDS_KEY = (
    "Send a key in the header Authorization: Bearer …. Whoever runs this library makes one: "
    "python -m rag serve keys add NAME"
)
WRONG_KEY = "This key is not known here: it was removed, or mistyped."
NOT_LOCAL = (
    "Without a key, only programs on this computer are answered. "
    "Whoever runs this library makes one: python -m rag serve keys add NAME"
)


class Guard:
    """ASGI middleware around everything: hosts, keys, sizes, and requests at once; it counts too."""

    def __init__(
        self, app: ASGIApp, *, hosts: AllowedHosts, keys: Keys, metrics: Metrics, concurrent: int
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.keys = keys
        self.metrics = metrics
        self.concurrent = concurrent
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or refuses, one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.metrics.begin()
        try:
            await self._guarded(scope, receive, counted)
        finally:
            path = getattr(scope.get("endpoint"), "path", "")
            self.metrics.end(_known(scope["method"]), path, status, time.perf_counter() - began)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            problem = self.hosts.refusal(headers)
            if problem is not None:
                raise Refusal(403, problem)
            is_open = scope["path"] in OPEN_PATHS
            caller = Caller() if is_open else self._caller(scope, headers)
        except (Refusal, RagError) as error:
            await refusal_of(error).response(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        with self._slot(caller.name, limited=not is_open) as free:
            if free:
                await self.app(scope, limited(receive, headers), send)
            else:
                await self._too_many(scope, receive, send)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        kind, _, secret = headers.get("authorization", "").partition(" ")
        if self.keys.all():
            if kind.lower() != "bearer" or not secret.strip():
                raise Refusal(401, NEEDS_KEY, headers={"WWW-Authenticate": "Bearer"})
            key = self.keys.find(secret.strip())
            if key is None:
                asking = {"WWW-Authenticate": "Bearer"}
                raise Refusal(401, WRONG_KEY, code="invalid_api_key", headers=asking)
            return key
        client = (scope.get("client") or ("",))[0]
        if not is_loopback(client) or PASSED_ON & set(headers):
            raise Refusal(401, NOT_LOCAL, headers={"WWW-Authenticate": "Bearer"})
        return Caller()

    @contextmanager
    def _slot(self, name: str, *, limited: bool) -> Iterator[bool]:
        """Whether the caller has a request left; it is given back at the end."""
        if limited and self._running[name] >= self.concurrent:
            yield False
            return
        self._running[name] += limited
        try:
            yield True
        finally:
            self._running[name] -= limited

    async def _too_many(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["state"]["caller"].name
        whose = f"The key '{name}'" if name else "This computer"
        message = (
            f"{whose} has {self.concurrent} requests running, and no more at once. Try again in a second."
        )
        refusal = Refusal(429, message, code="rate_limit_exceeded", headers={"Retry-After": "1"})
        await refusal.response(scope, receive, send)


def limited(receive: Receive, headers: Headers) -> Receive:
    """A `receive` that refuses a body that is too large, as soon as that is known."""
    is_form = headers.get("content-type", "").startswith("multipart/form-data")
    most = MAX_UPLOAD_BYTES if is_form else MAX_BODY_BYTES
    announced = headers.get("content-length", "")
    received = 0

    async def checked() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most or (announced.isdecimal() and int(announced) > most):
            raise Refusal(413, f"The request is larger than {most // 2**20} MB, which is the limit.")
        return message

    return checked


def _known(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST") else "other"
