"""Commands that explore: cluster, map, scale, arithmetic, compare, sql."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rag.cli import app
from rag.cli.options import (
    CollectionOption,
    CountOption,
    JsonOption,
    LibraryOption,
    open_library,
    typed_or_piped,
)
from rag.cli.printing import one_line, print_json, results, say
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.explore import Points
    from rag.explore.clusters import Cluster
    from rag.library import Library
    from rag.store import Kind, PointLabel

SHOWN_MEMBERS = 5
SHOWN_CHARACTERS = 100
SIDES = (72, 24)  # of the map in a terminal, in characters
PassagesOption = Annotated[bool, typer.Option("--passages", help="Take passages instead of whole documents.")]
DocsOption = Annotated[
    list[str] | None, typer.Option("--doc", help="Only this document, by its path; repeat for several.")
]


def kind_of(passages: bool) -> Kind:
    """What the points are."""
    return "passages" if passages else "documents"


def short(text: str) -> str:
    """The beginning of a text, on one line."""
    line = one_line(text)
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"


def place_of(label: PointLabel) -> dict[str, Any]:
    """Where a point is found again."""
    place: dict[str, Any] = {"id": label.id, "doc": label.doc, "title": label.title, "page": label.page}
    return place | {"text": label.text}


@app.command()
def cluster(
    context: typer.Context,
    count: Annotated[
        int | None, typer.Argument(min=2, help="How many; without, as many as there are.")
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="As many as there are (HDBSCAN).")] = False,
    names: Annotated[
        bool, typer.Option("--summary", help="Have the chat model name them, where it is able to.")
    ] = False,
    passages: PassagesOption = False,
    doc: DocsOption = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Group the documents by what they are about, and name each group by its distinctive words.

    With --json one list, as `llm cluster` prints it. The groups are kept in the table `clusters`.
    """
    from rag.explore.collection import clusters_of
    from rag.explore.naming import namer_of

    if auto and count is not None:
        raise UsageError("Give a number of clusters or --auto, not both.")
    opened = open_library(context, library=library, collection=collection)
    name = opened.require_documents()
    namer = namer_of(opened.chat_model, opened.settings.prompts) if names else None
    points, found = clusters_of(opened.store, name, count, kind=kind_of(passages), docs=doc, namer=namer)
    if as_json:
        print_json([cluster_json(number, one, points) for number, one in enumerate(found)])
        return
    for one in found:
        results.print(f"{one.name or 'in no cluster'}  ({len(one.members)})", style="bold")
        for place in one.members[:SHOWN_MEMBERS]:
            results.print(f"  {described(points.labels[place], passages)}")


def cluster_json(number: int, found: Cluster, points: Points) -> dict[str, Any]:
    """A cluster with the keys of `llm cluster`: `id`, `items`, `summary`; `terms` besides."""
    items = [
        {"id": str(points.labels[place].doc), "content": points.labels[place].text, "score": round(near, 6)}
        | ({"passage": int(points.ids[place])} if points.kind == "passages" else {})
        for place, near in zip(found.members, found.similarities, strict=True)
    ]
    return {"id": str(number), "summary": found.name, "terms": list(found.terms), "items": items}


def described(label: PointLabel, passage: bool) -> str:
    """A point on one line."""
    page = f" · page {label.page}" if passage and label.page else ""
    return f"{label.doc}{page}  {short(label.text) if passage else label.title}"


