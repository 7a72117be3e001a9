"""Results to standard output, messages to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from rag.text.visible import UNSAFE, printable


class SafeConsole(Console):
    """A console on which only its own styles control the terminal, not the text that is printed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


messages = SafeConsole(stderr=True, highlight=False)
results = SafeConsole(highlight=False, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON object on one line, in UTF-8 whatever the terminal's own encoding."""
    line = UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
    sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """A message for the person, off the way of the results."""
    messages.print(text, markup=False)
