"""The commands that messages name, as this program was started."""

from __future__ import annotations

import os

IN_A_CHECKOUT = "python -m rag"
VARIABLE = "FOOTNOTE_COMMAND"
"""The name that stands in its place: set by the installed command, for the processes it starts too."""


def as_started(text: str) -> str:
    """The text with the name of the installed command where that was started."""
    return text.replace(IN_A_CHECKOUT, os.environ.get(VARIABLE, IN_A_CHECKOUT))
