"""Plans that a column answers down the rows that the question chooses: a list of expenses, prices, people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.answer.tables import patterns
from rag.answer.tables.compute import (
    Result,
    aggregated,
    counted,
    grouped,
    in_table_units,
    listed,
    rows_counted,
)
from rag.answer.tables.find import NOISE, Point
from rag.answer.tables.grid import Row, Table, stems
from rag.answer.tables.periods import Period
from rag.answer.tables.plan import EXTREMES, Plan
from rag.answer.tables.selection import QUANTITY, Selection, called, names_of, selection
from rag.text.words import fold, words

MAX_OTHERS = 2
"""More readings than this beside the one taken are too many to choose from."""
_PEOPLE = stems(
    "name employee person staff who member customer mitarbeiter mitarbeiterin kunde 姓名 员工 名称"
)
_ARE_PEOPLE = stems("people person persons personen leute")


def down(plan: Plan, tables: Sequence[Table]) -> Result | None:
    """The plan's result over the rows it chooses; None where it chooses none for sure."""
    if plan.operation == "count" and not plan.limit and _counts_in_cells(plan, tables):
        plan = replace(plan, operation="sum")
    if plan.operation not in ("sum", "mean", "max", "min", "count") or plan.over:
        return None
    found = sorted(
        (one for table in tables if (one := selection(plan, table))), key=lambda one: one.score, reverse=True
    )
    first = _result(plan, found[0]) if found else None
    if first is None:
        return None
    best = found[0]
    others = [_result(plan, replace(best, column=column)) for column in best.others]
    others += [_result(plan, other) for other in found[1:] if other.score >= best.score]
    differing = tuple(one for one in others if one is not None and one.value != first.value)
    return replace(first, score=best.score, others=differing) if len(differing) <= MAX_OTHERS else None


def _counts_in_cells(plan: Plan, tables: Sequence[Table]) -> bool:
    """Whether what is counted stands in cells: "how many pieces" where a column counts pieces."""
    noun = _counted_noun(plan)
    columns = [column for table in tables for column in table.columns]
    if any(column.stems in ({noun}, {noun} | column.stems & QUANTITY) for column in columns):
        return True
    if any(column.stems & QUANTITY for column in columns):  # "how many bolts" of a list of orders
        return any(noun in row.stems for table in tables for row in table.rows)
    summed = patterns.OVER_GROUPS.search(plan.asked)
    return bool(plan.phrase.periods and summed and any(column.period for column in columns))


def _result(plan: Plan, chosen: Selection) -> Result | None:
    """What is asked of the rows and the column."""
    table, column = chosen.table, chosen.column
    if plan.group and stems(plan.group) <= stems(column.label):  # "the rent per month" is a column
        plan = replace(plan, group="")
    points, subject = list(chosen.points()), _subject(plan, chosen)
    if plan.limit is not None:
        held = in_table_units(plan.limit, points, chosen.series, plan)
        if held is None or plan.limit.percent != chosen.series.in_percent:
            return None
        if plan.operation == "count":
            return counted(plan, points, chosen.series, subject)
        points = [point for point in points if point.cell.amount and held.passes(point.cell.amount.value)]
        subject = f"{subject} {held}"
    if plan.operation == "count":
        return _count(plan, chosen, subject)
    if not points or _currencies(table, chosen.rows) > 1:
        return None
    return _over_rows(plan, chosen, points, subject)


def _over_rows(plan: Plan, chosen: Selection, points: Sequence[Point], subject: str) -> Result | None:
    """A sum, mean, greatest or smallest of the rows, or one for each group of them."""
    noun = _label_column(plan, chosen.table)
    repeats = noun is not None and len(set(_keys(plan, points, noun))) < len(points)
    if plan.group or (plan.which and repeats and patterns.OVER_GROUPS.search(plan.asked)):
        keys = _keys(plan, points, noun)
        alone = len(points) > 1 and len(set(keys)) == len(keys)
        if not (plan.operation == "mean" and alone):  # "on average per stage" is no mean of one each
            return grouped(plan, points, keys, chosen.series, subject) if keys else None
    if plan.operation == "sum":
        enough = len(points) > 1 or plan.spent
        return aggregated(plan, points, chosen.series, subject) if enough and _adds_up(chosen) else None
    if len(points) < 2:
        return None
    noun = _named_greatest(plan, chosen.table) if noun is None else noun
    plan = replace(plan, which=plan.which or (noun is not None and plan.operation in EXTREMES))
    return aggregated(plan, points, chosen.series, subject, label=noun if plan.which else None)


