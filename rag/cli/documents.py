"""Commands about documents: ingest, report, show, related."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rag.cli import FAILED, SOME_FAILED, app
from rag.cli.interrupts import stop_on_interrupt
from rag.cli.options import CollectionOption, CountOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import messages, print_json, results, say
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.ingest import IngestEvent, Receipt
    from rag.ingest.rows import Columns, Form
    from rag.records import Hit
    from rag.store import ReportRow

RELATED_COUNT = 10


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders and web pages (https://…); - reads JSON lines, a JSON list, CSV or TSV.",
            metavar="[PATH...]",
        ),
    ] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
    password: Annotated[
        str | None, typer.Option("--password", help="For encrypted documents.", envvar="FOOTNOTE_PASSWORD")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="Pattern of files to leave out, as in .gitignore.")
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Read hidden files and folders too.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the contents of files of the same size and time too.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the documents of folders that are empty or gone.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep in step until stopped.")] = False,
    sitemaps: Annotated[
        list[str] | None,
        typer.Option("--sitemap", help="Fetch the web pages of a sitemap.", metavar="URL"),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch web pages of private addresses too.")
    ] = False,
    files: Annotated[
        tuple[Path, str] | None,
        typer.Option("--files", help="The files of a folder that match a pattern.", metavar="DIR GLOB"),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", help="Rows: the column with their ids.", metavar="COLUMN")
    ] = None,
    text_columns: Annotated[
        list[str] | None,
        typer.Option("--text", help="Rows: a column of text; the others are kept for meta:COLUMN=VALUE."),
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="Rows: goes before each id.")] = "",
    form: Annotated[
        Literal["json", "nl", "csv", "tsv"] | None,
        typer.Option("--format", help="Rows: the form of the input, where it is not told by its look."),
    ] = None,
    query: Annotated[
        str | None, typer.Option("--sql", help="Rows: those of this query on the database of --from.")
    ] = None,
    database: Annotated[
        Path | None, typer.Option("--from", help="An SQLite file for --sql.", metavar="FILE.db")
    ] = None,
) -> None:
    """Bring the collection in step with files and folders: new, changed, moved and deleted ones.

    Rows of tables become documents: from standard input, from a query, or, with --id, --text or --format,
    from the files named. Ctrl-C stops it after the files at hand, and prints what was done; the same command
    goes on from there.
    """
    from rag.ingest import Pages
    from rag.ingest.fetch import is_address
    from rag.ingest.rows import Columns

    opened = open_library(context, library=library, collection=collection)
    paths = [*(paths or []), *([str(files[0])] if files else [])]
    if not paths and query is None and not sitemaps:
        raise UsageError(
            "Name files, folders or web pages, - for standard input, --files DIR GLOB, or --sql and --from."
        )
    urls = [path for path in paths if is_address(path)]
    for sitemap in sitemaps or ():
        if not is_address(sitemap):
            raise UsageError(
                f"{sitemap}: a sitemap is named by its address, as https://example.org/sitemap.xml."
            )
    pages = Pages(tuple(urls), tuple(sitemaps or ()), allow_private) if urls or sitemaps else None
    columns = Columns(id_column, tuple(text_columns or ()), prefix)
    lines = lines_given(paths, columns, form, query, database)
    options: dict[str, Any] = {"password": password, "exclude": tuple(exclude or ()), "hidden": hidden}
    options |= {"verify": verify, "prune": prune}
    options["include"] = (files[1],) if files else ()
    # While the models load nothing has begun, and Ctrl-C simply ends the command.
    _ = opened.embedder, opened.second_embedder
    with stop_on_interrupt() as cancelled:
        if lines is not None:
            events = opened.ingest_lines(lines, cancelled=cancelled)
        else:
            start = opened.watch if watch else opened.ingest
            named = [Path(path) for path in paths if path not in urls]
            events = start(named, pages=pages, cancelled=cancelled, **options)
        receipt = follow_ingest(events)
        show_receipt(receipt, as_json=as_json)
        if watch and not receipt.interrupted:
            say("Watching for changes; Ctrl-C stops")
            for event in events:
                if event.receipt:
                    show_receipt(event.receipt, as_json=as_json)
    if receipt.interrupted:
        raise typer.Exit(FAILED)
    if receipt.failed:
        raise typer.Exit(SOME_FAILED)


def lines_given(
    paths: Sequence[str], columns: Columns, form: Form | None, query: str | None, database: Path | None
) -> Iterable[bytes | UsageError] | None:
    """The rows that the options name, as lines to ingest; None where the paths are files to read whole."""
    from rag.ingest.rows import Columns, lines_of, piped_lines, query_rows, read_rows

    if (query is None) != (database is None):
        raise UsageError("--sql and --from go together: a query, and the SQLite file it reads.")
    if query is not None and database is not None:
        return lines_of(query_rows(database, query), columns)
    named = columns != Columns() or form is not None
    if paths == ["-"]:
        return piped_lines(typer.get_binary_stream("stdin"), columns, form, named=named)
    if not named:
        return None
    try:
        contents = [Path(path).read_bytes() for path in paths]
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}.") from error
    return chain.from_iterable(lines_of(read_rows(data, form), columns) for data in contents)


def follow_ingest(events: Iterator[IngestEvent]) -> Receipt:
    """Shows an ingest's progress, with its rate and the time left, up to its receipt, and what failed."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f} files"),
        BarColumn(),
        TextColumn("{task.fields[rate]:.0f} passages/s{task.fields[left]}  {task.description}", markup=False),
    )
    with Progress(*columns, console=messages, transient=True) as progress:
        bar = progress.add_task("", total=1, rate=0, left="")
        for event in events:
            progress.update(
                bar,
                completed=event.files_done,
                total=max(event.files_total, 1),
                description=event.doc,
                rate=event.passages_per_second,
                left=time_left(event.seconds_left),
            )
            if event.receipt:
                receipt = event.receipt
                break
        else:
            raise AssertionError("an ingest always ends with its receipt")
    for failed in receipt.failures:
        named = failed.error.startswith(failed.doc)
        say(f"Failed: {failed.error}" if named else f"Failed: {failed.doc}: {failed.error}")
    return receipt


