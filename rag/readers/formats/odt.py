"""OpenDocument text and presentations: headings, paragraphs, lists and tables of `content.xml`."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Container, Iterable, Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, fromstring

from rag.errors import UnreadableDocument
from rag.readers.archives import is_zip_with, member, open_zip
from rag.readers.building import DocumentBuilder, one_line
from rag.readers.registry import Format
from rag.readers.tables import markdown_table
from rag.records import HIDDEN_TEXT, BlockKind, Document

_MEDIA_TYPE = "application/vnd.oasis.opendocument.text"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_DATE = "{http://purl.org/dc/elements/1.1/}date"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_TINY = re.compile(r"(?:0?\.\d+|[01])(?:\.0+)?pt")
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SLIDE_FURNITURE = frozenset(("page-number", "date-time", "header", "footer"))
_TITLES = {"Title": 1, "Subtitle": 2}
_KINDS: dict[str, BlockKind] = {
    "Quotations": "quote",
    "Block_20_Text": "quote",
    "Preformatted_20_Text": "code",
    "Source_20_Code": "code",
}
_SPACES = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n", f"{_TEXT}s": " "}
_UNREAD = frozenset((f"{_OFFICE}annotation", f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls"))


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The document's blocks in order; tracked deletions and comments are not part of it."""
    archive = open_zip(data, name)
    content = fromstring(member(archive, "content.xml", name))
    body = content.find(f"{_OFFICE}body")
    if body is None:
        raise UnreadableDocument(f"{name}: has no text inside. Open it and save it again.")
    builder = DocumentBuilder()
    unseen = set(_unseen_styles(content))
    for text in _take_hidden(body, unseen):
        builder.hide(text)
    walk = _Walk(builder, content)
    slides = list(body.iter(f"{_DRAW}page"))
    for number, slide in enumerate(slides, start=1):
        is_hidden = slide.get(f"{_DRAW}style-name") in unseen
        builder.section("", 1)
        if is_hidden:
            builder.heading(HIDDEN_TEXT, 1, page=number)
        builder.section(slide.get(f"{_DRAW}name") or f"Slide {number}", 1 + is_hidden)
        walk.children(slide, number)
    if not slides:
        walk.children(body, None)
    title, date = _meta(archive, name)
    return builder.build(
        title=title, name=name, media_type=FORMAT.media_type, date=date, page_count=len(slides) or None
    )


def _unseen_styles(content: Element) -> Iterator[str]:
    """The names of the styles that hide a text or a slide, or make letters too small to be seen."""
    for style in content.iter(f"{_STYLE}style"):
        for one in style:
            size = one.get(f"{_FO}font-size") or ""
            hides = one.get(f"{_TEXT}display") == "none" or one.get(f"{_PRESENTATION}visibility") == "hidden"
            if hides or _TINY.fullmatch(size):
                yield style.get(f"{_STYLE}name") or ""


def _take_hidden(body: Element, unseen: Container[str]) -> Iterator[str]:
    """The text of the paragraphs and spans of such styles; it is taken out of them."""
    for node in list(body.iter()):
        if node.get(f"{_TEXT}style-name") in unseen or node.tag == f"{_TEXT}hidden-text":
            yield one_line(" ".join(node.itertext()))
            node[:] = []
            node.text = ""


def _meta(archive: zipfile.ZipFile, name: str) -> tuple[str | None, str | None]:
    """The title and the date, None where there is none."""
    if "meta.xml" not in archive.namelist():
        return None, None
    meta = fromstring(member(archive, "meta.xml", name))
    title = next((found.text for found in meta.iter(_TITLE)), None)
    date = next((found.text for found in meta.iter(_DATE)), None)
    return title, date


