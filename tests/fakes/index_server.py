"""A package index on loopback: its simple API in JSON or HTML, wheels by range, and ways to misbehave."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Index:
    """Wheels by file name; `requests` records (path, range) in order, without the listings.

    `cut_after` closes the connection once, after so many bytes of a wheel. `corrupt` names wheels, and
    `login` is the user:password that each request has to bring.
    """

    wheels: dict[str, bytes]
    html: bool = False
    cut_after: int | None = None
    corrupt: set[str] = field(default_factory=set)
    login: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    host: str = ""

    @property
    def url(self) -> str:
        """The address to set as PIP_INDEX_URL."""
        return f"http://{self.login}{'@' if self.login else ''}{self.host}/simple/"

    def listing(self, project: str) -> bytes | None:
        """The page of a project, or None where there are no wheels of it."""
        names = [name for name in self.wheels if name.startswith(f"{project.replace('-', '_')}-")]
        hashes = {name: hashlib.sha256(self.wheels[name]).hexdigest() for name in names}
        if not names:
            return None
        if self.html:
            links = (
                f'<a href="../../files/{name}#sha256={sha256}">{name}</a>' for name, sha256 in hashes.items()
            )
            return f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>".encode()
        files = [
            {"filename": name, "url": f"http://{self.host}/files/{name}", "hashes": {"sha256": sha256}}
            for name, sha256 in hashes.items()
        ]
        return json.dumps({"files": files}).encode()


def wheel_of(path: str, content: bytes) -> bytes:
    """A wheel with one file, stored as it is."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(path, content)
    return made.getvalue()


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    """Serves the index on a free port of loopback."""
    server = IndexServer(index)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    index.host = f"127.0.0.1:{server.server_port}"
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class IndexServer(ThreadingHTTPServer):
    """The server that knows its index."""

    daemon_threads = True

    def __init__(self, index: Index) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.index = index


class Handler(BaseHTTPRequestHandler):
    server: IndexServer

    def do_GET(self) -> None:
        index = self.server.index
        expected = f"Basic {base64.b64encode(index.login.encode()).decode()}"
        folder, name = self.path.strip("/").split("/")
        if index.login and self.headers.get("Authorization") != expected:
            self._answer(401, b"", {})
        elif folder == "simple":
            page = index.listing(name)
            kind = "text/html" if index.html else JSON
            self._answer(404 if page is None else 200, page or b"", {"Content-Type": kind})
        else:
            self._send(name)

    def _send(self, name: str) -> None:
        index, wanted = self.server.index, self.headers.get("Range")
        index.requests.append((name, wanted))
        data = index.wheels[name]
        if name in index.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = int((wanted or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start >= len(data):
            self._answer(416, b"", {})
        else:
            self._answer(206 if wanted else 200, data[start:], {})

    def _answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut = self.server.index.cut_after
        if cut is not None and len(data) > cut:
            data, self.server.index.cut_after = data[:cut], None
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass
