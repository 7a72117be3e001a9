"""The rows of a table that a question chooses, and the column that is computed over them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rag.answer.tables import patterns
from rag.answer.tables.find import NOISE, Point, Series
from rag.answer.tables.grid import Cell, Column, Row, Table, stems
from rag.answer.tables.periods import periods
from rag.answer.tables.plan import Plan

_MONEY = stems(
    "amount amounts total price prices cost costs value sum net gross spend spent paid expense expenses"
    " fee fees netto brutto betrag summe preis preise kosten wert gesamt ausgaben"
) | {"金额", "价格", "费用", "总价", "成本"}
_TOTALS = stems("total gesamt amount betrag 金额 summe")
QUANTITY = stems("quantity qty pieces units copies count menge anzahl stück stückzahl 数量")
_SAYS_WHAT_TO_DO = stems(
    "row line entry record all average most least many any thing list different distinct there posten"
    " eintrag people person persons work works working based live personen leute arbeiten"
)
_OF_SHARES = stems("share percentage ratio")
Numbered = tuple[Column, Decimal, frozenset[str]]


@dataclass(frozen=True)
class Selection:
    """Some rows of a table and the column that is computed, with the words that chose them.

    `others` are the columns that fit as well.
    """

    table: Table
    column: Column
    rows: tuple[Row, ...]
    chosen_by: frozenset[str]
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


def selection(plan: Plan, table: Table) -> Selection | None:
    """The rows and the column of a table that a plan means; None where a word of it is not in the table."""
    numbered = list(_numbered(plan, table))
    used = frozenset().union(*(some for _, _, some in numbered))
    wanted = stems(plan.phrase.words) - used
    columns = _columns(plan, table, wanted)
    left = wanted - NOISE - names_of(table) - (columns[0].stems if columns else frozenset())
    if not columns or left & _OF_SHARES:
        return None
    above, column = _above(table), columns[0]
    rows = _without_sum([row for row in table.rows if not row.sums_up], table, column)
    held = frozenset().union(*(row.stems | row.section_stems for row in rows))
    if left - held - above - _MONEY - _SAYS_WHAT_TO_DO - stems(plan.group):
        return None
    conditions = left & held if (left & held) - above else frozenset()
    if not conditions and not numbered and not _is_meant(plan, table, wanted, column):
        return None
    rows = _having(rows, conditions, joined=_joined(plan, conditions))
    rows = [row for row in rows if all(_is_number(table.cell(row, one), value) for one, value, _ in numbered)]
    kept = _in_time(plan, table, rows, column)
    if plan.operation != "count":
        kept = [row for row in kept if table.cell(row, column).text]
    named = names_of(table) | above
    score = len(conditions) + len(wanted & column.stems) + 0.5 * len(wanted & named)
    chosen = Selection(table, column, tuple(kept), conditions, score, tuple(columns[1:]))
    return chosen if kept else None


def _having(rows: Sequence[Row], conditions: frozenset[str], *, joined: bool) -> list[Row]:
    """The rows with all the words; with any of them, where they are joined by "and" and no row has all."""
    exact = {word: _whole_cells(rows, conditions, word) for word in conditions}

    def has(row: Row, word: str) -> bool:
        if exact[word]:
            cells = (text for number, text in row.labels if number in exact[word])
            return any(word in stems(text) <= conditions for text in cells)
        return word in row.stems | row.section_stems

    every = [row for row in rows if all(has(row, word) for word in conditions)]
    if every or not joined:
        return every
    return [row for row in rows if any(has(row, word) for word in conditions)]


def _whole_cells(rows: Sequence[Row], conditions: frozenset[str], word: str) -> set[int]:
    """The columns with a cell that is named in full: a category's, not a description's that has the word."""
    cells = ((number, stems(text)) for row in rows for number, text in row.labels)
    return {number for number, found in cells if word in found and found <= conditions}


def _joined(plan: Plan, conditions: frozenset[str]) -> bool:
    """Whether the question names alternatives: "hotels and meals"."""
    pairs = (stems(" ".join(filter(None, found))) for found in patterns.JOINED.findall(plan.asked))
    return any(len(pair) > 1 and pair <= conditions for pair in pairs)


def _numbered(plan: Plan, table: Table) -> Iterator[Numbered]:
    """The columns that the question gives a number for, "floor 2", with the words that do."""
    for name, number in re.findall(r"([^\W\d_]+) (\d+)\b", plan.asked):
        for column in table.columns:
            if stems(name) and stems(name) == column.stems:
                yield column, Decimal(number), stems(f"{name} {number}")


def _is_number(cell: Cell, value: Decimal) -> bool:
    return cell.amount is not None and cell.amount.value == value


def _in_time(plan: Plan, table: Table, rows: Sequence[Row], column: Column) -> list[Row]:
    """The rows of the periods asked for; none where the table does not know them."""
    wanted = plan.phrase.periods
    if not wanted or column.period:
        return list(rows)
    if any(row.periods for row in table.rows):
        if plan.span and len(wanted) > 1:
            first, last = wanted[0].order, wanted[-1].order
            return [row for row in rows if any(first <= one.order <= last for one in row.periods)]
        return [row for row in rows if any(one.covers(p) for one in wanted for p in row.periods)]
    above = periods(_heading(table))
    return list(rows) if all(any(one.covers(p) for p in above) for one in wanted) else []


def _without_sum(rows: list[Row], table: Table, column: Column) -> list[Row]:
    """The rows without a first or last one that is the sum of all others, whatever it is called."""
    for one, rest in ((rows[-1:], rows[:-1]), (rows[:1], rows[1:])):
        sums = [table.cell(row, column).amount for row in one]
        others = [amount.value for row in rest if (amount := table.cell(row, column).amount)]
        if len(rest) > 1 and sums[0] and sums[0].value == sum(others) != 0:
            return rest
    return rows


def _columns(plan: Plan, table: Table, wanted: frozenset[str]) -> list[Column]:
    """The column that is computed, then those that fit as well."""
    able = [column for column in table.columns if not column.spans_periods]
    if plan.phrase.periods and any(column.period for column in able):
        asked = plan.phrase.periods
        able = [c for c in able if c.period and any(one.covers(c.period) for one in asked)]
        able = able if len(able) == 1 else [c for c in able if c.stems & wanted]
    best = max((len(column.stems & wanted) for column in able), default=0)
    if best:
        top = [column for column in able if len(column.stems & wanted) == best]
        whole = [column for column in top if column.stems <= wanted]
        return whole if len(whole) == 1 else top
    if plan.operation == "count" and not plan.limit:
        return able[:1]
    if patterns.ASKS_HOW_MANY.match(plan.asked) and not plan.limit:
        return [column for column in able if column.stems & QUANTITY or column.period][:1]
    able = [column for column in able if "%" not in column.label]
    return able if len(able) == 1 else _of_money(plan, table, able)


def _of_money(plan: Plan, table: Table, able: Sequence[Column]) -> list[Column]:
    """The columns of money, that of the total first, where the question is about money."""
    money = [column for column in able if _is_money(table, column)]
    totals = [column for column in money if column.stems & _TOTALS]
    if not patterns.ABOUT_MONEY.search(plan.asked) or (len(totals) != 1 and len(money) > 2):
        return []
    return sorted(money, key=lambda column: len(totals) == 1 and column not in totals)


def _is_money(table: Table, column: Column) -> bool:
    """Whether a column's label or its cells say that it is of money."""
    units = {cell.amount.unit for _, cell in table.column_cells(column) if cell.amount}
    return bool(column.stems & _MONEY or units & {"$", "€", "£", "¥", "chf"} or not column.stems)


