"""Rows of a table as documents: JSON lists, JSON lines, CSV, TSV, or the result of a query.

Each row becomes a line of `rag.ingest.jsonl`: an id, a text, and every other column as metadata.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO, Literal

from rag.errors import UsageError
from rag.readers.csv_rows import csv_rows
from rag.readers.decoding import decode

Form = Literal["json", "nl", "csv", "tsv"]
Row = Mapping[str, Any]

TITLES = ("title", "name", "subject")
TITLE_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a row are what.

    `id` None is the column `id`, or else the first one; without `text`, all other columns are text, as `llm
    embed-multi` has it. `prefix` goes before every id.
    """

    id: str | None = None
    text: tuple[str, ...] = ()
    prefix: str = ""


def read_rows(data: bytes, form: Form | None = None) -> Iterator[Row | UsageError]:
    """The rows of a file's bytes, in the form given or in the one it looks to be.

    In the place of a row that is written wrongly stands what is wrong with it.

    Raises:
        UsageError: it is not of that form.
    """
    text, _ = decode(data)
    form = form or _form_of(text)
    if form == "json":
        yield from _json_rows(text)
    elif form == "nl":
        yield from _json_lines(text)
    else:
        yield from _delimited(text, "\t" if form == "tsv" else _separator(text))


def piped_lines(
    stream: BinaryIO, columns: Columns, form: Form | None, *, named: bool
) -> Iterator[bytes | UsageError]:
    """Standard input as lines for `ingest_lines`: those that are such lines already pass as they come.

    Where columns or a form are `named`, or the first line is not an object with a "content", it is a table.
    """
    first = stream.readline()
    while first and not first.strip():
        first = stream.readline()
    if not named and _is_line(first):
        yield first
        yield from stream
    elif first:
        yield from lines_of(read_rows(first + stream.read(), form), columns)


def _is_line(first: bytes) -> bool:
    """Whether it is an object with a text, or nothing that a table could begin with."""
    try:
        found = json.loads(first)
    except ValueError:
        return first.lstrip()[:1] == b"{" or not (re.search(rb"[,;\t]", first) or first.strip() == b"[")
    return not isinstance(found, list) and not (
        isinstance(found, dict) and len(found) > 1 and "content" not in found
    )


def query_rows(database: Path, sql: str) -> Iterator[Row]:
    """The rows of a query on an SQLite file, which is only read.

    Raises:
        UsageError: there is no such file, or SQLite does not accept the query.
    """
    if not database.is_file():
        raise UsageError(f"There is no database {database}.")
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            for row in db.execute(sql):
                yield dict(zip(row.keys(), row, strict=True))
    except sqlite3.Error as error:
        raise UsageError(f"{database}: SQLite says: {error}.") from error


def lines_of(rows: Iterable[Row | UsageError], columns: Columns) -> Iterator[bytes | UsageError]:
    """Each row as a line that `ingest_lines` takes, and what is wrong with those that cannot be one.

    Raises:
        UsageError: a column that was named is not in the first row.
    """
    for number, row in enumerate(rows, start=1):
        if isinstance(row, UsageError):
            yield row
            continue
        try:
            yield json.dumps(_line(row, columns, number), default=str).encode()
        except UsageError as error:
            if number == 1:
                raise
            yield error


def _line(row: Row, columns: Columns, number: int) -> dict[str, Any]:
    id_column = columns.id or ("id" if "id" in row else next(iter(row), ""))
    missing = [name for name in (id_column, *columns.text) if name not in row]
    if missing or not row:
        raise UsageError(
            f"Row {number} has no column {', '.join(map(repr, missing))}; it has {', '.join(row) or 'none'}."
        )
    text_columns = columns.text or tuple(name for name in row if name != id_column)
    values = [text for name in text_columns if (text := _text(row[name]))]
    content = "\n\n".join(values)
    titles = [_text(row[name]) for name in TITLES if name in row]
    title = next(filter(None, titles), next(iter(content.split("\n")), ""))[:TITLE_CHARACTERS]
    others = {name: value for name, value in row.items() if name not in text_columns and name != id_column}
    return {
        "id": f"{columns.prefix}{_text(row[id_column])}",
        "content": content,
        "title": title,
        "date": next((_text(row[name]) for name in ("date", "created", "created_at") if name in row), None),
        "media_type": "text/plain",
        "metadata": {name: value for name, value in others.items() if not isinstance(value, bytes)},
    }


def _text(value: Any) -> str:
    """A value of a column as text: "" for none, JSON for lists and objects."""
    if value is None or isinstance(value, bytes):
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _form_of(text: str) -> Form:
    start = text.lstrip()[:1]
    if start == "[":
        return "json"
    if start == "{":
        return "nl" if _is_json(text.strip().split("\n", 1)[0]) else "json"
    header = _header(text)
    return "tsv" if header.count("\t") > header.count(_separator(text)) else "csv"


def _header(text: str) -> str:
    return text.lstrip().split("\n", 1)[0]


def _separator(text: str) -> str:
    """A comma, or the semicolon of countries whose numbers have commas."""
    return max(",;", key=_header(text).count)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _json_rows(text: str) -> Iterator[Row]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"The input is not JSON: {error}.") from error
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError("The input is not a JSON list of objects.")
    yield from rows


def _json_lines(text: str) -> Iterator[Row | UsageError]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            yield UsageError(f"Line {number} is not JSON: {error}.")
            continue
        yield row if isinstance(row, dict) else UsageError(f"Line {number} is not a JSON object.")


def _delimited(text: str, delimiter: str) -> Iterator[Row | UsageError]:
    header: list[str] = []
    for number, cells, problem in csv_rows(text, delimiter):
        if problem or (len(cells) > len(header) and header and any(cells[len(header) :])):
            wrong = problem or "has more cells than the header"
            error = UsageError(f"Line {number} {wrong}. Quote cells that contain {delimiter!r}.")
            if not header:
                raise error
            yield error
        elif cells and not header:
            header = cells
        elif cells:
            yield dict(zip_longest(header, cells[: len(header)]))
