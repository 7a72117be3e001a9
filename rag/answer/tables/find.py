"""What a value is called to the row and column that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.answer.tables.grid import Cell, Column, Row, Table, stems
from rag.answer.tables.periods import Period, periods, without
from rag.answer.tables.plan import Phrase

NOISE = stems(
    """company companys firm group amount amounts value values number numbers figure figures total totals year
    years period periods fiscal item items table account reported report recorded annual end money cost
    costs spend spent pay paid each per net sum overall business our their its jahr jahre betrag wert
    firma unternehmen two three four five both all every average together ausgegeben bezahlt gezahlt
    gekostet kostet kosten verdient earn earns earned make makes gesamt insgesamt summe quarterly
    monthly yearly come came us we did as according"""
)
"""Words of a question that need not be found in a table."""
_OF_A_HUNDRED = re.compile(r"%|percent|\b(?:rate|margin|share|ratio|proportion|quote|anteil|marge)|[率比]")
GOOD = 0.72
"""From here on a row and column are taken for what is asked for."""
NEAR = 0.08
"""Two that lie so close fit alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A cell of a series, and its period."""

    period: Period | None
    row: Row
    column: Column
    cell: Cell


@dataclass(frozen=True)
class Series:
    """The cells that differ only in their period: one row across the years, or one column down them."""

    table: Table
    points: tuple[Point, ...]

    @property
    def row(self) -> Row:
        """The first of its rows."""
        return self.points[0].row

    @property
    def column(self) -> Column:
        """The first of its columns."""
        return self.points[0].column

    @property
    def in_percent(self) -> bool:
        """Whether it states shares of a hundred."""
        return any(
            point.cell.amount.unit == "%" or "%" in point.column.label
            for point in self.points
            if point.cell.amount
        )

    def at(self, wanted: Sequence[Period], *, span: bool = False, each: str = "") -> list[Point]:
        """The points of the periods asked for, in order of time; all that have a period where none is.

        With `span`, those between the first and the last; with `each`, the quarters or months inside them.
        """
        dated = sorted((p for p in self.points if p.period and each in ("", p.period.kind)), key=_order)
        if not wanted:
            return dated or list(self.points)
        found = [_in(one, dated, each) for one in wanted]
        if not all(found):
            return []
        if span and len(wanted) > 1:
            first, last = (pick(map(_order, (p for some in found for p in some))) for pick in (min, max))
            return [
                p
                for p in dated
                if first <= _order(p) <= last and p.period and p.period.kind == _kind(found[0][0])
            ]
        return sorted(dict.fromkeys(p for some in found for p in some), key=_order)


def _kind(point: Point) -> str:
    return point.period.kind if point.period else ""


def _in(wanted: Period, dated: Sequence[Point], each: str) -> list[Point]:
    """The points that a period means: all inside a span, else the last of its own kind."""
    inside = [p for p in dated if p.period and wanted.covers(p.period)]
    alike = [p for p in inside if p.period and p.period.kind == wanted.kind]
    if wanted.until:
        own = [p for p in inside if p.period and p.period.kind == (each or "year")]
        years = {p.period.year for p in own if p.period} | {p.period.until for p in own if p.period}
        return own if {wanted.year, wanted.until} <= years else []
    return (
        inside if each and each != wanted.kind else [p for p in alike if _order(p) == _order(alike[-1])][:1]
    )


def _order(point: Point) -> tuple[int, int, int]:
    return point.period.order if point.period else (0, 0, 0)


def series_of(table: Table) -> list[Series]:
    """Every series of a table; last, the rows whose columns are each a period under words of its own."""
    grouped: dict[tuple[object, ...], list[Point]] = {}
    whole: dict[int, list[Point]] = {}
    for row in table.rows:
        for column in table.columns:
            cell = table.cell(row, column)
            if column.spans_periods or not (cell.amount or cell.nil):
                continue
            point = Point(_period(row, column), row, column, cell)
            words: tuple[object, ...] = (_words(row.label), _words(row.section), column.stems)
            # rows that differ only in their period are one series; else each row is its own
            key = (*words, None if row.periods and not column.period else row.number)
            grouped.setdefault(key, []).append(point)
            if column.period:
                whole.setdefault(row.number, []).append(point)
    mixed = [
        points
        for points in whole.values()
        if len({str(p.period) for p in points}) == len(points) and len({p.column.stems for p in points}) > 1
    ]
    return [Series(table, tuple(points)) for points in (*grouped.values(), *mixed)]


def _period(row: Row, column: Column) -> Period | None:
    if column.period and row.periods and not column.period.year and row.periods[0].year:
        one, own = column.period, row.periods[0]
        return Period(own.year, one.quarter, one.month, one.day)
    return column.period or (row.periods[0] if row.periods else None)


def _words(text: str) -> frozenset[str]:
    return stems(without(text, periods(text)))


@dataclass(frozen=True, slots=True)
class Match:
    """A series, and how well it fits what is asked for, up to 1.

    It fits `whole` if all words of its label are asked for.
    """

    series: Series
    score: float
    whole: bool = True


def vocabulary(table: Table) -> frozenset[str]:
    """Every word that labels something in a table."""
    rows = frozenset().union(*(_label(row) | row.section_stems for row in table.rows))
    return rows.union(*(column.stems for column in table.columns))


def matches(
    phrase: Phrase, tables: Iterable[Table], *, beside: frozenset[str] = frozenset(), floor: float = GOOD
) -> list[Match]:
    """The series that can be meant by a phrase, the best first; words `beside` need not be found."""
    wanted = stems(phrase.words)
    shares = bool(_OF_A_HUNDRED.search(phrase.words))
    found: list[Match] = []
    for table in tables:
        known = vocabulary(table)
        for one in series_of(table):
            score = fit(wanted, one, known, beside) - (0.08 if one.in_percent and not shares else 0)
            if score >= floor and (not phrase.periods or one.at(phrase.periods)):
                found.append(Match(one, score, _needed(one.row, wanted) <= wanted))
    return sorted(found, key=lambda match: -match.score)


def fit(
    wanted: frozenset[str], series: Series, known: frozenset[str], optional: frozenset[str] = frozenset()
) -> float:
    """How much of what is asked for a series is called, less what it is called besides."""
    row, context = series.row, series.table.context
    row_words, section = _words(row.label), _words(row.section)
    only_a_sum = row.sums_up and not row_words - stems("total")
    if only_a_sum:
        section |= series.table.title
    named = row_words or _label(row)
    column_words = frozenset().union(*(point.column.stems for point in series.points))
    own = named | column_words
    called = own | section
    asked = wanted - ((NOISE | optional) - called) or wanted & called
    in_own, in_section = asked & own, (asked & section) - own
    if not (in_own or (in_section and row.is_total)):
        return 0.0
    if row_words and not asked & row_words and not (row.is_total and (in_section or in_own)):
        return 0.0
    outside = asked - called
    around, elsewhere = (outside & context) - known, outside & known
    summed = elsewhere & _of_totals(series.table)
    said = len(in_own) + 0.9 * len(in_section) + 0.75 * len(around)
    said += 0.5 * len(summed) + 0.35 * len((elsewhere & context) - summed)
    contrary = len(elsewhere - context - summed) + 0.5 * len((wanted & (NOISE | optional) & known) - called)
    needed = _needed(row, wanted)
    unasked = 0.0 if only_a_sum else len(needed - wanted - context) + 0.5 * len((needed & context) - wanted)
    beside = len(column_words - wanted - NOISE - context)
    inside = _words(row.section)
    under = len(inside - wanted - NOISE) / max(1, len(inside))
    return (
        said / len(asked)
        - 0.12 * contrary
        - 0.3 * unasked / max(1, len(needed))
        - 0.15 * beside / max(1, len(column_words))
        - 0.1 * under
    )


def _label(row: Row) -> frozenset[str]:
    """The words of a row's label; a row of values without one is a total."""
    return row.stems if row.label else stems("total")


def _of_totals(table: Table) -> frozenset[str]:
    """The words in the labels of rows that sum up, the last among them."""
    return frozenset().union(*(row.stems for row in table.rows if row.is_total), table.rows[-1].stems)


def _needed(row: Row, wanted: frozenset[str]) -> frozenset[str]:
    """The words of a label without its period, its parentheses and what says nothing.

    Of several cells that name a row, those count that have a word of the question.
    """
    cells = [stems(text) for _, text in row.labels]
    meant = frozenset().union(*(cell for cell in cells if cell & wanted)) or next(
        filter(None, cells), frozenset()
    )
    needed = row.needed & _words(row.label) & meant
    return needed - NOISE or needed


def named(points: Sequence[Point]) -> list[str]:
    """What tells points of a series apart: their years, their periods, or their rows."""
    if not all(point.period and point.column.period for point in points):
        return [point.row.label or point.column.label for point in points]
    years = [str(point.period.year) for point in points if point.period and point.period.kind == "year"]
    return years if len(set(years)) == len(points) else [str(point.period) for point in points]
