"""A model hub on loopback: what huggingface_hub asks of one, and ways to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories by name, each a dict of file contents; `requests` records (file, range) in order.

    `cut_after` closes the connection once, after so many bytes. `corrupt` and `stated_sizes` name files.
    """

    repositories: dict[str, dict[str, bytes]]
    large: tuple[str, ...] = (".gguf", ".safetensors")
    cut_after: int | None = None
    corrupt: set[str] = field(default_factory=set)
    stated_sizes: dict[str, int] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def info(self, repository: str) -> dict[str, Any]:
        """What the hub's API tells of a repository with its files' sizes and hashes."""
        siblings = [self._sibling(name, data) for name, data in self.repositories[repository].items()]
        return {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}

    def _sibling(self, name: str, data: bytes) -> dict[str, Any]:
        size = self.stated_sizes.get(name, len(data))
        blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
        sibling: dict[str, Any] = {"rfilename": name, "size": size, "blobId": blob}
        if name.endswith(self.large):
            sibling["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": size, "pointerSize": 130}
        return sibling


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serves the hub at `hub.url` on a free port of loopback."""
    server = HubServer(hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class HubServer(ThreadingHTTPServer):
    """The server that knows its hub."""

    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub


class Handler(BaseHTTPRequestHandler):
    server: HubServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.strip("/")
        if path.startswith("api/models/"):
            self._tell(path.removeprefix("api/models/").split("/revision/")[0])
        else:
            repository, _, rest = path.partition("/resolve/")
            self._send(rest.partition("/")[2], self.server.hub.repositories[repository])

    def _tell(self, repository: str) -> None:
        if repository in self.server.hub.gated or repository not in self.server.hub.repositories:
            code = "GatedRepo" if repository in self.server.hub.gated else "RepoNotFound"
            self.send_response(403 if repository in self.server.hub.gated else 404)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer(
                200,
                json.dumps(self.server.hub.info(repository)).encode(),
                {"Content-Type": "application/json"},
            )

    def _send(self, name: str, files: dict[str, bytes]) -> None:
        wanted = self.headers.get("Range")
        self.server.hub.requests.append((name, wanted))
        data = files[name]
        if name in self.server.hub.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if wanted is None:
            self._answer(200, data, {})
        else:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            place = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            self._answer(206, data[start:], place)

    def _answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.server.hub.cut_after is not None and len(data) > self.server.hub.cut_after:
            data, self.server.hub.cut_after = data[: self.server.hub.cut_after], None
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass
