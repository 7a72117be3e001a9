"""A plan and the cells it means to a value, exact to the digit, with its formula."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from rag.answer.tables.find import Point, Series, named
from rag.answer.tables.grid import Row
from rag.answer.tables.plan import Limit, Operation, Plan
from rag.answer.tables.scale import NAMES, currency_of, scale_of
from rag.text.amounts import DecimalMark
from rag.text.words import fold

MAX_NAMES = 20
MAX_TERMS = 8
"""A formula with more terms is written as a sum over the cells."""
_NOT_MONEY = re.compile(r"%|\b(?:number|anzahl|shares|units|days|stuck|percent|rate|margin|ratio)\b|[数率]")


@dataclass(frozen=True)
class Result:
    """A value, the points it was computed from in the order of the formula, and what it is of."""

    operation: Operation
    value: Decimal | str
    unit: str
    shown: str
    formula: str
    points: tuple[Point, ...]
    subject: str
    series: Series
    score: float = 1.0
    others: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True)
class Style:
    """How a table's numbers are written, and in what they are counted."""

    mark: DecimalMark
    unit: str
    power: int
    language: str

    def number(self, value: Decimal, places: int | None = None) -> str:
        """A number with its thousands apart, and a minus where it is negative."""
        shown = f"{abs(value):,f}" if places is None else f"{rounded(abs(value), places):,f}"
        if self.mark == ",":
            shown = shown.translate(str.maketrans(",.", ".,"))
        return f"−{shown}" if value < 0 else shown

    def term(self, value: Decimal) -> str:
        """A number as a part of a formula."""
        return f"({self.number(value)})" if value < 0 else self.number(value)

    def whole(self, value: Decimal, places: int | None = None) -> str:
        """A number with its unit and what it is counted in."""
        number = self.number(value, places)
        scale = NAMES[self.language].get(self.power, "")
        if self.unit in ("$", "£", "€", "¥") and self.mark == ".":
            sign = "−" if value < 0 else ""
            return f"{sign}{self.unit}{number.removeprefix('−')}{' ' + scale if scale else ''}"
        return " ".join(part for part in (number, scale, self.unit) if part)


