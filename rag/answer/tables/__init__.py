"""Questions that tables answer by computing: the value first, its formula, the cells it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rag.answer.tables.across import across
from rag.answer.tables.compute import Result
from rag.answer.tables.down import down
from rag.answer.tables.find import NEAR, Point
from rag.answer.tables.grid import Table, tables_of
from rag.answer.tables.plan import Language, Plan, plan_of
from rag.answer.tables.wording import explained
from rag.interfaces import SearchIndex
from rag.records import Computation, DocumentEntry, Evidence, Hit, TableCell
from rag.text.amounts import DecimalMark
from rag.text.words import fold, words

DOCUMENTS = 4
"""The tables of so many documents, those of the best hits, are read for a question."""
MOST_PASSAGES = 3000
"""A longer document is left alone: 3,000 passages are read and parsed in about a second."""
MAX_CELLS = 200
SURE = 0.9
"""A value that is only looked up stands beside the passages from this fit on."""
_COMMA = frozenset({"de", "fr", "es", "it", "nl", "pt", "pl", "cs", "da", "sv", "no", "fi", "ru"})
_ASKS_FOR_A_VALUE = re.compile(
    r"(?:what|how much|how many|how high|how large)\b|wie (?:hoch|viel|gross|lang|schwer)|was kostet|.*多少$"
)
_ADDED = re.compile(r"\b(?:and|und|plus|together|sum|summe|zusammen)\b|[和与]")
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w'’&.-]*\w")


@dataclass(frozen=True, slots=True)
class Computed:
    """What the tables of the best documents give, and the rows it rests on.

    `final` if it is the answer; else the value is only looked up, and the passages say more.
    """

    computation: Computation
    evidence: tuple[Evidence, ...]
    final: bool


def computed(question: str, hits: Sequence[Hit], *, index: SearchIndex, collection: str) -> Computed | None:
    """The answer of the best hits' tables; None where they give none for sure."""
    plan = plan_of(question)
    if not hits or (plan.operation == "value" and not _ASKS_FOR_A_VALUE.match(fold(question))):
        return None
    entries = {entry.id: entry for entry in index.layout(collection).entries}
    chosen: Result | None = None
    for document in list(dict.fromkeys(hit.document_id for hit in hits))[:DOCUMENTS]:
        passages = _passages(document, index)
        tables = list(tables_of(passages, _mark(entries.get(document), plan.language)))
        if tables and not _unknown_names(question, plan.language, passages, entries.get(document)):
            result = result_of(plan, tables)
            if result is not None and (chosen is None or result.score > chosen.score + NEAR):
                chosen = result
    if chosen is None or (chosen.operation == "value" and (chosen.score < SURE or chosen.others)):
        return None
    rows = tuple(_evidence(chosen))
    final = chosen.operation != "value"
    return Computed(_computation(chosen, plan, rows), _joined(rows) if final else rows, final)


def result_of(plan: Plan, tables: Sequence[Table]) -> Result | None:
    """What the tables give for a plan, None where none gives it for sure."""
    found = across(plan, tables) or down(plan, tables)
    named = re.search(r"\b(?:total|gesamt|insgesamt)\b|总", plan.asked) and not _ADDED.search(plan.asked)
    if found is None and plan.operation == "sum" and named and not (plan.spent or plan.group or plan.limit):
        return across(replace(plan, operation="value"), tables)  # "total revenue" is the name of a row
    return found


def _passages(document: int, index: SearchIndex) -> list[Hit]:
    """A document's passages in reading order, without hidden ones; none of one that is too long."""
    rowids = index.passage_rowids([document])
    if len(rowids) > MOST_PASSAGES:
        return []
    shown = (hit for hit in index.hits(rowids) if not hit.passage.is_hidden)
    return sorted(shown, key=lambda hit: hit.passage.ordinal)


def _mark(entry: DocumentEntry | None, language: Language) -> DecimalMark:
    known = entry.language if entry and entry.language else language
    return "," if known in _COMMA else "."


def _unknown_names(
    question: str, language: Language, passages: Iterable[Hit], entry: DocumentEntry | None
) -> bool:
    """Whether a question names somebody or something that a document does not: it is about another one."""
    names = {word for name in _NAME.findall(question) for word in words(name)} if language == "en" else set()
    if not names or entry is None:
        return False
    said = set(words(f"{entry.doc} {entry.title}"))
    for hit in passages:
        said |= set(words(" ".join((hit.passage.text, *hit.passage.heading_path))))
    return any(name not in said and name.rstrip("s") not in said and len(name) > 2 for name in names)


def _evidence(result: Result) -> Iterator[Evidence]:
    """The rows of the computation, each once, its first cell marked; markers number the passages."""
    markers: dict[int, int] = {}
    seen: set[tuple[int, int]] = set()
    for point in result.points[:MAX_CELLS]:
        hit, (start, end) = point.cell.hit, point.row.span
        if (start, end) in seen:
            continue
        seen.add((start, end))
        marker = markers.setdefault(hit.rowid, len(markers) + 1)
        offset = hit.passage.start
        line = (start - offset, end - offset)
        cell = (point.cell.start - offset, point.cell.end - offset)
        quote = hit.passage.text[slice(*line)]
        yield Evidence(hit, marker, quote, *line, result.score, line, cell, result.series.table.header)


def _joined(rows: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The rows as excerpts: those that follow one another in one, under one header."""
    found: list[Evidence] = []
    for row in sorted(rows, key=lambda row: (row.marker, row.start)):
        text, last = row.hit.passage.text, found[-1] if found else None
        if last and last.marker == row.marker and not text[last.end : row.start].strip():
            whole = text[last.start : row.end]
            found[-1] = replace(last, quote=whole, end=row.end, sentence=None, answer=None)
        else:
            found.append(row)
    return tuple(found)


def _computation(result: Result, plan: Plan, rows: Sequence[Evidence]) -> Computation:
    marker_of = {row.hit.rowid: row.marker for row in rows}
    value = f"{result.value:f}" if isinstance(result.value, Decimal) else result.value
    return Computation(
        operation=result.operation,
        value=value,
        unit=result.unit,
        shown=result.shown,
        formula=result.formula,
        explanation=explained(result, plan.language),
        cells=tuple(_cell(point, marker_of[point.cell.hit.rowid]) for point in result.points[:MAX_CELLS]),
        cell_count=len(result.points),
        others=tuple((other.subject, other.shown) for other in result.others),
    )


def _cell(point: Point, marker: int) -> TableCell:
    hit, row = point.cell.hit, point.row
    name = " · ".join(part for part in (row.section, row.label) if part)
    return TableCell(
        hit.doc, hit.page, name, point.column.label, point.cell.text, marker, point.cell.start, point.cell.end
    )
