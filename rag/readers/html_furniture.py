"""What of an HTML page is its content, and what is furniture: menus, banners, link lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.readers.building import visible

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_NAVIGATION_ROLES = frozenset(("navigation", "banner", "contentinfo", "search"))
_NAVIGATION_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|skip-link|share|social"
    r"|pagination|newsletter|advert|ads|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
_COOKIE_NAMES = re.compile(r"(?:^|[\s_-])(?:cookies?|gdpr|consent)(?:$|[\s_-])", re.IGNORECASE)
_NAMED_TAGS = frozenset(("div", "ul", "ol", "section", "span", "p", "a", "table"))
_SILENT = "script, style, noscript, template"
_COOKIE_CHARACTERS = 1500
_SIGN_UP_CHARACTERS = 300
_LEAST_SHARE = {"main": 0.25, "article": 0.5}


def main_content(body: LexborNode) -> LexborNode:
    """The one element marked as the page's main content if most of the text is in it, or the body."""
    for selector, tag in (("main", "main"), ("[role=main]", "main"), ("article", "article")):
        found = body.css(selector)
        if len(found) == 1 and _characters(found[0]) >= _LEAST_SHARE[tag] * _content_characters(body):
            return found[0]
    return body


def furniture(node: LexborNode) -> str:
    """What kind of furniture an element is, "" for content; in doubt it is content.

    A class such as "menu" or "newsletter" is not enough: the text must be mostly links or a form's.
    """
    attributes = node.attributes
    if attributes.get("aria-hidden") == "true":  # seen, but not worth being read out
        return "hidden from screen readers"
    role = attributes.get("role") or ""
    if role.startswith("doc-") and role != "doc-toc":  # footnotes, an abstract, an appendix
        return ""
    if node.tag in ("nav", "dialog") or role in (*_NAVIGATION_ROLES, "dialog"):
        return "navigation"
    if node.tag == "footer":
        return "navigation" if _is_of_page(node) else ""
    if node.tag == "header" and _is_of_page(node):
        return "" if node.css_first("h1") else "navigation"
    if node.tag == "aside" or role == "complementary":
        return "navigation" if _is_links(node) else ""
    return _by_name(node)


def _by_name(node: LexborNode) -> str:
    names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
    if node.tag not in _NAMED_TAGS:
        return ""
    if _COOKIE_NAMES.search(names) and _characters(node) < _COOKIE_CHARACTERS:
        return "navigation"
    if not _NAVIGATION_NAMES.search(names):
        return ""
    is_form = node.css_first("input, button") is not None and _characters(node) < _SIGN_UP_CHARACTERS
    return "navigation" if is_form or _is_links(node) else ""


def _is_of_page(node: LexborNode) -> bool:
    """Whether a header or footer is the page's, not an article's."""
    while (node := node.parent) is not None:  # type: ignore[assignment]
        if node.tag in ("article", "main", "blockquote", "td", "section"):
            return False
    return True


def _is_links(node: LexborNode) -> bool:
    """Whether most of an element's text is links, and more than one."""
    links = node.css("a")
    return len(links) > 1 and 2 * sum(map(_characters, links)) > _characters(node)


def _characters(node: LexborNode) -> int:
    """The characters that are shown: scripts and styles are text to the parser only."""
    return visible(node.text()) - sum(visible(silent.text()) for silent in node.css(_SILENT))


def _content_characters(body: LexborNode) -> int:
    """The characters of a page without what is furniture by its tag."""
    outside = body.css("nav, footer, dialog")
    return _characters(body) - sum(map(_characters, outside))
