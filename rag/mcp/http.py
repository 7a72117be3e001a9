"""The server over HTTP, for this computer's own programs."""

from __future__ import annotations

import hmac
import re

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import UsageError
from rag.hosts import AllowedHosts, is_loopback
from rag.mcp.server import FootnoteServer

PATH = "/mcp"
TOKEN = "FOOTNOTE_MCP_TOKEN"
NEEDS_TOKEN = (
    f"Beyond this computer, the server lets nobody in without a token: set {TOKEN} to a long secret, "
    "and have each client send it in the header Authorization: Bearer …"
)
WRONG_TOKEN = f"Send the token of {TOKEN} in the header Authorization: Bearer …"


class Guard:
    """ASGI middleware: refuses foreign hosts and origins, and whoever lacks the token, if there is one."""

    def __init__(self, app: ASGIApp, *, hosts: AllowedHosts, token: str = "") -> None:
        self.app = app
        self.hosts = hosts
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or refuses, one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self.hosts.refusal(headers)
        if problem is not None:
            await PlainTextResponse(problem, 403)(scope, receive, send)
        elif self.token and not self._knows_token(headers.get("authorization", "")):
            asking = {"WWW-Authenticate": "Bearer"}
            await PlainTextResponse(WRONG_TOKEN, 401, asking)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _knows_token(self, authorization: str) -> bool:
        kind, _, given = authorization.partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.token.encode())


def address_of(text: str) -> tuple[str, int]:
    """A host and a port; `UsageError` where the text is not HOST:PORT."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s/:\[\]]+)):(\d{1,5})", text)
    if not found or int(found[3]) > 65535:
        raise UsageError(f"--http takes HOST:PORT, such as 127.0.0.1:8766, not {text!r}.")
    return found[1] or found[2], int(found[3])


def http_app(server: FootnoteServer, host: str, *, token: str = "", named: tuple[str, ...] = ()) -> ASGIApp:
    """The server as an ASGI app, guarded; `named` are further host names that are its own.

    Raises:
        UsageError: others can reach the host, and there is no token.
    """
    if not is_loopback(host) and not token:
        raise UsageError(NEEDS_TOKEN)
    # The guard checks hosts and origins: the protocol's own check knows no port forwarding and no token.
    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(streamable_http_path=PATH, transport_security=unchecked, host=host)
    return Guard(app, hosts=AllowedHosts(address=host, named=named), token=token)