@app.command(name="map")
def map_points(
    context: typer.Context,
    method: Annotated[Literal["pca", "tsne"], typer.Option("--method", help="How it is drawn.")] = "pca",
    passages: PassagesOption = False,
    doc: DocsOption = None,
    near: Annotated[
        str | None, typer.Option("--near", help="Also how near each is to this text, as `similarity`.")
    ] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Lay the documents out in two dimensions; with --json a line for each, x and y between -1 and 1."""
    from rag.explore.collection import map_of, similarities_to

    opened = open_library(context, library=library, collection=collection)
    name = opened.require_documents()
    found = map_of(opened.store, name, kind=kind_of(passages), method=method, docs=doc)
    close = None if near is None else similarities_to(found.points, near, opened.embedder_of(name))
    if not as_json:
        results.print(drawn(found.coordinates))
        say("With --json: the coordinates. The app draws them, under Explore.")
        return
    for place, (label, (x, y)) in enumerate(
        zip(found.points.labels, found.coordinates.tolist(), strict=True)
    ):
        point = place_of(label) | {"x": round(x, 5), "y": round(y, 5), "language": label.language}
        print_json(point | ({} if close is None else {"similarity": round(float(close[place]), 6)}))


def drawn(coordinates: Iterable[Sequence[float]]) -> str:
    """The map as dots in the terminal; more points in a place make a heavier one."""
    wide, high = SIDES
    cells = [[0] * wide for _ in range(high)]
    for x, y in coordinates:
        column, row = round((x + 1) / 2 * (wide - 1)), round((1 - y) / 2 * (high - 1))
        cells[row][column] += 1
    signs = " ·•●"
    return "\n".join("".join(signs[min(n, 3)] for n in row).rstrip() for row in cells)


@app.command()
def scale(
    context: typer.Context,
    ends: Annotated[
        list[str],
        typer.Argument(
            help='Two ends or more: "NAME=example|example"; or the name of a scale that was saved.',
            metavar="END...",
        ),
    ],
    text: Annotated[
        str | None, typer.Option("--text", help="Score the sentences of this text; - reads standard input.")
    ] = None,
    doc: Annotated[str | None, typer.Option("--doc", help="Score the sentences of a document.")] = None,
    passages: PassagesOption = False,
    save: Annotated[
        str | None,
        typer.Option("--save", help="Keep it under this name, in the table `scales`.", metavar="NAME"),
    ] = None,
    count: CountOption = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Score documents, or the sentences of a text, between examples of two ends, or of several classes.

    The score of two ends goes from 0, like the first, to 1, like the second. A scale that was saved is a
    filter too: `scale:NAME>0.6`, `scale:NAME<0.4`, or of classes `scale:NAME=CLASS`.
    """
    from rag.explore.collection import keep_scale, ranked, scale_of, scored_sentences, text_of
    from rag.explore.scales import parse_examples

    opened = open_library(context, library=library, collection=collection)
    examples = saved_examples(opened, ends) or parse_examples(ends)
    if save and (passages or text is not None or doc is not None):
        raise UsageError("--save keeps the scores of documents; leave --text, --doc and --passages out.")
    if text is not None or doc is not None:
        read = text_of(opened.store, opened.require_documents(), doc) if doc else typed_or_piped(str(text))
        embedder = opened.embedder
        made = scale_of(examples, embedder)
        tell_accuracy(made.accuracy)
        for start, end, found in scored_sentences(read, made, embedder):
            sentence = {"start": start, "end": end, "text": read[start:end]}
            show_score(made.classes, found, sentence, short(read[start:end]), as_json)
        return
    name = opened.require_documents()
    made = scale_of(examples, opened.embedder_of(name))
    tell_accuracy(made.accuracy)
    points, scored = ranked(opened.store, name, made, kind=kind_of(passages))
    if save:
        keep_scale(opened.store, name, save, examples, made, points, scored)
    order = (-scored[:, -1] if len(made.classes) == 2 else -scored.max(axis=1)).argsort(kind="stable")
    for place in order[:count].tolist():
        label = points.labels[place]
        line = described(label, passages)
        show_score(made.classes, scored[place].tolist(), place_of(label), line, as_json)


def saved_examples(library: Library, ends: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
    """The examples of a saved scale, where its name is all that was given."""
    if len(ends) != 1 or "=" in ends[0]:
        return None
    kept = {one.name: one.examples for one, _ in library.store.scales(library.require_documents())}
    if ends[0] not in kept:
        there = ", ".join(kept) or "none yet"
        raise UsageError(f"No scale is saved as {ends[0]!r} (there: {there}).")
    return kept[ends[0]]


def tell_accuracy(accuracy: float | None) -> None:
    """How far the examples themselves can be told apart."""
    if accuracy is None:
        say("Give two examples or more of each end to learn how well they can be told apart.")
    else:
        say(f"Leave-one-out accuracy of the examples: {accuracy:.0%}")


def show_score(
    classes: Sequence[str], found: Sequence[float], what: Mapping[str, Any], line: str, as_json: bool
) -> None:
    """One text with its score; `line` is what it is for people."""
    best = classes[max(range(len(found)), key=lambda place: found[place])]
    value = found[-1] if len(classes) == 2 else max(found)
    if as_json:
        each = {name: round(float(score), 4) for name, score in zip(classes, found, strict=True)}
        print_json({"score": round(float(value), 4), "class": best, "scores": each} | dict(what))
    else:
        results.print(f"{value:6.3f}  {best}  {line}")


@app.command()
def arithmetic(
    context: typer.Context,
    expression: Annotated[str, typer.Argument(help='Texts with + and - between blanks: "A - B + C".')],
    documents: Annotated[
        bool, typer.Option("--documents", help="The nearest documents, not passages.")
    ] = False,
    count: CountOption = 10,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Add and subtract the meanings of texts, and find the passages nearest to the sum."""
    from rag.explore.collection import nearest_to_sum

    opened = open_library(context, library=library, collection=collection)
    name = opened.require_documents()
    embedder = opened.embedder_of(name)
    kind = kind_of(not documents)
    points, found = nearest_to_sum(opened.store, name, expression, embedder, count or 10, kind=kind)
    for place, score in found:
        label = points.labels[place]
        if as_json:
            print_json({"score": round(score, 6)} | place_of(label))
        else:
            results.print(f"{score:.3f}  {described(label, not documents)}")


@app.command()
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(help="A text.")],
    second: Annotated[str | None, typer.Argument(help="Another text.")] = None,
    doc: Annotated[
        str | None, typer.Option("--doc", help="Compare with each passage of this document instead.")
    ] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Say how near two texts are under each model and measure, or a text to each passage of a document."""
    opened = open_library(context, library=library, collection=collection)
    if (second is None) == (doc is None):
        raise UsageError("Give two texts, or one and --doc DOC.")
    if doc is not None:
        compare_with_passages(opened, first, doc, as_json)
        return
    from rag.explore.collection import compared

    for found in compared(opened, first, str(second)):
        if as_json:
            print_json(found)
        else:
            measures = "  ".join(f"{name} {value:.4f}" for name, value in found.items() if name != "model")
            results.print(f"{found['model']}  {measures}")


def compare_with_passages(opened: Library, text: str, doc: str, as_json: bool) -> None:
    """How near a text is to each passage of a document, in reading order."""
    from rag.explore import load_points
    from rag.explore.collection import similarities_to

    name = opened.require_documents()
    points = load_points(opened.store, name, "passages", docs=[doc])
    near = similarities_to(points, text, opened.embedder_of(name))
    for place in sorted(range(len(points)), key=lambda place: points.labels[place].start):
        label = points.labels[place]
        if as_json:
            print_json({"score": round(float(near[place]), 6)} | place_of(label))
        else:
            bar = "█" * max(0, round(float(near[place]) * 20))
            results.print(f"{near[place]:6.3f} {bar:<20} {short(label.text)}")


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A select statement; - reads it from standard input.")],
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Ask the library's database in SQL, read only.

    Besides SQLite's functions: embed(text), embed_passage(text), cosine(a, b), vector_json(v),
    vector_blob(v), and sqlite-vec's, such as vec_distance_cosine(a, b). Views to begin with: v_passages,
    v_vectors, v_similarities, v_clusters, v_scores.
    """
    from rag.explore.functions import embedding_functions, vector_functions
    from rag.store.console import run_sql

    opened = open_library(context, library=library, collection=collection)
    for known in opened.store.collections():
        opened.store.compare_documents(known.name)
    functions = vector_functions() | embedding_functions(lambda: opened.embedder)
    with run_sql(opened.store.file, typed_or_piped(query), functions) as (columns, rows):
        if as_json:
            for row in rows:
                print_json(dict(zip(columns, map(json_value, row), strict=True)))
        else:
            print_table(columns, rows)


def json_value(value: Any) -> Any:
    """A value as sqlite-utils and Datasette write it: bytes in base64."""
    if isinstance(value, bytes):
        return {"$base64": True, "encoded": base64.b64encode(value).decode()}
    return value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows for people: one a line, bytes by their size."""
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            *(f"<{len(v)} bytes>" if isinstance(v, bytes) else "" if v is None else str(v) for v in row)
        )
    if columns:
        results.print(table)
