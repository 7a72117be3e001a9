"""Plans that a column answers down the rows that the question chooses: a list of expenses, prices, people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rag.answer.tables.compute import (
    Result,
    aggregated,
    counted,
    grouped,
    in_table_units,
    listed,
    rows_counted,
)
from rag.answer.tables.find import NOISE, Point, Series
from rag.answer.tables.grid import Cell, Column, Row, Table, stems
from rag.answer.tables.periods import Period, periods
from rag.answer.tables.plan import EXTREMES, Plan
from rag.text.words import fold, words

_MONEY = stems(
    "amount amounts total price prices cost costs value sum net gross spend spent paid expense expenses fee fees"
    " netto brutto betrag summe preis preise kosten wert gesamt ausgaben"
) | {"金额", "价格", "费用", "总价", "成本"}
_QUANTITY = stems("quantity qty pieces units copies count menge anzahl stück stückzahl 数量")
_PEOPLE = stems(
    "name employee person staff who member customer mitarbeiter mitarbeiterin kunde 姓名 员工 名称"
)
_ABOUT_MONEY = re.compile(
    r"\b(?:spen[dt]|cost|costs|pay|paid|price|expensive|cheap\w*|dear\w*|money|ausgegeben|kostet\w*|kosten|teuer\w*"
    r"|gunstig\w*|billig\w*|bezahlt|preis\w*|ausgaben|expenses?|spending|expenditures?)\b|花|钱|贵|便宜|价|支出|费用"
)
_JOINED = re.compile(
    r"([^\W\d_]+) (?:and|or|und|oder) (?=([^\W\d_]+))|([\u3400-\u9fff]{2})[和或、](?=([\u3400-\u9fff]{2}))"
)
_MOST = re.compile(
    r"\b(?:most|least|total|totals|sum|overall|altogether|meisten|wenigsten|insgesamt|gesamt\w*)\b|最多|最少|总"
)
_HOW_MANY = re.compile(r"how many|what is the (?:total )?number|wie ?viele|.*多少[个件台本]")
_BEHIND_NOUN = (
    r"\b(?:are|is|were|was|do|does|did|have|has|had|in|on|at|of|from|for|by|with|that|which|who|came|come|cost|costs|work"
    r"|sind|ist|waren|war|gibt|haben|hat|hatten|im|am|von|fur|mit|die|der|kosten|arbeiten)\b"
)
_KINDS = re.compile(
    r"\b(?:types?|kinds?|categor\w+|components?|items?|rows?|entries|lines?|eintrage|zeilen|posten)\b"
)


@dataclass(frozen=True)
class Selection:
    """Some rows of a table and the column that is computed, with the words that chose them."""

    table: Table
    column: Column
    rows: tuple[Row, ...]
    chosen_by: tuple[str, ...]
    score: float
    others: tuple[Column, ...] = ()

    @property
    def series(self) -> Series:
        """The column's cells in the rows."""
        return Series(self.table, tuple(self.points()))

    def points(self) -> Iterator[Point]:
        """The cells that state something."""
        for row in self.rows:
            cell = self.table.cell(row, self.column)
            if cell.text:
                yield Point(row.periods[0] if row.periods else None, row, self.column, cell)


def down(plan: Plan, tables: Sequence[Table]) -> Result | None:
    """The plan's result over the rows it chooses; None where it chooses none for sure."""
    if plan.operation == "count" and not plan.limit and _counts_in_cells(plan, tables):
        plan = replace(plan, operation="sum")
    if plan.operation not in ("sum", "mean", "max", "min", "count") or plan.over:
        return None
    found = [one for table in tables if (one := selection(plan, table)) is not None]
    found.sort(key=lambda one: -one.score)
    for one in found[:1]:
        first = _result(plan, one)
        if first is None:
            return None
        others = [_result(plan, replace(one, column=column)) for column in one.others]
        rivals = [_result(plan, other) for other in found[1:] if other.score >= one.score]
        differing = tuple(r for r in (*others, *rivals) if r is not None and r.value != first.value)
        return replace(first, score=one.score, others=differing) if len(differing) <= 2 else None
    return None


def _counts_in_cells(plan: Plan, tables: Sequence[Table]) -> bool:
    """Whether what is counted stands in cells: "how many pieces" where a column counts pieces."""
    noun = _counted_noun(plan)
    columns = [column for table in tables for column in table.columns]
    if any(column.stems in ({noun}, {noun} | column.stems & _QUANTITY) for column in columns):
        return True
    if any(column.stems & _QUANTITY for column in columns):  # "how many bolts" of a list of orders
        return any(noun in row.stems for table in tables for row in table.rows)
    return bool(plan.phrase.periods and _MOST.search(plan.asked) and any(column.period for column in columns))


