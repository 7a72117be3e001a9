"""Results to standard output, messages to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from rag.text.command import as_started
from rag.text.visible import printable, safe_json

if TYPE_CHECKING:
    from rag.records import Change, Evidence


class SafeConsole(Console):
    """A console on which only its own styles control the terminal, not the text that is printed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


messages = SafeConsole(stderr=True, highlight=False, emoji=False)
results = SafeConsole(highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON object on one line, in UTF-8 whatever the terminal's own encoding."""
    sys.stdout.buffer.write(safe_json(value).encode() + b"\n")
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """A message for the person, off the way of the results."""
    messages.print(as_started(text), markup=False)


def one_line(quote: str) -> str:
    """A quote without its line breaks."""
    return " ".join(quote.split())


def print_changes(changes: Sequence[Change]) -> None:
    """Changes under their headings: what was in red, what is in green, the values first."""
    heading = None
    for change in changes:
        if change.heading != heading:
            results.print(f"\n{change.heading}" if change.heading else "", style="bold")
            heading = change.heading
        if change.first_values and change.second_values:
            results.print(
                f"  {', '.join(change.first_values)} → {', '.join(change.second_values)}", style="bold yellow"
            )
        for sign, side, style in (("-", change.first, "red"), ("+", change.second, "green")):
            if side:
                results.print(f"  {sign} {one_line(side.quote)} [{side.marker}]", style=style)


def print_place(piece: Evidence, before: Evidence | None) -> None:
    """The document and the heading of a quote, where they are not those of the one before it."""
    hit = piece.hit
    if before is None or before.hit.doc != hit.doc:
        results.print(f"{hit.title}  ({hit.doc})", style="bold")
    path = [part for part in hit.passage.heading_path if part != hit.title]
    if path and (before is None or before.hit.passage.heading_path != hit.passage.heading_path):
        results.print(" › ".join(path), style="dim")


def tell(record: dict[str, Any], told: str, *, as_json: bool) -> None:
    """What was done: as a record on standard output, or as a message."""
    if as_json:
        print_json(record)
    else:
        say(told)
