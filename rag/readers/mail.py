"""What mails of every format share: their heads, and the choice between the two forms of their text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby

from rag.readers.building import DocumentBuilder
from rag.readers.html_blocks import add_html

HEADERS = ("From", "To", "Cc", "Date", "Subject")
_WORD = re.compile(r"\w+")
_NEW_IN_HTML = 0.4
_SIGNATURE = re.compile(r"\n-- ?\n")


def add_head(builder: DocumentBuilder, headers: Mapping[str, str]) -> None:
    """Puts a mail's subject on the heading path, and adds who wrote what to whom, and when."""
    builder.section(headers.get("Subject") or "No subject", 1)
    builder.add("paragraph", "\n".join(f"{key}: {headers[key]}" for key in HEADERS if headers.get(key)))


def add_body(builder: DocumentBuilder, text: str, html: str | None) -> None:
    """Adds the plain text, or the HTML where that says more than the plain text repeats of it."""
    if html is None:
        _add_plain(builder, text)
        return
    from selectolax.lexbor import LexborHTMLParser

    shown = DocumentBuilder()
    add_html(shown, LexborHTMLParser(html))
    document = shown.build(title=None, name="", media_type="text/html")
    words, known = _WORD.findall(document.text.lower()), set(_WORD.findall(text.lower()))
    if text.strip() and sum(word not in known for word in words) <= _NEW_IN_HTML * len(words):
        _add_plain(builder, text)
    else:
        builder.include(document)


def _add_plain(builder: DocumentBuilder, text: str) -> None:
    """Adds a text paragraph by paragraph; quoted lines are blocks of their own."""
    for paragraph in re.split(r"\n[ \t]*\n", _SIGNATURE.sub("\n\n", text.replace("\r\n", "\n"))):
        for quoted, lines in groupby(paragraph.split("\n"), key=lambda line: line.startswith(">")):
            builder.add("quote" if quoted else "paragraph", "\n".join(lines))
