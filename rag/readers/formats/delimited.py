"""CSV and TSV: one table, its first row the header."""

from __future__ import annotations

import csv
import io
import re

from rag.readers.building import DocumentBuilder
from rag.readers.csv_rows import csv_rows
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.readers.tables import add_rows
from rag.records import Document

_SAMPLE_CHARACTERS = 20_000
_DELIMITERS = ",;\t|"
_DECLARED = re.compile(r"sep=([^\r\n])\r?\n")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The rows as a table; the delimiter is found in the content."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    declared = _DECLARED.match(text)  # what Excel writes to tell itself
    text = text[declared.end() :] if declared else text
    delimiter = declared[1] if declared else _delimiter(text, name)
    rows = list(csv_rows(text, delimiter))
    if wrong := [number for number, _, problem in rows if problem]:
        builder.warn(
            f"Rows read as they stand: {len(wrong)}. Line {wrong[0]} has a quotation mark that is not closed."
        )
    add_rows(builder, [row for _, row, _ in rows])
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _delimiter(text: str, name: str) -> str:
    """The one of , ; tab | that gives the most rows the same number of cells, by the first lines."""
    if name.lower().endswith((".tsv", ".tab")):
        return "\t"
    sample = text[:_SAMPLE_CHARACTERS].rsplit("\n", 1)[0] if len(text) > _SAMPLE_CHARACTERS else text

    def agreement(delimiter: str) -> int:
        widths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        return max((widths.count(width) * (width > 1) for width in set(widths)), default=0)

    return max(_DELIMITERS, key=agreement)


FORMAT = Format("CSV", "text/csv", (".csv", ".tsv", ".tab"), read)
