"""The keyword index on PostgreSQL: each passage's terms and how often it has them, under a GIN index.

`terms_<collection>` has a row for each passage; `terms_<collection>_counts` has in how many passages a term
occurs, kept up to date with it: counting the passages of a common word would take as long as there are many.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.store import keywords
from rag.store.keywords import TermPostings, terms_table
from rag.store.postgres.database import PostgresConnection
from rag.store.queries import IDS, in_its_own_way, rows

MOST_COUNTED = 32_767
"""What a smallint holds."""


@in_its_own_way(keywords.create_terms, PostgresConnection)
def create_terms(db: PostgresConnection, collection_id: int) -> None:
    """An empty keyword index, and what checks read of FTS5's."""
    table = terms_table(collection_id)
    db.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (rowid BIGINT PRIMARY KEY, words TEXT[] NOT NULL,"
        " times SMALLINT[] NOT NULL, length BIGINT NOT NULL);"
        f"CREATE INDEX IF NOT EXISTS {table}_words ON {table} USING gin (words);"
        f"CREATE TABLE IF NOT EXISTS {table}_counts (term TEXT PRIMARY KEY, passages BIGINT NOT NULL)"
        " WITH (fillfactor = 70);"
        f"CREATE OR REPLACE VIEW {table}_docsize AS SELECT rowid AS id, length AS sz FROM {table}"
    )


@in_its_own_way(keywords.forget_removed, PostgresConnection)
def forget_removed(db: PostgresConnection, collection_id: int) -> None:
    """Forgets the words that no passage has any more."""
    db.execute(f"DELETE FROM {terms_table(collection_id)}_counts WHERE passages <= 0")


@in_its_own_way(keywords.drop_terms, PostgresConnection)
def drop_terms(db: PostgresConnection, collection_id: int) -> None:
    """Removes a collection's keyword index."""
    table = terms_table(collection_id)
    db.execute(f"DROP TABLE IF EXISTS {table}_counts; DROP TABLE IF EXISTS {table} CASCADE")


@in_its_own_way(keywords.add_terms, PostgresConnection)
def add_terms(
    db: PostgresConnection, collection_id: int, passage_ids: Sequence[int], terms: Sequence[Sequence[str]]
) -> None:
    """Indexes the terms of new passages."""
    counted = [Counter(" ".join(words).lower().split()) for words in terms]
    db.executemany(
        f"INSERT INTO {terms_table(collection_id)} VALUES (?, ?, ?, ?)",
        (
            (id_, list(times), [min(time, MOST_COUNTED) for time in times.values()], times.total())
            for id_, times in zip(passage_ids, counted, strict=True)
        ),
    )
    _count(db, collection_id, Counter(term for times in counted for term in times), "+")


@in_its_own_way(keywords.remove_terms, PostgresConnection)
def remove_terms(db: PostgresConnection, collection_id: int, passage_ids: Iterable[int]) -> None:
    """Takes passages out of the keyword index."""
    removed = rows(
        db,
        f"DELETE FROM {terms_table(collection_id)} WHERE rowid IN {IDS} RETURNING words",
        (json.dumps(list(passage_ids)),),
    )
    _count(db, collection_id, Counter(term for (words,) in removed for term in words), "-")


def _count(db: PostgresConnection, collection_id: int, terms: Counter[str], sign: str) -> None:
    table = f"{terms_table(collection_id)}_counts"
    if terms:
        db.execute(
            f"INSERT INTO {table} SELECT term, {sign}passages FROM unnest(?::text[], ?::bigint[])"
            " AS counted(term, passages)"
            f" ON CONFLICT (term) DO UPDATE SET passages = {table}.passages + excluded.passages",
            (list(terms), list(terms.values())),
        )


@in_its_own_way(keywords.count_passages, PostgresConnection)
def count_passages(db: PostgresConnection, collection_id: int, term: str) -> int:
    """In how many passages the term occurs."""
    found = rows(db, f"SELECT passages FROM {terms_table(collection_id)}_counts WHERE term = ?", (term,))
    return int(found[0][0]) if found else 0


@in_its_own_way(keywords.counted, PostgresConnection)
def counted(db: PostgresConnection, collection_id: int, terms: Sequence[str]) -> dict[str, TermPostings]:
    """Postings with counts."""
    return {
        term: _postings(
            rows(
                db,
                f"SELECT rowid, times[array_position(words, ?)] FROM {terms_table(collection_id)}"
                " WHERE words @> ARRAY[?]::text[] ORDER BY rowid",
                (term, term),
            )
        )
        for term in terms
    }


@in_its_own_way(keywords.present, PostgresConnection)
def present(db: PostgresConnection, collection_id: int, terms: Sequence[str]) -> dict[str, TermPostings]:
    """Postings whose counts are all 1: those of common terms, whose rows need not be read."""
    found = {term: holding(db, collection_id, [term]) for term in terms}
    return {term: (rowids, np.ones(len(rowids), dtype=np.int64)) for term, rowids in found.items()}


@in_its_own_way(keywords.holding, PostgresConnection)
def holding(db: PostgresConnection, collection_id: int, terms: Sequence[str]) -> NDArray[np.int64]:
    """The rowids of the passages that hold all of these terms, ascending; none without terms."""
    if not terms:
        return np.empty(0, dtype=np.int64)
    table = terms_table(collection_id)
    ((joined,),) = rows(
        db,
        f"SELECT string_agg(rowid::text, ',' ORDER BY rowid) FROM {table} WHERE words @> ?::text[]",
        ([term.lower() for term in terms],),
    )
    return np.fromstring(joined or "", dtype=np.int64, sep=",")


@in_its_own_way(keywords.passage_lengths, PostgresConnection)
def passage_lengths(
    db: PostgresConnection, collection_id: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rowids, ascending, and the number of terms of each passage."""
    return _postings(rows(db, f"SELECT rowid, length FROM {terms_table(collection_id)} ORDER BY rowid"))


def _postings(found: Sequence[tuple[int, int]]) -> TermPostings:
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