def selection(plan: Plan, table: Table) -> Selection | None:
    """The rows and the column of a table that a plan means."""
    wanted = stems(plan.phrase.words)
    used = {word for _, _, some in _numbered(plan, table) for word in some}
    columns = _columns(plan, table, wanted - used)
    if not columns:
        return None
    column, others = columns[0], columns[1:]
    above = _above(table)
    numbered = _numbered(plan, table)
    left = wanted - NOISE - column.stems - _names(table) - {word for _, _, some in numbered for word in some}
    if not table.rows or (left & stems("share percentage ratio")):
        return None
    rows = _without_sum([row for row in table.rows if not row.sums_up], table, column)
    held = frozenset().union(*(row.stems | row.section_stems for row in rows)) if rows else frozenset()
    conditions = left & held
    unknown = left - held - above - _MONEY
    if unknown - _of_the_operation(plan):
        return None
    conditions -= above if not conditions - above else frozenset()
    kept = _having(rows, conditions, joined=_joined(plan, conditions))
    kept = [row for row in kept if all(_is_number(table.cell(row, one), value) for one, value, _ in numbered)]
    kept, dated = _in_time(plan, table, kept, column)
    if not kept or not dated:
        return None
    if not conditions and not numbered and not _sure_of(plan, table, wanted, column, above):
        return None
    kept = kept if plan.operation == "count" else [row for row in kept if table.cell(row, column).text]
    score = len(conditions) + len(wanted & column.stems) + 0.5 * len(wanted & (above | _names(table)))
    return Selection(table, column, tuple(kept), tuple(sorted(conditions)), score, tuple(others))


def _without_sum(rows: list[Row], table: Table, column: Column) -> list[Row]:
    """The rows without a first or last one that is the sum of all others, whatever it is called."""
    for place in (-1, 0):
        rest = rows[:-1] if place else rows[1:]
        one = table.cell(rows[place], column).amount if len(rest) > 1 else None
        others = [table.cell(row, column).amount for row in rest]
        if one and one.value and sum((other.value for other in others if other), Decimal(0)) == one.value:
            return rest
    return rows


def _numbered(plan: Plan, table: Table) -> list[tuple[Column, Decimal, frozenset[str]]]:
    """The columns that the question gives a number for, "floor 2", with the words that do."""
    found = []
    for name, number in re.findall(r"([^\W\d_]+) (\d+)\b", plan.asked):
        for column in table.columns:
            if stems(name) and stems(name) == column.stems:
                found.append((column, Decimal(number), stems(f"{name} {number}")))
    return found


def _is_number(cell: Cell, value: Decimal) -> bool:
    return cell.amount is not None and cell.amount.value == value


def _called(table: Table) -> frozenset[str]:
    """What the rows of a table are called: by its file, its title, the heading right above it."""
    hit = table.hit
    return stems(" ".join((re.sub(r"[\W_]+", " ", hit.doc), hit.title, *hit.passage.heading_path[-1:])))


def _above(table: Table) -> frozenset[str]:
    """The words that the table stands under: its file, title, headings and caption."""
    hit = table.hit
    return stems(
        " ".join((re.sub(r"[\W_]+", " ", hit.doc), hit.title, *hit.passage.heading_path, table.caption))
    )


def _names(table: Table) -> frozenset[str]:
    return frozenset().union(*(stems(name) for name in table.names.values()))


def _of_the_operation(plan: Plan) -> frozenset[str]:
    """Words that say what to do, not with what."""
    nouns = "row line entry record all average most least many any thing list different distinct there posten eintrag"
    people = "people person persons work works working based live personen leute arbeiten"
    return stems(f"{nouns} {people} {plan.group}")


def _columns(plan: Plan, table: Table, wanted: frozenset[str]) -> list[Column]:
    """The column that is computed, then those that fit as well."""
    able = [column for column in table.columns if not column.spans_periods]
    dated = [column for column in able if column.period]
    if plan.phrase.periods and dated:
        able = [c for c in dated if c.period and any(one.covers(c.period) for one in plan.phrase.periods)]
        if len(able) != 1:
            able = [c for c in able if c.stems & wanted]
    named = sorted(able, key=lambda column: -len(column.stems & wanted))
    best = len(named[0].stems & wanted) if named else 0
    if best:
        top = [column for column in named if len(column.stems & wanted) == best]
        whole = [column for column in top if column.stems <= wanted]
        return whole if len(whole) == 1 else top
    if plan.operation == "count" and not plan.limit:
        return able[:1]
    if re.match(_HOW_MANY, plan.asked) and not plan.limit:
        return [column for column in able if column.stems & _QUANTITY or column.period][:1]
    able = [column for column in able if "%" not in column.label]
    money = [column for column in able if _is_money(table, column)]
    if len(able) == 1:
        return able
    total = [column for column in money if column.stems & stems("total gesamt amount betrag 金额 summe")]
    if len(total) == 1 and _ABOUT_MONEY.search(plan.asked):
        return [*total, *(column for column in money if column not in total)]
    return money if _ABOUT_MONEY.search(plan.asked) and len(money) <= 2 else []


