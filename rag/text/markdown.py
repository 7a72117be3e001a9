"""Text of a document or a model into Markdown that shows it and does nothing else."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt

# What would be read as a sign of Markdown where it stands; a mark between spaces, or one alone, is text.
_ACTIVE = re.compile(
    r"[`\\|]|\*(?=\S)|(?<=\S)\*|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])|\[(?=\^|[\d\s,;–-]+\]|[ xX]\])"
    r"|<(?=[A-Za-z/!?])|&(?=#|\w+;)|^(?:>|#(?=#{0,5}(?:\s|$)))|~(?=.*~)|(?<=~)~|\$(?=.*\$)"
    r"|:(?=//)|(?<=www)\.|(?<=WWW)\.|@(?=\w)"
)
# A number behind a word cites; at the start of a line it could define where a link leads.
_LINKING = re.compile(r"(\\.|(?<=[^\W\d_] )\[[\d, ;]+\]:)|\](?=[(\[:])|<(?=[A-Za-z/!?])")
MARKERS = re.compile(r"(?<!\\)\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
"""Citations, [1] or [1, 2]; of a document's own words, the bracket is escaped."""
_FENCE = re.compile(r"`{3,}")
_WORD_JOINER = "\u2060"
_FETCHING = re.compile(r"!(?=\[)|<(?=[A-Za-z])")


def escaped(text: str) -> str:
    """A text on one line in which nothing is a link, an image or a tag, and no address becomes one."""
    return _ACTIVE.sub(r"\\\g<0>", " ".join(text.split()))


def calmed(markdown: str) -> str:
    """Markdown of a model as it is meant, without links, images and tags; blocks of code stay as they are."""
    code = {
        line
        for token in _parser().parse(markdown)
        if token.type in ("fence", "code_block") and token.map
        for line in range(*token.map)
    }
    lines = enumerate(markdown.splitlines())
    return "\n".join(line if n in code else _LINKING.sub(_escaped_once, line) for n, line in lines)


def _escaped_once(found: re.Match[str]) -> str:
    return found[0] if found[1] else f"\\{found[0]}"


def markers_of(found: re.Match[str]) -> list[int]:
    """The numbers of a match of `MARKERS`."""
    return [int(number) for number in found[1].replace(";", ",").split(",")]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


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