class _Walk:
    """Goes through the elements, knowing which named style each automatic style stands for."""

    def __init__(self, builder: DocumentBuilder, content: Element) -> None:
        self._builder = builder
        self._lists = _Lists(content)
        styles = content.iter(f"{_STYLE}style")
        self._parents = {
            style.get(f"{_STYLE}name"): style.get(f"{_STYLE}parent-style-name") for style in styles
        }

    def children(self, node: Element, page: int | None) -> None:
        """Adds what is inside an element; neighbouring paragraphs of code are one block."""
        for is_code, group in groupby(node, key=self._is_code):
            if is_code:
                self._builder.add("code", "\n".join(map(_inline, group)), page=page)
            else:
                self._each(group, page)

    def _is_code(self, node: Element) -> bool:
        return node.tag == f"{_TEXT}p" and _KINDS.get(self._style(node)) == "code"

    def _each(self, nodes: Iterable[Element], page: int | None) -> None:
        for child in nodes:
            if child.tag == f"{_TEXT}h":
                level = child.get(f"{_TEXT}outline-level") or "1"
                self._builder.heading(_inline(child), int(level), page=page)
            elif child.tag == f"{_TEXT}p":
                self._paragraph(child, page)
            elif child.tag == f"{_TEXT}list":
                self._builder.add("list", "\n".join(self._lists.items(child)), page=page)
            elif child.tag == f"{_TABLE}table":
                self._builder.add("table", markdown_table(list(_rows(child))), page=page)
            elif child.get(f"{_PRESENTATION}class") == "title":
                self._builder.heading(_inline(child), 1, page=page)
            elif child.tag not in _UNREAD and child.get(f"{_PRESENTATION}class") not in _SLIDE_FURNITURE:
                self.children(child, page)

    def _paragraph(self, node: Element, page: int | None) -> None:
        named = self._style(node)
        if named in _TITLES:
            self._builder.heading(_inline(node), _TITLES[named], page=page)
        else:
            self._builder.add(_KINDS.get(named, "paragraph"), _inline(node), page=page)

    def _style(self, node: Element) -> str:
        """The name that people know a paragraph's style by."""
        style = node.get(f"{_TEXT}style-name") or ""
        return self._parents.get(style) or style


def _inline(node: Element) -> str:
    """The text of a paragraph with its tabs, breaks and runs of spaces."""
    parts = [node.text or ""]
    for child in node:
        if child.tag in _SPACES:
            count = int(child.get(f"{_TEXT}c") or 1) if child.tag == f"{_TEXT}s" else 1
            parts.append(_SPACES[child.tag] * min(count, 1000))
        elif child.tag == f"{_TEXT}note":
            parts.append(f" ({one_line(' '.join(child.itertext()))}) ")
        elif child.tag not in _UNREAD:
            parts.append(_inline(child))
        parts.append(child.tail or "")
    return "".join(parts)


class _Lists:
    """The lists of a document, whose styles say which levels have numbers, and what comes after these."""

    def __init__(self, content: Element) -> None:
        self._suffixes: dict[tuple[str | None, int], str] = {}
        for style in content.iter(f"{_TEXT}list-style"):
            for level in style.iter(f"{_TEXT}list-level-style-number"):
                if level.get(f"{_STYLE}num-format") == "1":
                    place = style.get(f"{_STYLE}name"), int(level.get(f"{_TEXT}level") or 1)
                    self._suffixes[place] = level.get(f"{_STYLE}num-suffix") or ""
        self._counts: dict[tuple[str | None, int], int] = {}

    def items(self, node: Element, depth: int = 0, outer: str | None = None) -> Iterator[str]:
        """The lines of a list: numbers go on from the last list of the style where the file says so."""
        style = node.get(f"{_TEXT}style-name") or outer
        level = style, depth + 1
        if node.get(f"{_TEXT}continue-numbering") != "true":
            self._counts[level] = 0
        for item in node:
            mark = ""
            for child in item:
                if child.tag == f"{_TEXT}list":
                    yield from self.items(child, depth + 1, style)
                elif text := one_line(_inline(child)):
                    mark = mark or self._mark(level, item)
                    yield f"{'  ' * depth}{mark} {text}"

    def _mark(self, level: tuple[str | None, int], item: Element) -> str:
        if level not in self._suffixes or item.tag != f"{_TEXT}list-item":
            return "-"
        start = item.get(f"{_TEXT}start-value")
        self._counts[level] = int(start) if start else self._counts.get(level, 0) + 1
        return f"{self._counts[level]}{self._suffixes[level] or '.'}"


def _rows(table: Element) -> Iterator[list[str]]:
    for row in table.iter(f"{_TABLE}table-row"):
        cells = []
        for cell in row:
            repeated = min(int(cell.get(f"{_TABLE}number-columns-repeated") or 1), 100)
            text = " ".join(_inline(paragraph) for paragraph in cell.iter(f"{_TEXT}p"))
            cells += [one_line(text)] * repeated
        yield cells


def _recognises(data: bytes) -> bool:
    kinds = ("text", "presentation")
    return any(is_zip_with(data, mimetype=f"application/vnd.oasis.opendocument.{kind}") for kind in kinds)


FORMAT = Format("OpenDocument", _MEDIA_TYPE, (".odt", ".ott", ".odp"), read, recognises=_recognises, rank=20)
