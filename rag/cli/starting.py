"""The command that makes a fresh machine ready and opens the chat: app."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli import app
from rag.cli.documents import follow_ingest
from rag.cli.options import CollectionOption, LibraryOption, open_library
from rag.cli.printing import messages, say
from rag.errors import RagError, UsageError
from rag.settings import PROJECT

if TYPE_CHECKING:
    from rag.library import Library
    from rag.settings import Settings

SAMPLE_COLLECTION = "sample"
SAMPLES = PROJECT / "corpora"
LOOPBACK = "127.0.0.1"


@app.command(name="app")
def open_app(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the chat.")] = 8501,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    sample: Annotated[
        bool, typer.Option("--sample/--no-sample", help="Index the sample documents if the library is empty.")
    ] = True,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Prepare the models, index the sample documents if the library is empty, and open the chat."""
    opened = open_library(context, library=library, collection=collection)
    require_free(port)
    prepare_models(opened)
    if sample and not any(found.passages for found in opened.store.collections()):
        index_sample(opened)
    environment = os.environ | {
        "FOOTNOTE_LIBRARY": str(opened.settings.library),
        "FOOTNOTE_STORE": opened.settings.store,
    }
    if collection:
        environment["FOOTNOTE_COLLECTION"] = collection
    opened.close()
    say(f"Footnote is ready at http://{LOOPBACK}:{port}  (Ctrl-C stops it)")
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "app.py"), f"--server.port={port}"]
    if not browser:
        command.append("--server.headless=true")
    raise typer.Exit(subprocess.run(command, env=environment, cwd=PROJECT, check=False).returncode)


def require_free(port: int) -> None:
    """A `UsageError` when something else listens on the port."""
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise UsageError(
                f"Port {port} is taken. Footnote may be running already: http://{LOOPBACK}:{port}"
            )


def prepare_models(library: Library) -> None:
    """Unpacks, compiles, tunes and loads the models, so that the first question does not wait for it.

    The app loads them again in its own process, from files that are in memory by then.
    """
    with messages.status("Preparing the embedding models"):
        library.embedder.embed_queries(["ready"])
        if library.second_embedder is not None:
            library.second_embedder.embed_queries(["ready"])
    tune_once(library.settings)
    with messages.status("Loading the chat model"), suppress(RagError):  # the first question tells why
        library.warm_up()


def tune_once(settings: Settings) -> None:
    """Finds the fastest form of a chat model on this machine, the first time (half a minute).

    SmolLM2 then reads a prompt of 330 tokens 3.2 times as fast as its file as shipped, one of 1,550 tokens
    2.5 times.
    """
    from rag.cli.models import tuned_in_view
    from rag.llm import load_tuned
    from rag.models import NO_MODEL, chat_model_location

    if settings.chat_model == NO_MODEL:
        return
    location = chat_model_location(settings.chat_model, models=settings.models)
    if not location.startswith(("http://", "https://")) and not load_tuned(
        Path(location), cache=settings.cache
    ):
        tuned_in_view(Path(location), settings.cache)


def index_sample(library: Library) -> None:
    """Indexes the documents that come with Footnote into a collection of their own."""
    say("The library is empty: indexing the sample documents")
    follow_ingest(library.ingest([SAMPLES], collection=SAMPLE_COLLECTION))