def _count(plan: Plan, chosen: Selection, subject: str) -> Result | None:
    """How many rows, or how many different values of the column that the question names."""
    table, noun = chosen.table, _counted_noun(plan)
    if not noun or chosen.column.period:
        return None
    named = next((n for n, name in table.names.items() if noun in stems(name)), None)
    if named is not None and not re.search(r"#|\b(?:no|nr|id)\b", fold(table.names[named])):
        names = [dict(row.labels)[named] for row in chosen.rows]
        if len(set(names)) < len(names):
            return listed([*dict.fromkeys(filter(None, names))], named, chosen.rows, chosen.series, subject)
    people = noun in _ARE_PEOPLE and names_of(table) & _PEOPLE
    # "How many days" asks for what a column of days says, not for its rows.
    measures = _MEASURES.union(*(column.stems for column in table.columns))
    if noun in measures or not _counted_words(plan).isdisjoint(_MEASURES):
        return None
    of_rows = (_counted_words(plan) - chosen.chosen_by - measures) & (called(table) | names_of(table))
    if people or of_rows or patterns.KINDS.search(plan.asked):
        return rows_counted(chosen.rows, chosen.series, subject)
    return None


_MEASURES = stems(
    """second minute hour day week month quarter year euro dollar pound percent kilometre metre kilogram
    sekunde minute stunde tag tage woche monat quartal jahr prozent kilometer meter kilogramm
    秒 分钟 小时 天 周 月 年"""
)


def _counted_noun(plan: Plan) -> str:
    """The word after "how many"."""
    found = patterns.COUNTED.search(plan.asked)
    noun = found and (found["nouns"] or found["han"])
    return next((next(iter(stems(word)), "") for word in words(noun or "") if stems(word)), "")


def _counted_words(plan: Plan) -> frozenset[str]:
    """The first words after "how many": "travel expenses" in "how many travel expenses are there"."""
    found = patterns.COUNTED.search(plan.asked)
    nouns = (found["nouns"] or found["han"]) if found else plan.asked
    return stems(patterns.BEHIND_NOUN.split(nouns)[0])


def _label_column(plan: Plan, table: Table) -> int | None:
    """The column of names that the question asks for: "which vendor", "who", "per category"."""
    asked = stems(plan.group) if plan.group else stems(" ".join(words(plan.asked)[:4]))
    if re.match(r"who|wer\b|谁", plan.asked):
        asked |= _PEOPLE
    return next((number for number, name in table.names.items() if stems(name) & asked), None)


def _named_greatest(plan: Plan, table: Table) -> int | None:
    """The column of names that "what is the most expensive article" asks for."""
    pattern = EXTREMES.get(plan.operation)
    asked = re.match(r"(?:what|was) (?:is|was|are|ist|war) (?:(?:the|der|die|das) )?(?P<rest>.+)", plan.asked)
    superlative = pattern.match(asked["rest"]) if pattern and asked else None
    noun = asked["rest"][superlative.end() :].split()[:1] if asked and superlative else []
    return next((n for n, name in table.names.items() if stems(name) & stems(" ".join(noun))), None)


def _keys(plan: Plan, points: Sequence[Point], noun: int | None) -> list[str]:
    """The group of each point; none where the question's word for the groups is not in the table."""
    if noun is not None:
        return [dict(point.row.labels)[noun] for point in points]
    unit = next((unit for word, unit in patterns.TIME_GROUPS.items() if plan.group.startswith(word)), "")
    dates = [point.period for point in points if point.period]
    return [_part(period, unit) for period in dates] if unit and len(dates) == len(points) else []


def _part(period: Period, unit: str) -> str:
    """The year, quarter or month that a date lies in."""
    month = period.month if unit == "month" else None
    quarter = -(-(period.month or 1) // 3) if unit == "quarter" else None
    return str(Period(period.year, quarter, month))


def _currencies(table: Table, rows: Sequence[Row]) -> int:
    """How many currencies a column for them names in the rows."""
    for number, name in table.names.items():
        if re.search(r"currenc|wahrung|币", fold(name)):
            return len({dict(row.labels)[number] for row in rows})
    return 1


def _adds_up(chosen: Selection) -> bool:
    """Whether nothing speaks against adding: the table's own total, where it has one, is that of its rows."""
    table, column = chosen.table, chosen.column
    amounts = [(row.sums_up, table.cell(row, column).amount) for row in table.rows]
    totals = [amount.value for sums_up, amount in amounts if sums_up and amount]
    if not totals:
        return bool(chosen.chosen_by) or not any(row.section for row in table.rows)
    return totals[-1] == sum(amount.value for sums_up, amount in amounts if not sums_up and amount)


def _subject(plan: Plan, chosen: Selection) -> str:
    """The column, and what chose the rows as their cells have it."""
    texts = {text for row in chosen.rows for _, text in row.labels}
    values = {
        one for one in texts if stems(one) & chosen.chosen_by and stems(one) <= chosen.chosen_by | NOISE
    }
    when = "" if chosen.column.period else ", ".join(str(one) for one in plan.phrase.periods)
    column = "" if plan.operation == "count" and not plan.limit else chosen.column.label
    return ", ".join(part for part in (column, *sorted(values)[:4], when) if part)
