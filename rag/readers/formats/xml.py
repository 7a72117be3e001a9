"""XML: articles (JATS), books (DocBook, FictionBook, TEI), feeds (RSS, Atom), else values with names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, ParseError, fromstring

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.decoding import decode
from rag.readers.html_blocks import add_html
from rag.readers.registry import Format
from rag.readers.tables import Cell, markdown_table, span, spread
from rag.records import Document

_TEXTS = frozenset(
    ("article", "book", "chapter", "section", "fictionbook", "tei", "tei.2", "topic", "concept", "task")
)
_TITLES = frozenset(("title", "head", "article-title", "book-title"))
_PARAGRAPHS = frozenset(
    ("p", "para", "simpara", "subtitle", "v", "l", "ab", "caption", "mixed-citation", "aff")
)
_ITEMS = frozenset(("listitem", "list-item", "item", "li"))
_CODE = frozenset(("programlisting", "screen", "code", "literallayout", "preformat"))
_TABLES = frozenset(("table", "informaltable"))
_UNITS = _ITEMS | _TABLES | (_CODE - {"code"})  # stand alone even within a paragraph
_BLOCKS = _UNITS | _PARAGRAPHS
_LEFT_OUT = {
    "binary": "pictures",
    "journal-meta": "data of the journal",
    "permissions": "data of the journal",
    "article-id": "data of the journal",
    "pub-date": "data of the journal",
    "teiheader": "data about the text",
    "description": "data about the text",
}
_ROWS = frozenset(("tr", "row"))
_SECTIONS = frozenset(("section", "sec", "chapter", "div", "sect1", "sect2", "sect3"))
_DATES = ("pubDate", "published", "updated", "date")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_OPENING = re.compile(rb"\s*(?:\xef\xbb\xbf)?<\?xml\b")
_TAGS = re.compile(r"<[^<>]+>")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The text under its headings, or the records of data, without the tags."""
    builder = DocumentBuilder()
    root = _parsed(builder, data)
    title = date = None
    if root is not None:
        kind = _name(root)
        items = [one for one in root.iter() if _name(one) in ("item", "entry")]
        if kind in ("rss", "feed", "rdf") and items:
            title = _text_of(root.find("channel") if kind == "rss" else root, "title")
            for item in items:
                _add_item(builder, item)
        elif kind in _TEXTS:
            date = _published(root)
            title = _title(root)
            _Walk(builder).children(root, 1)
        else:
            _add_data(builder, root)
    return builder.build(title=title, name=name, media_type=FORMAT.media_type, date=date)


def _parsed(builder: DocumentBuilder, data: bytes) -> Element | None:
    """The tree; of a file that is no proper XML the text without its tags is added."""
    try:
        return fromstring(data)
    except (ParseError, ValueError, LookupError):
        builder.warn("The XML is damaged: read as text without its tags.")
        for paragraph in re.split(r"\n[ \t]*\n", _TAGS.sub(" ", decode(data)[0])):
            builder.add("paragraph", "\n".join(map(one_line, paragraph.split("\n"))))
        return None


def _name(node: Element) -> str:
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _text_of(node: Element | None, name: str) -> str | None:
    found = next((one for one in node if _name(one) == name), None) if node is not None else None
    return one_line("".join(found.itertext())) if found is not None else None


def _add_item(builder: DocumentBuilder, item: Element) -> None:
    """An entry of a feed: its title, its date, its text, which is HTML."""
    from selectolax.lexbor import LexborHTMLParser

    builder.heading(_text_of(item, "title") or "", 2)
    day = next(filter(None, (_text_of(item, name.lower()) for name in _DATES)), None)
    who = _text_of(item, "creator") or _text_of(item, "author")
    builder.add("paragraph", ", ".join(filter(None, (who, day))))
    texts = [_text_of(item, name) for name in ("encoded", "content", "description", "summary")]
    longest = max(filter(None, texts), key=len, default="")
    add_html(builder, LexborHTMLParser(f"<body><div>{longest}</div></body>"))


def _title(root: Element) -> str | None:
    found = next((one for one in root.iter() if _name(one) in ("article-title", "book-title", "title")), None)
    return one_line("".join(found.itertext())) if found is not None else None


def _published(root: Element) -> str | None:
    for one in root.iter():
        if _name(one) in ("pub-date", "pubdate", "date"):
            parts = {_name(part): (part.text or "").strip() for part in one}
            if parts.get("year"):
                steps = (parts[name].zfill(2) for name in ("year", "month", "day") if parts.get(name))
                return "-".join(steps)
            return one.get("value") or "".join(one.itertext()).strip()
    return None


