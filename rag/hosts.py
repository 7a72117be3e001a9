"""Which host names and pages a server of Footnote answers, and the address it listens on."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rag.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

WRONG_HOST = (
    "Footnote does not answer to the host name {host!r}. If it is yours, add it to allowed_hosts in "
    "settings.toml, or set FOOTNOTE_ALLOWED_HOSTS, and restart Footnote."
)
WRONG_ORIGIN = (
    "Footnote at {host!r} does not answer pages of {origin!r}. If both are yours, have your proxy pass the "
    "Host header on, and add its name to allowed_hosts in settings.toml, or set FOOTNOTE_ALLOWED_HOSTS."
)


class AllowedHosts:
    """The host names a server answers to.

    A name that someone else's DNS points at this computer is not among them: a page under such a name could
    read the library otherwise. Where the server is bound to every address, any numeric address is allowed,
    since it cannot be pointed elsewhere.
    """

    def __init__(self, *, address: str | None, named: Iterable[str] = ()) -> None:
        self.named = frozenset(name.casefold().rstrip(".") for name in named)
        self.bound = (address or "0.0.0.0").strip("[]").casefold()

    def allows_host(self, host: str) -> bool:
        """Whether a Host header is one of ours; any port will do, since a port may be forwarded."""
        name = host_name(host)
        if name in {"localhost", "127.0.0.1", "::1", self.bound} | self.named:
            return name != ""
        return self.bound in ("0.0.0.0", "::") and is_numeric(name)

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Why a request with these headers is refused; None where it is not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.allows_host(host):
            return WRONG_HOST.format(host=host)
        if origin is not None and not self.allows_origin(origin, host):
            return WRONG_ORIGIN.format(host=host, origin=origin)
        return None

    @staticmethod
    def allows_origin(origin: str, host: str) -> bool:
        """Whether an Origin header is the address that the request itself was sent to."""
        return origin.casefold() in (f"http://{host.casefold()}", f"https://{host.casefold()}")


def host_name(host: str) -> str:
    """The name in a Host header, without its port; "" where the header is not well formed."""
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^\s/@:\[\]?#]+))(?::\d{1,5})?", host.casefold())
    return (found[1] or found[2]).rstrip(".") if found else ""


def is_numeric(name: str) -> bool:
    """Whether a host name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def url_of(host: str, opened: socket.socket) -> str:
    """The address of a server that listens on the socket, as one types it."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{opened.getsockname()[1]}"


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; `UsageError` where it cannot."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be opened: {error.strerror or error}.") from error


def serve(app: ASGIApp, opened: socket.socket) -> None:
    """Answers requests until it is stopped."""
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[opened])
