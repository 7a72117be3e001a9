"""The passages of a document to its tables: cells with exact values, under the labels they are read by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from rag.answer.tables.periods import Period, periods, without
from rag.records import Hit
from rag.text.amounts import Amount, DecimalMark, amount, decimal_mark, is_dash
from rag.text.words import FUNCTION_WORDS, fold, stem, words

_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*")
_RULE = re.compile(r"[\s:|]*-[\s:|-]*")
_CELL = re.compile(r"(?:\\\||[^|])*")
_NOTE = re.compile(r"\s*(?:\(\d{1,2}\)|\[\d{1,2}\]|[*†‡§]+)+\s*$|\s*[.…]+\s*$")
_YEAR = re.compile(r"(?:fy ?)?(?:19|20)\d\d")
_TOTAL = re.compile(
    r"(?:(?:grand |sub)?-?totals?|sum|overall|balance|net|(?:gesamt|zwischen)?summe|insgesamt|gesamt|suma"
    r"|group total|ergebnis)\b|合计|总计|小计|总和|总额"
)
_SUMS_UP = re.compile(
    r"(?:grand |sub|group |all )?-?totals?\b|sum$|sums?:|(?:full )?year$|(?:gesamt|zwischen|end)?summe\b"
    r"|(?:gesamt|jahr)$|insgesamt|(?:合计|总计|小计|总和|全年)"
)
_ID = re.compile(
    r"\b(?:id|no|nr|number|nummer|numero|code|zip|plz|sku|phone|tel|key|rank|rang|position|pos"
    r"|page|line|row|zeile)\b|#|编号|序号|电话"
)
_COUNT_OF = re.compile(r"\b(?:number|anzahl|count) (?:of|der|von)\b|\bno\. of\b")
_ON_A_CHANGE = re.compile(r"(?i)\bchang|increase|\bvariance|\bgrowth|veränderung|abweichung|变化|增长")
_OF_SOME = re.compile(r"(?i)chang|increase|percent|variance|%")
_OF_HEADERS = """year years ended ending fiscal months month december in thousands thousand millions million
    dollars usd us eur rmb as of at the for days weeks jahr zum geschäftsjahr tausend mio tsd restated
    unaudited audited"""
"""Words of a column's label that do not set it apart."""
_ENDING = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|en|er|em|e|(?<!s)s)$")
ROOT_LETTERS = 6
_KILOMETRES = re.compile(r"(?i)\bkilomet(?:er|re)n?s?\b")
_FUNCTION_WORDS = frozenset(map(fold, FUNCTION_WORDS))
BEFORE, BEHIND = 700, 500
"""Characters of the text around a table that can name what it is about."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with its place: `start:end` in the document's text, `hit` the passage it stands in.

    `line` and `line_end` bound the row.
    """

    text: str
    start: int
    end: int
    hit: Hit
    line: int
    line_end: int
    amount: Amount | None = None
    nil: bool = False


@dataclass(frozen=True)
class Column:
    """A column of values: its label, the period that the label names, and the other words of it."""

    number: int
    label: str
    period: Period | None
    spans_periods: bool
    """Names two periods: it states what changed between them."""

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words of the label, its period apart, to compare."""
        plain = re.sub(r"\([^)]*\)", " ", self.label)
        label = plain if stems(plain) or periods(plain) else self.label
        return stems(without(label, periods(label))) - stems(_OF_HEADERS)


@dataclass(frozen=True)
class Row:
    """A row of values under its label, and the heading inside the table that it stands under."""

    number: int
    label: str
    section: str
    cells: tuple[Cell, ...]
    span: tuple[int, int] = (0, 0)
    """Where its line stands in the document's text."""
    labels: tuple[tuple[int, str], ...] = ()
    """The cells that are no values, with their columns."""

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words of the label, to compare."""
        return stems(self.label)

    @cached_property
    def needed(self) -> frozenset[str]:
        """The words of the label that are not in parentheses."""
        return stems(re.sub(r"\([^)]*\)", " ", self.label)) or self.stems

    @cached_property
    def section_stems(self) -> frozenset[str]:
        """The words of the heading inside the table."""
        return stems(self.section)

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """The periods that the label, else the heading in the table, names."""
        found = tuple(p for _, text in self.labels for p in periods(text))
        return found or tuple(periods(self.section))

    @cached_property
    def is_total(self) -> bool:
        """Whether it sums up others: by its label, or as the one without a label."""
        named = [text for _, text in self.labels if text]
        return not named or any(_TOTAL.match(fold(text).strip()) for text in named[:2])

    @cached_property
    def sums_up(self) -> bool:
        """Whether it is the sum of other rows for sure: it has no label, or one that says only that."""
        named = [text for _, text in self.labels if text]
        return not named or any(_SUMS_UP.match(fold(text).strip()) for text in named)


@dataclass(frozen=True)
class Table:
    """A table as it is read: columns of values, and rows of cells under them.

    `names` are the headers of the columns that hold no values, by number. `corner` is what its header says
    beside the columns' labels, `about` the text that it stands in.
    """

    hit: Hit
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    names: dict[int, str] = field(default_factory=dict)
    header: str = ""
    corner: str = ""
    about: str = ""
    caption: str = ""
    mark: DecimalMark = "."

    @cached_property
    def context(self) -> frozenset[str]:
        """The words of what the table stands under and in."""
        hit = self.hit
        return stems(" ".join((hit.title, *hit.passage.heading_path, self.caption, self.corner, self.about)))

    @cached_property
    def title(self) -> frozenset[str]:
        """The words that it is headed by: its caption and the heading right above it."""
        return stems(" ".join((*self.hit.passage.heading_path[-1:], self.caption)))

    def cell(self, row: Row, column: Column) -> Cell:
        """The cell where both meet."""
        return row.cells[column.number]

    def column_cells(self, column: Column) -> Iterator[tuple[Row, Cell]]:
        """A column's cells, top down."""
        return ((row, row.cells[column.number]) for row in self.rows)


