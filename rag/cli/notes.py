"""Commands about notes: what is kept of answers and documents, with its sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library, typed_or_piped
from rag.cli.printing import one_line, print_json, results, tell
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.history.notes import Note, Notes
    from rag.library import Library

notes = typer.Typer(
    help="Notes: list, show, add, edit, remove, export, import.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(notes, name="notes")

NoteArgument = Annotated[int, typer.Argument(help="The note's number, as listed.", metavar="ID")]
STATES = {
    "unchanged": "",
    "changed": "changed since: the document no longer says this",
    "deleted": "gone: the document is not in the library any more",
}


@notes.command("list")
def list_notes(
    context: typer.Context,
    words: Annotated[str, typer.Argument(help="Only notes that hold all these words.")] = "",
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List the notes, those of all collections or of one, the one changed last first."""
    opened = open_library(context, library=library)
    kept = opened.notes_of("")
    for note in kept.list(words, limit=-1):
        if collection not in (None, note.collection):
            continue
        stale = sum(one.state != "unchanged" for one in kept.citations_today(note))
        if as_json:
            facts = {"id": note.id, "title": note.title, "collection": note.collection}
            print_json(facts | {"created": note.created, "updated": note.updated, "stale_sources": stale})
        else:
            flag = f"  ({stale} of its sources changed or gone)" if stale else ""
            results.print(f"{note.id}  {note.updated[:10]}  {note.title}{flag}")


@notes.command("show")
def show_note(
    context: typer.Context,
    note_id: NoteArgument,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Print a note with its sources, and what became of them."""
    kept = open_library(context, library=library).notes_of("")
    note = kept.load(note_id)
    if as_json:
        print_json(note_json(kept, note))
        return
    results.print(f"{note.title}\n", style="bold")
    results.print(note.text + "\n")
    for source in kept.citations_today(note):
        cited = source.citation
        page = f", page {cited.page}" if cited.page else ""
        results.print(f"[{cited.marker}] {source.doc}{page}: “{one_line(cited.quote)}”")
        if STATES[source.state]:
            results.print(f"    {STATES[source.state]}", style="yellow")


def note_json(kept: Notes, note: Note) -> dict[str, Any]:
    """A note with each of its sources and its state: unchanged, changed or deleted."""
    from rag.history.receipts import citation_json

    sources = [
        citation_json(one.citation) | {"state": one.state, "doc_today": one.doc}
        for one in kept.citations_today(note)
    ]
    facts = {
        name: getattr(note, name) for name in ("id", "title", "text", "collection", "created", "updated")
    }
    return facts | {"sources": sources}


@notes.command("add")
def add_note(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The note, in Markdown; - reads it from standard input.")] = "",
    title: Annotated[str, typer.Option("--title", help="Else it is the note's beginning.")] = "",
    doc: Annotated[str, typer.Option("--doc", help="The document that --quote is from.")] = "",
    quote: Annotated[str, typer.Option("--quote", help="Words of the document, kept with their place.")] = "",
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Keep words of your own, or words of a document with their place; `ask --note` keeps an answer."""
    opened = open_library(context, library=library, collection=collection)
    kept, words = opened.notes_of(""), typed_or_piped(text)
    if bool(doc) != bool(quote):
        raise UsageError("--doc and --quote go together: a document, and words of it.")
    if quote:
        note_id = keep_quote(opened, doc, quote)
        note = kept.load(note_id)
        text = "\n\n".join(filter(None, (words.strip(), note.text)))
        kept.edit(note_id, title=title or note.title, text=text)
    else:
        note_id = kept.write(words, title=title, collection=opened.settings.collection)
    tell_kept(note_id, as_json=as_json)


def keep_quote(library: Library, doc: str, quote: str) -> int:
    """Keeps words of a document as a note; returns its id."""
    found = library.quotation(doc, quote)
    return library.notes_of("").keep_excerpts(*found, collection=library.settings.collection)


def tell_kept(note_id: int, *, as_json: bool) -> None:
    """The number of a note that was kept."""
    tell({"id": note_id}, f"Kept as note {note_id}", as_json=as_json)


@notes.command("edit")
def edit_note(
    context: typer.Context,
    note_id: NoteArgument,
    title: Annotated[str | None, typer.Option("--title")] = None,
    text: Annotated[str | None, typer.Option("--text", help="- reads it from standard input.")] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Give a note another title or text; its sources stay for as long as the text cites them."""
    kept = open_library(context, library=library).notes_of("")
    kept.edit(note_id, title=title, text=None if text is None else typed_or_piped(text))
    tell_kept(note_id, as_json=as_json)


@notes.command("remove")
def remove_note(
    context: typer.Context,
    note_id: NoteArgument,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Remove a note for good."""
    open_library(context, library=library).notes_of("").delete(note_id)
    tell({"removed": note_id}, f"Removed note {note_id}", as_json=as_json)


@notes.command("export")
def export_notes(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="FILE.md, .docx, .pdf, or .json for `notes import`.")],
    note_ids: Annotated[
        list[int] | None, typer.Argument(help="The notes; else all.", metavar="[ID]...")
    ] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Write notes to a file, those of all collections or of one, each source a footnote."""
    from rag.history.paper import notes_paper, write_paper

    kept = open_library(context, library=library).notes_of("")
    every = (note for note in kept.list(limit=-1) if collection in (None, note.collection))
    chosen = [kept.load(id_) for id_ in note_ids] if note_ids else list(every)
    if not chosen:
        raise UsageError("There are no notes to export.")
    if target.suffix == ".json":
        content = kept.export_json([note.id for note in chosen]).encode()
    else:
        content = write_paper(notes_paper(chosen), target.suffix)
    written(target, content)
    tell({"file": str(target), "notes": len(chosen)}, f"Wrote {counted(chosen)} to {target}", as_json=as_json)


def written(target: Path, content: bytes) -> None:
    """Writes a file; `UsageError` where that cannot be."""
    try:
        target.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error


@notes.command("import")
def import_notes(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A file of `notes export`.", metavar="FILE.json")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Add the notes of a file."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} cannot be read: {error}") from error
    added = open_library(context, library=library).notes_of("").import_json(text)
    tell({"ids": list(added)}, f"Added {counted(added)}", as_json=as_json)


def counted(notes: Sequence[object]) -> str:
    """How many notes."""
    return "1 note" if len(notes) == 1 else f"{len(notes)} notes"
