"""Commands about the library itself: collections, embed, backup, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.cli import FAILED, app
from rag.cli.documents import follow_ingest, show_receipt
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import print_json, results, say

collections = typer.Typer(help="Collections: list, remove.", no_args_is_help=True, rich_markup_mode=None)
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


@app.command()
def embed(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Embed a collection again with the library's embedding model; the old vectors serve until it is done."""
    receipt = follow_ingest(open_library(context, library=library, collection=collection).embed_again())
    show_receipt(receipt, as_json=as_json)


@app.command()
def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE.db")],
    library: LibraryOption = None,
) -> None:
    """Copy the library's database while it is in use."""
    open_library(context, library=library).store.back_up(target)
    say(f"Backed up to {target}")


@app.command()
def doctor(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Make the indexes again from the rows.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Index, search and answer, and show that nothing is sent.")
    ] = False,
    as_json: JsonOption = False,
    library: LibraryOption = None,
) -> None:
    """Check the library and its models; exit code 1 when something is wrong."""
    from rag import doctor

    opened = open_library(context, library=library)
    if repair:
        opened.store.repair()
    findings = [doctor.offline(opened)] if offline else doctor.check(opened)
    for finding in findings:
        if as_json:
            print_json({"check": finding.check, "problem": finding.problem, "detail": finding.detail})
        else:
            results.print(
                f"{'✗' if finding.problem else '✓'} {finding.check}: {finding.problem or finding.detail}"
            )
    if any(finding.problem for finding in findings):
        raise typer.Exit(FAILED)
