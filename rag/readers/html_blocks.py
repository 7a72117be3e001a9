"""An HTML tree to blocks: headings, paragraphs, lists, tables, code and quotes, without navigation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.readers.beside import file_beside
from rag.readers.building import DocumentBuilder, one_line
from rag.readers.html_furniture import furniture, main_content
from rag.readers.html_hidden import take_hidden
from rag.readers.html_pictures import GetFile, add_pictures
from rag.readers.html_tables import cells_of, is_layout, own_rows, table_text
from rag.readers.html_text import BREAK, HEADINGS, SILENT, child_text, holds_blocks, inline_text, is_block
from rag.records import BlockKind

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_LEAVES = HEADINGS | {"pre", "table", "ul", "ol"}
_SOFT_HYPHEN = "\xad"


def add_html(
    builder: DocumentBuilder, tree: LexborHTMLParser, *, page: int | None = None, file: GetFile = file_beside
) -> None:
    """Adds the main content of a parsed page to the builder; what is left out is counted by its kind.

    `file` gives the pictures that the page refers to.
    """
    if tree.body is None:
        return
    for text in take_hidden(tree):
        builder.hide(text, page=page)
    main = main_content(tree.body)
    before = builder.block_count
    walk = _Walk(builder, page, file)
    walk.children(main)
    if builder.block_count == before:  # all of it looks like furniture: better that than nothing
        walk = _Walk(builder, page, file, keeps_all=True)
        walk.children(tree.body)
    elif main is not tree.body:
        _count_outside(builder, tree.body, main)
    for what, text in walk.left_out:
        builder.leave_out(what, text)


def _count_outside(builder: DocumentBuilder, body: LexborNode, main: LexborNode) -> None:
    for silent in body.css(",".join(sorted(SILENT))):
        silent.decompose()
    outside = body.text(separator=" ").replace(main.text(separator=" "), " ", 1)
    builder.leave_out("around the main content", outside)


class _Walk:
    """One pass over the tree; text between block elements is gathered into a paragraph."""

    def __init__(
        self, builder: DocumentBuilder, page: int | None, file: GetFile, *, keeps_all: bool = False
    ) -> None:
        self._builder = builder
        self._page = page
        self._file = file
        self._keeps_all = keeps_all
        self.left_out: list[tuple[str, str]] = []
        self._inline: list[str] = []

    def children(self, node: LexborNode, kind: BlockKind = "paragraph") -> None:
        """Adds what is inside an element."""
        for child in node.iter(include_text=True):
            self._visit(child, kind)
        self._flush(kind)

    def _visit(self, node: LexborNode, kind: BlockKind) -> None:
        tag = node.tag or ""
        if tag == "-text" or tag in SILENT or tag.startswith("-"):
            self._inline.append(child_text(node))
        elif not self._keeps_all and (what := furniture(node)):
            self.left_out.append((what, node.text(separator=" ")))
        elif is_block(node):
            self._flush(kind)
            self._block(node, tag, kind)
        elif holds_blocks(node) and tag not in ("math", "svg"):
            self.children(node, kind)
        else:
            self._inline.append(child_text(node, "".join(self._inline[-2:])))
            self._pictures(node)

    def _pictures(self, node: LexborNode) -> None:
        if node.tag == "img" or node.css_first("img") is not None:
            add_pictures(self._builder, node, page=self._page, file=self._file)

    def _block(self, node: LexborNode, tag: str, kind: BlockKind) -> None:
        if tag in HEADINGS:
            self._builder.heading(one_line(inline_text(node)), int(tag[1]), page=self._page)
        elif tag == "pre":
            for line_end in node.css("br"):
                line_end.replace_with("\n")
            self._builder.add("code", node.text().strip("\n"), page=self._page)
        elif tag == "table" and not is_layout(node):
            self._builder.add("table", table_text(node), page=self._page)
        elif tag == "table":
            self._layout(node)
        elif tag in ("ul", "ol"):
            self._list(node)
        elif tag == "blockquote":
            self.children(node, "quote")
        else:
            self.children(node, kind)
        if tag in _LEAVES and not (tag == "table" and is_layout(node)):
            self._pictures(node)

    def _layout(self, node: LexborNode) -> None:
        """A table that places blocks: cell after cell, a row of short texts as one line."""
        for child in node.iter():
            if child.tag == "caption":
                self.children(child)
        for row in own_rows(node):
            for cell in cells_of(row):
                if holds_blocks(cell):
                    self._flush("paragraph")
                    self.children(cell)
                else:
                    self._inline.append(f" {inline_text(cell)} ")
            self._flush("paragraph")

    def _list(self, node: LexborNode) -> None:
        """A block of lines; item by item where tables, code or headings stand in it."""
        if not node.css("table, pre"):
            self._builder.add("list", "\n".join(_list_lines(node, 0)), page=self._page)
            return
        for item, mark in _marked(node):
            if item.tag in ("ul", "ol"):
                self._list(item)
            else:
                self._inline.append(f"{mark} ")
                self.children(item, "list")

    def _flush(self, kind: BlockKind) -> None:
        lines = "".join(self._inline).replace(_SOFT_HYPHEN, "").split(BREAK)
        self._inline.clear()
        text = "\n".join(one_line(line) for line in lines)
        if text.strip() not in ("-", ""):
            self._builder.add(kind, text, page=self._page)


def _marked(node: LexborNode) -> Iterator[tuple[LexborNode, str]]:
    """What is in a list, and the number or the dash before each item."""
    number = int(start) - 1 if (start := node.attributes.get("start") or "").isdecimal() else 0
    for item in node.iter():
        if item.tag == "li":
            given = item.attributes.get("value") or ""
            number = int(given) if given.isdecimal() else number + 1
        yield item, f"{number}." if node.tag == "ol" else "-"


def _list_lines(node: LexborNode, depth: int) -> list[str]:
    """A line for each item, nested ones indented by two spaces a level."""
    lines: list[str] = []
    for item, mark in _marked(node):
        if item.tag in ("ul", "ol"):
            lines.extend(_list_lines(item, depth + 1))
        if item.tag != "li":
            continue
        own, nested = _item(item, depth)
        lines.append(f"{'  ' * depth}{mark} {own}".rstrip())
        lines.extend(nested)
    return [line for line in lines if line.strip() != "-"]


def _item(item: LexborNode, depth: int) -> tuple[str, list[str]]:
    """An item's own text, and the lines of the lists in it."""
    own: list[str] = []
    nested: list[str] = []
    for child in item.iter(include_text=True):
        if child.tag in ("ul", "ol"):
            nested.extend(_list_lines(child, depth + 1))
        elif child.tag in ("div", "section") and child.css("li"):
            text, below = _item(child, depth)
            own.append(f" {text} ")
            nested.extend(below)
        else:
            own.append(child_text(child, "".join(own[-2:])))
    return one_line("".join(own).replace(_SOFT_HYPHEN, "")), nested
