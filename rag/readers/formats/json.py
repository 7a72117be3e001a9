"""JSON and newline-delimited JSON: a block a record, a line a value with its path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.errors import UnreadableDocument
from rag.readers.building import PICTURES, DocumentBuilder, one_line, without_data
from rag.readers.conversations import add_conversations
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import Document

_SHOWN_LINES = 10
_TITLES = ("title", "name", "subject", "id")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The items of a list, the lines of NDJSON or the fields of an object, each as `path: value` lines."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    value = _parsed(builder, text, name)
    if add_conversations(builder, value):
        return builder.build(title=None, name=name, media_type=FORMAT.media_type)
    records = value if isinstance(value, list) else [value]
    for record in records:
        if len(records) > 1 and isinstance(record, dict):
            builder.section(next((str(record[key]) for key in _TITLES if record.get(key)), ""), 1)
        for lines in _blocks(record):
            kept, pictures = without_data(lines)
            builder.leave_out(PICTURES, pictures)
            builder.add("list", kept)
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _parsed(builder: DocumentBuilder, text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as whole:
        return _parsed_lines(builder, text, name, whole)


def _parsed_lines(builder: DocumentBuilder, text: str, name: str, whole: json.JSONDecodeError) -> list[Any]:
    """The records of NDJSON; a line that is none is named if most of them are records."""
    found, wrong = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            found += [json.loads(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            wrong.append((number, error.msg, line))
    if len(wrong) >= sum(isinstance(record, dict | list) for record in found):
        raise UnreadableDocument(
            f"{name}: not valid JSON (line {whole.lineno}: {whole.msg}). Correct that line."
        ) from whole
    for number, problem, _ in wrong[:_SHOWN_LINES]:
        builder.warn(f"Line {number} is not valid JSON and is left out ({problem}).")
    for _, _, line in wrong:
        builder.leave_out("lines that are not valid JSON", line)
    return found


def _blocks(record: Any) -> Iterator[str]:
    """A record as one block, or field by field where its fields are records themselves."""
    if isinstance(record, dict) and any(isinstance(value, dict | list) for value in record.values()):
        plain = {key: value for key, value in record.items() if not isinstance(value, dict | list)}
        yield "\n".join(_lines(plain, ""))
        for key, value in record.items():
            if isinstance(value, dict | list):
                yield "\n".join(_lines(value, str(key)))
    else:
        yield "\n".join(_lines(record, ""))


def _lines(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        if all(not isinstance(inner, dict | list) for inner in value):
            yield f"{path}: {', '.join(map(_scalar, value))}" if path else "\n".join(map(_scalar, value))
        else:
            for index, inner in enumerate(value, start=1):
                yield from _lines(inner, f"{path}[{index}]")
    else:
        yield f"{path}: {_scalar(value)}" if path else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if "\n" in value else one_line(value)
    return json.dumps(value)


FORMAT = Format("JSON", "application/json", (".json", ".ndjson", ".jsonl", ".geojson"), read)
