"""Plain text: paragraphs between blank lines, in whatever encoding."""

from __future__ import annotations

import re

from rag.readers.building import DocumentBuilder, clean
from rag.readers.conversations import add_messages, whatsapp
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import BlockKind, Document

_LIST_LINE = re.compile(r"\s*(?:[-*•]|\d{1,3}[.)])\s")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A block for each run of lines between blank lines; no headings are guessed."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    messages = whatsapp(clean(text))
    if messages:
        add_messages(builder, messages)
        return builder.build(title=None, name=name, media_type=FORMAT.media_type)
    for paragraph in re.split(r"\n[ \t]*\n", clean(text)):
        builder.add(_kind(paragraph), paragraph)
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _kind(paragraph: str) -> BlockKind:
    lines = paragraph.strip().split("\n")
    return "list" if len(lines) > 1 and all(_LIST_LINE.match(line) for line in lines) else "paragraph"


FORMAT = Format("Plain text", "text/plain", (".txt", ".text", ".log"), read)
