"""The text of a slide's shapes, and the order in which a reader takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rag.readers.building import one_line
from rag.readers.formulas import omml
from rag.readers.raised import raised

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_TINY = 100
"""In hundredths of a point."""
_ALTERNATIVE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"


def settle_alternatives(tree: Any) -> None:
    """Puts the first choice of each alternative, or else its fallback, in the alternative's place.

    Shapes with formulas, new charts and 3D models are wrapped so, and python-pptx passes over them.
    """
    for node in list(tree.iter(f"{_ALTERNATIVE}AlternateContent")):
        option = next(iter(node.iter(f"{_ALTERNATIVE}Choice", f"{_ALTERNATIVE}Fallback")), None)
        place = node.getparent().index(node)
        node.getparent()[place : place + 1] = list(option) if option is not None else []


def take_unseen(shapes: Iterable[Any], width: int, height: int) -> Iterator[str]:
    """The text of what is hidden, tiny or beside a slide of this size; it is taken off the slide."""
    for shape in list(shapes):
        if _is_hidden(shape) or _is_beside(shape, width, height):
            yield "\n".join(map(paragraph_text, shape._element.iter(f"{_DRAWING}p")))
            shape._element.getparent().remove(shape._element)
        elif hasattr(shape, "shapes"):
            yield from take_unseen(shape.shapes, 0, 0)  # what is in a group has places of its own
        else:
            for run in list(shape._element.iter(f"{_DRAWING}r")):
                properties = run.find(f"{_DRAWING}rPr")
                if properties is not None and int(properties.get("sz") or _TINY + 1) <= _TINY:
                    yield run.findtext(f"{_DRAWING}t") or ""
                    run.getparent().remove(run)


def _is_hidden(shape: Any) -> bool:
    """Whether it is switched off in the list of the slide's shapes."""
    about = next((one for one in shape._element.iter() if str(one.tag).endswith("}cNvPr")), None)
    return about is not None and about.get("hidden") in ("1", "true")


def _is_beside(shape: Any, width: int, height: int) -> bool:
    """Whether a shape lies wholly outside the slide; without a place or a size it does not."""
    if not width or not height or None in (shape.left, shape.top, shape.width, shape.height):
        return False
    beside = shape.left >= width or shape.left + shape.width <= 0
    return bool(beside or shape.top >= height or shape.top + shape.height <= 0)


def flat(shapes: Iterable[Any]) -> Iterator[Any]:
    """The shapes, those of groups among them."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from flat(shape.shapes)
        else:
            yield shape


def in_order(shapes: Sequence[Any]) -> list[Any]:
    """The shapes as they are read: cut at the widest gap, into columns or rows, until none is left.

    Cards beside each other are so read one after the other, each from top to bottom.
    """
    ordered = sorted(shapes, key=lambda one: (one.top or 0, one.left or 0))
    down, across = _widest(ordered, "top", "height"), _widest(ordered, "left", "width")
    if down is None and across is None:
        return ordered
    by_column = across is not None and (down is None or across[0] > down[0])
    cut = (across if by_column else down) or (0, 0)
    name = "left" if by_column else "top"
    first = [one for one in ordered if (getattr(one, name) or 0) < cut[1]]
    rest = [one for one in ordered if (getattr(one, name) or 0) >= cut[1]]
    return in_order(first) + in_order(rest)


def _widest(shapes: Sequence[Any], start: str, size: str) -> tuple[int, int] | None:
    """The width of the widest free strip between shapes, and where the shapes after it begin."""
    spans = sorted(
        (getattr(one, start) or 0, (getattr(one, start) or 0) + (getattr(one, size) or 0)) for one in shapes
    )
    best, end = None, spans[0][1] if spans else 0
    for begin, stop in spans[1:]:
        if begin >= end and begin > spans[0][0] and (best is None or begin - end > best[0]):
            best = (begin - end, begin)
        end = max(end, stop)
    return best


def lines(frame: Any) -> list[str]:
    """A text frame's paragraphs as lines: "- " or its number before each, if there are several."""
    found: list[str] = []
    numbers: dict[int, int] = {}
    for node in frame._txBody.iterchildren(f"{_DRAWING}p"):
        text = one_line(paragraph_text(node))
        properties = node.find(f"{_DRAWING}pPr")
        level = int(properties.get("lvl") or 0) if properties is not None else 0
        is_numbered = properties is not None and properties.find(f"{_DRAWING}buAutoNum") is not None
        numbers = {depth: count for depth, count in numbers.items() if depth < level + is_numbered}
        if text and is_numbered:
            numbers[level] = numbers.get(level, 0) + 1
        if text:
            found.append(f"{'  ' * level}{f'{numbers[level]}.' if is_numbered else '-'} {text}")
    return found


def paragraph_text(node: Any) -> str:
    """A paragraph's text with its fields, breaks, formulas and small figures."""
    text = ""
    for child in node.iterchildren():
        if child.tag in (f"{_DRAWING}r", f"{_DRAWING}fld"):
            own = child.findtext(f"{_DRAWING}t") or ""
            properties = child.find(f"{_DRAWING}rPr")
            shift = int(properties.get("baseline") or 0) if properties is not None else 0
            text += raised(own, text, is_low=shift < 0) if shift and own.strip() else own
        elif child.tag == f"{_DRAWING}br":
            text += "\n"
        else:
            text += "".join(map(omml, child.iter(f"{_MATH}oMath")))
    return text.replace("\v", "\n")
