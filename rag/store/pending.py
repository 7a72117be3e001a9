"""Questions without an answer yet, in the database."""

from __future__ import annotations

from rag.store.queries import Engine, first_row, rows
from rag.store.rows import storable
from rag.store.vectors import now


class PendingTables:
    """The questions that were asked in the app and are not answered yet."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def add(self, conversation_id: int, request: str) -> int:
        """Keeps a question until it is answered; returns its id."""
        with self._database.write() as db:
            (id_,) = first_row(
                db,
                "INSERT INTO pending_questions(conversation_id, request, created) VALUES (?, ?, ?)"
                " RETURNING id",
                (conversation_id, storable(request), now()),
            )
        return int(id_)

    def remove(self, pending_id: int) -> None:
        """Forgets a question that was answered, or given up."""
        with self._database.write() as db:
            db.execute("DELETE FROM pending_questions WHERE id = ?", (pending_id,))

    def taken_up(self) -> list[tuple[int, str, int]]:
        """(id, request, how often it was taken up before) of each, the oldest first; counts this time."""
        with self._database.write() as db:
            found: list[tuple[int, str, int]] = rows(
                db, "SELECT id, request, attempts FROM pending_questions ORDER BY id"
            )
            db.execute("UPDATE pending_questions SET attempts = attempts + 1")
        return found
