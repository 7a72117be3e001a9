"""An HTML tree to blocks: headings, paragraphs, lists, tables, code and quotes, without navigation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.tables import markdown_table
from rag.records import BlockKind

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_SILENT = frozenset(
    ("script", "style", "noscript", "template", "svg", "math", "head", "iframe", "object", "canvas")
) | frozenset(("input", "select"))
_NAVIGATION_TAGS = frozenset(("nav", "aside", "footer", "dialog"))
_NAVIGATION_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "complementary", "dialog"))
_NAVIGATION_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|cookies?|skip-link|share|social"
    r"|pagination|newsletter|advert|ads|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SECTIONS = frozenset(("article", "body", "center", "div", "footer", "form", "header", "main", "section"))
_UNITS = frozenset(("address", "blockquote", "fieldset", "figcaption", "figure", "hr", "p", "pre", "table"))
_ITEMS = frozenset(("dd", "details", "dl", "dt", "li", "ol", "summary", "ul"))
_BLOCK_TAGS = _HEADINGS | _SECTIONS | _UNITS | _ITEMS
_SOFT_HYPHEN = "\xad"
_BREAK = "\x1f"  # a <br>, until the white space around it is settled; `split()` takes it for a space


def add_html(builder: DocumentBuilder, tree: LexborHTMLParser, *, page: int | None = None) -> None:
    """Adds the main content of a parsed page to the builder; what is left out is counted by its kind."""
    if tree.body is None:
        return
    main = _main(tree)
    before = builder.block_count
    _Walk(builder, page).children(main)
    if builder.block_count == before and main is not tree.body:
        _Walk(builder, page).children(tree.body)
    elif main is not tree.body:
        _count_outside(builder, tree.body, main)


def _main(tree: LexborHTMLParser) -> LexborNode:
    """The one element marked as the page's main content, or the body."""
    assert tree.body is not None
    for selector in ("main", "[role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1:
            return found[0]
    return tree.body


def _count_outside(builder: DocumentBuilder, body: LexborNode, main: LexborNode) -> None:
    for silent in body.css(",".join(sorted(_SILENT))):
        silent.decompose()
    builder.leave_out("around the main content", _minus(body.text(separator=" "), main.text(separator=" ")))


def _minus(whole: str, part: str) -> str:
    return whole.replace(part, " ", 1)


class _Walk:
    """One pass over the tree; text between block elements is gathered into a paragraph."""

    def __init__(self, builder: DocumentBuilder, page: int | None) -> None:
        self._builder = builder
        self._page = page
        self._inline: list[str] = []

    def children(self, node: LexborNode, kind: BlockKind = "paragraph") -> None:
        """Adds what is inside an element."""
        for child in node.iter(include_text=True):
            self._visit(child, kind)
        self._flush(kind)

    def _visit(self, node: LexborNode, kind: BlockKind) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._inline.append(node.text(deep=False))
        elif tag == "br":
            self._inline.append(_BREAK)
        elif _is_note_mark(node):
            self._inline.append(f"[{one_line(node.text()).strip('[]')}]")
        elif tag in ("sup", "sub"):
            self._inline.append(_raised(one_line(_inline_text(node))))
        elif tag in _SILENT or tag.startswith("-"):
            return
        elif what := _navigation(node):
            self._builder.leave_out(what, node.text(separator=" "))
        elif tag in _BLOCK_TAGS:
            self._flush(kind)
            self._block(node, tag, kind)
        elif _holds_blocks(node):
            self.children(node, kind)
        else:
            self._inline.append(_inline_text(node))

    def _block(self, node: LexborNode, tag: str, kind: BlockKind) -> None:
        if tag in _HEADINGS:
            self._builder.heading(one_line(_inline_text(node)), int(tag[1]), page=self._page)
        elif tag == "pre":
            for line_end in node.css("br"):
                line_end.replace_with("\n")
            self._builder.add("code", node.text().strip("\n"), page=self._page)
        elif tag == "table":
            self._table(node)
        elif tag in ("ul", "ol"):
            self._builder.add("list", "\n".join(_list_lines(node, 0)), page=self._page)
        elif tag == "blockquote":
            self.children(node, "quote")
        else:
            self.children(node, kind)

    def _table(self, node: LexborNode) -> None:
        """A table of data becomes Markdown; one that lays out blocks is walked like a `div`."""
        rows = [_cells(row) for row in node.css("tr")]
        if (
            node.css("table table, td p + p, td ul, td h1, td h2, td h3")
            or max(map(len, rows), default=0) < 2
        ):
            self.children(node)
            return
        caption = node.css_first("caption")
        table = markdown_table(rows, header=bool(node.css("th, thead")) or len(rows) > 1)
        above = one_line(_inline_text(caption)) + "\n\n" if caption else ""
        self._builder.add("table", above + table, page=self._page)

    def _flush(self, kind: BlockKind) -> None:
        lines = "".join(self._inline).replace(_SOFT_HYPHEN, "").split(_BREAK)
        self._inline.clear()
        text = "\n".join(one_line(line) for line in lines)
        self._builder.add(kind, text, page=self._page)


def _navigation(node: LexborNode) -> str:
    """What kind of furniture an element is, "" for content."""
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return "hidden"
    role = attributes.get("role") or ""
    if role.startswith("doc-") and role != "doc-toc":  # footnotes, an abstract, an appendix
        return ""
    if node.tag == "aside" and (_is_note(node) or node.css_first("[role=doc-footnote]")):
        return ""
    if node.tag in _NAVIGATION_TAGS or role in _NAVIGATION_ROLES:
        return "navigation"
    if node.tag == "header" and node.parent is not None and node.parent.tag == "body":
        return "" if node.css_first("h1") else "navigation"
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    if node.tag in ("div", "ul", "ol", "section", "span", "p", "a") and _NAVIGATION_NAMES.search(names):
        return "navigation"
    return ""


def _holds_blocks(node: LexborNode) -> bool:
    return any(inner.tag in _BLOCK_TAGS for inner in node.traverse())


def _inline_text(node: LexborNode) -> str:
    """The text of an element; a <br> in it is a break mark."""
    parts = []
    for child in node.iter(include_text=True):
        if child.tag == "-text":
            parts.append(child.text(deep=False))
        elif child.tag == "br":
            parts.append(_BREAK)
        elif child.tag in ("sup", "sub"):
            parts.append(_raised(one_line(_inline_text(child))))
        elif _is_note_mark(child):
            parts.append(f"[{one_line(child.text()).strip('[]')}]")
        elif child.tag not in _SILENT and not (child.tag or "-").startswith("-"):
            parts.append(_inline_text(child))
    return "".join(parts).replace(_SOFT_HYPHEN, "")


def _is_note(node: LexborNode) -> bool:
    return (node.attributes.get("epub:type") or "") in ("footnote", "endnote", "rearnote", "note")


def _is_note_mark(node: LexborNode) -> bool:
    attributes = node.attributes
    return attributes.get("role") == "doc-noteref" or attributes.get("epub:type") == "noteref"


def _raised(text: str) -> str:
    """A superscript that would change the word before it stands apart from it."""
    return text if text[:1] in ("[", "(", "") else f" {text}"


def _cells(row: LexborNode) -> list[str]:
    cells: list[str] = []
    for cell in row.iter():
        if cell.tag in ("td", "th"):
            cells.append(one_line(cell.text(separator=" ") if _holds_blocks(cell) else _inline_text(cell)))
            span = cell.attributes.get("colspan") or "1"
            cells.extend([""] * (min(int(span), 100) - 1 if span.isdigit() else 0))
    return cells


def _list_lines(node: LexborNode, depth: int) -> list[str]:
    """A line for each item, nested ones indented by two spaces a level."""
    lines: list[str] = []
    number = 0
    for item in node.iter():
        if item.tag in ("ul", "ol"):
            lines.extend(_list_lines(item, depth + 1))
        if item.tag != "li":
            continue
        number += 1
        mark = f"{number}." if node.tag == "ol" else "-"
        own, nested = _item(item, depth)
        lines.append(f"{'  ' * depth}{mark} {own}")
        lines.extend(nested)
    return lines


def _item(item: LexborNode, depth: int) -> tuple[str, list[str]]:
    own: list[str] = []
    nested: list[str] = []
    for child in item.iter(include_text=True):
        if child.tag == "-text":
            own.append(child.text(deep=False))
        elif child.tag in ("ul", "ol"):
            nested.extend(_list_lines(child, depth + 1))
        elif child.tag not in _SILENT:
            own.append(f" {_inline_text(child)} " if child.tag in _BLOCK_TAGS else _inline_text(child))
    return one_line("".join(own).replace(_SOFT_HYPHEN, "")), nested
