"""The text of a Word paragraph: runs, fields, formulas, boxes; changes as accepted, hidden text apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from xml.etree.ElementTree import Element

from rag.readers.building import one_line
from rag.readers.formulas import omml
from rag.readers.openxml import chosen, shown
from rag.readers.raised import raised
from rag.readers.word.styles import Ink, Look, Styles, ink_of, is_coloured, is_on, value

_BOXES = str.maketrans({**dict.fromkeys("☒☑", "[x]"), "☐": "[ ]"})
_WINGDINGS = {"F0FE": "[x]", "F0FD": "[x]", "F0FC": "✓", "F0A8": "[ ]", "F06F": "[ ]", "F0E0": "→"}
_SYMBOL_FONT = "Symbol"  # its letters and signs have numbers of their own
_SYMBOLS = {
    **{code: chr(code - 0xF000) for code in range(0xF020, 0xF07F)},
    **dict(enumerate("ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", 0xF041)),
    **dict(enumerate("αβχδεφγηιϕκλμνοπθρστυϖωξψζ", 0xF061)),
    **dict(enumerate("ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…", 0xF0A1)),
    0xF02D: "−",
}
_CHARACTERS = {"w.tab": "\t", "w.ptab": "\t", "w.cr": "\n", "w.noBreakHyphen": "-"}
_SKIPPED = frozenset(
    ("w.pPr", "w.rPr", "w.instrText", "w.delInstrText", "w.softHyphen", "w.annotationRef", "w.sdtPr")
)
_DELETED = frozenset(("w.del", "w.moveFrom"))


@dataclass(slots=True)
class Inline:
    """A paragraph's text, and what hangs on it: boxes with blocks of their own, charts, pictures.

    A picture is the id of its relationship and its alternative text.
    """

    text: str = ""
    boxes: list[Element] = field(default_factory=list)
    drawings: list[Element] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    hidden: str = ""
    deleted: str = ""

    @property
    def lines(self) -> str:
        """The text with its line breaks and each line's white space as one space."""
        return "\n".join(map(one_line, self.text.split("\n"))).strip()