def stems(text: str) -> frozenset[str]:
    """The words of a label or a question that carry meaning, under their stems."""
    joined = re.sub(r"(?i)\bnon[- ](?=\w)", "non", _KILOMETRES.sub("km", text))
    return frozenset(_root(word) for word in words(joined) if word not in _FUNCTION_WORDS)


def _root(word: str) -> str:
    """A word without its endings: "members" and "member" meet, which one ending taken off would part."""
    if not (word.isascii() and word.isalpha()):
        return stem(word)
    while (shorter := _ENDING.sub("", word)) != word:
        word = shorter
    return word[:ROOT_LETTERS]


def tables_of(hits: Sequence[Hit], default: DecimalMark = ".") -> Iterator[Table]:
    """The tables of a document, given all its passages in reading order.

    One that goes on behind a page under the same header is one table. One with a row that was cut in two is
    left out: what is computed of a part would be wrong.
    """
    lines = list(_lines(hits))
    found: list[_Found] = []
    for start, end in _stretches(lines):
        cut = end < len(lines) and lines[end].text.lstrip().startswith("|")
        last = found[-1] if found else None
        if last and _goes_on(lines, last, start):
            last.rows += lines[start + 2 : end]
            last.end, last.cut = end, last.cut or cut
        else:
            found.append(_Found(start, end, [lines[start], *lines[start + 2 : end]], cut))
    for one in found:
        if not one.cut:
            yield from _tables(lines, one, default)


@dataclass
class _Found:
    """The rows of a table, its header first, and the lines that it stands between."""

    start: int
    end: int
    rows: list[_Line]
    cut: bool


def _stretches(lines: Sequence[_Line]) -> Iterator[tuple[int, int]]:
    """Where rows under a header begin and end."""
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and _ROW.fullmatch(lines[end].text):
            end += 1
        if end - start > 2 and _RULE.fullmatch(lines[start + 1].text):
            yield start, end
        start = max(end, start + 1)


def _goes_on(lines: Sequence[_Line], last: _Found, start: int) -> bool:
    """Whether a table repeats the header of the one before it, with nothing between them."""
    between = "".join(line.text for line in lines[last.end : start]).strip()
    pages = lines[last.end - 1].hit.passage.last_page, lines[start].hit.passage.first_page
    alike = lines[start].text.strip() == last.rows[0].text.strip()
    return alike and not between and pages[0] != pages[1]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start: int
    hit: Hit


def _lines(hits: Iterable[Hit]) -> Iterator[_Line]:
    """The document's lines; where a table was split, its parts follow each other without an empty line."""
    end = None
    for hit in hits:
        at = hit.passage.start
        if end is not None and at - end > 1:
            yield _Line("", end, hit)
        for text in hit.passage.text.split("\n"):
            yield _Line(text, at, hit)
            at += len(text) + 1
        end = hit.passage.end


