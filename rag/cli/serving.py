"""Commands that serve the library to other programs: mcp."""

from __future__ import annotations

import logging
import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, LibraryOption, open_library
from rag.cli.printing import say
from rag.errors import UsageError
from rag.models import NO_MODEL
from rag.text.visible import printable

MCP_PIN = "mcp==2.3.0"


class PrintableFormatter(logging.Formatter):
    """Log lines that cannot control the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, its traceback included."""
        return printable(super().format(record))


@app.command()
def mcp(
    context: typer.Context,
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="HOST:PORT",
            help="Serve HTTP there, at /mcp, instead of standard input and output; 127.0.0.1 unless "
            "FOOTNOTE_MCP_TOKEN is set.",
        ),
    ] = None,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Serve the library to Claude Desktop, VS Code, Cursor and other MCP clients."""
    require_mcp()
    from rag.mcp.server import make_server

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    opened = open_library(context, library=library, collection=collection, chat_model=NO_MODEL)
    server = make_server(opened)
    if http is None:
        server.run()
        return
    from rag.hosts import listening, serve, url_of
    from rag.mcp.http import PATH, TOKEN, address_of, http_app

    host, port = address_of(http)
    guarded = http_app(server, host, token=os.environ.get(TOKEN, ""), named=opened.settings.allowed_hosts)
    with listening(host, port) as socket:
        say(f"Footnote answers at {url_of(host, socket)}{PATH}  (Ctrl-C stops it)")
        serve(guarded, socket)


def require_mcp() -> None:
    """Raises `UsageError` where the protocol's package is not installed; says how to install it."""
    if find_spec("mcp") is None:
        raise UsageError(f"This needs one more package: {sys.executable} -m pip install {MCP_PIN}")
