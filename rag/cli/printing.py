"""Results to standard output, messages to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

messages = Console(stderr=True, highlight=False)
results = Console(highlight=False, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON object on one line, in UTF-8 whatever the terminal's own encoding."""
    sys.stdout.buffer.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """A message for the person, off the way of the results."""
    messages.print(text, markup=False)
