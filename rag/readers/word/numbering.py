"""The numbers that Word counts for list items and headings: "3.", "1.2", "b)", "-"."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

from rag.readers.word.styles import value

_PLACE = re.compile(r"%(\d)")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_SMALL_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_CHINESE = "〇一二三四五六七八九十"
_BULLET = "-"


class Numbering:
    """Counts as Word does: a list that goes on after other text goes on counting."""

    def __init__(self, root: Element | None) -> None:
        found = list(root) if root is not None else []
        self._abstract = {one.get("abstractNumId"): one for one in found if one.tag == "w.abstractNum"}
        self._lists = {one.get("numId"): one for one in found if one.tag == "w.num"}
        self._counts: dict[str | None, dict[int, int]] = {}
        self._started: set[str] = set()

    def label(self, number: tuple[str, int]) -> str:
        """The next label of a list's level; "" for a list that has none."""
        name, level = number
        one = self._lists.get(name)
        abstract = value(one, "w.abstractNumId") if one is not None else None
        counts = self._counts.setdefault(abstract, {})
        if name not in self._started:  # a list of its own with a start of its own begins there
            self._started.add(name)
            for override in one.findall("w.lvlOverride") if one is not None else ():
                first = value(override, "w.startOverride")
                if first is not None:
                    counts[int(override.get("ilvl") or 0)] = int(first) - 1
        definition = self._level(name, level)
        start = int(value(definition, "w.start") or 1) if definition is not None else 1
        counts[level] = counts.get(level, start - 1) + 1
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        if definition is None:
            return _BULLET
        return self._shown(name, definition, counts)

    def _level(self, name: str, level: int) -> Element | None:
        one = self._lists.get(name)
        if one is None:
            return None
        for override in one.findall("w.lvlOverride"):
            if override.get("ilvl") == str(level) and override.find("w.lvl") is not None:
                return override.find("w.lvl")
        abstract = self._abstract.get(value(one, "w.abstractNumId"))
        levels = abstract.findall("w.lvl") if abstract is not None else []
        return next((found for found in levels if found.get("ilvl") == str(level)), None)

    def _shown(self, name: str, definition: Element, counts: dict[int, int]) -> str:
        if value(definition, "w.numFmt") == "bullet":
            return _BULLET
        text = value(definition, "w.lvlText") or ""

        def number(match: re.Match[str]) -> str:
            level = int(match[1]) - 1
            one = self._level(name, level)
            form = value(one, "w.numFmt") if one is not None else None
            start = int(value(one, "w.start") or 1) if one is not None else 1
            return _FORMS.get(form or "decimal", str)(counts.get(level, start))

        return "" if value(definition, "w.numFmt") == "none" else _PLACE.sub(number, text).strip()


def _letters(number: int) -> str:
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1) if number > 0 else ""


def _roman(number: int) -> str:
    text = ""
    for size, sign in _ROMAN + _SMALL_ROMAN:
        text += sign * (number // size)
        number %= size
    return text


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    if number > 99 or not tens:
        return _CHINESE[ones] if number < 10 else str(number)
    return (_CHINESE[tens] if tens > 1 else "") + "十" + (_CHINESE[ones] if ones else "")


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
    **dict.fromkeys(
        ("chineseCounting", "chineseCountingThousand", "japaneseCounting", "ideographDigital"), _chinese
    ),
}
