"""One file from the web: only what was asked for, from public addresses, within limits."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import UsageError

if TYPE_CHECKING:
    import httpx2

AGENT = "Footnote"
MAX_BYTES = 50_000_000
MAX_SECONDS = 60.0
WAIT_SECONDS = 15.0
"""Without a sign of life from the server."""
MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.-]+):")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class FetchError(Exception):
    """An address gave no file; the message says why. `gone`: the server says that there is no such page."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered: the file and its type, and what it knows this version by."""

    content: bytes
    media_type: str
    etag: str | None
    modified: str | None


def is_address(path: str) -> bool:
    """Whether a path is an address on the web.

    Raises:
        UsageError: it is an address of another kind.
    """
    scheme = _SCHEME.match(path)
    if scheme is None:
        return False
    if scheme[1].lower() in ("http", "https"):
        return True
    if scheme[1].lower() in ("file", "ftp", "data") or path[scheme.end() :].startswith("//"):
        raise UsageError(
            f"{path}: only http and https addresses are fetched. Name a file or folder by its path alone."
        )
    return False


def fetch(
    url: str,
    *,
    etag: str | None = None,
    modified: str | None = None,
    allow_private: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Fetched | None:
    """The file at an address; None where it is still the version that `etag` and `modified` tell.

    Raises:
        FetchError: the server cannot be reached, refuses, or sends too much, too slowly or to a private
            address, be it by a redirect.
    """
    known = {"If-None-Match": etag, "If-Modified-Since": modified}
    headers = {name: value for name, value in known.items() if value}
    deadline = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        with _request(url, headers, allow_private=allow_private) as answer:
            if answer.status_code in _REDIRECTS and "Location" in answer.headers:
                url = _joined(url, answer.headers["Location"])
                continue
            if answer.status_code == 304 and headers:
                return None
            if answer.status_code != 200:
                reason = f"the server answered {answer.status_code} {answer.reason_phrase}".rstrip()
                raise FetchError(f"{reason}.", gone=answer.status_code in (404, 410))
            content = _content(answer, deadline, cancelled)
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Fetched(
                content, media_type, answer.headers.get("ETag"), answer.headers.get("Last-Modified")
            )
    raise FetchError(f"it leads on more than {MAX_REDIRECTS} times.")


@contextmanager
def _request(url: str, headers: Mapping[str, str], *, allow_private: bool) -> Iterator[httpx2.Response]:
    """The answer to one request, sent to the very address that was checked: a name may soon mean another."""
    import httpx2

    try:
        asked = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise FetchError(f"it is not an address ({error}).") from error
    if asked.scheme not in ("http", "https") or not asked.host:
        raise FetchError(f"it leads to {url}, and only http and https addresses are fetched.")
    if asked.userinfo:
        raise FetchError("an address with a name and a password would be kept with them; leave them out.")
    place = _checked_place(asked.host, asked.port or {"http": 80, "https": 443}[asked.scheme], allow_private)
    named = {"Host": asked.netloc.decode("ascii"), "User-Agent": AGENT, "Accept-Encoding": "identity"}
    try:
        # No proxy and no password of the environment: what is asked for goes to that server alone.
        with (
            httpx2.Client(timeout=WAIT_SECONDS, trust_env=False, follow_redirects=False) as client,
            client.stream(
                "GET",
                asked.copy_with(host=place),
                headers={**headers, **named},
                extensions={"sni_hostname": asked.host},
            ) as answer,
        ):
            yield answer
    except httpx2.TimeoutException as error:
        raise FetchError(f"the server did not answer within {WAIT_SECONDS:.0f} seconds.") from error
    except httpx2.HTTPError as error:
        raise FetchError(f"it cannot be fetched: {error}.") from error


def _checked_place(host: str, port: int, allow_private: bool) -> str:
    """The numeric address of a host; every one that it has must be public, unless others are allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"there is no server {host}, or no connection to the network.") from error
    places = sorted((str(address[0]) for *_, address in found), key=lambda place: ":" in place)
    for place in places:
        if not allow_private and not is_public(place):
            raise FetchError(
                f"{host} is at the private address {place}. Only if you trust it, add --allow-private."
            )
    return places[0]


def is_public(place: str) -> bool:
    """Whether a numeric address is anyone's on the internet, also where it wraps another one."""
    address = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        wrapped = address.ipv4_mapped or address.sixtofour
        if wrapped is not None:
            return is_public(str(wrapped))
    return address.is_global and not address.is_multicast


def _joined(url: str, location: str) -> str:
    import httpx2

    try:
        return str(httpx2.URL(url).join(location))
    except httpx2.InvalidURL as error:
        raise FetchError(f"it leads to {location!r}, which is not an address.") from error


def _content(answer: httpx2.Response, deadline: float, cancelled: Callable[[], bool]) -> bytes:
    """The bytes of an answer, as long as they are not too many."""
    length = answer.headers.get("Content-Length", "")
    parts, size = [], int(length) if length.isdigit() else 0
    if size <= MAX_BYTES:
        size = 0
        for part in answer.iter_bytes():
            size += len(part)
            parts.append(part)
            if size > MAX_BYTES or time.monotonic() > deadline or cancelled():
                break
    if size > MAX_BYTES:
        raise FetchError(f"it is larger than {MAX_BYTES // 1_000_000} MB.")
    if time.monotonic() > deadline:
        raise FetchError(f"it did not come within {MAX_SECONDS:.0f} seconds.")
    if cancelled():
        raise FetchError("stopped.")
    return b"".join(parts)
