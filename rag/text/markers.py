"""The markers of an answer, [1], [1, 2], [1-3] or [Passage 1], found and taken out of its text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

_NAMED = r"(?:passages?|sources?|quellen?|documents?|dokumente?)"
_MARKER = re.compile(
    rf"\[\s*(?:{_NAMED}\s+)?(?P<numbers>\d+(?:\s*[-–,;]\s*(?:{_NAMED}\s+)?\d+)*)\s*\]", re.IGNORECASE
)
_HALF_MARKER = re.compile(
    r"(?<!\s)\s*\[(?:(?:passage|source|document)s?|p(?:a(?:s(?:s(?:ag?)?)?)?)?)?[\d\s,;–-]*$", re.I
)
_RANGE = re.compile(r"(\d{1,9})\s*[-–]\s*(\d{1,9})|(\d{1,9})")
_WIDEST_RANGE = 20
_IDENTIFIER = re.compile(r"[^\W\d]\w*$")
_CODE_BEFORE = re.compile(r"(?:_\w*|\w[.(]\w+)$")
_CODE_BEHIND = re.compile(r"\.[a-z_]|\s*[+=]?=\s*\S")


@dataclass(frozen=True, slots=True)
class Placed:
    """A valid marker and its offset in the text without markers."""

    position: int
    marker: int


@dataclass(frozen=True, slots=True)
class Unmarked:
    """A text without its markers, the valid ones with their places, and how many were not valid."""

    text: str
    placed: tuple[Placed, ...]
    removed: int


def without_markers(text: str, valid: Collection[int], *, sources: Sequence[str] = ()) -> Unmarked:
    """The text without its markers; an index such as `items[0]` is none, nor what the sources' code holds."""
    pieces: list[str] = []
    placed: list[Placed] = []
    removed, length, position = 0, 0, 0
    for match in _MARKER.finditer(text):
        numbers = list(dict.fromkeys(_numbers(match["numbers"])))
        if not numbers or _is_index(text, match, sources):
            continue
        piece = text[position : match.start()].rstrip(" ")
        pieces.append(piece)
        length += len(piece)
        position = match.end()
        placed += [Placed(length, number) for number in numbers if number in valid]
        removed += sum(number not in valid for number in numbers)
    return Unmarked("".join([*pieces, text[position:]]), tuple(placed), removed)


def without_half_marker(text: str) -> str:
    """A streaming answer without the marker that is still being written at its end."""
    return _HALF_MARKER.sub("", text)


def _numbers(written: str) -> Iterator[int]:
    """The numbers of a marker; of one with a wide range, as [1990-2020], none."""
    spans = [(int(m[1] or m[3]), int(m[2] or m[3])) for m in _RANGE.finditer(written)]
    if all(0 <= last - first <= _WIDEST_RANGE for first, last in spans):
        for first, last in spans:
            yield from range(first, last + 1)


def _is_index(text: str, match: re.Match[str], sources: Sequence[str]) -> bool:
    """Whether brackets are of code: between backticks, or behind a name that only code writes so."""
    before, behind = text[: match.start()], text[match.end() :]
    if before.count("`") % 2 and "`" in behind:
        return True
    name = _IDENTIFIER.search(before)
    if not name:
        return False
    if match["numbers"] == "0" or _CODE_BEFORE.search(before) or _CODE_BEHIND.match(behind):
        return True
    quoted = re.compile(rf"`[^`\n]*{re.escape(name.group() + match.group())}")
    return any(quoted.search(source) for source in sources)
