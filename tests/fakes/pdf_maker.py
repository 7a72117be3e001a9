"""PDFs with text exactly where a test wants it, written with pypdf."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from pypdf import PdfWriter
from pypdf.constants import PageLabelStyle
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

WIDTH, HEIGHT = 595, 842

# Content that stands upright once the viewer has turned the page clockwise.
_TURNS = {
    0: "",
    90: f"0 1 -1 0 {WIDTH} 0 cm",
    180: f"-1 0 0 -1 {WIDTH} {HEIGHT} cm",
    270: f"0 -1 1 0 0 {HEIGHT} cm",
}


_DIRECTIONS = {90: "0 1 -1 0", 180: "-1 0 0 -1", 270: "0 -1 1 0"}


@dataclass(frozen=True)
class Line:
    """A line of Helvetica at x, y from the bottom left, in points."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False
    turn: int = 0
    """Degrees anticlockwise, a quarter at a time."""
    hebrew: bool = False
    """Whether a to z stand for the letters from alef on, as they are seen from left to right."""


@dataclass(frozen=True)
class Rule:
    """A drawn line from one point to another."""

    start: tuple[float, float]
    end: tuple[float, float]


def lines(x: float, y: float, texts: Sequence[str], *, leading: float = 12, size: float = 10) -> list[Line]:
    """Texts below each other from a height on."""
    return [Line(x, y - index * leading, text, size) for index, text in enumerate(texts)]


def make_pdf(
    pages: Sequence[Sequence[Line | Rule]],
    *,
    outline: Sequence[tuple[str, int, int]] = (),
    title: str = "",
    password: str = "",
    roman_pages: int = 0,
    rotation: int = 0,
) -> bytes:
    """A PDF of these pages. `outline` has (title, level from 1, page from 1)."""
    writer = PdfWriter()
    for page_lines in pages:
        page = writer.add_blank_page(WIDTH, HEIGHT)
        content = DecodedStreamObject()
        content.set_data("\n".join([_TURNS[rotation], *map(_show, page_lines)]).encode("cp1252"))
        page[NameObject("/Contents")] = writer._add_object(content)
        page[NameObject("/Resources")] = _fonts(writer)
        if rotation:
            page.rotate(rotation)
    parents: list[object] = []
    for text, level, number in outline:
        parent = parents[level - 2] if level > 1 else None
        item = writer.add_outline_item(title=text, page_number=number - 1, parent=parent)  # type: ignore[arg-type]
        parents[level - 1 :] = [item]
    if roman_pages:
        writer.set_page_label(0, roman_pages - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
        writer.set_page_label(roman_pages, len(pages) - 1, style=PageLabelStyle.DECIMAL, start=1)
    if title:
        writer.add_metadata({"/Title": title, "/CreationDate": "D:20240315120000Z"})
    if password:
        writer.encrypt(password, algorithm="AES-256")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def _show(line: Line | Rule) -> str:
    if isinstance(line, Rule):
        return "{} {} m {} {} l S".format(*line.start, *line.end)
    text = line.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    place = f"{_DIRECTIONS[line.turn]} {line.x} {line.y} Tm" if line.turn else f"{line.x} {line.y} Td"
    return f"BT /{'H' if line.hebrew else 'B' if line.bold else 'R'} {line.size} Tf {place} ({text}) Tj ET"


_TO_HEBREW = b"""begincmap 1 begincodespacerange <00> <FF> endcodespacerange
2 beginbfrange <20> <20> <0020> <61> <7A> <05D0> endbfrange endcmap"""


def _fonts(writer: PdfWriter) -> DictionaryObject:
    def font(name: str) -> DictionaryObject:
        return DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject(name),
                NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
            }
        )

    fonts = {NameObject("/R"): font("/Helvetica"), NameObject("/B"): font("/Helvetica-Bold")}
    letters = DecodedStreamObject()
    letters.set_data(_TO_HEBREW)
    fonts[NameObject("/H")] = font("/Helvetica")
    fonts[NameObject("/H")][NameObject("/ToUnicode")] = writer._add_object(letters)
    return DictionaryObject({NameObject("/Font"): DictionaryObject(fonts)})
