"""Rich text (RTF): its paragraphs, and tables as rows of cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.readers.building import DocumentBuilder
from rag.readers.registry import Format
from rag.readers.tables import markdown_table
from rag.records import Document

_FOOTNOTE = re.compile(r"\{(?:\\\*)?\\footnote\b")
_BRACE = re.compile(r"(?<!\\)[{}]")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A paragraph for each line of the text; lines with cell marks become a table."""
    from striprtf.striprtf import rtf_to_text  # type: ignore[import-untyped, unused-ignore]

    source = data.decode("latin-1")
    notes = list(_notes(source))
    text: str = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]
    builder = DocumentBuilder()
    rows: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.count("|") > 1 and line.rstrip().endswith("|"):
            rows.append(line.rstrip().rstrip("|").split("|"))
            continue
        if rows:
            builder.add("table", markdown_table(rows))
            rows = []
        builder.add("paragraph", line)
    for note in notes:
        builder.add("paragraph", rtf_to_text("{\\rtf1" + note + "}", errors="replace"))  # type: ignore[no-untyped-call]
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _notes(source: str) -> Iterator[str]:
    """The insides of the footnotes, which striprtf leaves out."""
    for match in _FOOTNOTE.finditer(source):
        depth = 1
        for brace in _BRACE.finditer(source, match.end()):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                yield source[match.end() : brace.start()]
                break


def _recognises(data: bytes) -> bool:
    return data.lstrip()[:5] == b"{\\rtf"


FORMAT = Format("Rich text", "application/rtf", (".rtf",), read, recognises=_recognises, rank=20)
