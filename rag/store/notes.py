"""Notes in the database: each one's text, with its sources as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rag.records import NoteRow
from rag.store.queries import Engine, first_row, rows
from rag.store.rows import storable
from rag.store.vectors import now

_COLUMNS = "id, title, text, collection, record, created, updated"


class NoteTables:
    """The notes of a library, each read and changed by its owner alone. Unknown ids give None or False."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def add(self, note: NoteRow, *, owner: str) -> int:
        """Adds a note; returns its id. Where it has no times, they are of now."""
        created = note.created or now()
        values = (note.title, note.text, note.collection, note.record, _searchable(note.title, note.text))
        with self._database.write() as db:
            (id_,) = first_row(
                db,
                "INSERT INTO notes(owner, title, text, collection, record, searchable, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (owner, *map(storable, values), created, note.updated or created),
            )
        return int(id_)

    def get(self, note_id: int, *, owner: str) -> NoteRow | None:
        """One note."""
        with self._database.read() as db:
            found = rows(db, f"SELECT {_COLUMNS} FROM notes WHERE id = ? AND owner = ?", (note_id, owner))
        return NoteRow(*found[0]) if found else None

    def listed(self, words: Sequence[str], limit: int, offset: int, *, owner: str) -> list[NoteRow]:
        """The notes that hold every word, all where there are none, the one changed last first."""
        holds = " AND ".join(["owner = ?", *("instr(searchable, ?) > 0" for _ in words)])
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT {_COLUMNS} FROM notes WHERE {holds} ORDER BY updated DESC, id DESC LIMIT ? OFFSET ?",
                (owner, *words, limit, offset),
            )
        return [NoteRow(*row) for row in found]

    def count(self, *, owner: str) -> int:
        """How many notes an owner has."""
        with self._database.read() as db:
            return int(first_row(db, "SELECT count(*) FROM notes WHERE owner = ?", (owner,))[0])

    def edit(self, note_id: int, title: str, text: str, *, owner: str) -> bool:
        """Gives a note another title and text."""
        title, text = storable(title), storable(text)
        with self._database.write() as db:
            changed = rows(
                db,
                "UPDATE notes SET title = ?1, text = ?2, searchable = ?3,"
                " updated = CASE WHEN updated > ?4 THEN updated ELSE ?4 END"
                " WHERE id = ?5 AND owner = ?6 RETURNING id",
                (title, text, _searchable(title, text), now(), note_id, owner),
            )
        return bool(changed)

    def delete(self, note_id: int, *, owner: str) -> bool:
        """Removes a note."""
        with self._database.write() as db:
            removed = rows(db, "DELETE FROM notes WHERE id = ? AND owner = ? RETURNING id", (note_id, owner))
        return bool(removed)


def _searchable(title: str, text: str) -> str:
    return f"{title}\n{text}".casefold()
