"""What of an HTML page nobody sees: elements hidden by attribute, by their style, or by the page's sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.readers.building import one_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_SILENT = "script, style, noscript, template"
_OWN_COLOURS = "[style*=color], [style*=background], [bgcolor], font[color], img"
_MARK = "data-is-unseen"
_ZERO = r"(?:0++(?:\.0*+)?|\.0++)(?:[a-z]++|%)?"
_FAR = r"-(?:\d{4,}|[5-9]\d\d)(?:\.\d+)?(?:px|pt|em|rem)"
_HIDES = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|color:transparent"
    rf"|opacity:{_ZERO}|font-size:(?:{_ZERO}|0?\.\d+(?:px|pt)|1px)"
    rf"|text-indent:{_FAR}|transform:(?:scale[xy]?\(0\)|translate[xy]?\({_FAR}[^;)]*+\))"
    r"|clip:rect\((?:[01](?:px)?[\s,]*){4}\))(?=;|$)"
)
_AWAY = re.compile(rf"(?:^|;)(?:left|top|right|bottom|margin-left|margin-top):{_FAR}")
_PLACED = re.compile(r"(?:^|;)(?:position:(?:absolute|fixed)|margin-)")
_FLAT = re.compile(rf"(?:^|;)(?:max-)?(?:height|width):{_ZERO}(?=;|$)")
_CUT_OFF = re.compile(r"(?:^|;)overflow(?:-[xy])?:(?:hidden|clip)")
_SHOWS = re.compile(r"(?:^|;)(?:display:(?!none)|visibility:visible|opacity:0*+\.?0*+[1-9])")
_COLOUR = re.compile(r"(?:^|;)color:([^;]+)")
_GROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;]+)")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_AT_RULE = re.compile(r"@[^{};@]*+(?:;|\{(?:[^{}]++|\{[^{}]*+\})*+\})")
_RGB = re.compile(r"rgba?\((\d+),(\d+),(\d+)")
_HEX = re.compile(r"#(?:([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})|([0-9a-f])([0-9a-f])([0-9a-f]))\b")
_NAMED = {"white": (255, 255, 255), "black": (0, 0, 0)}
_ALIKE = 24
"""Two colours whose parts differ by less in sum are one to the eye."""

_MOST_ABOVE = 100

Colour = tuple[int, ...]


def take_hidden(tree: LexborHTMLParser) -> Iterator[str]:
    """The text of each element that is not shown; it is taken out of the tree.

    In doubt an element is shown: where another rule shows it, where a sheet may have given it a ground.
    """
    body, root = tree.body, tree.root
    if body is None or root is None:
        return
    sheet = _COMMENT.sub("", "\n".join(one.text() for one in root.css("style")))
    is_plain = "background" not in sheet and not root.css("link[rel~=stylesheet]")
    for node in body.css("[hidden], [style], font[color]"):
        if node.tag != "body" and _is_unseen(node, is_plain):
            node.attrs[_MARK] = ""
    for node in _by_sheet(body, sheet):
        node.attrs[_MARK] = ""
    for node in _outermost(body):
        for silent in node.css(_SILENT):
            silent.decompose()
        yield one_line(node.text(separator=" "))
        node.decompose()


def _is_unseen(node: LexborNode, is_plain: bool) -> bool:
    return "hidden" in node.attributes or _is_hiding(_style(node)) or _is_on_itself(node, is_plain)


def _style(node: LexborNode) -> str:
    """An element's own style, in lower case and without spaces."""
    return _squeezed(node.attributes.get("style") or "")


def _squeezed(style: str) -> str:
    return re.sub(r"\s+|!\s*important", "", style.lower())


def _is_hiding(style: str) -> bool:
    """Whether what has such a style is not seen."""
    return bool(
        _HIDES.search(style)
        or (_AWAY.search(style) and _PLACED.search(style))
        or (_FLAT.search(style) and _CUT_OFF.search(style))
    )


def _is_on_itself(node: LexborNode, is_plain: bool) -> bool:
    """Whether an element's text has the colour of its ground; not if an element in it has its own."""
    stated = _COLOUR.search(_style(node))
    given = stated[1] if stated else (node.attributes.get("color") or "" if node.tag == "font" else "")
    colour, ground = _colour(given), _ground(node, is_plain)
    if (
        colour is None
        or ground is None
        or sum(abs(a - b) for a, b in zip(colour, ground, strict=True)) > _ALIKE
    ):
        return False
    return not any(child.css_first(_OWN_COLOURS) for child in node.iter())


def _ground(node: LexborNode | None, is_plain: bool) -> Colour | None:
    """The colour below an element's text: that of the nearest element with one, white on a plain page."""
    for _ in range(_MOST_ABOVE):
        if node is None:
            return _NAMED["white"] if is_plain else None
        stated = _GROUND.search(_style(node))
        given = stated[1] if stated else node.attributes.get("bgcolor") or ""
        if given and given not in ("none", "transparent", "inherit"):
            return _colour(given)
        if "background" in node.attributes:
            return None
        node = node.parent
    return None


def _colour(given: str) -> Colour | None:
    """Red, green and blue, None for what is more than a colour or another name."""
    given = _squeezed(given)
    if found := _RGB.match(given):
        return tuple(map(int, found.groups()))
    if found := _HEX.fullmatch(given):
        return tuple(int(part if len(part) == 2 else 2 * part, 16) for part in found.groups() if part)
    return _NAMED.get(given)


def _by_sheet(body: LexborNode, sheet: str) -> Iterator[LexborNode]:
    """The elements that a rule of the sheet hides and none shows; rules for some media are passed over."""
    parts = (rule.partition("{") for rule in _AT_RULE.sub("", sheet).split("}"))
    rules = [(names.strip(), _squeezed(style)) for names, _, style in parts if style]
    hidden = {
        node.mem_id: node for names, style in rules if _is_hiding(style) for node in _chosen(body, names)
    }
    if hidden:
        for names, style in rules:
            for node in _chosen(body, names) if _SHOWS.search(style) and not _is_hiding(style) else ():
                hidden.pop(node.mem_id, None)
    for node in hidden.values():
        if node.tag not in ("body", "html") and not _SHOWS.search(_style(node)):
            yield node


def _chosen(body: LexborNode, names: str) -> Iterator[LexborNode]:
    """What a rule is for, without the states of an element (`:hover`) and its parts (`::before`)."""
    from selectolax.lexbor import SelectolaxError

    for name in names.split(","):
        if ":" not in name:
            try:
                yield from body.css(name.strip())
            except SelectolaxError:
                continue  # not a selector: browsers pass over it too


def _outermost(body: LexborNode) -> list[LexborNode]:
    """The marked elements that are in no other."""
    found, inside = [], set[int]()
    for node in body.css(f"[{_MARK}]"):
        if node.mem_id not in inside:
            found.append(node)
            inside.update(one.mem_id for one in node.css(f"[{_MARK}]"))
    return found
