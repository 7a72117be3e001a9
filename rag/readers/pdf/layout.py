"""The phrases of a page to its flow: columns in reading order, rows, paragraphs, tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from rag.readers.pdf.words import BROKEN, SLANTED, Gap, Phrase
from rag.readers.tables import markdown_table

_SENTENCE_END = re.compile(r"[.!?:;。！？؟।][\"'”’)\]]*$")
_BULLET_SIGNS = "•●▪■◦‣·*–—§o-"
_BULLET = re.compile(r"[•●▪■◦‣·*–—§o-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]")
_AFFIX = re.compile(r"[$€£¥]|[%)]+|\(\d\)")
_FIGURE = re.compile(r"(?!(?:FY ?)?(?:19|20)\d\d$)[\d$€£¥%(),.—–\s-]+")
_LETTER = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60]")
_WIDE_ROW_WORDS = 12
_GUTTER_ROWS = 4
_MOST_GUTTERS = 4


@dataclass(slots=True)
class Row:
    """The phrases that stand side by side at one height of a column, from left to right."""

    phrases: list[Phrase]

    @property
    def text(self) -> str:
        return " ".join(phrase.text for phrase in self.phrases)

    @property
    def left(self) -> float:
        return self.phrases[0].left

    @property
    def right(self) -> float:
        return max(phrase.right for phrase in self.phrases)

    @property
    def bottom(self) -> float:
        return min(phrase.bottom for phrase in self.phrases)

    @property
    def top(self) -> float:
        return max(phrase.top for phrase in self.phrases)

    @property
    def height(self) -> float:
        return max(phrase.height for phrase in self.phrases)

    @property
    def turn(self) -> int:
        return self.phrases[0].turn

    @property
    def ruled(self) -> Phrase | None:
        """The table in it that lines enclose, if there is one."""
        return next((phrase for phrase in self.phrases if phrase.is_table), None)

    @property
    def bold(self) -> bool:
        return all(phrase.bold for phrase in self.phrases)

    @property
    def fixed(self) -> bool:
        return all(phrase.fixed for phrase in self.phrases)


@dataclass(slots=True)
class Element:
    """A paragraph's or a table's rows."""

    rows: list[Row]
    is_table: bool = False
    caption: list[Row] = field(default_factory=list)


def rows_of(phrases: Sequence[Phrase]) -> list[Row]:
    """The phrases in rows from top to bottom: two share a row if their heights overlap by half."""
    rows: list[Row] = []
    for phrase in sorted(phrases, key=lambda one: -one.middle):
        row = rows[-1] if rows else None
        if row is not None:
            first = row.phrases[0]
            shared = min(first.top, phrase.top) - max(first.bottom, phrase.bottom)
            if shared >= 0.5 * min(first.height, phrase.height):
                row.phrases.append(phrase)
                continue
        rows.append(Row([phrase]))
    for row in rows:
        row.phrases.sort(key=lambda one: one.left)
        row.phrases = _merged(row.phrases)
    return rows


def _merged(phrases: list[Phrase]) -> list[Phrase]:
    """Signs go to their number, bullets to their text, superscripts to the phrase before them."""
    merged = [phrases[0]]
    for phrase in phrases[1:]:
        last = merged[-1]
        gap = phrase.left - last.right
        sign = last.text in "$€£¥" and phrase.is_number
        closing = _AFFIX.fullmatch(phrase.text) and phrase.text not in "$€£¥" and gap < last.height
        mark = _BULLET.fullmatch(last.text) or (len(last.text) <= 3 and _runs_on(phrase))
        bullet = len(merged) == 1 and mark and gap < 4 * phrase.height
        joined = phrase.mirrored and -0.5 * last.height <= gap <= last.height
        joined = (
            joined or (phrase.entered and last.text.endswith(":")) or (last.entered and last.text[0] == "[")
        )
        raised = phrase.height < 0.8 * last.height and gap < 0.4 * last.height
        follows = last.height < 0.8 * phrase.height and gap < 0.4 * phrase.height
        is_text = not (phrase.is_table or last.is_table)
        if is_text and (sign or closing or bullet or raised or follows or joined):
            space = "" if closing and phrase.text[0] in "%)" else " "
            box = (min(last.left, phrase.left), max(last.right, phrase.right))
            tall = phrase if follows else last
            text = last.text + space + phrase.text
            gaps = [*last.gaps, *_moved(phrase.gaps, len(last.text) + len(space))]
            if bullet:
                gaps.insert(len(last.gaps), (len(last.text), last.right, phrase.left))
            merged[-1] = replace(
                tall, text=text, left=box[0], right=box[1], bold=last.bold, fixed=last.fixed, gaps=gaps
            )
        else:
            merged.append(phrase)
    return merged


def _moved(gaps: Sequence[Gap], by: int) -> list[Gap]:
    return [(at + by, right, left) for at, right, left in gaps]


def page_flows(phrases: Sequence[Phrase]) -> list[list[Row]]:
    """The page's columns in reading order; text turned sideways is read by itself, after the upright."""
    turns = sorted({phrase.turn for phrase in phrases})
    found = []
    for turn in turns:
        own = [phrase for phrase in phrases if phrase.turn == turn]
        found += [[Row([phrase]) for phrase in own]] if turn == SLANTED else flows(own)
    return found


