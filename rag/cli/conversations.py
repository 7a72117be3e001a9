"""Commands about the app's conversations: list, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.cli import app
from rag.cli.notes import written
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import print_json, results, tell

conversations = typer.Typer(
    help="Conversations of the app: list, export.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(conversations, name="conversations")


@conversations.command("list")
def list_conversations(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List the conversations without an owner, of one collection or all, the one changed last first."""
    for found in open_library(context, library=library).conversations.list(limit=-1):
        if collection not in (None, found.collection):
            continue
        if as_json:
            row = {"id": found.id, "title": found.title, "collection": found.collection}
            print_json(row | {"turns": found.turn_count, "created": found.created, "updated": found.updated})
        else:
            results.print(f"{found.id}  {found.updated[:10]}  {found.title}  [{found.turn_count}]")


@conversations.command("export")
def export_conversation(
    context: typer.Context,
    conversation_id: Annotated[int, typer.Argument(help="Its number, as listed.", metavar="ID")],
    target: Annotated[Path, typer.Argument(help="FILE.md, .docx, .pdf, or .json for the app to import.")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Write a conversation to a file, each source a footnote."""
    from rag.history.paper import conversation_paper, write_paper

    saved = open_library(context, library=library).conversations
    if target.suffix == ".json":
        content = saved.export_json([conversation_id]).encode()
    else:
        content = write_paper(conversation_paper(saved.load(conversation_id)), target.suffix)
    written(target, content)
    tell({"file": str(target)}, f"Wrote {target}", as_json=as_json)