def _is_meant(plan: Plan, table: Table, wanted: frozenset[str], column: Column) -> bool:
    """Whether a question that chooses no rows means this table at all."""
    named = (wanted & (column.stems | _above(table) | names_of(table))) - NOISE
    dated = any(one.period for one in table.columns) or any(row.periods for row in table.rows)
    if plan.phrase.periods and not dated and not named:
        return False
    spent = plan.spent or patterns.ABOUT_MONEY.search(plan.asked)
    return bool(named or (spent and _is_money(table, column)) or (plan.limit and wanted & column.stems))


def called(table: Table) -> frozenset[str]:
    """What the rows of a table are called: by its file, its title, the heading right above it."""
    hit = table.hit
    return stems(" ".join((re.sub(r"[\W_]+", " ", hit.doc), hit.title, *hit.passage.heading_path[-1:])))


def names_of(table: Table) -> frozenset[str]:
    """The words over the columns that hold no values."""
    return frozenset().union(*(stems(name) for name in table.names.values()))


def _above(table: Table) -> frozenset[str]:
    """The words that the table stands under."""
    return stems(_heading(table))


def _heading(table: Table) -> str:
    """A table's file, title, headings and caption."""
    hit = table.hit
    return " ".join((re.sub(r"[\W_]+", " ", hit.doc), hit.title, *hit.passage.heading_path, table.caption))