def _split(line: _Line) -> list[Cell]:
    """The cells of a line; the bars at its ends bound the outer ones."""
    first, last = line.text.index("|") + 1, line.text.rindex("|")
    cells, at = [], first
    while at <= last:
        match = _CELL.match(line.text, at, last)
        raw = match.group() if match else ""
        left = at + len(raw) - len(raw.lstrip())
        text = raw.strip()
        start = line.start + left
        whole = (line.start, line.start + len(line.text))
        cells.append(Cell(text.replace("\\|", "|"), start, start + len(text), line.hit, *whole))
        at += len(raw) + 1
    return cells


def _tables(lines: Sequence[_Line], found: _Found, default: DecimalMark) -> Iterator[Table]:
    """The table of some rows, or the several that stand in it under headers of their own."""
    grid = [_split(line) for line in found.rows]
    width = len(grid[0])
    if width < 2 or any(len(row) != width for row in grid):
        return
    mark = decimal_mark((cell.text for row in grid for cell in row), default)
    grid = [[_read(cell, mark) for cell in row] for row in grid]
    values = [number for number in range(width) if _holds_values(grid, number)]
    labels = [number for number in range(width) if number not in values]
    starts = list(_heads_again(grid, labels)) if values and labels else [0]
    for first, last in pairwise([*starts, len(grid)]):
        if values and last - first > 1:
            yield _Builder(grid[first:last], values).table(lines, found.start, found.end, mark)


def _heads_again(grid: Sequence[Sequence[Cell]], labels: Sequence[int]) -> Iterator[int]:
    """Where a header stands: at the top, and behind values where a row without a label names a period."""
    under = False
    yield 0
    for number, row in enumerate(grid[1:], start=1):
        if any(cell.amount or cell.nil for cell in row) or not any(cell.text for cell in row):
            under = under or any(cell.amount for cell in row)
            continue
        if under and not any(row[one].text for one in labels) and any(periods(cell.text) for cell in row):
            yield number
        under = False


def _read(cell: Cell, mark: DecimalMark) -> Cell:
    found = None if _YEAR.fullmatch(fold(cell.text)) else amount(cell.text, mark)
    return replace(cell, amount=found, nil=is_dash(cell.text))


def _holds_values(grid: Sequence[Sequence[Cell]], number: int) -> bool:
    """Whether a column holds amounts: no names, dates, years or numbers of order."""
    body = [row[number] for row in grid[1:] if row[number].text]
    amounts = sum(cell.amount is not None or cell.nil for cell in body)
    header = fold(grid[0][number].text)
    plain = all(cell.text.isalnum() for cell in body)
    if _ID.search(header) and not _COUNT_OF.search(header) and plain:
        return False
    others = sum(not (cell.amount or cell.nil) and not _heads(cell.text) for cell in body)
    return any(cell.amount for cell in body) and amounts > others


def _heads(text: str) -> bool:
    """Whether a text is one that stands over values: a year, a unit, a period."""
    return bool(periods(text)) or (
        len(text) < 40 and bool(re.search(r"[$€£¥]|million|thousand|Mio|TEUR|%", text))
    )


