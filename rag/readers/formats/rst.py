"""reStructuredText: docutils makes HTML of it, which is then read."""

from __future__ import annotations

from rag.readers.building import DocumentBuilder
from rag.readers.decoding import decode
from rag.readers.html_blocks import add_html
from rag.readers.registry import Format
from rag.readers.sphinx import without_sphinx
from rag.records import Document

_SETTINGS = {
    "file_insertion_enabled": False,  # an "include" would read other files of the machine
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 5,
    "doctitle_xform": True,
    "initial_header_level": 2,
    "syntax_highlight": "none",
    "embed_stylesheet": False,
    "math_output": "LaTeX",
}


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The document's blocks; of directives that only Sphinx knows, the content stays."""
    from docutils.core import publish_parts  # type: ignore[import-untyped, unused-ignore]
    from selectolax.lexbor import LexborHTMLParser

    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    parts = publish_parts(without_sphinx(builder, text), writer="html5", settings_overrides=_SETTINGS)
    add_html(builder, LexborHTMLParser(str(parts["html_body"])))
    return builder.build(title=str(parts["title"]) or None, name=name, media_type=FORMAT.media_type)


FORMAT = Format("reStructuredText", "text/x-rst", (".rst", ".rest"), read)