def rounded(value: Decimal, places: int) -> Decimal:
    """A value to some decimals, halves away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def values_of(points: Sequence[Point]) -> list[Decimal] | None:
    """The values of cells; a dash is nothing. None where one cannot be read, or their units differ."""
    units = {point.cell.amount.unit for point in points if point.cell.amount and point.cell.amount.unit}
    if len(units) > 1 or any(
        point.cell.text and not (point.cell.amount or point.cell.nil) for point in points
    ):
        return None
    return [point.cell.amount.value if point.cell.amount else Decimal(0) for point in points]


def style_of(points: Sequence[Point], series: Series, plan: Plan) -> Style:
    """How the cells are written."""
    units = [point.cell.amount.unit for point in points if point.cell.amount and point.cell.amount.unit]
    return Style(
        series.table.mark,
        units[0]
        if units
        else ""
        if _NOT_MONEY.search(fold(points[0].row.label))
        else currency_of(points[0], series.table),
        scale_of(points, series.table),
        plan.language,
    )


def places_of(points: Sequence[Point]) -> int:
    """The most decimals among the cells."""
    return max((point.cell.amount.places for point in points if point.cell.amount), default=0)


def mean_places(points: Sequence[Point], value: Decimal) -> int:
    """Two decimals for a mean, or as many as the cells have; none that only say zero."""
    least = places_of(points)
    return next(
        one for one in range(least, 30) if one >= max(least, 2) or rounded(value, one) == rounded(value, 4)
    )


def aggregated(
    plan: Plan, points: Sequence[Point], series: Series, subject: str, *, label: int | None = None
) -> Result | None:
    """The sum, mean, greatest or smallest of some cells; the latter are named by the column `label`."""
    points = [point for point in points if point.cell.amount or point.cell.nil]
    if plan.operation == "mean":
        points = [point for point in points if point.cell.amount]
    values = values_of(points)
    if not values:
        return None
    style = style_of(points, series, plan)
    operation = plan.operation
    if operation in ("max", "min"):
        value = (max if operation == "max" else min)(values)
        winners = [point for point, one in zip(points, values, strict=True) if one == value]
        shown = style.whole(value)
        name = " / ".join(dict.fromkeys(label_of(point, label) for point in winners))
        formula = f"{operation}({_listed(values, style, ', ')})"
        answer: Decimal | str = name if plan.which else value
        shown = f"{name}: {shown}" if plan.which else f"{shown} ({name})"
        return Result(
            operation,
            answer,
            style.unit,
            shown,
            formula,
            (*winners, *_rest(points, winners)),
            subject,
            series,
        )
    total = sum(values, Decimal(0))
    if operation == "sum" and style.unit == "%":
        return None
    if operation == "sum":
        return Result(
            operation, total, style.unit, style.whole(total, places_of(points)),
            _listed(values, style, " + "), tuple(points), subject, series,
        )  # fmt: skip
    mean = total / len(values)
    places = mean_places(points, mean)
    formula = f"({_listed(values, style, ' + ')}) / {len(values)}"
    return Result(
        operation,
        rounded(mean, places),
        style.unit,
        style.whole(mean, places),
        formula,
        tuple(points),
        subject,
        series,
    )


def _rest(points: Sequence[Point], winners: Sequence[Point]) -> list[Point]:
    return [point for point in points if not any(point is one for one in winners)]


def _listed(values: Sequence[Decimal], style: Style, between: str) -> str:
    if len(values) <= MAX_TERMS:
        return between.join(style.term(value) for value in values)
    first = between.join(style.term(value) for value in values[:2])
    return f"{first}{between}…{between}{style.term(values[-1])}"


def label_of(point: Point, column: int | None = None) -> str:
    """What names a point among others of its series: its cell in a column of names, where one is given."""
    if column is not None:
        return dict(point.row.labels)[column]
    return named([point])[0]


def counted(plan: Plan, points: Sequence[Point], series: Series, subject: str) -> Result | None:
    """How many cells are on the right side of the limit."""
    points = [point for point in points if point.cell.amount]
    values = values_of(points)
    if not values or plan.limit is None:
        return None
    style = style_of(points, series, plan)
    limit = _in_table_units(plan.limit, style, values)
    if limit is None:
        return None
    passing = [point for point, value in zip(points, values, strict=True) if limit.passes(value)]
    names = ", ".join(dict.fromkeys(label_of(point) for point in passing)) or "–"
    formula = f"{limit}: {names}"
    return Result(
        "count",
        Decimal(len(passing)),
        "",
        str(len(passing)),
        formula,
        (*passing, *_rest(points, passing)),
        subject,
        series,
    )


def grouped(
    plan: Plan, points: Sequence[Point], keys: Sequence[str], series: Series, subject: str
) -> Result | None:
    """A result for each group; where the greatest is wanted, that group with its sum."""
    groups: dict[str, list[Point]] = {}
    for key, point in zip(keys, points, strict=True):
        groups.setdefault(key, []).append(point)
    each = replace(plan, operation="mean" if plan.operation == "mean" else "sum", which=False)
    results = {
        key: one
        for key, some in groups.items()
        if (one := aggregated(each, some, series, subject)) is not None
    }
    if len(results) < len(groups):
        return None
    if plan.operation in ("max", "min"):
        pick = max if plan.operation == "max" else min
        key = pick(results, key=lambda name: Decimal(results[name].value))
        shown = f"{key}: {results[key].shown}"
        ranked = "; ".join(f"{name} {one.shown}" for name, one in results.items())
        return replace(results[key], operation=plan.operation, value=key, shown=shown, formula=ranked)
    shown = "; ".join(f"{key}: {one.shown}" for key, one in results.items())
    first = next(iter(results.values()))
    return replace(
        first, operation=plan.operation, value=shown, shown=shown, formula="", points=tuple(points)
    )


def listed(names: Sequence[str], column: int, rows: Sequence[Row], series: Series, subject: str) -> Result:
    """How many different names a column has; the cells of the first row of each are named."""
    firsts = {name: next(row for row in rows if dict(row.labels)[column] == name) for name in names}
    points = tuple(point for point in series.points if any(point.row is row for row in firsts.values()))
    formula = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
    return Result("count", Decimal(len(names)), "", str(len(names)), formula, points, subject, series)


def rows_counted(rows: Sequence[Row], series: Series, subject: str) -> Result:
    """How many rows there are."""
    names = [row.label for row in rows]
    formula = ", ".join(names) if len(names) <= MAX_TERMS else f"{names[0]}, {names[1]}, …, {names[-1]}"
    return Result("count", Decimal(len(rows)), "", str(len(rows)), formula, series.points, subject, series)


def in_table_units(limit: Limit, points: Sequence[Point], series: Series, plan: Plan) -> Limit | None:
    """The limit as the table counts; see `_in_table_units`."""
    values = values_of(points)
    return None if values is None else _in_table_units(limit, style_of(points, series, plan), values)


def _in_table_units(limit: Limit, style: Style, values: Sequence[Decimal]) -> Limit | None:
    """The limit as the table counts; None where it may be meant in units or as printed, and that matters."""
    printed = replace(limit, value=limit.value.scaleb(-limit.scale))
    if limit.scale and not style.power:
        return printed
    real = replace(limit, value=limit.value.scaleb(-style.power))
    if limit.scale or not style.power:
        return real
    alike = [printed.passes(value) for value in values] == [real.passes(value) for value in values]
    # "over 500" of a table in thousands: nothing in it is so small that units can be meant
    return printed if alike or all(real.passes(value) == real.passes(values[0]) for value in values) else None


def changed(plan: Plan, first: Point, last: Point, series: Series, subject: str) -> Result | None:
    """The change from one cell to another, in figures or in percent of the first."""
    values = values_of([first, last])
    if values is None:
        return None
    before, after = values
    points = (last, first)
    style = style_of(points, series, plan)
    if plan.operation == "change" or style.unit == "%":
        value = after - before
        style = replace(style, unit="pp") if style.unit == "%" else style
        formula = f"{style.term(after)} − {style.term(before)}"
        return Result(
            "change",
            value,
            style.unit,
            style.whole(value, places_of(points)),
            formula,
            points,
            subject,
            series,
        )
    if before == 0 or (before < 0 <= after):
        return None
    value = rounded((after - before) / before * 100, 2)
    formula = f"({style.term(after)} − {style.term(before)}) / {style.term(before)}"
    percent = Style(style.mark, "%", 0, plan.language)
    return Result("percent", value, "%", percent.whole(value), formula, points, subject, series)


def compared(plan: Plan, part: Point, whole: Point, series: Series, subject: str) -> Result | None:
    """A share, a ratio or a difference of two cells."""
    values = values_of([part, whole])
    if values is None:
        return None
    points = (part, whole)
    style = style_of(points, series, plan)
    one, other = values
    if plan.operation == "difference":
        value = one - other
        formula = f"{style.term(one)} − {style.term(other)}"
        return Result(
            "difference",
            value,
            style.unit,
            style.whole(value, places_of(points)),
            formula,
            points,
            subject,
            series,
        )
    if other == 0:
        return None
    formula = f"{style.term(one)} / {style.term(other)}"
    factor, unit = (Decimal(100), "%") if plan.operation == "share" else (Decimal(1), "")
    value = rounded(one / other * factor, 2)
    plain = Style(style.mark, unit, 0, plan.language)
    return Result(plan.operation, value, unit, plain.whole(value), formula, points, subject, series)


def stated(plan: Plan, points: Sequence[Point], series: Series, subject: str) -> Result:
    """What the cells themselves say."""
    style = style_of(points, series, plan)
    if len(points) == 1 and points[0].cell.amount:
        one = points[0].cell.amount
        shown, value = style.whole(one.value, one.places), one.value
        return Result("value", value, style.unit, shown, "", tuple(points), subject, series)
    shown = "; ".join(f"{label_of(point)}: {point.cell.text}" for point in points)
    return Result("value", shown, style.unit, shown, "", tuple(points), subject, series)
