"""Commands about what documents say: summary, outline, diff, conflicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import messages, one_line, print_changes, print_json, results, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.answer.alignment import Comparison
    from rag.answer.outline import Mention, Outline
    from rag.records import Conflict

DocumentArgument = Annotated[str, typer.Argument(help="A document: its path, its title, or words of them.")]


@app.command()
def summary(
    context: typer.Context,
    docs: Annotated[
        list[str] | None,
        typer.Argument(help="Documents by path or title; the whole collection without.", metavar="[DOC]..."),
    ] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Chat model: a name, a GGUF file, a server's URL, or none.")
    ] = None,
) -> None:
    """Show the main points of documents, or of the whole collection, quoted from them."""
    from rag.cli.questions import shown
    from rag.history.receipts import answer_json

    opened = open_library(context, library=library, collection=collection, chat_model=model)
    chosen = [opened.document(name).doc for name in docs] if docs else None
    question = "Summarise this" if chosen else "Summarise everything"
    if as_json:
        print_json(answer_json(opened.answer(question, docs=chosen)))
    else:
        shown(opened, question, docs=chosen)


@app.command()
def outline(
    context: typer.Context,
    doc: DocumentArgument,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Show a document's main points, headings, key dates, amounts and parties, each quoted."""
    opened = open_library(context, library=library, collection=collection)
    found = opened.outline(doc)
    if as_json:
        print_json(outline_json(found))
    else:
        print_outline(found)


def outline_json(found: Outline) -> dict[str, Any]:
    """The guide to a document as the command line's contract has it."""
    from rag.history.receipts import quote_json

    def mentions(every: Sequence[Mention]) -> list[dict[str, Any]]:
        return [{"value": one.value, **without_marker(quote_json(one.evidence))} for one in every]

    sections = [
        {
            "heading": one.heading,
            "level": one.level,
            "page": one.page,
            "quote": one.evidence and without_marker(quote_json(one.evidence)),
        }
        for one in found.sections
    ]
    document = found.document
    return {
        "doc": document.doc,
        "title": document.title,
        "language": document.language,
        "date": document.date,
        "passages": found.passages,
        "passages_read": found.read,
        "points": [without_marker(quote_json(one)) for one in found.points],
        "sections": sections,
        "dates": mentions(found.dates),
        "amounts": mentions(found.amounts),
        "parties": mentions(found.parties),
    }


def without_marker(quote: dict[str, Any]) -> dict[str, Any]:
    """A quote that no answer numbers."""
    return {name: value for name, value in quote.items() if name != "marker"}


def print_outline(found: Outline) -> None:
    """The guide for people."""
    results.print(f"{found.document.title}  ({found.document.doc})", style="bold")
    for point in found.points:
        results.print(f"• {one_line(point.quote)}")
    if found.sections:
        results.print("\nSections", style="bold")
    for section in found.sections:
        page = f"  page {section.page}" if section.page else ""
        results.print(f"{'  ' * section.level}{section.heading}{page}")
        if section.evidence:
            results.print(f"{'  ' * section.level}  {one_line(section.evidence.quote)}", style="dim")
    for name, every in (("Dates", found.dates), ("Amounts", found.amounts), ("Parties", found.parties)):
        if every:
            results.print(f"\n{name}", style="bold")
        for one in every:
            results.print(f"  {one.value}: {one_line(one.evidence.quote)}")
    if found.read < found.passages:
        results.print(
            f"\nDates, amounts and parties: from {found.read} of {found.passages} passages", style="dim"
        )


@app.command()
def diff(
    context: typer.Context,
    first: DocumentArgument,
    second: DocumentArgument,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Show where two documents, or two versions of one, differ: both sides quoted, values side by side."""
    opened = open_library(context, library=library, collection=collection)
    found = opened.compare(first, second)
    if as_json:
        print_json(comparison_json(found))
    else:
        print_comparison(found)


def comparison_json(found: Comparison) -> dict[str, Any]:
    """A comparison as the command line's contract has it; `same` counts the pairs that are alike."""
    from rag.history.receipts import change_json

    return {
        "first": found.first.doc,
        "second": found.second.doc,
        "are_versions": found.are_versions,
        "same": found.same // 2,
        "changed": found.count("changed"),
        "added": found.count("added"),
        "removed": found.count("removed"),
        "share_read": round(found.read, 4),
        "changes": [change_json(change) for change in found.changes],
    }


def print_comparison(found: Comparison) -> None:
    """A comparison for people."""
    counts = ", ".join(f"{found.count(kind)} {kind}" for kind in ("changed", "added", "removed"))
    results.print(
        f"{found.first.doc} → {found.second.doc}: {counts}, {found.same // 2} unchanged", style="bold"
    )
    print_changes(found.changes)


@app.command()
def conflicts(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List where documents contradict each other: both sides quoted, with place and date.

    Superseded versions are left out. With --json a line for each conflict.
    """
    opened = open_library(context, library=library, collection=collection)
    with passages_read() as progress:
        found = opened.conflicts(progress=progress)
    for one in found:
        if as_json:
            print_json(conflict_json(one))
        else:
            print_conflict(one)
    if not as_json:
        say(f"{len(found)} conflict{'' if len(found) == 1 else 's'} between documents.")


@contextmanager
def passages_read() -> Iterator[Callable[[int, int], None]]:
    """A line on standard error that says how many passages have been read."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.completed:.0f}/{task.total:.0f} passages"), BarColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        bar = progress.add_task("", total=1)
        yield lambda done, of: progress.update(bar, completed=done, total=max(of, 1))


def conflict_json(found: Conflict) -> dict[str, Any]:
    """A conflict as the command line's contract has it; `start` and `end` are of the document's text."""
    return {"kind": found.kind} | {
        name: {
            "doc": side.doc,
            "title": side.title,
            "page": side.page,
            "heading": side.heading,
            "date": side.date,
            "value": side.value,
            "quote": side.quote,
            "start": side.start,
            "end": side.end,
        }
        for name, side in (("first", found.first), ("second", found.second))
    }


def print_conflict(found: Conflict) -> None:
    """A conflict for people: the two values, and under them each side's place, date and words."""
    results.print(f"{found.first.value} ↔ {found.second.value}", style="bold yellow")
    for side in (found.first, found.second):
        page = f" · page {side.page}" if side.page else ""
        results.print(f"  {side.doc}{page} · {side.date or 'no date'}", style="bold")
        results.print(f"    {one_line(side.quote)}")
    results.print("")
