"""The body of a Word document to blocks: headings, paragraphs, lists, tables, code and quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from rag.readers.building import DocumentBuilder
from rag.readers.openxml import chosen, shown
from rag.readers.tables import Cell, markdown_table, spread
from rag.readers.word.numbering import Numbering
from rag.readers.word.styles import Look, Styles, is_on, numbering, value
from rag.readers.word.text import Inline, Reader, boxed
from rag.records import BlockKind

_LONG_CELL = 600
_TRANSPARENT = frozenset(
    ("w.sdt", "w.sdtContent", "w.customXml", "w.smartTag", "w.ins", "w.moveTo", "w.hyperlink", "w.fldSimple")
)


class Body:
    """Goes through the body once; lines of one kind that follow each other are one block.

    `draws` adds a chart or a diagram, which are parts of their own, by the element that refers to it; `shows`
    a picture by its relationship and its alternative text.
    """

    def __init__(
        self,
        builder: DocumentBuilder,
        styles: Styles,
        numbers: Numbering,
        draws: Callable[[Element], None],
        shows: Callable[[str, str], None],
    ) -> None:
        self._builder = builder
        self._styles = styles
        self._numbers = numbers
        self._draws = draws
        self._shows = shows
        self._reader = Reader(styles)
        self._lines: list[str] = []
        self._kind: BlockKind = "paragraph"

    @property
    def notes(self) -> list[tuple[str, str]]:
        """The (kind, id) of the notes referred to so far, in order."""
        return self._reader.notes

    def add(self, node: Element) -> None:
        """Adds what is inside an element."""
        self._walk(node)
        self._flush()

    def look_at_grounds(self, root: Element) -> None:
        """Learns where white text can be seen."""
        self._reader.look_at_grounds(root)

    def text_of(self, node: Element) -> str:
        """The paragraphs inside an element as lines: a note, a header, a comment."""
        self._reader.look_at_grounds(node)
        found = [self._reader.read(one) for one in _paragraphs(node)]
        for one in found:
            self._builder.hide(one.hidden)
        return "\n".join(filter(None, (one.lines for one in found)))

    def _walk(self, node: Element) -> None:
        for child in node:
            if child.tag == "w.p":
                self._paragraph(child)
            elif child.tag == "w.tbl":
                self._flush()
                self._table(child)
            elif child.tag in _TRANSPARENT:
                self._walk(child)
            elif child.tag == "mc.AlternateContent":
                for option in chosen(child):
                    self._walk(option)

    def _paragraph(self, node: Element) -> None:
        inline, look, label, depth = self._read(node)
        if look.is_contents:
            self._builder.leave_out("table of contents", inline.text)
        elif look.kind == "code":
            self._line("code", inline.text.replace("\t", "    "))
        elif look.level and inline.lines:
            self._flush()
            self._builder.heading(" ".join(filter(None, [label, inline.lines])), look.level)
        elif label and inline.lines:
            self._line("list", f"{'  ' * depth}{label} {inline.lines}")
        elif inline.lines:
            self._flush()
            self._line(look.kind, inline.lines)
            self._flush()
        self._hang(inline)

    def _read(self, node: Element) -> tuple[Inline, Look, str, int]:
        """A paragraph's text, its look, its number in a list, and how deep in it."""
        properties = node.find("w.pPr")
        look = self._styles.look(value(properties, "w.pStyle") if properties is not None else None)
        inline = self._reader.read(node)
        inline.text = boxed(inline.text)
        number = numbering(properties, look.number)
        outline = value(properties, "w.outlineLvl") if properties is not None else None
        if outline is not None and not look.level and int(outline) < 9:
            look = Look(int(outline) + 1, look.kind, look.number, look.is_contents)
        label = self._numbers.label(number) if number and inline.lines else ""
        self._builder.hide(inline.hidden)
        self._builder.leave_out("deleted text of tracked changes", inline.deleted)
        return inline, look, "" if look.level and label == "-" else label, number[1] if number else 0

    def _hang(self, inline: Inline) -> None:
        """Adds the boxes, charts and pictures that hang on a paragraph, after it."""
        if inline.boxes or inline.drawings or inline.pictures:
            self._flush()
        for box in inline.boxes:
            self.add(box)
        for drawing in inline.drawings:
            self._draws(drawing)
        for picture in inline.pictures:
            self._shows(*picture)

    def _line(self, kind: BlockKind, text: str) -> None:
        if kind != self._kind:
            self._flush()
        self._kind = kind
        self._lines.append(text)

    def _flush(self) -> None:
        self._builder.add(self._kind, "\n".join(self._lines))
        self._lines.clear()

    def _table(self, node: Element) -> None:
        """A table of data; one that places text on the page is read cell by cell."""
        rows = list(_rows(node))
        if self._is_layout(rows):
            for cell in (cell for row in rows for cell in _own(row, "w.tc")):
                self.add(cell)
            return
        above: list[str] = []
        cells = [self._cells(row) for row in rows]
        while len(cells) > 1 and len(cells[0]) == 1 and cells[0][0].rows == 1:
            above.append(cells.pop(0)[0].text)
        if not is_on(node.find("w.tblPr/w.tblLook"), True) or _first_row_is_plain(node) or len(cells) == 1:
            header = 0
        else:
            header = max(1, min(sum(map(_is_header, rows[len(above) :])), len(cells) - 1))
        heads = spread(
            [_as_heads(row) if index < header else row for index, row in enumerate(_reaching(cells))]
        )
        table = markdown_table(heads, header=header)
        lines = [line for line in above if line]
        self._builder.add("table", "\n".join([*lines, *[""] * bool(lines), table]))

    def _is_layout(self, rows: list[Element]) -> bool:
        widths = [len(list(_own(row, "w.tc"))) for row in rows]
        if max(widths, default=0) < 2:
            return True
        if any(map(_is_header, rows)):
            return False
        cells = [cell for row in rows for cell in _own(row, "w.tc")]
        return any(
            len(cell.findall("w.p")) > 2 and sum(len(t.text or "") for t in cell.iter("w.t")) > _LONG_CELL
            for cell in cells
        )

    def _cells(self, row: Element) -> list[Cell]:
        before = int(value(row, "w.trPr/w.gridBefore") or 0)
        cells = [Cell("", before)] if before else []
        for node in _own(row, "w.tc"):
            merged = node.find("w.tcPr/w.vMerge")
            rows = 1 if merged is None else 2 if merged.get("val") == "restart" else 0
            columns = int(value(node, "w.tcPr/w.gridSpan") or 1)
            cells.append(Cell(self._cell_text(node), min(columns, 100), rows))
        return cells

    def _cell_text(self, node: Element) -> str:
        """A cell's paragraphs in one line, the items of a list in it apart."""
        parts: list[str] = []
        for paragraph in _paragraphs(node):
            inline, _, label, _ = self._read(paragraph)
            for picture in inline.pictures:
                self._shows(*picture)
            line = " ".join(inline.lines.split())
            if not line and not inline.boxes and not inline.drawings:
                continue
            joint = "; " if parts and label else " "
            mark = "" if label in ("", "-") else f"{label} "
            parts.append((joint if parts else "") + mark + line)
            for drawing in inline.drawings:
                self._draws(drawing)
        return "".join(parts)


