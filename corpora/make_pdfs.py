"""Turns the Markdown files of `pdf_sources/` into the PDFs of the sample corpus, the same bytes each time.

    python corpora/make_pdfs.py [OUTPUT_FOLDER]

Needs the package reportlab, which nothing else in the project uses.
"""

from __future__ import annotations

import calendar
import datetime
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

CORPORA = Path(__file__).resolve().parent
SOURCES = CORPORA / "pdf_sources"
MARGIN = 20 * mm
GUTTER = 8 * mm
BLUE = colors.HexColor("#1c4e6b")

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=14, spaceAfter=6)
HEADINGS = (
    ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=20, leading=25, spaceAfter=12, textColor=BLUE),
    ParagraphStyle("h2", fontName="Helvetica-Bold", fontSize=13, leading=17, spaceBefore=10, spaceAfter=5),
    ParagraphStyle("h3", fontName="Helvetica-Bold", fontSize=11, leading=14, spaceBefore=6, spaceAfter=3),
)
CELL = ParagraphStyle("cell", fontName="Helvetica", fontSize=8.5, leading=10.5)
HEAD_CELL = ParagraphStyle("head cell", parent=CELL, fontName="Helvetica-Bold")
NUMBER = re.compile(r"\(?[+-]?[\d.,]+\)?( %)?|-|")
for _heading in HEADINGS:
    _heading.keepWithNext = 1


@dataclass(frozen=True, slots=True)
class Source:
    """One Markdown file with its front matter."""

    title: str
    author: str
    date: datetime.date
    columns: int
    running: str
    markdown: str


def read_source(path: Path) -> Source:
    """Splits the front matter off; the standard PDF fonts limit the text to Windows-1252."""
    text = path.read_text(encoding="utf-8")
    text.encode("cp1252")
    _, front, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    return Source(
        title=fields["title"],
        author=fields["author"],
        date=datetime.date.fromisoformat(fields["date"]),
        columns={"one-column": 1, "two-column": 2}[fields["layout"]],
        running=fields["running"],
        markdown=body,
    )


class Report(BaseDocTemplate):
    """A document with a running header, a page number and an outline made of its headings."""

    def __init__(self, path: Path, source: Source) -> None:
        super().__init__(
            str(path),
            pagesize=A4,
            title=source.title,
            author=source.author,
            lang="en",
            pageCompression=0,  # the bytes must not depend on the version of zlib
            initialFontName="Times-Roman",
        )
        self._running = source.running
        self._bookmarks = 0
        self.addPageTemplates(PageTemplate("page", list(frames(source.columns)), onPage=self._decorate))

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 (reportlab's name)
        """Adds each heading to the outline."""
        level = getattr(flowable, "outline_level", None)
        if level is None:
            return
        self._bookmarks += 1
        key = f"heading-{self._bookmarks}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(flowable.getPlainText(), key, level, closed=level > 0)

    def _decorate(self, canvas: Canvas, document: BaseDocTemplate) -> None:
        width, height = A4
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(colors.HexColor("#555555"))
        canvas.drawString(MARGIN, height - 13 * mm, self._running)
        canvas.line(MARGIN, height - 15 * mm, width - MARGIN, height - 15 * mm)
        canvas.drawCentredString(width / 2, 11 * mm, f"Page {document.page}")
        canvas.restoreState()


def frames(columns: int) -> Iterator[Frame]:
    """The text areas of a page, side by side."""
    width, height = A4
    column = (width - 2 * MARGIN - (columns - 1) * GUTTER) / columns
    for number in range(columns):
        left = MARGIN + number * (column + GUTTER)
        yield Frame(left, 18 * mm, column, height - 38 * mm, 0, 0, 0, 0, id=f"column {number}")


def inline(token: Token) -> str:
    """An inline token as reportlab's markup."""
    marks = {"strong_open": "<b>", "strong_close": "</b>", "em_open": "<i>", "em_close": "</i>"}
    pieces = []
    for child in token.children or ():
        text = " " if child.type == "softbreak" else escape(child.content)
        pieces.append(marks.get(child.type, text))
    return "".join(pieces)


def heading(level: int, text: str) -> Paragraph:
    """A heading that will be found in the outline."""
    paragraph = Paragraph(text, HEADINGS[level - 1])
    paragraph.outline_level = level - 1
    return paragraph


def table(rows: Sequence[Sequence[str]], width: float) -> Table:
    """A ruled table whose header row is repeated on each page; columns as wide as their text asks for."""
    longest = [max(len(re.sub("<.*?>", "", row[i])) for row in rows) for i in range(len(rows[0]))]
    weights = [min(max(length, 7), 45) for length in longest]
    cells = [[Paragraph(text, HEAD_CELL) for text in rows[0]]]
    cells += [[Paragraph(text, CELL) for text in row] for row in rows[1:]]
    for number in range(1, len(rows[0])):
        if all(NUMBER.fullmatch(row[number]) for row in rows[1:]):
            for row in cells:
                row[number].style = ParagraphStyle("number", parent=row[number].style, alignment=TA_RIGHT)
    result = Table(cells, [width * weight / sum(weights) for weight in weights], repeatRows=1, spaceAfter=8)
    lines = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, BLUE),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.grey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]
    result.setStyle(TableStyle(lines))
    return result


