"""The command about questions that a chat model writes for passages: questions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, CountOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import print_json, results
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.explore.questions import WrittenQuestion
    from rag.library import Library
    from rag.store import QuestionCounts


@app.command()
def questions(
    context: typer.Context,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write some now, for -n passages or all; Ctrl-C keeps what is done."),
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List those that are kept.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove all that were written.")] = False,
    count: CountOption = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Chat model: a name, a GGUF file or a server's URL.")
    ] = None,
) -> None:
    """Say how many passages have a question written for them, what it took, and what is left; or write some.

    A question is kept only if it finds its passage. A search compares with it beside the passage itself. The
    app writes while the machine is idle once the setting `idle_questions` is on.
    """
    if write + listed + remove > 1:
        raise UsageError("Give one of --write, --list and --remove.")
    opened = open_library(context, library=library, collection=collection, chat_model=model)
    name = opened.require_documents()
    if listed:
        for line in kept_questions(opened, name, count):
            print_json(line) if as_json else results.print(f"{line['doc']}  {line['question']}")
        return
    if remove:
        opened.store.written.remove(name)
    if write:
        write_some(opened.write_questions(name), count, as_json)
    counts = opened.store.written.counts(name)
    if not as_json:
        results.print(told(counts))
    elif not write:
        print_json(counts_json(counts))


def write_some(written: Iterator[WrittenQuestion], count: int | None, as_json: bool) -> None:
    """Prints each question as it is written."""
    for one in islice(written, count):
        outcome = "kept" if one.kept else "not found" if one.question else "none"
        if as_json:
            print_json(
                {"doc": one.hit.doc, "page": one.hit.page, "question": one.question, "kept": one.kept}
                | {"seconds": round(one.seconds, 2)}
            )
        else:
            results.print(f"{one.seconds:5.1f} s  {outcome:9}  {one.hit.doc}  {one.question}")


def kept_questions(library: Library, collection: str, count: int | None) -> Iterator[dict[str, Any]]:
    """The questions that are searched, with where their passages are."""
    columns = ("doc", "title", "page", "passage_id", "question", "writer", "seconds", "made")
    for row in library.store.written.listed(collection, count):
        yield dict(zip(columns, row, strict=True))


def counts_json(counts: QuestionCounts) -> dict[str, Any]:
    """How far a collection is, and what it took."""
    left = counts.seconds_left
    return {
        "passages": counts.passages,
        "asked": counts.asked,
        "kept": counts.kept,
        "seconds": round(counts.seconds, 1),
        "seconds_left": None if left is None else round(left, 1),
        "bytes": counts.bytes,
    }


def told(counts: QuestionCounts) -> str:
    """The same for people."""
    line = f"{counts.asked:,} of {counts.passages:,} passages asked about; {counts.kept:,} questions kept."
    if not counts.asked:
        return f"{line}\nWrite some: python -m rag questions --write -n 20"
    took = f"{counts.seconds / counts.asked:.1f} s a passage, {counts.bytes / 1e6:.1f} MB on the disk"
    return f"{line}\n{took}; all the others take about {(counts.seconds_left or 0) / 3600:.1f} hours."
