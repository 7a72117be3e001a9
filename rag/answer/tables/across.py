"""Plans that one row answers across its periods, or two cells of one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.answer.tables.compute import Result, aggregated, changed, compared, counted, stated
from rag.answer.tables.find import GOOD, NEAR, Match, Point, Series, matches, named
from rag.answer.tables.grid import Table, stems
from rag.answer.tables.periods import Period, periods
from rag.answer.tables.plan import Phrase, Plan
from rag.text.words import fold

MAX_RIVALS = 1
"""More readings than this beside the one taken are too many to choose from."""
APART = 0.15
"""How far a row must be ahead of others when its label says more than was asked for."""


def across(plan: Plan, tables: Sequence[Table]) -> Result | None:
    """The plan's result by the series it names; None where none fits, or too many do."""
    if plan.operation in ("share", "ratio", "difference"):
        return _two_cells(plan, tables)
    work = {
        "change": _change,
        "percent": _change,
        "mean": _aggregate,
        "sum": _aggregate,
        "max": _aggregate,
        "min": _aggregate,
        "count": _count,
        "value": _value,
    }[plan.operation]
    found = matches(plan.phrase, tables, floor=GOOD - APART)
    return _of_best(found, lambda match: work(plan, match.series))


def _of_best(found: Sequence[Match], work: Callable[[Match], Result | None]) -> Result | None:
    """The result of the best match that has one, with those of the matches that fit as well."""
    results = [(match, one) for match in found if (one := work(match)) is not None]
    if not results:
        return None
    match, first = results[0]
    if match.score < GOOD:
        return None
    if found[0].score > match.score + 0.02:
        return None  # what fits better cannot be computed
    margin = NEAR if match.whole else APART
    near = [one for other, one in results[1:] if other.score >= match.score - margin]
    others = list({(one.subject, str(one.value)): one for one in near if one.value != first.value}.values())
    if len(others) > MAX_RIVALS:
        return None
    return replace(first, score=match.score, others=tuple(others))


def _subject(series: Series, points: Sequence[Point], wanted: Sequence[Period] = ()) -> str:
    row = points[0].row
    label = row.label if points[0].column.period or len(points) == 1 else _bare(row.label)
    alike = [
        one
        for one in series.table.rows
        if _bare(one.label) == _bare(row.label) and one.section != row.section
    ]
    section = _bare(row.section) if alike or not label or label.casefold() in ("total", "summe") else ""
    column = "" if series.column.period and not series.column.stems else _bare(series.column.label)
    return " · ".join(part for part in (section.strip(": "), label, column) if part)


def _bare(label: str) -> str:
    """A label without its period."""
    found = periods(label)
    if not found or len(fold(label)) != len(label):
        return label
    for period in reversed(found):
        label = label[: period.start] + label[period.end :]
    return " ".join(label.split()).strip(" ,:;-–")


def _change(plan: Plan, series: Series) -> Result | None:
    wanted = _ends(plan.phrase.periods)
    points = series.at(wanted)
    if (
        len(points) != 2
        or points[0].period == points[1].period
        or not (points[0].period and points[1].period)
    ):
        return None
    first, last = points
    return changed(plan, first, last, series, _spanning(_subject(series, points), points))


def _ends(periods: Sequence[Period]) -> list[Period]:
    """A span of years as its first and its last."""
    if len(periods) == 1 and periods[0].until:
        one = periods[0]
        return [replace(one, until=None), replace(one, year=one.until, until=None)]
    return list(periods)


def _spanning(subject: str, points: Sequence[Point]) -> str:
    spans = " → ".join(named(points))
    return f"{subject}, {spans}" if subject else spans


def _aggregate(plan: Plan, series: Series) -> Result | None:
    """Over periods: those asked for, else all there are."""
    points = series.at(plan.phrase.periods, span=plan.span, each=plan.each)
    if plan.last and not plan.phrase.periods:
        points = points[-plan.last :] if len(points) >= plan.last else []
    if len(points) < 2 or len({point.period.kind if point.period else "" for point in points} | {""}) > 2:
        return None
    if not all(point.period for point in points):
        return None
    if plan.operation == "sum" and not (plan.phrase.periods or plan.last):
        return None  # "total revenue" is the name of a row
    subject = ", ".join(part for part in (_subject(series, points), *named(points)) if part)
    return aggregated(plan, points, series, subject)


def _count(plan: Plan, series: Series) -> Result | None:
    if not plan.over:
        return None
    points = series.at(plan.phrase.periods, span=plan.span, each=plan.over)
    if len(points) < 2 or not all(point.period for point in points):
        return None
    if plan.limit and plan.limit.percent != series.in_percent:
        return None
    return counted(plan, points, series, _subject(series, points))


def _value(plan: Plan, series: Series) -> Result | None:
    points = series.at(plan.phrase.periods)
    if not plan.phrase.periods and len(series.points) > 1:
        return None
    if len(points) > 6 or not points:
        return None
    return stated(plan, points, series, _subject(series, points))


def _two_cells(plan: Plan, tables: Sequence[Table]) -> Result | None:
    """Two cells of one table, in the same column, or else in the same row."""
    assert plan.of is not None
    pairs: list[tuple[float, Result]] = []
    for table in tables:
        part_words, whole_words = stems(plan.phrase.words), stems(plan.of.words)
        both, asked = part_words & whole_words, part_words | whole_words
        parts = _points(plan.phrase, table, whole_words if plan.operation == "share" else both)
        wholes = _points(plan.of, table, both if plan.operation == "difference" else frozenset())
        for part, one in parts:
            for whole, other in wholes:
                inverted = plan.operation == "share" and one.row.sums_up and not other.row.sums_up
                if one.cell is other.cell or inverted:
                    continue
                column = one.column is other.column
                row = one.row is other.row
                if not (column or row) or (row and not (_named(one, asked) and _named(other, asked))):
                    continue
                score = part.score + whole.score + (0.1 if column else 0)
                result = compared(plan, one, other, part.series, _both(part.series, one, whole.series, other))
                if result is not None:
                    pairs.append((score, result))
    if not pairs:
        return None
    pairs.sort(key=lambda pair: -pair[0])
    score, first = pairs[0]
    near = [result for other, result in pairs[1:] if other >= score - NEAR and result.value != first.value]
    others = list({(one.subject, str(one.value)): one for one in near}.values())
    if len(others) > MAX_RIVALS:
        return None
    return replace(first, score=score / 2, others=tuple(others))


def _named(point: Point, asked: frozenset[str]) -> bool:
    """Whether the question has all words of a column's label, so that it tells it from others of the row."""
    return point.column.stems - stems("total") <= asked


def _points(phrase: Phrase, table: Table, beside: frozenset[str]) -> list[tuple[Match, Point]]:
    found = []
    for match in matches(phrase, [table], beside=beside):
        points = match.series.at(phrase.periods) if phrase.periods else list(match.series.points)
        if phrase.periods and len(points) > 1:
            points = points[-1:] if len(phrase.periods) == 1 else []
        found += [(match, point) for point in points]
    return found


def _both(first: Series, one: Point, second: Series, other: Point) -> str:
    def name(series: Series, point: Point) -> str:
        when = named([point]) if point.column.period else []
        return ", ".join(part for part in (_subject(series, [point]), *when) if part)

    return f"{name(first, one)} : {name(second, other)}"
