"""A paper as a PDF, each footnote at the foot of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from fpdf import FPDF
from fpdf.enums import CharVPos

from rag.errors import UsageError
from rag.history.blocks import Block, Run, blocks
from rag.history.fonts import Fonts, fonts_for

if TYPE_CHECKING:
    from rag.history.paper import Paper

FAMILY = "text"
POINTS, SMALL_POINTS = 10.5, 8.0
HEADING_POINTS = (20.0, 14.0, 12.0, 11.0, 10.5, 10.5)
LEADING = 0.5  # millimetres of a line for each point
MARGIN, INDENT, GAP = 22.0, 6.0, 2.5  # millimetres
MAX_NOTES = 0.5  # of a page: what does not fit goes to the next one
MAX_NOTE_CHARACTERS = 600
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\u2060\u200b\ufeff]")


def pdf(paper: Paper) -> bytes:
    """The paper as the bytes of a PDF.

    Raises:
        UsageError: a character is in no font of this computer.
    """
    parts = blocks(paper)
    notes = {number: _cut(text) for number, text in paper.footnotes.items()}
    sheet = _Sheet(notes, _fonts(parts, notes))
    for block in parts:
        sheet.draw(block)
    return sheet.finished()


def _fonts(parts: Sequence[Block], notes: dict[int, str]) -> Fonts:
    cells = [cell for block in parts for row in block.rows for cell in row]
    texts = [run.text for runs in [*(block.runs for block in parts), *cells] for run in runs]
    found = fonts_for(CONTROL.sub("", "".join([*texts, *notes.values(), "•…0123456789"])))
    if found.missing:
        raise UsageError(
            f"No font of this computer has the character {found.missing[0]!r}. Install one that does "
            "(such as Noto Sans), or take a .docx file."
        )
    return found


def _cut(text: str) -> str:
    return text if len(text) <= MAX_NOTE_CHARACTERS else text[: MAX_NOTE_CHARACTERS - 1] + "…"


class _Sheet(FPDF):
    """The pages as they are filled; `_waiting` are the footnotes of the page at hand."""

    def __init__(self, notes: dict[int, str], fonts: Fonts) -> None:
        super().__init__(format="A4")
        self._notes, self._waiting = notes, list[int]()
        self.set_creation_date(datetime(1980, 1, 1, tzinfo=UTC))  # the same paper gives the same bytes
        self.set_margin(MARGIN)
        for style, file in zip(("", "B", "I", "BI"), (*fonts.styles, fonts.styles[1]), strict=True):
            self.add_font(FAMILY, style, file)
        for number, file in enumerate(fonts.others):
            self.add_font(f"other-{number}", "", file)
        self.set_fallback_fonts([f"other-{number}" for number in range(len(fonts.others))], exact_match=False)
        self.set_auto_page_break(True, MARGIN)
        self.add_page()

    def draw(self, block: Block) -> None:
        """Draws a block, on the next page where it and its footnotes do not fit on this one."""
        cited = [run.footnote for row in (block.runs, *sum(block.rows, ())) for run in row if run.footnote]
        self._reserve(list(dict.fromkeys([*self._waiting, *cited])))
        if self.y + self._height(block) > self.page_break_trigger and self.y > MARGIN:
            self._reserve(self._waiting)
            self.add_page()
        self._waiting = list(dict.fromkeys([*self._waiting, *cited]))
        self._reserve(self._waiting)
        if block.kind == "table":
            self._draw_table(block)
        else:
            self._draw_lines(block)
        self.ln(GAP)

    def finished(self) -> bytes:
        """The whole file; footnotes that found no room get pages of their own."""
        while len(self._fitting(self._waiting)) < len(self._waiting):
            self.add_page()
        return bytes(self.output())

    def footer(self) -> None:
        """Draws the page's footnotes and its number."""
        shown = self._fitting(self._waiting)
        self.set_y(-MARGIN - self._notes_height(shown))
        if shown:
            self.line(MARGIN, self.y, MARGIN + 50, self.y)
            self.ln(1)
        for number in shown:
            self._style(Run(""), SMALL_POINTS)
            self.multi_cell(
                0, SMALL_POINTS * LEADING, self._note(number), align="L", new_x="LMARGIN", new_y="NEXT"
            )
        self._waiting = self._waiting[len(shown) :]
        self.set_y(-MARGIN / 2 - 3)
        self._style(Run(""), SMALL_POINTS)
        self.cell(0, 5, str(self.page_no()), align="C")
        self._reserve(self._waiting)

    def _note(self, number: int) -> str:
        return f"{number}  {_clean(self._notes[number])}"

    def _fitting(self, numbers: list[int]) -> list[int]:
        """The first of these footnotes, as many as a page has room for, but one at least."""
        count = len(numbers)
        while count > 1 and self._notes_height(numbers[:count]) > MAX_NOTES * self.h:
            count -= 1
        return numbers[:count]

    def _notes_height(self, numbers: Sequence[int]) -> float:
        heights = [self._text_height(self._note(number), SMALL_POINTS) for number in numbers]
        return sum(heights) + 2 if heights else 0.0

    def _text_height(self, text: str, points: float, *, indent: float = 0.0) -> float:
        self._style(Run(""), points)
        breaks, self.auto_page_break = self.auto_page_break, False
        width, height = self.w - 2 * MARGIN - indent, points * LEADING
        taken = self.multi_cell(width, height, text or " ", align="L", dry_run=True, output="HEIGHT")
        self.auto_page_break = breaks
        return cast(float, taken)

    def _reserve(self, numbers: list[int]) -> None:
        self.set_auto_page_break(True, MARGIN + self._notes_height(self._fitting(numbers)))

    def _height(self, block: Block) -> float:
        """How high a block is, nearly: its text in one style."""
        rows = [tuple(run for cell in row for run in (*cell, Run("   "))) for row in block.rows]
        texts = (_clean("".join(run.text for run in runs)) for runs in rows or [block.runs])
        points, indent = self._points(block), self._indent(block)
        return sum(self._text_height(text, points, indent=indent) for text in texts)

    def _points(self, block: Block) -> float:
        return HEADING_POINTS[block.level - 1] if block.kind == "heading" else POINTS

    def _indent(self, block: Block) -> float:
        return 0.0 if block.kind == "heading" else INDENT * (block.level + block.quoted)

    def _draw_lines(self, block: Block) -> None:
        left, points = MARGIN + self._indent(block), self._points(block)
        top, page = self.y, self.page
        if block.bullet:
            self._style(Run(""), points)
            self.set_x(left - INDENT)
            self.cell(INDENT, points * LEADING, block.bullet)
        self.set_left_margin(left)
        self.set_x(left)
        for run in block.runs:
            self._write(run, points, heavy=block.kind == "heading")
        self.ln(points * LEADING)
        self.set_left_margin(MARGIN)
        self.set_x(MARGIN)
        if block.quoted and page == self.page:
            self.set_draw_color(150)
            self.line(left - INDENT / 2, top, left - INDENT / 2, self.y)

    def _write(self, run: Run, points: float, *, heavy: bool = False) -> None:
        self._style(run, points, heavy=heavy)
        if run.footnote is not None:
            self.char_vpos = CharVPos.SUP
            self.write(points * LEADING, f"{run.text}{run.footnote}")
            self.char_vpos = CharVPos.LINE
        else:
            self.write(points * LEADING, _clean(run.text))

    def _draw_table(self, block: Block) -> None:
        self._style(Run(""), SMALL_POINTS)
        with self.table(first_row_as_headings=True, line_height=SMALL_POINTS * LEADING) as table:
            for row in block.rows:
                drawn = table.row()
                for cell in row:
                    drawn.cell(
                        _clean("".join(f" [{run.footnote}]" if run.footnote else run.text for run in cell))
                    )

    def _style(self, run: Run, points: float, *, heavy: bool = False) -> None:
        style = ("B" if run.bold or heavy else "") + ("I" if run.italic else "")
        self.set_font(FAMILY, style, points)


def _clean(text: str) -> str:
    return CONTROL.sub("", text)
