"""Jupyter notebooks: Markdown cells as they read, code cells with the text they printed."""

from __future__ import annotations

import json
import re
from typing import Any

from rag.errors import UnreadableDocument
from rag.readers.building import DocumentBuilder
from rag.readers.formats.markdown import add_markdown
from rag.readers.html_blocks import add_html
from rag.readers.registry import Format
from rag.records import Document

_MOST_OUTPUT_CHARACTERS = 5_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The cells in order; pictures, tracebacks and long printouts are left out."""
    try:
        notebook = json.loads(data.decode("utf-8"))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableDocument(f"{name}: not a Jupyter notebook ({error!r}). Save it again.") from error
    builder = DocumentBuilder()
    for cell in cells:
        source = _text(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") == "markdown":
            add_markdown(builder, source)
        elif cell.get("cell_type") == "code":
            builder.add("code", source)
            for output in cell.get("outputs", []):
                _add_output(builder, output)
        else:
            builder.add("paragraph", source)
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _add_output(builder: DocumentBuilder, output: dict[str, Any]) -> None:
    """An output in its richest form that is text: Markdown, HTML, what was printed, or an error."""
    data = output.get("data") or {}
    if output.get("output_type") == "error":
        _add_printout(builder, f"{output.get('ename')}: {output.get('evalue')}")
        builder.leave_out("tracebacks", _text(output.get("traceback") or ""))
    elif "text/markdown" in data:
        add_markdown(builder, _text(data["text/markdown"]))
    elif "text/html" in data:
        from selectolax.lexbor import LexborHTMLParser

        before = builder.block_count
        add_html(builder, LexborHTMLParser(_text(data["text/html"])))
        if builder.block_count == before:
            _add_printout(builder, _text(data.get("text/plain") or ""))
    else:
        _add_printout(builder, _text(output.get("text") or data.get("text/plain") or ""))
    pictures = [
        one for kind, one in data.items() if kind.startswith("image/") and not kind.endswith("svg+xml")
    ]
    for picture in pictures:
        builder.leave_out("pictures", _text(picture))


def _add_printout(builder: DocumentBuilder, text: str) -> None:
    text = _COLOURS.sub("", text)
    if len(text) > _MOST_OUTPUT_CHARACTERS:
        builder.leave_out("long printouts", text[_MOST_OUTPUT_CHARACTERS:])
        text = text[:_MOST_OUTPUT_CHARACTERS]
    builder.add("code", text)


def _text(value: object) -> str:
    """A cell's text, which the format also allows to be a list of lines."""
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


FORMAT = Format("Jupyter notebook", "application/x-ipynb+json", (".ipynb",), read)
