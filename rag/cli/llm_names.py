"""Two commands under the names and options of `llm`, so that scripts written for it run here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rag.cli import app
from rag.cli.documents import ingest
from rag.cli.options import open_library
from rag.cli.printing import print_json
from rag.errors import UsageError

CollectionArgument = Annotated[str, typer.Argument(help="The collection.", metavar="COLLECTION")]
DatabaseOption = Annotated[
    str | None, typer.Option("-d", "--database", "--library", help="Folder of the library.", metavar="DIR")
]
SIMILAR_COUNT = 10


@app.command(name="embed-multi")
def embed_multi(
    context: typer.Context,
    collection: CollectionArgument,
    source: Annotated[str | None, typer.Argument(help="A file of rows; - reads standard input.")] = None,
    files: Annotated[
        tuple[Path, str] | None, typer.Option("--files", help="Files of a folder.", metavar="DIR GLOB")
    ] = None,
    form: Annotated[
        Literal["json", "nl", "csv", "tsv"] | None, typer.Option("--format", help="The form of the rows.")
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="Goes before each id.")] = "",
    store: Annotated[bool, typer.Option("--store", help="Texts are always kept: changes nothing.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Ingest rows or files, as `llm embed-multi` does: the first column is the id, the others are text."""
    if (source is None) == (files is None):
        raise UsageError("Give a file of rows, - for standard input, or --files DIR GLOB.")
    # A file of rows is told from a document by its form being named.
    ingest(
        context,
        paths=[source] if source else None,
        files=files,
        form=form or (form_of(source) if source and source != "-" else None),
        prefix=prefix,
        library=database,
        collection=collection,
    )


def form_of(name: str) -> Literal["json", "nl", "csv", "tsv"]:
    """The form of a file of rows by its ending."""
    match Path(name).suffix.lower():
        case ".csv":
            return "csv"
        case ".tsv":
            return "tsv"
        case ".json":
            return "json"
    return "nl"


@app.command()
def similar(
    context: typer.Context,
    collection: CollectionArgument,
    id_: Annotated[
        str | None, typer.Argument(help="A document to find others like it.", metavar="ID")
    ] = None,
    content: Annotated[str | None, typer.Option("-c", "--content", help="A text.")] = None,
    count: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = SIMILAR_COUNT,
    database: DatabaseOption = None,
) -> None:
    """List what is like a text or a document by its vectors, as `llm similar` does."""
    if (id_ is None) == (content is None):
        raise UsageError("Give the id of a document, or a text with -c.")
    opened = open_library(context, library=database, collection=collection)
    if id_ is not None:
        for found in opened.store.related(collection, id_, count):
            print_json({"id": found.doc, "score": found.score, "content": found.title, "metadata": None})
        return
    ranking = opened.settings.ranking.vectors_only()
    known = {entry.doc: dict(entry.metadata) for entry in opened.store.documents(collection)}
    for hit in opened.search(str(content), count=count, ranking=ranking, plain=True):
        score = hit.signals.get("dense", hit.score)
        held = {"content": hit.passage.text, "metadata": known.get(hit.doc) or None}
        print_json({"id": hit.doc, "score": score, **held})