def flowables(source: Source) -> Iterator[Flowable]:
    """The document's parts in order."""
    width = next(frames(source.columns))._width
    tokens = iter(MarkdownIt().enable("table").parse(source.markdown))
    for token in tokens:
        if token.type == "heading_open":
            yield heading(int(token.tag[1]), inline(next(tokens)))
        elif token.type == "paragraph_open":
            yield Paragraph(inline(next(tokens)), BODY)
        elif token.type == "table_open":
            yield table(list(table_rows(tokens)), width)
        elif token.type in ("ordered_list_open", "bullet_list_open"):
            yield bullets(list(list_items(tokens)), ordered=token.tag == "ol")
            yield Spacer(0, 4)


def table_rows(tokens: Iterator[Token]) -> Iterator[list[str]]:
    """The cells up to the end of the table, row by row."""
    row: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(inline(token))
        elif token.type == "tr_close":
            yield row


def list_items(tokens: Iterator[Token]) -> Iterator[str]:
    """The items up to the end of the list."""
    for token in tokens:
        if token.type in ("ordered_list_close", "bullet_list_close"):
            return
        if token.type == "inline":
            yield inline(token)


def bullets(items: Sequence[str], *, ordered: bool) -> ListFlowable:
    """A list, numbered or with dots."""
    entries = [ListItem(Paragraph(item, BODY), leftIndent=16) for item in items]
    return ListFlowable(
        entries,
        bulletType="1" if ordered else "bullet",
        bulletFormat="%s." if ordered else None,
        bulletFontName=BODY.fontName,
        bulletFontSize=BODY.fontSize,
    )


def make_pdf(source_path: Path, output: Path) -> None:
    """Writes one PDF, dated as its source says."""
    source = read_source(source_path)
    output.parent.mkdir(parents=True, exist_ok=True)
    # reportlab reads the date of a document from this variable, and the clock without it.
    os.environ["SOURCE_DATE_EPOCH"] = str(calendar.timegm(source.date.timetuple()))
    Report(output, source).build(list(flowables(source)))


def make_all(folder: Path) -> list[Path]:
    """Writes every PDF below the folder, at the place its source has below `pdf_sources/`."""
    made = []
    for path in sorted(SOURCES.rglob("*.md")):
        output = folder / path.relative_to(SOURCES).with_suffix(".pdf")
        make_pdf(path, output)
        made.append(output)
    return made


if __name__ == "__main__":
    for made_path in make_all(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPORA):
        print(made_path)
