"""A package index on loopback: its simple API, its wheels, and ways to misbehave."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"
SLOW_SECONDS = 20.0


@dataclass
class Index:
    """Wheels by file name; `requests` records those asked for, in order, without the listings.

    `corrupt` names wheels that arrive damaged, `slow` those whose end keeps the client waiting.
    """

    wheels: dict[str, bytes]
    corrupt: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    host: str = ""

    @property
    def url(self) -> str:
        """The address to set as PIP_INDEX_URL."""
        return f"http://{self.host}/simple/"

    def listing(self, project: str) -> bytes | None:
        """The page of a project, or None where there are no wheels of it."""
        names = [name for name in self.wheels if name.startswith(f"{project.replace('-', '_')}-")]
        files = [
            {
                "filename": name,
                "url": f"http://{self.host}/files/{name}",
                "hashes": {"sha256": hashlib.sha256(self.wheels[name]).hexdigest()},
            }
            for name in names
        ]
        page = {"meta": {"api-version": "1.0"}, "name": project, "files": files}
        return json.dumps(page).encode() if names else None


def wheel_of(name: str, path: str, content: bytes) -> bytes:
    """A wheel of this file name with one file, stored as it is."""
    package, version, *_ = name.split("-")
    about = f"{package}-{version}.dist-info"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(path, content)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
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
        folder, name = self.path.strip("/").split("/")
        if folder == "files":
            self._send(name)
            return
        page = self.server.index.listing(name)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")

    def _send(self, name: str) -> None:
        index = self.server.index
        index.requests.append(name)
        data = index.wheels[name]
        if name in index.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:-1])
        until = time.monotonic() + SLOW_SECONDS
        while name in index.slow and time.monotonic() < until:
            time.sleep(0.02)
        self.wfile.write(data[-1:])

    def log_message(self, format: str, *args: Any) -> None:
        pass
