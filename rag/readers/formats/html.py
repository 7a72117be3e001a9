"""HTML: the main content of a page, by its own structure."""

from __future__ import annotations

import re

from rag.readers.building import DocumentBuilder
from rag.readers.decoding import decode, is_mislabelled
from rag.readers.html_blocks import add_html
from rag.readers.registry import Format
from rag.records import Document
from rag.text.dates import iso_date

_OPENING = re.compile(rb"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_DATE_FIELDS = (
    *("article:published_time", "datepublished", "date", "dc.date", "dcterms.date", "dc.date.issued"),
    *("dcterms.issued", "dcterms.created", "pubdate", "article:modified_time"),
)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The page's headings, paragraphs, lists, tables and code; navigation is left out and counted."""
    from selectolax.lexbor import LexborHTMLParser  # 20 ms to import

    builder = DocumentBuilder()
    tree = LexborHTMLParser(_decode(data))
    given = tree.css_first("head title")
    # A page's own heading is its title without the site's name; of several, none is.
    single = len(tree.css("h1")) <= 1
    add_html(builder, tree)
    heading, title = builder.first_heading, given.text().strip() if given else ""
    return builder.build(
        title=heading if heading and (single or not title) else title or None,
        name=name,
        media_type=FORMAT.media_type,
        date=_date(tree),
    )


def _decode(data: bytes) -> str:
    """The encoding that the page declares, if its bytes fit; else by the bytes."""
    declared = _CHARSET.search(data[:4096])
    if declared:
        encoding = declared.group(1).decode("ascii")
        try:
            return data.decode("utf-8" if is_mislabelled(data, encoding) else encoding)
        except (LookupError, UnicodeDecodeError):
            pass  # the declaration is wrong: look at the bytes instead
    return decode(data)[0]


def _date(tree: object) -> str | None:
    from selectolax.lexbor import LexborHTMLParser

    assert isinstance(tree, LexborHTMLParser)
    found: dict[str, str] = {}
    for field in tree.css("head meta[content]"):
        given = field.attributes
        key = given.get("property") or given.get("name") or given.get("itemprop") or ""
        if iso_date(given["content"] or ""):
            found.setdefault(key.lower(), given["content"] or "")
    return next((found[key] for key in _DATE_FIELDS if key in found), None)


def _recognises(data: bytes) -> bool:
    return _OPENING.match(data[:4096]) is not None


FORMAT = Format("HTML", "text/html", (".html", ".htm", ".xhtml"), read, recognises=_recognises)
