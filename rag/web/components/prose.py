"""A document's text as it should be read: headings, tables and code shown as such, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rag.web.components.markup import Span, emphasised, spanned

HEADING = re.compile(r"#{1,6}[ \t]+(?=\S)")
TABLE_ROW = re.compile(r"\s*\|.*\|\s*")
TABLE_RULE = re.compile(r"[\s|:-]+")
CELL = re.compile(r"(?<!\\)\|")
CODE = re.compile(
    r"^[ \t]*(?P<fence>```|~~~)[^\n]*\n(?P<code>.*?)(?:^[ \t]*(?P=fence)[ \t]*(?:\n|\Z)|\Z)", re.M | re.S
)


def prose(value: str, spans: Sequence[Span]) -> str:
    """The blocks of a text as HTML; `spans` (offsets in it) are marked wherever they fall."""
    parts: list[str] = []
    position = 0
    for code in CODE.finditer(value):
        parts += blocks_html(value, position, code.start(), spans)
        lines = spanned(value[slice(*code.span("code"))], moved(spans, code.start("code")))
        parts.append(f'<pre dir="ltr">{lines}</pre>')
        position = code.end()
    return "".join([*parts, *blocks_html(value, position, len(value), spans)])


def blocks_html(value: str, start: int, end: int, spans: Sequence[Span]) -> list[str]:
    """The blocks of a stretch without code, parted at its empty lines."""
    parts: list[str] = []
    for block in re.split(r"(\n[ \t]*\n\s*)", value[start:end]):
        if block.strip():
            parts += block_html(value, start, start + len(block), spans)
        start += len(block)
    return parts


def block_html(value: str, start: int, end: int, spans: Sequence[Span]) -> list[str]:
    """One block: a heading line is split off, a run of `|` rows becomes a table."""
    heading = HEADING.match(value, start, end)
    if heading is not None:
        line_end = value.find("\n", start, end)
        line_end = end if line_end < 0 else line_end
        title = f'<h3 dir="auto">{cut(value, heading.end(), line_end, spans)}</h3>'
        return [title, *(block_html(value, line_end + 1, end, spans) if line_end + 1 < end else [])]
    lines = value[start:end].splitlines()
    if len(lines) > 1 and all(TABLE_ROW.fullmatch(line) for line in lines):
        return [table_html(value, start, end, spans)]
    return [f'<p dir="auto">{cut(value, start, end, spans)}</p>']


def table_html(value: str, start: int, end: int, spans: Sequence[Span]) -> str:
    """A pipe table; its rule line is not shown."""
    rows: list[str] = []
    position = start
    for line in value[start:end].splitlines(keepends=True):
        if not TABLE_RULE.fullmatch(line):
            tag = "td" if rows else "th"
            rows.append(f"<tr>{cells_html(value, position, position + len(line), tag, spans)}</tr>")
        position += len(line)
    return f"<table>{''.join(rows)}</table>"


def cells_html(value: str, start: int, end: int, tag: str, spans: Sequence[Span]) -> str:
    """The cells between the pipes of a row."""
    pipes = [match.start() for match in CELL.finditer(value, start, end)]
    return "".join(
        f'<{tag} dir="auto">{cut(value, left + 1, right, spans).strip()}</{tag}>'
        for left, right in pairwise(pipes)
    )


def cut(value: str, start: int, end: int, spans: Sequence[Span]) -> str:
    """A stretch of the text with the spans that fall on it."""
    return emphasised(spanned(value[start:end], moved(spans, start)))


def moved(spans: Sequence[Span], start: int) -> list[Span]:
    """The spans as offsets from `start`."""
    return [(left - start, right - start, css) for left, right, css in spans]
