"""An OpenID provider in this process, as small as a sign-in needs: it says who it was told to say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "footnote"


class Provider:
    """Signs everybody in as `email`; each code carries the nonce it was asked with."""

    def __init__(self, email: str) -> None:
        self.email = email
        self.address = ""
        self.key = RSAKey.generate_key(2048, parameters={"kid": "only"})

    def answer(self, path: str, query: dict[str, str], form: dict[str, str]) -> dict[str, Any] | str:
        """JSON, or the address to go to."""
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {name: f"{self.address}/{end}" for name, end in ends.items()}
            return found | {"issuer": self.address, "id_token_signing_alg_values_supported": ["RS256"]}
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        if path == "/authorize":
            sent = {"code": query.get("nonce", "none"), "state": query["state"]}
            return f"{query['redirect_uri']}?{urlencode(sent)}"
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.token(form["code"])}

    def token(self, nonce: str) -> str:
        """A signed identity token."""
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600}
        claims |= {"email": self.email, "email_verified": True, "nonce": nonce}
        return jwt.encode({"alg": "RS256", "kid": "only"}, claims, self.key)


@contextmanager
def provider(email: str) -> Iterator[Provider]:
    """Runs a provider on a free port."""
    made = Provider(email)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.reply({name: values[0] for name, values in parse_qs(body).items()})

        def reply(self, form: dict[str, str]) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            answer = made.answer(address.path, query, form)
            if isinstance(answer, str):
                self.send_response(302)
                self.send_header("Location", answer)
                self.end_headers()
                return
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
