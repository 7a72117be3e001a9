"""The keyword index: one contentless FTS5 table a collection, fed with terms made elsewhere.

Terms are joined by spaces and stored as they are: the tokenizer splits at white space only
(every category of letters, marks, numbers, punctuation and symbols belongs to a term) and
folds case. `rowid` is the passage's id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from rag.store.database import rows
from rag.store.rows import storable

if TYPE_CHECKING:
    import apsw

TOKENIZER = "unicode61 remove_diacritics 0 categories ''L* M* N* P* S* Co Cf''"
# FTS5 scores about 1.4 million matching rows a second, so this bounds a keyword search to some
# 15 ms however large the library. Rarer terms are kept first; a term of more than half of the
# passages has no weight in BM25 at all (its IDF is clamped to 10⁻⁶).
POSTINGS_LIMIT = 20_000


def terms_table(collection_id: int) -> str:
    """The name of a collection's keyword index."""
    return f"terms_{collection_id}"


def create_terms(db: apsw.Connection, collection_id: int) -> None:
    """An empty keyword index, and the view of its vocabulary."""
    table = terms_table(collection_id)
    db.execute(
        f"CREATE VIRTUAL TABLE {table} USING fts5("
        f"terms, content='', contentless_delete=1, tokenize='{TOKENIZER}');"
        f"CREATE VIRTUAL TABLE {table}_vocabulary USING fts5vocab({table}, row)"
    )


def drop_terms(db: apsw.Connection, collection_id: int) -> None:
    """Removes a collection's keyword index."""
    table = terms_table(collection_id)
    db.execute(f"DROP TABLE IF EXISTS {table}_vocabulary; DROP TABLE IF EXISTS {table}")


def add_terms(
    db: apsw.Connection, collection_id: int, passage_ids: Sequence[int], terms: Sequence[Sequence[str]]
) -> None:
    """Indexes the terms of new passages."""
    db.executemany(
        f"INSERT INTO {terms_table(collection_id)}(rowid, terms) VALUES (?, ?)",
        ((id_, storable(" ".join(words))) for id_, words in zip(passage_ids, terms, strict=True)),
    )


def remove_terms(db: apsw.Connection, collection_id: int, passage_ids: Iterable[int]) -> None:
    """Takes passages out of the keyword index."""
    db.executemany(
        f"DELETE FROM {terms_table(collection_id)} WHERE rowid = ?", ((id_,) for id_ in passage_ids)
    )


def count_passages(db: apsw.Connection, collection_id: int, term: str) -> int:
    """In how many passages the term occurs."""
    found = db.execute(
        f"SELECT doc FROM {terms_table(collection_id)}_vocabulary WHERE term = ?", (term,)
    ).fetchone()
    return int(found[0]) if found else 0


class TermCounts:
    """How many passages hold a term, remembered while the collection keeps about its size.

    Counting a word of 200,000 passages takes 9 ms, and questions are full of such words.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._lock = Lock()
        self._counts: dict[int, tuple[int, int, dict[str, int]]] = {}

    def get(
        self, db: apsw.Connection, collection_id: int, terms: Iterable[str], *, passages: int, generation: int
    ) -> dict[str, int]:
        """The count of each term; for a collection under change, of common terms within 5 %."""
        with self._lock:
            known = self._known(collection_id, passages, generation)
            for term in terms:
                if term not in known:
                    known[term] = count_passages(db, collection_id, term)
            return {term: known[term] for term in terms}

    def _known(self, collection_id: int, passages: int, generation: int) -> dict[str, int]:
        then, size, counts = self._counts.get(collection_id, (generation, passages, {}))
        if len(counts) > self._most or abs(passages - size) > 0.05 * size:
            size, counts = passages, {}
        elif then != generation:
            # Rare terms are quick to count again; for common ones the old count will do.
            counts = {term: count for term, count in counts.items() if count > 1_000}
        self._counts[collection_id] = (generation, size, counts)
        return counts


def affordable(counts: dict[str, int], passages: int) -> list[str]:
    """The terms a search uses, rarest first: those with weight, within `POSTINGS_LIMIT` rows.

    The rarest term always stays, so a search for one common word still finds it.
    """
    ranked = sorted((count, term) for term, count in counts.items() if count)
    chosen: list[str] = []
    postings = 0
    for count, term in ranked:
        if chosen and (postings + count > POSTINGS_LIMIT or 2 * count > passages):
            break
        chosen.append(term)
        postings += count
    return chosen


def matches(
    db: apsw.Connection, collection_id: int, terms: Sequence[str], limit: int, among: Sequence[int] | None
) -> list[tuple[int, float]]:
    """(passage id, BM25) of the passages that hold any of the terms, best first, ties by id."""
    if not terms or limit <= 0:
        return []
    table = terms_table(collection_id)
    expression = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
    # Only a single very common term has more rows than the limit; with a filter all are looked at.
    chosen = "" if among is None else " AND +rowid IN (SELECT value FROM json_each(?))"
    filters = () if among is None else (json.dumps(list(among)),)
    return rows(
        db,
        f"SELECT id, score FROM (SELECT rowid AS id, -bm25({table}) AS score FROM {table}"
        f" WHERE {table} MATCH ?{chosen} LIMIT ?) ORDER BY score DESC, id LIMIT ?",
        (expression, *filters, POSTINGS_LIMIT if among is None else -1, limit),
    )