def _joined(plan: Plan, conditions: frozenset[str]) -> bool:
    """Whether the question names alternatives: "hotels and meals"."""
    pairs = (stems(" ".join(filter(None, found))) for found in _JOINED.findall(plan.asked))
    return any(len(pair) > 1 and pair <= conditions for pair in pairs)


def _is_money(table: Table, column: Column) -> bool:
    """Whether a column's label or its cells say that it is of money."""
    units = {cell.amount.unit for _, cell in table.column_cells(column) if cell.amount}
    return bool(column.stems & _MONEY or units & {"$", "€", "£", "¥", "chf"} or not column.stems)


def _having(rows: Sequence[Row], conditions: frozenset[str], *, joined: bool) -> list[Row]:
    """The rows with all the words; with any of them, where they are joined by "and" and no row has all."""
    exact = {word: _whole_cells(rows, conditions, word) for word in conditions}

    def has(row: Row, word: str) -> bool:
        if exact[word]:
            return any(
                number in exact[word] and word in stems(text) <= conditions for number, text in row.labels
            )
        return word in row.stems | row.section_stems

    every = [row for row in rows if all(has(row, word) for word in conditions)]
    if every or not joined:
        return every
    return [row for row in rows if any(has(row, word) for word in conditions)]


def _whole_cells(rows: Sequence[Row], conditions: frozenset[str], word: str) -> set[int]:
    """The columns with a cell that is named in full: of a category, not of a description that has the word."""
    return {
        number
        for row in rows
        for number, text in row.labels
        if word in (stems(text) or {""}) and stems(text) <= conditions
    }


def _in_time(plan: Plan, table: Table, rows: list[Row], column: Column) -> tuple[list[Row], bool]:
    """The rows of the periods asked for, and whether the table knows them."""
    wanted = plan.phrase.periods
    if not wanted or column.period:
        return rows, True
    if any(row.periods for row in table.rows):
        if plan.span and len(wanted) > 1:
            first, last = wanted[0].order, wanted[-1].order
            return [
                row for row in rows if any(first <= one.order[: len(first)] <= last for one in row.periods)
            ], True
        return [row for row in rows if any(one.covers(p) for one in wanted for p in row.periods)], True
    above = periods(
        " ".join((table.hit.title, table.hit.doc, *table.hit.passage.heading_path, table.caption))
    )
    return rows, all(any(one.covers(p) for p in above) for one in wanted)


def _sure_of(plan: Plan, table: Table, wanted: frozenset[str], column: Column, above: frozenset[str]) -> bool:
    """Whether a question that chooses no rows means this table at all."""
    meant = (wanted & (column.stems | above | _names(table))) - NOISE
    held = any(one.period or row.periods for row in table.rows for one in table.columns)
    if plan.phrase.periods and not held and not meant:
        return False
    spent = (plan.spent or _ABOUT_MONEY.search(plan.asked)) and _is_money(table, column)
    return bool(meant or spent or (plan.limit and wanted & column.stems))


def _result(plan: Plan, chosen: Selection) -> Result | None:
    table, column = chosen.table, chosen.column
    if plan.group and stems(plan.group) <= stems(column.label):  # "the rent per month" is a column
        plan = replace(plan, group="")
    points = list(chosen.points())
    subject = _subject(plan, chosen)
    if plan.limit is not None:
        held = in_table_units(plan.limit, points, chosen.series, plan)
        if held is None or plan.limit.percent != chosen.series.in_percent:
            return None
        if plan.operation == "count":
            return counted(plan, points, chosen.series, subject)
        points = [point for point in points if point.cell.amount and held.passes(point.cell.amount.value)]
        subject = f"{subject} {held}"
    noun = _label_column(plan, table)
    if plan.operation == "count":
        return _count(plan, chosen, subject)
    if not points or _currencies(table, chosen.rows) > 1:
        return None
    if plan.group or (
        plan.which and noun is not None and _repeats(chosen.rows, noun) and _MOST.search(plan.asked)
    ):
        keys = _keys(plan, points, noun)
        if (
            plan.operation == "mean" and len(points) > 1 and len(set(keys)) == len(keys)
        ):  # "on average per stage"
            return aggregated(plan, points, chosen.series, subject)
        return grouped(plan, points, keys, chosen.series, subject) if keys else None
    if plan.operation == "sum":
        enough = len(points) > 1 or plan.spent
        return aggregated(plan, points, chosen.series, subject) if enough and _adds_up(chosen) else None
    if len(points) < 2:
        return None
    if noun is None:
        noun = _named_greatest(plan, table)
    plan = replace(plan, which=plan.which or noun is not None)
    return aggregated(plan, points, chosen.series, subject, label=noun if plan.which else None)


