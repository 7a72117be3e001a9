"""Org mode: headlines with their tags, paragraphs, lists, tables and source blocks."""

from __future__ import annotations

import re

from rag.readers.building import DocumentBuilder
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import BlockKind, Document

_PIECE = re.compile(
    r"^[ \t]*#\+begin_(\w+).*?^[ \t]*#\+end_\1[^\n]*$|(?:^(?!\s*#\+begin_)[^\n]*\S[^\n]*(?:\n|$))+",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_LIST_LINE = re.compile(r"\s*(?:[-+]|\d+[.)])\s")
_KEYWORD = re.compile(r"^#\+(\w+):[ \t]*(.*)$", re.MULTILINE)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A section for each headline, its TODO state and tags within the heading's text."""
    import orgparse

    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    facts = {key.lower(): value.strip() for key, value in _KEYWORD.findall(text)}
    for node in orgparse.loads(text)[0:]:
        if node.level:
            builder.heading(str(node).split("\n", 1)[0], node.level, label=node.heading)
        body = node.get_body(format="raw")
        for match in _PIECE.finditer(body):
            builder.add(_kind(match.group()), match.group())
    return builder.build(
        title=facts.get("title"), name=name, media_type=FORMAT.media_type, date=facts.get("date")
    )


def _kind(piece: str) -> BlockKind:
    lines = piece.strip().split("\n")
    if lines[0].lower().startswith("#+begin_"):
        return "quote" if lines[0].lower().startswith("#+begin_quote") else "code"
    if all(line.lstrip().startswith("|") for line in lines):
        return "table"
    return "list" if _LIST_LINE.match(lines[0]) else "paragraph"


FORMAT = Format("Org", "text/org", (".org",), read)