class _Builder:
    """The rows of a table taken in from the top: headers, headings inside it, values."""

    def __init__(self, grid: Sequence[Sequence[Cell]], values: Sequence[int]) -> None:
        self.grid, self.values = grid, values
        self.labels = [number for number in range(len(grid[0])) if number not in values]
        self.headers: list[Sequence[Cell]] = []
        self.sections: list[str] = []
        self.period = ""
        self.rows: list[Row] = []
        self.scope = ""

    def table(self, lines: Sequence[_Line], start: int, end: int, mark: DecimalMark) -> Table:
        heads = self._head()
        columns = tuple(_without_changes(list(self._columns(self.headers))))
        parts: list[str] = [self.scope] if self.scope else []
        fresh = False
        for row in self.grid[heads:]:
            texts = [row[number].text for number in self.labels]
            held = [row[number] for number in self.values if row[number].text]
            if any(cell.amount or cell.nil for cell in held) or (held and any(texts)):
                self._take(row, texts, parts)
                fresh = True
                continue
            said = " ".join(dict.fromkeys(text for text in (*texts, *(cell.text for cell in held)) if text))
            if not said:
                parts, fresh = ([self.scope] if self.scope else []), False
                continue
            # A heading with a period holds until the next such; any other until the next heading.
            kept = [part for part in parts if periods(part) and not periods(said)]
            parts = [*(kept if fresh else parts), said]
            fresh = False
        passage = lines[start].hit.passage
        return Table(
            hit=lines[start].hit,
            columns=columns,
            rows=tuple(self.rows),
            names={number: self.grid[0][number].text for number in self.labels},
            header=lines[start].text.strip(),
            corner=" ".join(row[number].text for row in self.headers for number in self.labels),
            about=_around(lines, start, end),
            caption=_caption(lines, start) or " ".join(passage.heading_path[-1:]),
            mark=mark,
        )

    def _head(self) -> int:
        """How many rows stand over the values."""
        count = 0
        for count, row in enumerate(self.grid):
            held = [row[number] for number in self.values]
            first = row[self.labels[0]].text if self.labels else ""
            if count and any(cell.amount or cell.nil for cell in held):
                break
            if count and not any(cell.text for cell in held) and first and not re.match(r"[(£$€]", first):
                break  # the first heading inside the table
            self.headers.append(row)
            if count and periods(first) and len(first) < 12:
                self.scope = first
        return count

    def _columns(self, headers: Sequence[Sequence[Cell]]) -> Iterator[Column]:
        texts = [[row[number].text for number in self.values] for row in headers]
        if len(texts) == 1:
            parts = [self._moved(texts[0], headers[0])]
        else:
            parts = [_spread(*pair) for pair in pairwise([*texts, [""] * len(self.values)])]
        for place in range(len(self.values)):
            label = " ".join(dict.fromkeys(part[place] for part in parts if part[place]))
            found = periods(label)
            spans = len({(one.year, one.until) for one in found}) > 1
            period = max(found, key=lambda one: one.order) if found else None
            yield Column(place, label, period, spans)

    def _moved(self, texts: list[str], header: Sequence[Cell]) -> list[str]:
        """The only header row; a period that a PDF's layout moved over the names is the empty column's."""
        corner = header[self.labels[0]].text if self.labels else ""
        if periods(corner) and not texts[0] and all(periods(text) for text in texts[1:]):
            return [corner, *texts[1:]]
        return texts

    def _take(self, row: Sequence[Cell], texts: Sequence[str], parts: Sequence[str]) -> None:
        labels = tuple((number, row[number].text) for number in self.labels)
        label = " · ".join(_NOTE.sub("", text) for text in texts if text)
        cells = tuple(row[number] for number in self.values)
        span = (row[0].line, row[-1].line_end)
        self.rows.append(Row(len(self.rows), label, " · ".join(parts), cells, span, labels))


def _without_changes(columns: Sequence[Column]) -> Iterator[Column]:
    """The columns, those marked that state a change beside columns of periods."""
    several = sum(column.period is not None for column in columns) > 1
    for column in columns:
        changes = several and bool(_ON_A_CHANGE.search(column.label))
        yield replace(column, spans_periods=column.spans_periods or changes)


def _spread(texts: Sequence[str], below: Sequence[str]) -> list[str]:
    """The texts of a header row, each over the columns that it spans, given the header row below it.

    A text stands over the first of its columns, or in their middle where the columns before it are empty;
    the latter only if no label below is then twice under one text.
    """
    held = [place for place, text in enumerate(texts) if text]
    if not held:
        return list(texts)
    if len(held) == 1 and len(texts) > 1 and not _OF_SOME.search(texts[held[0]]):
        return [texts[held[0]]] * len(texts)
    from_left = [
        next((texts[one] for one in reversed(held) if one <= place), "") for place in range(len(texts))
    ]
    if held[0] == 0 or len(held) == 1:
        return from_left
    around = [texts[min(held, key=lambda one: (abs(one - place), -one))] for place in range(len(texts))]
    pairs = [pair for pair in zip(around, below, strict=True) if pair[1]]
    return around if len(set(pairs)) == len(pairs) else from_left


def _caption(lines: Sequence[_Line], start: int) -> str:
    """The line right above a table."""
    above = start - 1
    while above >= 0 and start - above <= 2 and not lines[above].text.strip():
        above -= 1
    return (
        lines[above].text.strip("#* ")
        if above >= 0 and start - above <= 2 and len(lines[above].text) < 200
        else ""
    )


def _around(lines: Sequence[_Line], start: int, end: int) -> str:
    """The text before and behind a table, other tables left out."""
    before = "\n".join(
        line.text for line in lines[max(0, start - 40) : start] if not _ROW.fullmatch(line.text)
    )
    behind = "\n".join(line.text for line in lines[end : end + 20] if not _ROW.fullmatch(line.text))
    return f"{before[-BEFORE:]}\n{behind[:BEHIND]}"