def _count(plan: Plan, chosen: Selection, subject: str) -> Result | None:
    """How many rows, or how many different values of the column that the question names."""
    table = chosen.table
    noun = _counted_noun(plan)
    named = next((n for n, name in table.names.items() if noun and noun in stems(name)), None)
    names = [dict(row.labels).get(named, "") for row in chosen.rows] if named is not None else []
    if (
        named is not None
        and len(set(names)) < len(names)
        and not re.search(r"[#]|\b(?:no|nr|id)\b", fold(table.names[named]))
    ):
        return listed(list(dict.fromkeys(filter(None, names))), chosen.series, chosen.rows, table, subject)
    people = noun in stems("people person persons personen leute") and any(
        stems(name) & _PEOPLE for name in table.names.values()
    )
    rows_called = (_counted_words(plan) - set(chosen.chosen_by)) & (_called(table) | _names(table))
    if not (noun and (people or rows_called or _KINDS.search(plan.asked))) or chosen.column.period:
        return None
    return rows_counted(chosen.rows, chosen.series, subject)


def _counted_noun(plan: Plan) -> str:
    """The word after "how many"."""
    found = re.search(
        r"(?:how many|number of|count(?: of)?|anzahl(?: der| von)?|wie ?viele)(?: of the| the| different| distinct)? (?P<noun>[^\W\d_]+)",
        plan.asked,
    )
    found = found or re.search(r"(?:多少|几)[个项笔条次种名位家张](?P<noun>[\u3400-\u9fff]{1,2})", plan.asked)
    return next(iter(stems(found["noun"])), "") if found else ""


def _counted_words(plan: Plan) -> frozenset[str]:
    """The first words after "how many": "travel expenses" in "how many travel expenses are there"."""
    found = re.search(
        r"(?:how many|number of|count(?: of)?|anzahl(?: der| von)?|wie ?viele) (?P<nouns>.+)", plan.asked
    )
    nouns = re.split(_BEHIND_NOUN, found["nouns"])[0] if found else plan.asked
    return stems(nouns)


def _label_column(plan: Plan, table: Table) -> int | None:
    """The column of names that the question asks for: "which vendor", "who", "per category"."""
    asked = stems(plan.group) if plan.group else stems(" ".join(words(plan.asked)[:4]))
    for number, name in table.names.items():
        if stems(name) & asked:
            return number
    if re.match(r"who|wer\b|谁", plan.asked):
        return next((n for n, name in table.names.items() if stems(name) & _PEOPLE), None)
    return None


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
    for stem, part in (
        ("month", "month"),
        ("monat", "month"),
        ("quart", "quarter"),
        ("year", "year"),
        ("jahr", "year"),
        ("月", "month"),
        ("年", "year"),
    ):
        if plan.group.startswith(stem) and all(point.period for point in points):
            return [_part(point.period, part) for point in points if point.period]
    return []


def _part(period: Period, part: str) -> str:
    if part == "year":
        return str(period.year)
    return str(
        Period(period.year, month=period.month)
        if part == "month"
        else Period(period.year, -(-(period.month or 1) // 3))
    )


def _repeats(rows: Sequence[Row], number: int) -> bool:
    names = [dict(row.labels)[number] for row in rows]
    return len(set(names)) < len(names)


def _currencies(table: Table, rows: Sequence[Row]) -> int:
    """How many currencies a column for them names in the rows."""
    number = next(
        (n for n, name in table.names.items() if re.search(r"currenc|wahrung|币", fold(name))), None
    )
    return 1 if number is None else len({dict(row.labels)[number] for row in rows})


def _adds_up(chosen: Selection) -> bool:
    """Whether nothing speaks against adding: the table's own total, where it has one, is that of its rows."""
    table, column = chosen.table, chosen.column
    totals = [row for row in table.rows if row.sums_up and table.cell(row, column).amount]
    sections = {row.section for row in table.rows if row.section}
    if not totals:
        return not sections or bool(chosen.chosen_by)
    last = table.cell(totals[-1], column).amount
    rows = [table.cell(row, column).amount for row in table.rows if not row.sums_up]
    total = sum((one.value for one in rows if one), Decimal(0))
    return last is not None and last.value == total


def _subject(plan: Plan, chosen: Selection) -> str:
    values = {
        text
        for row in chosen.rows
        for _, text in row.labels
        if stems(text) & set(chosen.chosen_by) and stems(text) <= set(chosen.chosen_by) | NOISE
    }
    when = "" if chosen.column.period else ", ".join(str(one) for one in plan.phrase.periods)
    column = "" if plan.operation == "count" and not plan.limit else chosen.column.label
    return ", ".join(part for part in (column, *sorted(values)[:4], when) if part)
