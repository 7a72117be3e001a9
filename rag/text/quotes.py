"""Passage text to what can be quoted by itself: sentences, short tables, lists and blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rag.text.sentences import split_sentences

MOST_CHARACTERS = 600
"""A table, a list with its lead-in or a block of code stays whole up to this length.

Sentences and rows alone held the answer among the best three in 0.65 of the questions about the sample
documents and 0.53 of those about a blog's notes; whole up to 350 characters in 0.73 and 0.62, up to 600 in
0.72 and 0.65, up to 900 in 0.72 and 0.65, with longer quotes.
"""

_LINE = re.compile(r"[^\n]+\n?|\n")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"[\s:|]*-[\s:|-]*$")
_ITEM = re.compile(r"\s*(?:[-*+•‣▪◦–—]\s+|\(?\d{1,3}[.)]\s+)")
_LEADS_IN = (":", "：")

_Kind = Literal["prose", "list", "table", "code", "properties"]


@dataclass(frozen=True, slots=True)
class Quotable:
    """Offsets of a piece of text that is understood by itself; a row of a long table has its header.

    A `labelled` piece is a line of a file's front matter, such as its date or its author.
    """

    start: int
    end: int
    header: str = ""
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive lines of one kind."""

    kind: _Kind
    start: int
    end: int


def quotable(text: str) -> list[Quotable]:
    """The pieces of a passage's text that can be quoted, in order and without overlap.

    A sentence that ends in a colon takes the list, table or code behind it with it. The lines of a
    Markdown file's front matter are pieces of their own; rules between the rows of a table are none.
    """
    found: list[Quotable] = []
    leading: _Kind | None = None
    for run in _runs(text):
        pieces = list(_pieces(text, run))
        if leading and run.kind in ("list", "table", "code") and pieces:
            start, end = found[-1].start, pieces[-1].end
            if end - start <= MOST_CHARACTERS:
                found[-1] = Quotable(start, end)
                pieces = []
        found += pieces
        leading = run.kind if found and _leads_in(text[found[-1].start : found[-1].end]) else None
    return found


def _leads_in(piece: str) -> bool:
    return piece.rstrip("*_ ").endswith(_LEADS_IN)


def _pieces(text: str, run: _Run) -> Iterator[Quotable]:
    """A run of lines in pieces."""
    short = run.end - run.start <= MOST_CHARACTERS
    if run.kind in ("prose", "list"):
        spans = split_sentences(text[run.start : run.end])
        yield from (Quotable(run.start + start, run.start + end) for start, end in spans)
    elif run.kind == "properties":
        lines = (line for line in _lines(text, run) if ":" in text[line.start : line.end])
        yield from (replace(line, labelled=True) for line in lines)
    elif short:
        yield _trimmed(text, run.start, run.end)
    elif run.kind == "table":
        header, *rows = _lines(text, run)
        above = text[header.start : header.end]
        yield from (
            Quotable(row.start, row.end, above) for row in rows if not _RULE.match(text[row.start : row.end])
        )
    else:
        yield from _paragraphs(text, run)


def _lines(text: str, run: _Run) -> list[Quotable]:
    matches = (match.span() for match in _LINE.finditer(text, run.start, run.end) if match.group().strip())
    return [_trimmed(text, start, end) for start, end in matches]


def _paragraphs(text: str, run: _Run) -> Iterator[Quotable]:
    """The parts of a long block of code, between its empty lines."""
    start = run.start
    ends = [match.start() for match in re.finditer(r"\n\s*\n", text[run.start : run.end])]
    for end in [*(run.start + end for end in ends), run.end]:
        if text[start:end].strip():
            yield _trimmed(text, start, end)
        start = end


def _trimmed(text: str, start: int, end: int) -> Quotable:
    piece = text[start:end]
    return Quotable(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))


def _runs(text: str) -> list[_Run]:
    """The text's lines in runs of one kind; empty lines part prose, lists and tables, not code."""
    runs: list[_Run] = []
    fenced = properties = False
    for match in _LINE.finditer(text):
        line = match.group()
        if line.strip() == "---" and (properties or match.start() == 0):
            properties = not properties
            continue
        fence = bool(_FENCE.match(line))
        last = runs[-1] if runs and runs[-1].end == match.start() else None
        if fenced:
            runs[-1] = replace(runs[-1], end=match.end())
        elif line.strip():
            kind = "code" if fence else "properties" if properties else _kind(line, last)
            if last and last.kind == kind and not fence:
                runs[-1] = replace(last, end=match.end())
            else:
                runs.append(_Run(kind, match.start(), match.end()))
        fenced ^= fence
    return runs


def _kind(line: str, last: _Run | None) -> _Kind:
    """What a line outside code belongs to, behind a run that ends where it begins."""
    if _ROW.match(line):
        return "table"
    in_list = last is not None and last.kind == "list"
    return "list" if in_list or _ITEM.match(line) else "prose"
