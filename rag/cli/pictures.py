"""The command about pictures: images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, CountOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import one_line, print_json, results, say
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.explore.pictures import PictureHit
    from rag.library import Library
    from rag.store import PictureRow

SHOWN = 20
SHOWN_CHARACTERS = 100


@app.command()
def images(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Argument(help="Words for what to find; without, every picture is listed.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option("--like", help="Find what looks like this picture.", metavar="PICTURE")
    ] = None,
    count: CountOption = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Find the pictures of documents by words, or by another picture.

    Captions, the text around them and the text on them are searched; what they show too, once a model that
    sees pictures has been pulled.
    """
    from rag.explore.pictures import gallery

    if query is not None and like is not None:
        raise UsageError("Give words or --like, not both.")
    opened = open_library(context, library=library, collection=collection)
    if like is not None:
        if not like.is_file():
            raise UsageError(f"There is no picture {like}.")
        found = opened.similar_pictures(like.read_bytes(), count=count or SHOWN)
    elif query is not None:
        found = opened.find_pictures(query, count=count or SHOWN)
    else:
        found = gallery(opened.store.pictures.of_collection(opened.settings.collection))[:count]
    for hit in found:
        if as_json:
            print_json(picture_json(hit))
        else:
            results.print(picture_line(hit))
    if not as_json:
        say_how(opened, bool(found))


def picture_json(hit: PictureHit) -> dict[str, Any]:
    """A picture found; `image` is the same for the same picture elsewhere, `start` a place in the text."""
    one = hit.picture
    return {
        "score": round(hit.score, 6),
        "signals": {name: round(value, 6) for name, value in hit.signals.items()},
        "id": one.id,
        "image": one.image_id,
        "doc": one.doc,
        "title": one.title,
        "page": one.page,
        "start": one.start,
        "caption": one.caption,
        "headings": list(one.heading_path),
        "around": one.around,
        "text": one.text,
        "width": one.width,
        "height": one.height,
        "also": [{"doc": other.doc, "page": other.page} for other in hit.others],
    }


def picture_line(hit: PictureHit) -> str:
    """A picture on one line: how near it is, where it is, what is said of it."""
    cosine = hit.signals.get("picture")
    near = "" if not hit.signals else "words  " if cosine is None else f"{cosine:.3f}  "
    also = f"  (and {len(hit.others)} more)" if hit.others else ""
    return f"{near}{place(hit.picture)}{also}  {said(hit.picture)}".rstrip()


def place(one: PictureRow) -> str:
    """The document, and the page where it has several."""
    return f"{one.doc} · page {one.page}" if one.page and not one.media_type.startswith("image/") else one.doc


def said(one: PictureRow) -> str:
    """What is said of a picture, shortened: its caption, or else the text on it or around it."""
    line = one_line(one.caption or one.text or one.around)
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"


def say_how(opened: Library, found: bool) -> None:
    """What was searched, and what would find more."""
    if not found:
        say("No picture was found.")
    embedder = opened.picture_embedder
    if embedder is None:
        say(
            "Pictures are found by their captions, the text around them and the text on them. To find them "
            f"by what they show: python -m rag models pull {opened.settings.picture_model}"
        )
    elif missing := opened.store.pictures.missing(embedder.identity):
        say(f"{missing} pictures cannot be found by what they show yet: python -m rag embed")
