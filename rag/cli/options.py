"""The options that commands share, and what each command starts from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rag.library import Library

LibraryOption = Annotated[
    str | None,
    typer.Option(
        "--library",
        help="Folder of the library, or postgresql://… of one on a server (FOOTNOTE_LIBRARY).",
        metavar="DIR",
    ),
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="Collection in the library.", metavar="NAME")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
CountOption = Annotated[int | None, typer.Option("-n", "--top-k", min=1, help="How many, best first.")]


def open_library(context: typer.Context, **options: Any) -> Library:
    """The library that the options name, closed when the command ends.

    An option given before the command holds unless the command repeats it.
    """
    from rag.library import Library
    from rag.settings import load_settings

    before: dict[str, Any] = context.find_root().obj or {}
    given = {name: value for name, value in options.items() if value is not None}
    library = Library(load_settings(**(before | given)))
    context.call_on_close(library.close)
    return library


def typed_or_piped(text: str) -> str:
    """The text itself, or what comes on standard input for "-", without the line break at its end."""
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n") if text == "-" else text