class _Walk:
    """Goes through a text; how deep a title lies in sections is its level."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder

    def children(self, node: Element, level: int) -> None:
        """Adds what is inside an element, in its order."""
        mixed = _is_mixed(node)
        loose = [node.text or ""]
        for child in node:
            if self._is_inline(child, mixed):
                loose.append(_flat(child) if mixed else f" {_flat(child)} ")
            else:
                self._builder.add("paragraph", one_line("".join(loose)))
                loose.clear()
                self._visit(child, level)
            loose.append(child.tail or "")
        self._builder.add("paragraph", one_line("".join(loose)))

    def _is_inline(self, node: Element, mixed: bool) -> bool:
        name = _name(node)
        if name in _LEFT_OUT or name in _BLOCKS or _holds(node, _BLOCKS):
            return False
        return mixed or not (len(node) or name in _TITLES or name in _CODE)

    def _visit(self, node: Element, level: int) -> None:
        name = _name(node)
        if name in _LEFT_OUT:
            self._builder.leave_out(_LEFT_OUT[name], "".join(node.itertext()))
        elif name in _TITLES:
            self._builder.heading(one_line(_flat(node)), level)
        elif name in _CODE:
            self._builder.add("code", "".join(node.itertext()).strip("\n"))
        elif name in _TABLES and _holds(node, _ROWS):
            self._builder.add("table", _table_text(node))
        elif name in _ITEMS and not _holds(node, _UNITS):
            self._builder.add("list", f"- {one_line(_flat(node))}")
        elif name in _PARAGRAPHS and not _holds(node, _UNITS):
            self._builder.add("paragraph", one_line(_flat(node)))
        else:
            self.children(node, level + (name in _SECTIONS))


def _holds(node: Element, names: frozenset[str]) -> bool:
    return any(_name(one) in names for child in node for one in child.iter())


def _is_mixed(node: Element) -> bool:
    """Whether an element has text of its own between its children: these are then parts of its words."""
    return any(text and text.strip() for text in (node.text, *(child.tail for child in node)))


def _flat(node: Element) -> str:
    """The text of an element; a space parts children that are no part of its words."""
    mixed = _is_mixed(node)
    parts = [node.text or ""]
    for child in node:
        parts.append(_flat(child) if mixed and _name(child) not in _BLOCKS else f" {_flat(child)} ")
        parts.append(child.tail or "")
    return "".join(parts)


def _table_text(node: Element) -> str:
    rows = [
        [
            Cell(
                one_line(_flat(cell)),
                span(cell.get("colspan")),
                span(cell.get("rowspan") or cell.get("morerows")) + ("morerows" in cell.attrib),
                _name(cell) == "th",
            )
            for cell in row
        ]
        for row in node.iter()
        if _name(row) in _ROWS
    ]
    return markdown_table(spread(rows))


def _add_data(builder: DocumentBuilder, root: Element) -> None:
    """Records of data: a block for each that is repeated, a line for each value in it."""
    children = list(root)
    while len(children) == 1 and len(children[0]):
        children = list(children[0])
    for is_leaf, group in groupby(children or [root], key=lambda node: len(node) == 0):
        if is_leaf:  # values that follow each other, not records
            builder.add("list", "\n".join(line for child in group for line in _values(child, "")))
        for child in () if is_leaf else group:
            builder.add("list", "\n".join(_values(child, "")))


def _values(node: Element, path: str) -> Iterator[str]:
    own = f"{path}.{_local(node)}" if path else _local(node)
    language = node.get(_LANGUAGE)
    own += f" ({language})" if language else ""
    for key, value in node.attrib.items():
        if value.strip() and not key.startswith("{"):
            yield f"{own}.{key}: {one_line(value)}"
    if node.text and node.text.strip():
        yield f"{own}: {one_line(node.text)}"
    for child in node:
        yield from _values(child, own if path or len(node) > 1 else "")
        if child.tail and child.tail.strip():
            yield f"{own}: {one_line(child.tail)}"


def _local(node: Element) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _recognises(data: bytes) -> bool:
    return _OPENING.match(data) is not None


FORMAT = Format(
    "XML",
    "application/xml",
    (".xml", ".rss", ".atom", ".fb2", ".nxml", ".dbk", ".docbook", ".tei"),
    read,
    recognises=_recognises,
    rank=60,
)