class Reader:
    """Reads paragraphs; notes are numbered in the order in which they are referred to."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._own_style = Look()
        self._on_paper = True
        self._grounds: set[int] = set()
        self.notes: list[tuple[str, str]] = []

    def look_at_grounds(self, root: Element) -> None:
        """Learns which paragraphs may stand on a colour: in boxes, shaded cells, and tables with a style."""
        if root.find("w.background") is not None:
            self._grounds.update(id(one) for one in root.iter("w.p"))
        for node in root.iter():
            if node.tag in ("w.txbxContent", "w.tbl", "w.tc") and is_coloured(node):
                self._grounds.update(id(one) for one in node.iter("w.p"))

    def read(self, paragraph: Element) -> Inline:
        """What a paragraph says."""
        inline = Inline()
        properties = paragraph.find("w.pPr")
        self._own_style = self._styles.look(value(properties, "w.pStyle") if properties is not None else None)
        self._on_paper = id(paragraph) not in self._grounds and not ink_of(properties).ground
        self._children(paragraph, inline)
        return inline

    def _children(self, node: Element, inline: Inline) -> None:
        for child in node:
            self._visit(child, inline)

    def _visit(self, node: Element, inline: Inline) -> None:
        tag = node.tag
        if tag == "w.r":
            self._run(node, inline)
        elif tag == "w.t":
            inline.text += node.text or ""
        elif tag in _CHARACTERS:
            inline.text += _CHARACTERS[tag]
        elif tag in _SKIPPED:
            return
        elif tag in _DELETED:
            inline.deleted += "".join(one.text or "" for one in node.iter("w.delText"))
            inline.deleted += "".join(one.text or "" for one in node.iter("w.t"))
        elif tag in _VISITS:
            _VISITS[tag](self, node, inline)
        else:
            self._children(node, inline)

    def _run(self, node: Element, inline: Inline) -> None:
        properties = node.find("w.rPr")
        if self._is_unseen(properties):
            inline.hidden += "".join(one.text or "" for one in node.iter("w.t"))
            return
        place = value(properties, "w.vertAlign") if properties is not None else None
        before = inline.text
        self._children(node, inline)
        own = inline.text[len(before) :]
        fonts = properties.find("w.rFonts") if properties is not None else None
        if fonts is not None and fonts.get("ascii") == _SYMBOL_FONT:
            own = own.translate(_SYMBOLS)
            inline.text = before + own
        if place in ("superscript", "subscript") and own.strip() and not own.startswith("["):
            inline.text = before + raised(own, before, is_low=place == "subscript")

    def _is_unseen(self, properties: Element | None) -> bool:
        """Whether a run is hidden, tiny, or white where the paper is: by its own format, or its style's."""
        looks = [self._own_style]
        if properties is not None:
            looks = [self._styles.look(value(properties, "w.rStyle")), self._own_style]
        ink = reduce(Ink.over, (look.ink for look in looks), ink_of(properties))
        return bool(ink.hidden or ink.tiny or (ink.white and not ink.ground and self._on_paper))

    def _break(self, node: Element, inline: Inline) -> None:
        inline.text += "" if node.get("type") in ("page", "column") else "\n"

    def _symbol(self, node: Element, inline: Inline) -> None:
        code = (node.get("char") or "").upper()
        if node.get("font") == _SYMBOL_FONT and code:
            inline.text += chr(0xF000 | int(code, 16) & 0xFF).translate(_SYMBOLS)
        elif code in _WINGDINGS:
            inline.text += _WINGDINGS[code]
        elif code and not code.startswith("F0"):
            inline.text += chr(int(code, 16))

    def _formula(self, node: Element, inline: Inline) -> None:
        inline.text += omml(node)

    def _note(self, node: Element, inline: Inline) -> None:
        self.notes.append((node.tag, node.get("id") or ""))
        inline.text += f"[{len(self.notes)}]"

    def _content_control(self, node: Element, inline: Inline) -> None:
        box = node.find("w.sdtPr/o.checkbox")
        content = node.find("w.sdtContent")
        if box is not None:
            ticked = box.find("o.checked")
            inline.text += "[x]" if ticked is not None and ticked.get("val") in ("1", "true") else "[ ]"
        elif content is not None:
            self._children(content, inline)

    def _field(self, node: Element, inline: Inline) -> None:
        box = node.find("w.ffData/w.checkBox")
        if box is not None:
            state = box.find("w.checked") if box.find("w.checked") is not None else box.find("w.default")
            inline.text += "[x]" if is_on(state) else "[ ]"

    def _drawing(self, node: Element, inline: Inline) -> None:
        """Boxes of text, charts and diagrams of a drawing; what is left of it is a picture."""
        inside = list(shown(node))
        boxes = [one for one in inside if one.tag == "w.txbxContent"]
        nested = {id(inner) for box in boxes for inner in box.iter("w.txbxContent") if inner is not box}
        drawings = [one for one in inside if one.tag in ("c.chart", "dgm.relIds")]
        inline.boxes += [box for box in boxes if id(box) not in nested]
        inline.drawings += drawings
        told = next(
            (one.get("descr") or one.get("title") or "" for one in inside if one.tag == "wp.docPr"), ""
        )
        inline.pictures += [
            (one.get("embed") or one.get("id") or "", told or one.get("title") or "")
            for one in inside
            if one.tag in ("a.blip", "v.imagedata")
        ]

    def _alternative(self, node: Element, inline: Inline) -> None:
        for option in chosen(node):
            self._children(option, inline)

    def _ruby(self, node: Element, inline: Inline) -> None:
        base, reading = node.find("w.rubyBase"), node.find("w.rt")
        if base is not None:
            self._children(base, inline)
        if reading is not None:
            inline.text += "(" + "".join(one.text or "" for one in reading.iter("w.t")) + ")"


_VISITS: dict[str, Callable[[Reader, Element, Inline], None]] = {
    "w.br": Reader._break,
    "w.sym": Reader._symbol,
    "m.oMath": Reader._formula,
    "w.footnoteReference": Reader._note,
    "w.endnoteReference": Reader._note,
    "w.sdt": Reader._content_control,
    "w.fldChar": Reader._field,
    "w.drawing": Reader._drawing,
    "w.pict": Reader._drawing,
    "w.object": Reader._drawing,
    "mc.AlternateContent": Reader._alternative,
    "w.ruby": Reader._ruby,
}


def boxed(text: str) -> str:
    """The text with boxes that are characters as "[x]" and "[ ]"."""
    return text.translate(_BOXES)
