"""Questions that tables answer by computing: the value first, its formula, the cells it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.tables.across import across
from rag.answer.tables.compute import Result
from rag.answer.tables.down import down
from rag.answer.tables.grid import Table
from rag.answer.tables.plan import Plan


def result_of(plan: Plan, tables: Sequence[Table]) -> Result | None:
    """What the tables give for a plan, None where none gives it for sure."""
    return across(plan, tables) or down(plan, tables)
