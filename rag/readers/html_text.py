"""The text inside an HTML element: inline markup, formulas, form values, readings, raised figures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.readers.building import one_line
from rag.readers.formulas import mathml
from rag.readers.raised import raised

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

SILENT = frozenset(("script", "style", "noscript", "template", "head", "iframe", "object", "canvas", "rp"))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SECTIONS = frozenset(("article", "body", "center", "div", "footer", "form", "header", "main", "section"))
_UNITS = frozenset(("address", "blockquote", "fieldset", "figcaption", "figure", "hr", "p", "pre", "table"))
_ITEMS = frozenset(("dd", "details", "dl", "dt", "li", "ol", "summary", "ul"))
_ROWS = frozenset(("caption", "tbody", "td", "tfoot", "th", "thead", "tr"))
_ASIDES = frozenset(("aside", "dialog", "nav", "legend"))
BLOCK_TAGS = HEADINGS | _SECTIONS | _UNITS | _ITEMS | _ROWS | _ASIDES
_CONTROLS = frozenset(("button", "label", "option", "select", "textarea", "input"))
_DISPLAY_BLOCK = re.compile(r"display\s*:\s*(?:block|flex|grid|table|list-item)", re.IGNORECASE)
_NO_VALUE = frozenset(("hidden", "password", "submit", "button", "reset", "image", "file"))
_SOFT_HYPHEN = "\xad"
BREAK = "\x1f"
"""A <br>, until the white space around it is settled; `split()` takes it for a space."""


def is_block(node: LexborNode) -> bool:
    """Whether an element begins a new line: by its tag, or by its own style."""
    if node.tag in BLOCK_TAGS:
        return True
    return node.tag != "-text" and bool(_DISPLAY_BLOCK.search(node.attributes.get("style") or ""))


def holds_blocks(node: LexborNode) -> bool:
    """Whether there is a block somewhere in an element."""
    return any(is_block(inner) for child in node.iter() for inner in child.traverse())


def inline_text(node: LexborNode, *, before: str = "") -> str:
    """The text of an element, blocks in it apart; a <br> is a break mark, `before` what it follows."""
    parts = [before]
    for child in node.iter(include_text=True):
        parts.append(child_text(child, "".join(parts[-2:])))
    return "".join(parts[1:]).replace(_SOFT_HYPHEN, "")


def child_text(node: LexborNode, before: str = "") -> str:
    """The text of one node among others, with the space that parts it from them."""
    tag = node.tag or ""
    if tag == "-text":
        return str(node.text(deep=False))
    if tag in SILENT or tag.startswith("-"):
        return ""
    if is_note_mark(node):
        return f"[{one_line(node.text()).strip('[]')}]"
    if tag in ("sup", "sub"):
        return raised(one_line(inline_text(node)), before, is_low=tag == "sub")
    if tag in _SPECIAL:
        return _SPECIAL[tag](node)
    text = inline_text(node, before=before)
    if is_block(node):
        return f" {text} "
    return f" {text}" if tag == "a" and node.prev is not None and node.prev.tag == "a" else text


def control_text(node: LexborNode) -> str:
    """What a form's control shows: its value, its chosen option, a box and whether it is ticked."""
    given = node.attributes
    kind = (given.get("type") or "text").lower()
    if node.tag == "select":
        options = node.css("option[selected]") or node.css("option")[:1]
        return ", ".join(one_line(option.text()) for option in options)
    if node.tag != "input":
        return inline_text(node)
    if kind in ("checkbox", "radio"):
        return "[x]" if "checked" in given else "[ ]"
    return "" if kind in _NO_VALUE else one_line(given.get("value") or "")


def is_note_mark(node: LexborNode) -> bool:
    """Whether this is the mark of a footnote, by its role."""
    if node.tag == "-text":
        return False
    attributes = node.attributes
    return attributes.get("role") == "doc-noteref" or attributes.get("epub:type") == "noteref"


_SPECIAL: dict[str, Callable[[LexborNode], str]] = {
    "br": lambda node: BREAK,
    "math": mathml,
    "svg": lambda node: " ".join(["", *(one_line(text.text()) for text in node.css("text")), ""]),
    "rt": lambda node: f"({one_line(inline_text(node))})",
    **dict.fromkeys(_CONTROLS, lambda node: f" {control_text(node)} "),
}
