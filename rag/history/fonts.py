"""The fonts of this computer that a text can be set in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.errors import UsageError

FAMILIES = (
    ("Arial.ttf", "Arial Bold.ttf", "Arial Italic.ttf"),
    ("arial.ttf", "arialbd.ttf", "ariali.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf", "LiberationSans-Italic.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSans-Italic.ttf"),
)
"""Regular, bold, italic: the first that is there sets the text, where it has its characters."""
WIDE = ("notosanscjk", "notosanssc", "msyh", "pingfang", "hiragino", "stheiti", "simsun", "wqy", "arial uni")
"""Beginnings of the names of fonts for Chinese, looked into before all others."""
ENDINGS = (".ttf", ".otf", ".ttc")


@dataclass(frozen=True, slots=True)
class Fonts:
    """The files of a text: regular, bold, italic, and those for what the regular one lacks.

    `missing` are the characters that no font has.
    """

    styles: tuple[Path, Path, Path]
    others: tuple[Path, ...]
    missing: str


def fonts_for(text: str, folders: Sequence[Path] | None = None) -> Fonts:
    """Files of the font folders that have the characters of a text.

    Raises:
        UsageError: there is no font at all.
    """
    there = {path.name: path for path in _files(font_folders() if folders is None else folders)}
    wanted = {character for character in text if not character.isspace()}
    ordered = sorted(there.values(), key=lambda path: (not path.name.lower().startswith(WIDE), path.name))
    family = next((names for names in FAMILIES if names[0] in there), None)
    if family is None and not ordered:
        raise UsageError("This computer has no fonts to make a PDF with; take a .docx file.")
    regular = there[family[0]] if family else ordered[0]
    bold, italic = (there.get(name, regular) for name in family[1:]) if family else (regular, regular)
    wanted = {one for one in wanted if ord(one) not in characters(regular)}
    others = []
    for path in ordered:
        if not wanted:
            break
        held = {one for one in wanted if ord(one) in characters(path)}
        if held:
            others.append(path)
            wanted -= held
    return Fonts((regular, bold, italic), tuple(others), "".join(sorted(wanted)))


def font_folders() -> list[Path]:
    """Where this system keeps its fonts, and the person theirs."""
    home = Path.home()
    if sys.platform == "win32":
        own = Path(os.environ.get("LOCALAPPDATA", home)) / "Microsoft" / "Windows" / "Fonts"
        return [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", own]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    return [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".local/share/fonts",
        home / ".fonts",
    ]


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS)


@cache
def characters(path: Path) -> frozenset[int]:
    """The code points that a font, or the first of a collection, has; none where it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (OSError, TTLibError, KeyError, AssertionError):
        return frozenset()
