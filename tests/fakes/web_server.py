"""A web server on loopback whose pages a test writes, and which remembers what it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What the server says of one path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """The pages by their paths; `requests` are the paths asked for, in order."""

    url: str = ""
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def put(self, path: str, body: str, media_type: str = "text/html", **headers: str) -> str:
        """Puts a page up; returns its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Answer(body.encode(), 200, {"Content-Type": media_type, **named})
        return self.url + path


@contextmanager
def web_server() -> Iterator[Site]:
    """Serves a site until the block ends; a page with an ETag is sent again only when that has changed."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self.path)
            answer = site.pages.get(self.path, Answer(status=404))
            etag = answer.headers.get("ETag")
            if etag and self.headers["If-None-Match"] == etag:
                answer = Answer(status=304)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                if value:  # an empty one leaves the server's own out
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
