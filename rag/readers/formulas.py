"""Formulas of MathML (web pages, EPUB) and OMML (Word, PowerPoint) as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_LARGE = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∬": r"\iint", "∮": r"\oint", "⋃": r"\bigcup"}
_ACCENTS = {"̂": r"\hat", "̃": r"\tilde", "̅": r"\overline", "⃗": r"\vec", "̇": r"\dot", "̈": r"\ddot"}
_FUNCTIONS = frozenset(
    [
        "arccos",
        "arcsin",
        "arctan",
        "cos",
        "cosh",
        "cot",
        "exp",
        "lim",
        "ln",
        "log",
        "max",
        "min",
        "sin",
        "sinh",
        "tan",
        "tanh",
    ]
)


def mathml(node: LexborNode) -> str:
    """A MathML element as LaTeX: the source it carries, or one made of its parts; its letters at least."""
    source = node.css_first("annotation[encoding*=tex i]")
    if source is not None and source.text().strip():
        return f"${' '.join(source.text().split())}$"
    return f"${_mathml(node)}$" if node.text().strip() else ""


def _mathml(node: LexborNode) -> str:
    tag = (node.tag or "").removeprefix("m:")
    if tag == "-text":
        return " ".join(node.text(deep=False).split())
    if tag.startswith("annotation"):
        return ""
    parts = [part for part in map(_mathml, node.iter(include_text=True)) if part]
    make = _MATHML.get(tag)
    if make is not None and len(parts) >= make[0]:
        return make[1](parts)
    return _joined(parts)


_MATHML: dict[str, tuple[int, Callable[[Sequence[str]], str]]] = {
    "mfrac": (2, lambda parts: rf"\frac{{{parts[0]}}}{{{parts[1]}}}"),
    "msup": (2, lambda parts: _scripted(parts[0], up=parts[1])),
    "msub": (2, lambda parts: _scripted(parts[0], low=parts[1])),
    "msubsup": (3, lambda parts: _scripted(parts[0], low=parts[1], up=parts[2])),
    "munder": (2, lambda parts: _scripted(parts[0], low=parts[1])),
    "mover": (2, lambda parts: _scripted(parts[0], up=parts[1])),
    "munderover": (3, lambda parts: _scripted(parts[0], low=parts[1], up=parts[2])),
    "msqrt": (1, lambda parts: rf"\sqrt{{{_joined(parts)}}}"),
    "mroot": (2, lambda parts: rf"\sqrt[{parts[1]}]{{{parts[0]}}}"),
    "mfenced": (1, lambda parts: f"({','.join(parts)})"),
    "mtr": (1, " & ".join),
    "mtable": (1, r" \\ ".join),
}


def omml(node: Any) -> str:
    """An Office formula (an element `oMath`) as LaTeX, with the dollar signs around it."""
    text = _omml(node)
    return f"${text}$" if text else ""


def _omml(node: Any) -> str:
    tag = _name(node)
    if tag == "t":
        return str(node.text or "").strip()
    if tag.endswith("Pr"):
        return ""
    make = _OMML.get(tag)
    return make(node) if make else _all(node)


def _all(node: Any) -> str:
    return _joined([part for part in map(_omml, node) if part])


def _name(node: Any) -> str:
    return re.split("[.}]", node.tag)[-1] if isinstance(node.tag, str) else ""


def _part(node: Any, name: str) -> str:
    found = next((child for child in node if _name(child) == name), None)
    return _all(found) if found is not None else ""


def _setting(node: Any, name: str, default: str) -> str:
    """The value of a property such as the character of an accent."""
    for properties in (child for child in node if _name(child).endswith("Pr")):
        for one in properties:
            if _name(one) == name:
                return next((text for key, text in one.attrib.items() if key.endswith("val")), "")
    return default


def _fraction(node: Any) -> str:
    above, below, kind = _part(node, "num"), _part(node, "den"), _setting(node, "type", "bar")
    if kind == "noBar":
        return rf"\binom{{{above}}}{{{below}}}"
    return f"{above}/{below}" if kind == "lin" else rf"\frac{{{above}}}{{{below}}}"


def _delimited(node: Any) -> str:
    inner = _setting(node, "sepChr", "|").join(_all(one) for one in node if _name(one) == "e")
    return f"{_setting(node, 'begChr', '(')}{inner}{_setting(node, 'endChr', ')')}"


def _large(node: Any) -> str:
    sign = _setting(node, "chr", "∫")
    operator = _scripted(_LARGE.get(sign, sign), low=_part(node, "sub"), up=_part(node, "sup"))
    return f"{operator} {_part(node, 'e')}"


def _function(node: Any) -> str:
    name = _part(node, "fName")
    known = name.partition("_")[0] in _FUNCTIONS
    return f"{chr(92) * known}{name} {_part(node, 'e')}"


def _root(node: Any) -> str:
    degree = _part(node, "deg")
    return rf"\sqrt{f'[{degree}]' if degree else ''}{{{_part(node, 'e')}}}"


def _rows(node: Any, of: str, cell: str) -> str:
    rows = [one for one in node if _name(one) == of]
    return r" \\ ".join(
        " & ".join(_all(one) for one in row if _name(one) == cell) if of == "mr" else _all(row)
        for row in rows
    )


_OMML: dict[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": lambda node: _scripted(_part(node, "e"), up=_part(node, "sup")),
    "sSub": lambda node: _scripted(_part(node, "e"), low=_part(node, "sub")),
    "sSubSup": lambda node: _scripted(_part(node, "e"), low=_part(node, "sub"), up=_part(node, "sup")),
    "sPre": lambda node: _scripted("{}", low=_part(node, "sub"), up=_part(node, "sup")) + _part(node, "e"),
    "rad": _root,
    "nary": _large,
    "d": _delimited,
    "func": _function,
    "limLow": lambda node: _scripted(_part(node, "e"), low=_part(node, "lim")),
    "limUpp": lambda node: _scripted(_part(node, "e"), up=_part(node, "lim")),
    "acc": lambda node: f"{_ACCENTS.get(_setting(node, 'chr', '̂'), chr(92) + 'hat')}{{{_part(node, 'e')}}}",
    "bar": lambda node: rf"\overline{{{_part(node, 'e')}}}",
    "m": lambda node: _rows(node, "mr", "e"),
    "eqArr": lambda node: _rows(node, "e", ""),
}


def _scripted(base: str, *, low: str = "", up: str = "") -> str:
    base = f"{{{base}}}" if base.startswith(r"\frac") else base
    return base + (f"_{{{low}}}" if low else "") + (f"^{{{up}}}" if up else "")


def _joined(parts: Sequence[str]) -> str:
    """The parts beside each other; a command and the letter after it are apart."""
    text = ""
    for part in parts:
        ends_command = text[-1:].isalpha() and "\\" in text[-12:].rsplit(" ", 1)[-1]
        text += f" {part}" if ends_command and part[:1].isalpha() else part
    return text
