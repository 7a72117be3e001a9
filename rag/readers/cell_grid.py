"""The cells of a sheet, parted into those that are shown and those in hidden rows and columns."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Merged = tuple[int, int, int, int]
"""First row, first column, last row, last column of a merged cell."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells with the merged ones among them, and which rows and columns are hidden."""

    rows: Sequence[list[str]]
    merged: Sequence[Merged]
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()

    def shown(self) -> Grid:
        """What is seen of it, moved together; a merged cell goes only as far as it is shown."""
        if not self.hidden_rows and not self.hidden_columns:
            return self
        return Grid([self._seen(row) for _, row in self._seen_rows()], list(self._merged()))

    def unseen(self) -> Iterator[list[list[str]]]:
        """The hidden rows below the first one, and the hidden columns beside the first that is shown."""
        hidden = [row for y, row in enumerate(self.rows) if y in self.hidden_rows]
        if any(any(row) for row in hidden):
            yield [*(self.rows[:1] if 0 not in self.hidden_rows else []), *hidden]
        columns = [
            [*self._seen(row)[:1], *(cell for x, cell in enumerate(row) if x in self.hidden_columns)]
            for _, row in self._seen_rows()
        ]
        columns = [row for row in columns if any(row[1:])]
        if columns:
            yield columns

    def _seen_rows(self) -> Iterator[tuple[int, list[str]]]:
        return ((y, row) for y, row in enumerate(self.rows) if y not in self.hidden_rows)

    def _seen(self, row: list[str]) -> list[str]:
        return [cell for x, cell in enumerate(row) if x not in self.hidden_columns]

    def _merged(self) -> Iterator[Merged]:
        rows, columns = sorted(self.hidden_rows), sorted(self.hidden_columns)
        for top, left, bottom, right in self.merged:
            if top not in self.hidden_rows and left not in self.hidden_columns:
                first = _moved(top, rows), _moved(left, columns)
                last = _moved(bottom + 1, rows) - 1, _moved(right + 1, columns) - 1
                yield *first, *last


def _moved(place: int, hidden: Sequence[int]) -> int:
    """Where a row or column stands once the hidden ones before it are gone."""
    return place - (bisect_left(hidden, place) - bisect_left(hidden, 0))
