"""Text of a document or a model into Markdown that shows it and does nothing else."""

from __future__ import annotations

import re

_ACTIVE = re.compile(r"([\\`*_\[\]<>&|~#$])")
_ADDRESS = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)")
_FENCE = re.compile(r"`{3,}")
_WORD_JOINER = "\u2060"
_FETCHING = re.compile(r"!(?=\[)|<(?=[A-Za-z])")


def escaped(text: str) -> str:
    """A text on one line in which nothing is a link, an image or a tag, and no address becomes one."""
    return _ACTIVE.sub(r"\\\1", _ADDRESS.sub(_WORD_JOINER, " ".join(text.split())))


def blockquote(text: str, *, bold: tuple[int, int] | None = None) -> str:
    """A text as a quotation, line by line, in which nothing is active; `bold` is a stretch of it."""
    first, last = bold or (0, 0)
    lines = []
    for line in re.finditer(r"[^\n]+", text):
        left, right = (min(max(place, line.start()), line.end()) for place in (first, last))
        before, inside, after = (
            escaped(text[slice(*part)]) for part in ((line.start(), left), (left, right), (right, line.end()))
        )
        lines.append(" ".join(part for part in (before, inside and f"**{inside}**", after) if part))
    return "\n".join(f"> {line}  " for line in lines if line).rstrip()


def fenced(text: str) -> str:
    """A text to the letter, as a block of code that it cannot end."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(text))])
    return f"{fence}\n{text}\n{fence}"


def inert(text: str) -> str:
    """The text with an invisible sign in each image and tag, so that whoever shows it fetches nothing.

    What is inert of a beginning is the beginning of what is inert of the whole.
    """
    return _FETCHING.sub(rf"\g<0>{_WORD_JOINER}", text)
