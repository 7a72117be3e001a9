"""Commands about the library itself: collections, embed, backup, doctor."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rag.cli import FAILED, app
from rag.cli.documents import follow_ingest, show_receipt
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library, typed_or_piped
from rag.cli.printing import print_json, results, say, tell
from rag.errors import LibraryDamaged, UsageError

if TYPE_CHECKING:
    from rag.library import Library
    from rag.store import SqliteStore

collections = typer.Typer(
    help="Collections: list, instruct, remove.", no_args_is_help=True, rich_markup_mode=None
)
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
            row |= {"instruction": found.instruction}
            print_json(row | {"model": found.model, "dimensions": found.dimensions, "created": found.created})
        else:
            results.print(
                f"{found.name}  {found.documents} documents, {found.passages} passages, {found.model}"
            )


@collections.command("remove")
def remove_collection(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The collection to remove. The files themselves stay.")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Remove a collection from the library; the documents' own files stay where they are."""
    store = open_library(context, library=library).store
    store.remove_collection(name)
    for file in store.backups():
        say(f"{file} still has its text; delete it if the text has to be gone")
    tell({"removed": name}, f"Removed the collection '{name}'", as_json=as_json)


@collections.command("instruct")
def instruct_collection(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The collection.")],
    instruction: Annotated[str, typer.Argument(help="What answers from it should heed; '' for nothing.")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Tell the chat model something about all answers from a collection: their tone, length or language."""
    open_library(context, library=library).store.instruct(name, instruction)
    told = f"Answers from '{name}' heed this now" if instruction.strip() else f"'{name}' has no instruction"
    tell({"name": name, "instruction": instruction.strip()}, told, as_json=as_json)


@app.command()
def embed(
    context: typer.Context,
    text: Annotated[
        str | None, typer.Argument(help="A text whose vector is printed; - reads it from standard input.")
    ] = None,
    form: Annotated[
        Literal["json", "hex", "base64"], typer.Option("--format", help="How the vector is written.")
    ] = "json",
    binary: Annotated[bool, typer.Option("--binary", help="Write its bytes, little-endian float32.")] = False,
    passage: Annotated[
        bool, typer.Option("--passage", help="Embed it as documents are, not as questions are.")
    ] = False,
    decode: Annotated[
        bool, typer.Option("--decode", help="The text is a vector in any of these forms; print its numbers.")
    ] = False,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Print the vector of a text; without a text, embed a collection again with the library's model.

    Embedding again, the old vectors serve until it is done.
    """
    from rag.explore.codec import read, written

    opened = open_library(context, library=library, collection=collection)
    if text is None:
        if decode or binary or passage:
            raise UsageError("Give the text to embed or to decode, or - for standard input.")
        show_receipt(follow_ingest(opened.embed_again()), as_json=as_json)
        return
    vector = read(typed_bytes(text)) if decode else text_vector(opened, text, passage=passage)
    if as_json:
        model = {} if decode else {"model": opened.embedder_identity}
        print_json(model | {"dimensions": len(vector), "vector": json.loads(written(vector, "json"))})
        return
    sys.stdout.buffer.write(written(vector, "binary" if binary else form) + (b"" if binary else b"\n"))
    sys.stdout.buffer.flush()


def text_vector(library: Library, text: str, *, passage: bool) -> Sequence[float]:
    """The vector of a text as the collection's passages, or as questions, are embedded."""
    content = typed_or_piped(text)
    if not content.strip():
        raise UsageError("There is no text to embed.")
    embedder = library.embedder
    embed_texts = embedder.embed_passages if passage else embedder.embed_queries
    vector: Sequence[float] = embed_texts([content], truncate=True)[0].tolist()
    return vector


def typed_bytes(text: str) -> bytes:
    """The text's bytes, or those on standard input for "-"."""
    return sys.stdin.buffer.read() if text == "-" else text.encode()


@app.command()
def backup(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(help="The file to write, or a folder for dated ones.", metavar="FILE.db|FOLDER")
    ],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Copy the library's database while it is in use, and check the copy.

    In a folder the copy gets the date, and older ones are thinned: the newest of each of the last 7 days,
    4 weeks and 12 months stays.
    """
    from rag.store import backups

    store = open_library(context, library=library).store
    if target.is_dir():
        target = backups.back_up(store, target)
    else:
        store.back_up(target)
    tell({"file": str(target)}, f"Backed up to {target}", as_json=as_json)


@app.command()
def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="The backup.", metavar="FILE.db")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Put a backup in the place of the library; what was there is kept beside it."""
    from rag.ingest.lock import writer_lock
    from rag.store.database import require_sound
    from rag.store.salvage import put_backup_in_place

    opened = open_library(context, library=library)
    require_sound(source)
    with writer_lock(opened.settings.database, purpose="restore a backup"):
        try:
            before = opened.store.restore(source)
        except LibraryDamaged:
            opened.close()
            before = put_backup_in_place(opened.settings.database, source)
    told = f"Restored from {source}; what was there is in {before}"
    tell({"file": str(source), "before": str(before)}, told, as_json=as_json)


@app.command(name="export")
def export_library(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE.db")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Write a collection, or all of them with conversations and notes, to one file for `import`."""
    from rag.store import open_store
    from rag.store.index_file import discard

    if target.exists():
        raise UsageError(f"{target} exists already; name another file.")
    opened = open_library(context, library=library)
    with open_store(target) as copied:
        copy_all(opened.store, copied, collection, as_json=as_json)
    discard(target)


@app.command(name="import")
def import_library(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A file of `export` or `backup`.", metavar="FILE.db")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Add the collections, conversations and notes of a file to the library; nothing is embedded again."""
    from rag.ingest.lock import writer_lock
    from rag.store import open_store
    from rag.store.database import require_sound

    require_sound(source)
    ours = open_library(context, library=library).store
    with TemporaryDirectory() as folder, writer_lock(ours.path, purpose=f"import {source}"):
        copy = shutil.copy(source, folder)  # opening a library makes an index beside it
        with open_store(Path(copy)) as theirs:
            copy_all(theirs, ours, collection, as_json=as_json)


@app.command()
def migrate(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(help="The other library: a folder, or postgresql://…", metavar="LIBRARY")
    ],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Copy the library into another one, on a server or in a folder; nothing is embedded again.

    Run it again after an interruption: it goes on with what is missing.
    """
    from rag.ingest.lock import writer_lock
    from rag.library import Library
    from rag.settings import load_settings

    ours = open_library(context, library=library)
    with Library(load_settings(library=target)) as theirs:
        if theirs.settings.database == ours.settings.database:
            raise UsageError(f"{target} is this library; name another one.")
        with writer_lock(theirs.store.path, purpose="copy a library into it"):
            copy_all(ours.store, theirs.store, collection, as_json=as_json, resume=True)


def copy_all(
    source: SqliteStore, target: SqliteStore, collection: str | None, *, as_json: bool, resume: bool = False
) -> None:
    """Copies one collection, or everything, and tells how much that was."""
    from rag.store.transfer import copy_collection, copy_conversations, copy_notes

    names = [collection] if collection else [found.name for found in source.collections(attached=True)]
    documents = sum(1 for name in names for _ in copy_collection(source, target, name, resume=resume))
    conversations = 0 if collection else copy_conversations(source, target)
    notes = 0 if collection else copy_notes(source, target)
    record = {"documents": documents, "collections": names, "conversations": conversations, "notes": notes}
    told = (
        f"Copied {documents} documents of {len(names)} collections, {conversations} conversations and"
        f" {notes} notes"
    )
    tell(record, told, as_json=as_json)


@app.command()
def doctor(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Make the indexes again from the rows.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Index, search and answer, and show that nothing is sent.")
    ] = False,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Check the library and its models; exit code 1 when something is wrong."""
    from rag import doctor

    opened = open_library(context, library=library)
    if repair:
        salvaged = doctor.repair(opened)
        if salvaged is not None:
            kept = ", ".join(f"{number} {table}" for table, number in salvaged.kept.items())
            say(f"The library was damaged. Kept: {kept}. The damaged file is {salvaged.damaged}.")
            say("Ingest the same folders once more: what is missing is read again.")
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