def flows(phrases: Sequence[Phrase], *, depth: int = 0) -> list[list[Row]]:
    """The columns of phrases that are turned the same way in reading order, each as its rows.

    Rows of two phrases of prose side by side show where a gutter is. A row that crosses it (a title, a
    wide table's label) divides the columns into bands, read one after the other.
    """
    rows = rows_of(phrases)
    gutter = _gutter(rows) if depth < _MOST_GUTTERS else None
    if gutter is None:
        return [rows] if rows else []
    found: list[list[Row]] = []
    wide: list[Row] = []
    for band, crossing in _bands(rows, gutter):
        sides = _sides(band, gutter)
        if sides:
            found += [wide] if wide else []
            wide = []
            for side in sides:
                found += flows(side, depth=depth + 1)
        else:
            wide += band
        wide += crossing
    return [*found, wide] if wide else found


def _gutter(rows: Sequence[Row]) -> float | None:
    """The middle of the strip between two columns of prose, the widest of several, or None."""
    gaps = []
    prose_rows = 0
    for row in rows:
        own = [
            (one.right, other.left)
            for one, other in pairwise(row.phrases)
            if _runs_on(one) and _runs_on(other)
        ]
        gaps += own
        prose_rows += bool(own)
    if prose_rows < _GUTTER_ROWS:
        return None
    best: list[tuple[float, float]] = []
    for left, right in gaps:
        middle = (left + right) / 2
        inside = [gap for gap in gaps if gap[0] < middle < gap[1]]
        best = max(best, inside, key=len)
    if len(best) < max(_GUTTER_ROWS, prose_rows // 2):
        return None
    return (max(left for left, _ in best) + min(right for _, right in best)) / 2


def _runs_on(phrase: Phrase) -> bool:
    """Whether a phrase is part of a sentence, going by its number of words."""
    return phrase.text.count(" ") >= 3 and _LETTER.search(phrase.text) is not None


def _bands(rows: Sequence[Row], gutter: float) -> Iterator[tuple[list[Row], list[Row]]]:
    """Runs of rows that leave the gutter free, each with the row below that crosses it (or none)."""
    band: list[Row] = []
    for row in rows:
        if any(phrase.left < gutter < phrase.right for phrase in row.phrases):
            yield band, [row]
            band = []
        else:
            band.append(row)
    yield band, []


def _sides(band: Sequence[Row], gutter: float) -> tuple[list[Phrase], list[Phrase]] | None:
    """The phrases left and right of the gutter if both are columns of text, not of a table's figures."""
    phrases = [phrase for row in band for phrase in row.phrases]
    left = [phrase for phrase in phrases if phrase.right <= gutter]
    right = [phrase for phrase in phrases if phrase.left >= gutter]
    if not left or not right or not (_is_prose(left) or _is_prose(right)):
        return None
    for side in (left, right):
        if 5 * sum(phrase.is_number for phrase in side) > len(side):
            return None
    return left, right


def _is_prose(phrases: Sequence[Phrase]) -> bool:
    """Whether most of the text stands in phrases of four words and more."""
    long = [len(one.text) for one in phrases if _runs_on(one)]
    return sum(long) >= 0.6 * sum(len(one.text) for one in phrases) and len(long) >= 0.4 * len(phrases)


def elements(rows: Sequence[Row], is_heading: Callable[[Row], bool]) -> Iterator[Element]:
    """The paragraphs and tables of one column; a row that is a heading ends a table."""
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    leading = _leading(rows)
    prose: list[Row] = []
    index = 0
    while index < len(rows):
        if rows[index].ruled:
            beside = [phrase for phrase in rows[index].phrases if not phrase.is_table]
            caption = _caption(prose, rows[index], leading)
            del prose[len(prose) - len(caption) :]
            yield from _paragraphs(prose + rows_of(beside), right, leading)
            prose = []
            yield Element([rows[index]], is_table=True, caption=caption)
            index += 1
            continue
        end = _table_end(rows, index, right - left, is_heading)
        if end is None:
            prose.append(rows[index])
            index += 1
            continue
        caption = _caption(prose, rows[index], leading)
        del prose[len(prose) - len(caption) :]
        yield from _paragraphs(prose, right, leading)
        prose = []
        yield Element(list(rows[index:end]), is_table=True, caption=caption)
        index = end
    yield from _paragraphs(prose, right, leading)


def _leading(rows: Sequence[Row]) -> float:
    """The distance from one line to the next within paragraphs, in points: the lower quartile of all."""
    rows = [row for row in rows if not row.ruled] or rows
    steps = [above.bottom - below.bottom for above, below in pairwise(rows)]
    close = [step for step, row in zip(steps, rows, strict=False) if 0 < step < 2.5 * row.height]
    return sorted(close)[len(close) // 4] if close else rows[0].height * 1.2


def _table_end(
    rows: Sequence[Row], start: int, width: float, is_heading: Callable[[Row], bool]
) -> int | None:
    """The index behind the table that begins at a row, or None if none does.

    A table's rows have several phrases; up to three rows of one short phrase (a section's label, a
    wrapped name) may lie between two of them. Three rows make a table, two if they hold numbers.
    """
    if not _is_tabular(rows[start]) or rows[start].fixed:
        return None
    end, index, count = start + 1, start + 1, 1
    while index < len(rows) and index - end < 4:
        row = rows[index]
        if row.ruled or rows[index - 1].bottom - row.top > 4 * row.height:
            break
        if _is_tabular(row):
            count += 1
            end = index + 1
        elif (
            is_heading(row)
            or (row.text.count(" ") >= _WIDE_ROW_WORDS and row.right - row.left > 0.7 * width)
            or _names_next_table(rows, index)
        ):
            break
        index += 1
    if len(_columns(rows[start:end])) < 2:
        return None
    numbers = any(phrase.is_number for row in rows[start:end] for phrase in row.phrases)
    return end if count >= (2 if numbers else 3) else None


def _names_next_table(rows: Sequence[Row], index: int) -> bool:
    """Whether a line within a table stands apart from it, above a row of column headings only."""
    if index + 1 >= len(rows) or not _is_tabular(rows[index + 1]):
        return False
    above, row, below = rows[index - 1 : index + 2]
    apart = above.bottom - row.top > 1.5 * max(row.bottom - below.top, 0.5 * row.height)
    return apart and below.left > row.right


def _is_tabular(row: Row) -> bool:
    return len(row.phrases) > 1


def _caption(prose: Sequence[Row], table: Row, leading: float) -> list[Row]:
    """The up to four short lines right above a table that name it."""
    below, found = table, 0
    for row in reversed(prose[-4:]):
        far = row.bottom - below.top > 2.2 * leading
        ends = row.text.rstrip().endswith(".") or _has_bullet(row)
        if far or ends or row.text.count(" ") >= _WIDE_ROW_WORDS:
            break
        below, found = row, found + 1
    return list(prose[len(prose) - found :])


def _paragraphs(rows: Sequence[Row], right: float, leading: float) -> Iterator[Element]:
    paragraph: list[Row] = []
    for row in rows:
        if paragraph and _breaks(paragraph, row, right, leading):
            yield Element(paragraph)
            paragraph = []
        paragraph.append(row)
    if paragraph:
        yield Element(paragraph)


def _breaks(paragraph: Sequence[Row], row: Row, right: float, leading: float) -> bool:
    """Whether a row begins a new paragraph, by space, size, weight, indent or a line that ended early."""
    last = paragraph[-1]
    most = max(1.35 * leading, 1.45 * row.height)  # lines of a title are further apart than the text's
    if last.bottom - row.bottom > most or row.bottom >= last.bottom:
        return True
    if row.fixed != last.fixed:
        return True
    if row.fixed:
        return False
    if not 0.87 < row.height / last.height < 1.15:
        return True
    if _has_bullet(row) and (row.text[0] in _BULLET_SIGNS or _SENTENCE_END.search(last.text)):
        return True
    if last.text.endswith(BROKEN):
        return False
    short = last.right < right - max(6 * row.height, 0.12 * (right - last.left))
    indented = row.left > last.left + 0.8 * row.height and len(paragraph) > 1
    if row.bold != last.bold and short and not row.text[0].islower():
        return True
    return bool((short or indented) and _SENTENCE_END.search(last.text))


def _has_bullet(row: Row) -> bool:
    mark, _, rest = row.text.partition(" ")
    return bool(rest) and _BULLET.fullmatch(mark) is not None


def is_item(element: Element) -> bool:
    """Whether a paragraph is an item of a list."""
    return _has_bullet(element.rows[0])


def prose_text(rows: Sequence[Row], joins: Callable[[str, str], bool]) -> str:
    """A paragraph's lines as one, words put together again that a line end had broken.

    `joins(head, tail)` says whether "head-" and "tail" are one word without the hyphen.
    """
    text = ""
    for row in rows:
        line = row.text
        if not text:
            text = line
            continue
        head = text.rstrip(BROKEN + "-‐").rsplit(None, 1)[-1:]
        tail = re.match(r"\w+", line)
        if head and tail and _LETTER.match(head[0][-1]) and text[-1] in BROKEN + "-‐":
            whole = joins(head[0], tail.group()) if tail.group()[0].islower() else False
            text = text.rstrip(BROKEN + "-‐") + ("" if whole else "-") + line
        else:
            text = spaced(text.replace(BROKEN, "-"), line)
    return text.replace(BROKEN, "-")


def spaced(text: str, line: str) -> str:
    """A line after the text before it: in Chinese and Japanese there is no space between the two."""
    unspaced = _UNSPACED.match(text[-1:]) and _UNSPACED.match(line)
    return f"{text}{line}" if unspaced else f"{text} {line}"


def code_text(rows: Sequence[Row]) -> str:
    """Lines of a fixed-width font as they stand, indented by their place."""
    left = min(row.left for row in rows)
    lines = []
    for row in rows:
        width = (row.right - row.left) / len(row.text)
        lines.append(" " * round((row.left - left) / width) + row.text.replace(BROKEN, "-"))
    return "\n".join(lines)


def table_text(element: Element) -> str:
    """A table as Markdown under its caption; several header lines become one header row."""
    ruled = element.rows[0].ruled
    table = ruled.text if ruled else _plain_table(_grid(element.rows))
    caption = "\n".join(row.text for row in element.caption)
    return (f"{caption}\n\n{table}" if caption else table).replace(BROKEN, "-")


def _plain_table(grid: list[list[str]]) -> str:
    head = _head(grid)
    header = [" ".join(filter(None, (row[column] for row in head))) for column in range(len(grid[0]))]
    return markdown_table([header, *grid[len(head) :]] if head else grid, header=int(bool(head)))


def _head(grid: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The rows above the first one with a label; none where the first already has label and figures."""
    if grid[0][0] and all(_FIGURE.fullmatch(cell) for cell in grid[0][1:] if cell):
        return []
    end = next((index for index, row in enumerate(grid[1:], start=1) if row[0]), 1)
    return grid[:end]


def _grid(rows: Sequence[Row]) -> list[list[str]]:
    """The cells of each row, in the columns that the phrases' places make out."""
    columns = _columns(rows)
    grid = []
    for row in rows:
        cells = [""] * len(columns)
        for phrase in _cells(row):
            column = _column_of(phrase, columns)
            cells[column] = f"{cells[column]} {phrase.text}".strip()
        grid.append(cells)
    return grid


def _columns(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """The x ranges that cells share. Figures decide where there are many: headings above them run wide."""
    cells = [cell for row in rows if len(row.phrases) > 1 for cell in _cells(row)]
    figures = [cell for cell in cells if cell.is_number]
    others = [row.phrases[0] for row in rows if len(row.phrases) > 1 and not row.phrases[0].is_number]
    if 2 * len(figures) >= len(cells) - len(others) and figures:
        edge = min(cell.left for cell in figures)
        labels = [cell for cell in others if cell.left < edge]
        columns = _united([(cell.left, cell.right) for cell in figures])
        if labels:
            first = min(cell.left for cell in labels)
            columns = [(first, min(max(cell.right for cell in labels), edge - 0.1)), *columns]
        return columns
    return _united([(cell.left, cell.right) for cell in cells])


def _cells(row: Row) -> list[Phrase]:
    """A table row's phrases, cut where a gap is wider than a space usually is."""
    cells = []
    for phrase in row.phrases if len(row.phrases) > 1 else ():
        start, left = 0, phrase.left
        for at, right, next_left in phrase.gaps:
            cells.append(replace(phrase, text=phrase.text[start:at].strip(), left=left, right=right, gaps=[]))
            start, left = at, next_left
        cells.append(replace(phrase, text=phrase.text[start:].strip(), left=left, gaps=[]))
    return cells or row.phrases


def _united(ranges: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for left, right in sorted(ranges):
        if united and left <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], right))
        else:
            united.append((left, right))
    return united


def _column_of(phrase: Phrase, columns: Sequence[tuple[float, float]]) -> int:
    """The column that a phrase shares most with, else the nearest."""

    def closeness(index: int) -> tuple[float, float]:
        left, right = columns[index]
        shared = min(right, phrase.right) - max(left, phrase.left)
        return (max(shared, 0.0), -abs((left + right) - (phrase.left + phrase.right)))

    return max(range(len(columns)), key=closeness)
