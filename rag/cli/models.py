"""Commands about models: list, pull, use, remove, tune."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rag.cli import app
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import messages, print_json, results, say
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.llm import TunedModel
    from rag.llm.capability import Grade
    from rag.models import Installed, Model, Progress, ShowProgress
    from rag.settings import Settings

models = typer.Typer(
    help="Models: list, pull, use, remove, tune.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(models, name="models")

NameArgument = Annotated[str, typer.Argument(help="The model's name in `models list`.")]
GIGABYTE = 1_000_000_000


@models.command("list")
def list_models(
    context: typer.Context,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """List the models there are, and those that can be pulled, with size, memory and licence."""
    from rag.models import CATALOGUE, installed, total_memory

    settings = open_library(context, library=library).settings
    ready = {model.name: model for model in installed(settings.models)}
    used = used_models(settings)
    listed = [catalogue_row(model) for model in CATALOGUE]
    known = {model.name for model in CATALOGUE}
    listed += [installed_row(model) for name, model in ready.items() if name not in known]
    memory_there = total_memory()
    for row in listed:
        row["installed"], row["used"] = row["name"] in ready, row["name"] in used
        row["memory_there"] = memory_there
        row["fits"] = memory_there is None or row["memory"] <= memory_there
        if as_json:
            print_json(row)
        else:
            print_model(row)


def used_models(settings: Settings) -> set[str]:
    """The names of the models in use."""
    from rag.models import PICTURE_TEXTS, picture_folders

    names = {settings.chat_model, settings.embedding_model, settings.reranker}
    if (folders := picture_folders(settings.picture_model, models=settings.models)) is not None:
        names |= {settings.picture_model, *([PICTURE_TEXTS[settings.picture_model]] if folders[1] else [])}
    return names


def catalogue_row(model: Model) -> dict[str, Any]:
    """A catalogue entry; sizes in bytes."""
    row = {"name": model.name, "kind": model.kind, "bytes": model.disk, "memory": model.memory}
    return row | {"licence": model.licence, "source": str(model.source), "about": model.about}


def installed_row(model: Installed) -> dict[str, Any]:
    """A model that was pulled though the catalogue does not list it; its memory is taken as its size."""
    row = {"name": model.name, "kind": model.kind, "bytes": model.size, "memory": model.size}
    return row | {"licence": model.licence, "source": model.source, "about": ""}


def print_model(row: dict[str, Any]) -> None:
    """One line for people."""
    state = "in use" if row["used"] else "ready" if row["installed"] else ""
    size = f"{row['bytes'] / GIGABYTE:5.2f} GB"
    results.print(
        f"{row['name']:38} {row['kind'] or '':10} {size}  {memory_line(row)}  {state:7} {row['licence']}"
    )


def memory_line(row: dict[str, Any]) -> str:
    """The memory a model needs beside what the machine has, in GB; marked where it is too little."""
    there = "" if row["memory_there"] is None else f" of {row['memory_there'] / GIGABYTE:.1f}"
    return f"needs {row['memory'] / GIGABYTE:4.1f}{there} GB{'' if row['fits'] else ' (too much)'}"


@models.command()
def pull(
    context: typer.Context,
    name: NameArgument,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Download a model; an interrupted download goes on where it stopped."""
    from rag.models import pull as pull_model

    settings = open_library(context, library=library).settings
    with byte_progress() as progress:
        folder = pull_model(name, models=settings.models, progress=progress)
    todo = f"Use it: python -m rag models use {name}"
    if name in used_models(settings):
        todo = "Have it look at the pictures: python -m rag embed"
    say(f"{name} is ready in {folder}. {todo}")


