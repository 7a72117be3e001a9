"""Commands about the library itself: models, collections, backup, doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import print_json, results, say

models = typer.Typer(help="The models: list, pull, use, remove.", no_args_is_help=True, rich_markup_mode=None)
collections = typer.Typer(help="The collections: list, remove.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(models, name="models")
app.add_typer(collections, name="collections")


@collections.command("list")
def list_collections(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List the collections with their sizes and embedding models."""
    opened = open_library(context, library=library, collection=collection)
    for found in opened.store.collections():
        if as_json:
            row = {"name": found.name, "documents": found.documents, "passages": found.passages}
            print_json(row | {"model": found.model, "dimensions": found.dimensions, "created": found.created})
        else:
            results.print(
                f"{found.name}  {found.documents} documents, {found.passages} passages, {found.model}"
            )


@collections.command("remove")
def remove_collection(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The collection to remove. The files themselves stay.")],
    library: LibraryOption = None,
) -> None:
    """Remove a collection from the library; the documents' own files stay where they are."""
    open_library(context, library=library).store.remove_collection(name)
    say(f"Removed the collection '{name}'")