def time_left(seconds: float | None) -> str:
    """ ", 1:05 left", or nothing when there is no estimate."""
    return "" if seconds is None else f", {int(seconds) // 60}:{int(seconds) % 60:02d} left"


def show_receipt(receipt: Receipt, *, as_json: bool) -> None:
    """What the ingest did."""
    if as_json:
        print_json(receipt.as_json())
        return
    counts = receipt.as_json()["documents"]
    told = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "nothing to do"
    results.print(f"{told}; {receipt.passages} passages in {receipt.seconds:.1f} s")
    for skipped in receipt.skipped:
        say(f"Skipped: {skipped.doc}: {skipped.error}")
    if receipt.interrupted:
        say("Stopped before the end; run the same command again to go on.")


@app.command()
def report(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Show the stored receipt of each document: what was read, what was indexed, what was not."""
    opened = open_library(context, library=library, collection=collection)
    rows = opened.store.report(opened.settings.collection)
    if as_json:
        print_json({"documents": [row.as_json() for row in rows]})
    else:
        print_report(rows)


def print_report(rows: Iterable[ReportRow]) -> None:
    """The receipts as a table, with what needs attention below each document."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("document", "status", "language"):
        table.add_column(name, overflow="fold")
    for name in ("pages", "passages", "read", "indexed"):
        table.add_column(name, justify="right")
    for row in rows:
        counts = (
            str(row.pages or ""),
            str(row.passages),
            str(row.characters_read),
            str(row.characters_indexed),
        )
        table.add_row(row.doc, row.status, row.language or "", *counts)
        for note in filter(None, [row.error, *row.as_json()["warnings"]]):
            table.add_row(f"  {note}")
    results.print(table)


@app.command()
def show(
    context: typer.Context,
    doc: Annotated[str, typer.Argument(help="A document, by its path in the collection.")],
    text: Annotated[bool, typer.Option("--text", help="Only the text that was read.")] = False,
    passages: Annotated[
        bool, typer.Option("--passages", help="Only the passages it was split into.")
    ] = False,
    receipt: Annotated[bool, typer.Option("--report", help="Only its receipt.")] = False,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Show what was read of a document: its receipt, its text and its passages."""
    opened = open_library(context, library=library, collection=collection)
    store, name = opened.store, opened.settings.collection
    texts = {stored.id: stored.text for stored in store.documents_named(name, doc)}
    rows = [row for row in store.report(name) if row.doc == doc or row.id in texts]
    if not rows:
        raise UsageError(f"{doc}: not in the collection {name}. See `report` for the documents in it.")
    every = not (text or passages or receipt)
    for row in rows:
        found: dict[str, Any] = {"doc": row.doc, "root": row.root, "path": row.place, "title": row.title}
        if receipt or every:
            found["report"] = row.as_json()
            found["metadata"] = row.metadata
        if text or every:
            found["text"] = texts.get(row.id, "")
        if passages or every:
            found["passages"] = [passage_json(hit) for hit in store.hits(store.passage_rowids([row.id]))]
        if as_json:
            print_json(found)
        else:
            print_shown(row, found, with_passages=passages)


def passage_json(hit: Hit) -> dict[str, Any]:
    """A passage with its place in the document's text."""
    passage = hit.passage
    return {
        "start": passage.start,
        "end": passage.end,
        "pages": [passage.first_page, passage.last_page],
        "heading": hit.heading,
        "kind": passage.kind,
        "tokens": passage.token_count,
        "text": passage.text,
    }


def print_shown(row: ReportRow, found: dict[str, Any], *, with_passages: bool) -> None:
    """A document for people: the receipt, then the text; the passages, if they are asked for."""
    if "report" in found:
        print_report([row])
        for column, value in found["metadata"].items():
            results.print(f"  {column}: {value}")
    if with_passages:
        for number, one in enumerate(found["passages"], start=1):
            page = f", page {one['pages'][0]}" if one["pages"][0] else ""
            results.print(f"[{number}{page}] {one['heading']}\n{one['text']}\n")
    elif "text" in found:
        results.print(found["text"])


@app.command()
def related(
    context: typer.Context,
    doc: Annotated[str, typer.Argument(help="A document, by its path in the collection.")],
    count: CountOption = RELATED_COUNT,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List the documents nearest to a document."""
    opened = open_library(context, library=library, collection=collection)
    for found in opened.store.related(opened.settings.collection, doc, count or RELATED_COUNT):
        if as_json:
            print_json({"doc": found.doc, "title": found.title, "score": round(found.score, 6)})
        else:
            results.print(f"{found.score:.3f}  {found.doc}  {found.title}")