@contextmanager
def byte_progress() -> Iterator[ShowProgress]:
    """A bar for bytes, with the rate and the time left."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    with Bar(
        BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=messages
    ) as bar:
        task = bar.add_task("", total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total)

        yield show


@models.command()
def use(
    context: typer.Context,
    name: NameArgument,
    kind: Annotated[
        Literal["chat", "embedding", "reranker", "image"] | None,
        typer.Option("--kind", help="What for; known of every model but 'none', which means the chat model."),
    ] = None,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Make a model this library's own: a name, a folder, a GGUF file, a server's URL, or 'none'.

    It is tried first: one that fails leaves the library with the model it has.
    """
    from rag.models import NO_MODEL
    from rag.models import use as use_model

    opened = open_library(context, library=library)
    opened.settings.library.mkdir(parents=True, exist_ok=True)
    before = opened.settings.embedding_model
    with messages.status(f"Trying {name}"):
        settings = use_model(name, library=opened.settings.library, kind=kind, attempt=opened.try_model)
    what = f"no {kind or 'chat'} model" if name == NO_MODEL else name
    say(f"This library now uses {what}")
    if settings.embedding_model != before:
        say("Embed each collection again with it: python -m rag embed --collection NAME")
        say("Until then a collection is searched with the model it was embedded with.")


@models.command()
def remove(
    context: typer.Context,
    name: NameArgument,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Delete a pulled model."""
    from rag.models import remove as remove_model

    remove_model(name, models=open_library(context, library=library).settings.models)
    say(f"Removed {name}")


@models.command()
def tune(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A chat model; the library's own by default.")] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Find the fastest way to run a chat model on this machine, and what the model is able to do.

    A server's model is only examined.
    """
    from dataclasses import asdict

    from rag.models import NO_MODEL, chat_model_location

    settings = open_library(context, library=library).settings
    chosen = name or settings.chat_model
    if chosen == NO_MODEL:
        raise UsageError("This library uses no chat model. Name one: python -m rag models tune NAME")
    location = chat_model_location(chosen, models=settings.models)
    if location.startswith(("http://", "https://")):
        show_grade(examined_in_view(location, settings), as_json=as_json)
        return
    tuned = tuned_in_view(Path(location), settings.cache)
    if tuned is None:
        raise typer.Abort
    if as_json:
        print_json(asdict(tuned))
        return
    attention = "flash" if tuned.flash_attention else "plain"
    reads = rate(tuned.prefill_rate, tuned.shipped_prefill_rate)
    writes = rate(tuned.decode_rate, tuned.shipped_decode_rate)
    results.print(f"{tuned.weights} weights, {attention} attention, {tuned.threads} threads")
    results.print(f"reads {reads}")
    results.print(f"writes {writes}")
    results.print(exam_line(tuned.exam, tuned.exam_questions, tuned.mode))


def exam_line(share: float, questions: int, mode: str | None) -> str:
    """What a model scored, and what it may do."""
    return f"answers {share:.0%} of {questions} exam questions: {mode or 'too few to tell, so by its size'}"


def examined_in_view(location: str, settings: Settings) -> Grade:
    """Puts the exam to a server's model, showing how far it is."""
    from rag.llm import ServerChatModel
    from rag.llm.tune import examine

    model = ServerChatModel(location, context_tokens=settings.context_tokens)
    with messages.status("Examining") as status:
        grade = examine(
            model,
            cache=settings.cache,
            progress=lambda text, share: status.update(f"Examining {model.name}, {share:.0%}: {text}"),
        )
    if grade is None:
        raise typer.Abort
    return grade


def show_grade(grade: Grade, *, as_json: bool) -> None:
    """The grade of a server's model."""
    if as_json:
        print_json({"right": grade.right, "asked": grade.asked, "exam": grade.share, "mode": grade.mode})
    else:
        results.print(exam_line(grade.share, grade.asked, grade.mode))


def tuned_in_view(path: Path, cache: Path) -> TunedModel | None:
    """Tunes a model, showing what is tried; None when it was stopped."""
    from rag.llm.tune import tune as tune_model

    with messages.status("Tuning") as status:
        return tune_model(
            path,
            cache=cache,
            progress=lambda text, share: status.update(f"Tuning {path.stem}, {share:.0%}: {text}"),
        )


def rate(tokens_per_second: float, as_shipped: float) -> str:
    """A rate beside what it was before the tuning."""
    return f"{tokens_per_second:.0f} tokens/s, {tokens_per_second / as_shipped:.1f} times as shipped"
