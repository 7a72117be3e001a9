"""Commands that serve the library to other programs: serve, mcp."""

from __future__ import annotations

import logging
import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import print_json, results, say
from rag.errors import UsageError
from rag.models import NO_MODEL
from rag.text.visible import printable

MCP_PIN = "mcp==2.3.0"
LOOPBACK, PORT = "127.0.0.1", 8642

serving = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
keys = typer.Typer(help="Keys for `serve`: add, list, remove.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(serving, name="serve")
serving.add_typer(keys, name="keys")


class PrintableFormatter(logging.Formatter):
    """Log lines that cannot control the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, its traceback included."""
        return printable(super().format(record))


@serving.callback()
def serve_api(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; beyond this computer, only with keys.")
    ] = LOOPBACK,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")] = PORT,
    concurrent: Annotated[
        int, typer.Option("--concurrent", min=1, help="Requests of one key at a time; more get 429.")
    ] = 32,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Serve the library over HTTP: OpenAI's API for any program that speaks it, and routes of its own."""
    if context.invoked_subcommand is not None:
        given = {"library": library, "collection": collection}
        context.find_root().obj.update({name: value for name, value in given.items() if value is not None})
        return
    from rag.api.server import api_app
    from rag.hosts import listening, serve, url_of

    log_to_stderr()
    opened = open_library(context, library=library, collection=collection)
    guarded = api_app(opened, host, concurrent=concurrent)
    with listening(host, port) as socket:
        say(f"Footnote answers at {url_of(host, socket)}/v1  (Ctrl-C stops it)")
        serve(guarded, socket)


@keys.command("add")
def add_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", help="A collection it opens; may be repeated.", metavar="NAME"),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="The key may add and replace documents too.")] = False,
    as_json: JsonOption = False,
    library: LibraryOption = None,
) -> None:
    """Make a key, and print it this once. Without --collection it opens all that are not a person's own."""
    from rag.api.keys import Keys

    opened = open_library(context, library=library)
    known = [found.name for found in opened.store.collections()]
    for one in collection or []:
        if one not in known:
            raise UsageError(f"There is no collection '{one}'. There are: {', '.join(known) or 'none yet'}.")
    secret = Keys(opened.settings.library).add(name, collections=tuple(collection or ()), may_add=add)
    if as_json:
        print_json({"name": name, "key": secret, "collections": collection or [], "may_add": add})
        return
    say("Copy the key now: only its hash is kept.")
    results.print(secret)


@keys.command("list")
def list_keys(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List the keys: names and rights."""
    from rag.api.keys import Keys

    for key in Keys(open_library(context, library=library).settings.library).all():
        if as_json:
            print_json(key.model_dump(mode="json", exclude={"sha256"}))
        else:
            opens = ", ".join(key.collections) or "all collections"
            results.print(f"{key.name}  {opens}{', may add documents' if key.may_add else ''}")


@keys.command("remove")
def remove_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The key's name.")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Remove a key: it is refused from the next request on."""
    from rag.api.keys import Keys

    Keys(open_library(context, library=library).settings.library).remove(name)
    if as_json:
        print_json({"removed": name})
    else:
        say(f"Removed the key '{name}'")


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

    log_to_stderr()
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


def log_to_stderr() -> None:
    """Warnings and errors to standard error, in lines that cannot control the terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def require_mcp() -> None:
    """Raises `UsageError` where the protocol's package is not installed; says how to install it."""
    if find_spec("mcp") is None:
        raise UsageError(f"This needs one more package: {sys.executable} -m pip install {MCP_PIN}")
