"""What a Word document's styles make of a paragraph: a heading of some level, code, a quotation, an item."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass
from xml.etree.ElementTree import Element

from rag.records import BlockKind

_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_CONTENTS = re.compile(r"toc (?:\d|heading)$", re.IGNORECASE)
_TITLES = {"title": 1, "subtitle": 2}
_KINDS: dict[str, BlockKind] = {
    **dict.fromkeys(("quote", "intense quote", "block text"), "quote"),
    **dict.fromkeys(("source code", "preformatted text", "html preformatted", "code", "macro"), "code"),
}
_DEEPEST = 12
_WHITE = re.compile("(?:F[A-F0-9]){3}|white", re.IGNORECASE)
_TINY = 2.0
"""In half points."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Whether text is hidden, white, too small to be seen, on a colour; None where that is not said."""

    hidden: bool | None = None
    white: bool | None = None
    tiny: bool | None = None
    ground: bool | None = None

    def over(self, base: Ink) -> Ink:
        """This format where it says something, else the one below it."""
        pairs = zip(astuple(self), astuple(base), strict=True)
        return Ink(*(below if own is None else own for own, below in pairs))


@dataclass(frozen=True, slots=True)
class Look:
    """What a style says; `number` is (list, level), `level` that of a heading or 0."""

    level: int = 0
    kind: BlockKind = "paragraph"
    number: tuple[str, int] | None = None
    is_contents: bool = False
    ink: Ink = Ink()


class Styles:
    """The looks of a document's styles, each with what it takes from the one it is based on."""

    def __init__(self, root: Element | None) -> None:
        self._styles = {one.get("styleId"): one for one in root.iter("w.style")} if root is not None else {}
        self._looks: dict[str | None, Look] = {}

    def look(self, style: str | None) -> Look:
        """The look of a style, plain for an unknown one."""
        if style not in self._looks:
            self._looks[style] = self._resolved(style)
        return self._looks[style]

    def _resolved(self, style: str | None) -> Look:
        found = Look()
        for one in reversed(self._chain(style)):
            name = value(one, "w.name") or ""
            heading = _HEADING.match(name)
            outline = value(one, "w.pPr/w.outlineLvl")
            level = _TITLES.get(name.lower(), found.level)
            if heading:
                level = int(heading[1])
            elif outline is not None:
                level = int(outline) + 1 if int(outline) < 9 else 0
            found = Look(
                level,
                _KINDS.get(name.lower(), found.kind),
                numbering(one.find("w.pPr"), found.number),
                found.is_contents or bool(_CONTENTS.match(name)),
                ink_of(one.find("w.rPr")).over(ink_of(one.find("w.pPr"))).over(found.ink),
            )
        return found

    def _chain(self, style: str | None) -> list[Element]:
        chain: list[Element] = []
        while style in self._styles and len(chain) < _DEEPEST:
            chain.append(self._styles[style])
            style = value(chain[-1], "w.basedOn")
        return chain


def ink_of(properties: Element | None) -> Ink:
    """How the properties of a run or paragraph have its text printed."""
    if properties is None:
        return Ink()
    vanish, size, colour = (
        properties.find("w.vanish"),
        value(properties, "w.sz"),
        value(properties, "w.color"),
    )
    return Ink(
        None if vanish is None else is_on(vanish),
        None if colour is None else bool(_WHITE.fullmatch(colour)),
        None if size is None else float(size) <= _TINY,
        _is_shaded(properties) or None,
    )


def is_coloured(node: Element) -> bool:
    """Whether a box, a table or a cell may have a colour of its own."""
    if node.tag == "w.tbl":
        return node.find("w.tblPr/w.tblStyle") is not None or _is_shaded(node.find("w.tblPr"))
    return node.tag == "w.txbxContent" or _is_shaded(node.find("w.tcPr"))


def _is_shaded(properties: Element | None) -> bool:
    """Whether properties give a ground that is not white, or highlight the text."""
    if properties is None:
        return False
    shade = properties.find("w.shd")
    fill = shade.get("fill") or "auto" if shade is not None else "auto"
    is_pattern = shade is not None and shade.get("val") not in (None, "clear", "nil")
    return (
        is_pattern
        or not (fill == "auto" or _WHITE.fullmatch(fill))
        or value(properties, "w.highlight") is not None
    )


def value(node: Element, path: str) -> str | None:
    """The `val` of an element below a node."""
    found = node.find(path)
    return found.get("val") if found is not None else None


def is_on(node: Element | None, default: bool = False) -> bool:
    """Whether a switch such as <w.vanish/> is there and not turned off."""
    return default if node is None else node.get("val") not in ("0", "false", "off")


def numbering(properties: Element | None, inherited: tuple[str, int] | None) -> tuple[str, int] | None:
    """The (list, level) that paragraph properties give; list 0 takes a paragraph out of its list."""
    given = properties.find("w.numPr") if properties is not None else None
    if given is None:
        return inherited
    number = value(given, "w.numId") or (inherited[0] if inherited else None)
    level = value(given, "w.ilvl") or (str(inherited[1]) if inherited else "0")
    return None if number in (None, "0") else (number or "", int(level))