def _paragraphs(node: Element) -> Iterator[Element]:
    return (one for one in shown(node) if one.tag == "w.p")


def _rows(table: Element) -> Iterator[Element]:
    return _own(table, "w.tr")


def _own(node: Element, tag: str) -> Iterator[Element]:
    """The rows of a table or cells of a row that are its own, also inside content controls."""
    for child in node:
        if child.tag == tag:
            yield child
        elif child.tag in _TRANSPARENT:
            yield from _own(child, tag)


def _is_header(row: Element) -> bool:
    return is_on(row.find("w.trPr/w.tblHeader"))


def _first_row_is_plain(table: Element) -> bool:
    """Whether the table's own settings say that its first row is no header."""
    look = table.find("w.tblPr/w.tblLook")
    if look is None:
        return False
    if look.get("firstRow") is not None:
        return look.get("firstRow") in ("0", "false")
    return not int(look.get("val") or "20", 16) & 0x20


def _as_heads(row: list[Cell]) -> list[Cell]:
    return [Cell(cell.text, cell.columns, cell.rows, heads=True) for cell in row]


def _reaching(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Cells that Word merges downwards, as one cell that reaches over its rows."""
    found: list[list[Cell]] = []
    open_cells: dict[int, tuple[int, int]] = {}  # column → where the cell that reaches down to here is
    for row in rows:
        line: list[Cell] = []
        column = 0
        for cell in row:
            if cell.rows == 0 and column in open_cells:
                at, index = open_cells[column]
                top = found[at][index]
                found[at][index] = Cell(top.text, top.columns, top.rows + 1, top.heads)
            else:
                open_cells.pop(column, None)
                if cell.rows == 2:
                    open_cells[column] = (len(found), len(line))
                line.append(Cell(cell.text, cell.columns, 1, cell.heads))
            column += cell.columns
        found.append(line)
    return found
