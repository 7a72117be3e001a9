"""Word documents: mammoth turns styles into HTML headings, lists and tables, which are then read."""

from __future__ import annotations

import io
import re

from rag.readers.archives import is_zip_with, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.html_blocks import add_html
from rag.readers.office import core_properties
from rag.readers.registry import Format
from rag.records import Document

_STYLES = "\n".join(
    (
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='Subtitle'] => h2:fresh",
        "p[style-name='Quote'] => blockquote:fresh",
        "p[style-name='Intense Quote'] => blockquote:fresh",
        "p[style-name='Block Text'] => blockquote:fresh",
        *(
            f"p[style-name='{name}'] => pre:separator('\\n')"
            for name in ("Source Code", "Preformatted Text", "HTML Preformatted", "Code", "macro")
        ),
    )
)
_NOTE_MARK = re.compile(r'<sup><a href="#(?:foot|end)note[^>]*>\[?(\d+)\]?</a></sup>')
_BACK_LINK = re.compile(r' ?<a href="#(?:foot|end)note-ref[^>]*>↑</a>')


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Headings, paragraphs, lists, tables and notes; headers and footers of pages are not part of it."""
    import mammoth  # type: ignore[import-untyped, unused-ignore]
    from selectolax.lexbor import LexborHTMLParser

    archive = open_zip(data, name)
    html = mammoth.convert_to_html(
        io.BytesIO(data), style_map=_STYLES, convert_image=mammoth.images.img_element(lambda image: {})
    ).value
    html = _BACK_LINK.sub("", _NOTE_MARK.sub(r"[\1]", html))
    builder = DocumentBuilder()
    add_html(builder, LexborHTMLParser(html))
    title, date = core_properties(archive, name)
    return builder.build(title=title, name=name, media_type=FORMAT.media_type, date=date)


def _recognises(data: bytes) -> bool:
    return is_zip_with(data, "word/document.xml")


FORMAT = Format(
    "Word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    (".docx", ".docm", ".dotx"),
    read,
    recognises=_recognises,
    rank=20,
)
