"""The command line: `python -m rag COMMAND`."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rag.cli.options import CollectionOption, LibraryOption

log = logging.getLogger("rag")

DONE, FAILED, WRONG_USAGE, SOME_FAILED = 0, 1, 2, 3

app = typer.Typer(
    name="rag",
    help="Ask your own documents, on your own machine, and see the source beside every sentence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def show_version(asked: bool) -> None:
    """Prints the version and ends."""
    if asked:
        from rag import __version__

        print(f"footnote {__version__}")
        raise typer.Exit


@app.callback()
def before_any_command(
    context: typer.Context,
    library: LibraryOption = None,
    collection: CollectionOption = None,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that hold for the command that follows."""
    given: dict[str, Path | str | None] = {"library": library, "collection": collection}
    context.obj = {name: value for name, value in given.items() if value is not None}


from rag.cli import (  # noqa: E402  (they register)
    conversations,  # noqa: F401
    documents,  # noqa: F401
    evaluation,  # noqa: F401
    exploring,  # noqa: F401
    libraries,  # noqa: F401
    llm_names,  # noqa: F401
    models,  # noqa: F401
    notes,  # noqa: F401
    pictures,  # noqa: F401
    questions,  # noqa: F401
    questions_written,  # noqa: F401
    reading,  # noqa: F401
    serving,  # noqa: F401
    starting,  # noqa: F401
)


def complain(error: Exception, told: str = "") -> None:
    """Prints why a command failed: what the machine lacks, where that is the reason."""
    from rag.cli.shortage import shortage
    from rag.text.command import as_started
    from rag.text.visible import printable

    print(f"Error: {shortage(error) or printable(as_started(told or str(error)))}", file=sys.stderr)


def main() -> None:
    """Runs the command; every failure ends as one sentence and an exit code."""
    from rag.errors import RagError, UsageError

    if Path(sys.argv[0]).stem == "footnote":
        os.environ.setdefault("FOOTNOTE_COMMAND", "footnote")
    os.umask(0o077)  # what a library is made of is its owner's alone
    try:
        app(standalone_mode=True)
    except UsageError as error:
        complain(error)
        sys.exit(WRONG_USAGE)
    except RagError as error:
        complain(error)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        print("Stopped. What was finished is kept; run the same command again to go on.", file=sys.stderr)
        sys.exit(FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(DONE)
    except Exception as error:
        log.debug("unforeseen", exc_info=True)
        complain(error, f"{type(error).__name__}: {error}. Run with FOOTNOTE_DEBUG=1 for details.")
        if "FOOTNOTE_DEBUG" in os.environ:
            raise
        sys.exit(FAILED)
