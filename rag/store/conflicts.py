"""The conflicts between a collection's documents as rows, and what they were found in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rag.records import Conflict, ConflictSide
from rag.store.names import SHOWN
from rag.store.queries import Connection, first_row, rows

_SIDES = ("first", "second")


def keep(db: Connection, collection_id: int, found: Sequence[Conflict], found_in: str) -> None:
    """Writes conflicts in place of those of last time; leaves out what is gone since."""
    db.execute("DELETE FROM conflicts WHERE collection_id = ?", (collection_id,))
    db.executemany(
        f"INSERT INTO conflicts(collection_id, kind, {', '.join(map(_columns, _SIDES))})"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
        " WHERE (SELECT count(*) FROM passages WHERE id IN (?3, ?9)) = 2",
        ((collection_id, one.kind, *_row(one.first), *_row(one.second)) for one in found),
    )
    db.execute("UPDATE collections SET conflicts_of = ? WHERE id = ?", (found_in, collection_id))


def load(db: Connection, collection_id: int, day: str) -> list[Conflict] | None:
    """The conflicts as they were found; None where they are not of the collection as it is on that day."""
    generation, found_in = first_row(
        db, "SELECT generation, conflicts_of FROM collections WHERE id = ?", (collection_id,)
    )
    if found_in != f"{generation} {day}":
        return None
    first, second = (_sides(db, collection_id, side) for side in _SIDES)
    kinds = rows(db, "SELECT id, kind FROM conflicts WHERE collection_id = ? ORDER BY id", (collection_id,))
    return [Conflict(kind, first[id_], second[id_]) for id_, kind in kinds]


def _columns(side: str) -> str:
    names = ("passage", "start", "end", "value", "value_at", "date")
    return ", ".join(f"{side}_{name}" for name in names)


def _row(side: ConflictSide) -> tuple[Any, ...]:
    return side.rowid, side.start, side.end, side.value, side.value_start, side.date


def _sides(db: Connection, collection_id: int, side: str) -> dict[int, ConflictSide]:
    """One side of each conflict, by the conflict's id."""
    found = rows(
        db,
        f"SELECT conflicts.id, passages.id, {SHOWN}, documents.title, passages.first_page,"
        " passages.heading_path,"
        f" substr(documents.text, {side}_start + 1, {side}_end - {side}_start),"
        f" {side}_start, {side}_end, {side}_value, {side}_value_at, {side}_date"
        f" FROM conflicts JOIN passages ON passages.id = {side}_passage"
        " JOIN documents ON documents.id = passages.document_id WHERE conflicts.collection_id = ?",
        (collection_id,),
    )
    return {
        id_: ConflictSide(rowid, doc, title, page, " › ".join(json.loads(path)), *rest)
        for id_, rowid, doc, title, page, path, *rest in found
    }
