"""The keyword index: one contentless FTS5 table a collection, fed with terms made elsewhere.

Terms are joined by spaces and stored as they are: the tokenizer splits at white space only
(every category of letters, marks, numbers, punctuation and symbols belongs to a term) and
folds case. `rowid` is the passage's id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Postings
from rag.store.queries import Connection, per_engine, rows
from rag.store.rows import storable

TOKENIZER = "unicode61 remove_diacritics 0 categories ''L* M* N* P* S* Co Cf''"
# So many postings are read in some 10 ms, however large the library. Rarer terms are kept first; a
# term of more than half of the passages has no weight in BM25 at all (its IDF is clamped to 10⁻⁶).
# Page recall@10 on 22,738 passages of reports is 0.75; with 10,000 postings 0.69, with 40,000 0.72.
POSTINGS_LIMIT = 20_000
# How often a passage repeats a term of more passages than this is not looked at: such a term weighs
# little, and no recall on the five sets falls by more than a question.
COUNTED_LIMIT = 500

PASSAGES_OF = (
    "SELECT passages.id FROM passages JOIN documents ON documents.id = document_id WHERE collection_id = ?"
)

TermPostings = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The rowids of the passages that hold a term, ascending, and how often each holds it."""


def terms_table(collection_id: int) -> str:
    """The name of a collection's keyword index."""
    return f"terms_{collection_id}"


@per_engine
def create_terms(db: Connection, collection_id: int) -> None:
    """An empty keyword index and the view of its vocabulary, unless they are there."""
    table = terms_table(collection_id)
    db.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS search.{table} USING fts5("
        f"terms, content='', contentless_delete=1, tokenize='{TOKENIZER}');"
        f"CREATE VIRTUAL TABLE IF NOT EXISTS search.{table}_vocabulary USING fts5vocab({table}, row)"
    )


@per_engine
def forget_removed(db: Connection, collection_id: int) -> None:
    """Writes a collection's keyword index again: until then it holds the words of removed passages."""
    table = terms_table(collection_id)
    db.execute(f"INSERT INTO search.{table}({table}) VALUES ('optimize')")


@per_engine
def drop_terms(db: Connection, collection_id: int) -> None:
    """Removes a collection's keyword index."""
    table = terms_table(collection_id)
    db.execute(f"DROP TABLE IF EXISTS search.{table}_vocabulary; DROP TABLE IF EXISTS search.{table}")


def drop_all_but(db: Connection, collection_ids: Iterable[int]) -> None:
    """Removes the keyword indexes of collections other than these."""
    kept = {terms_table(id_) for id_ in collection_ids}
    for (name,) in rows(
        db, "SELECT name FROM search.sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5(%'"
    ):
        if name not in kept:
            drop_terms(db, int(name.removeprefix("terms_")))


def missing_rows(db: Connection, collection_id: int) -> list[int]:
    """The passages of the collection that the index lacks."""
    return _difference(db, collection_id, f"{PASSAGES_OF} EXCEPT SELECT id FROM {{docsize}}")


def stray_rows(db: Connection, collection_id: int) -> list[int]:
    """What the index has that is no passage of the collection."""
    return _difference(db, collection_id, f"SELECT id FROM {{docsize}} EXCEPT {PASSAGES_OF}")


def _difference(db: Connection, collection_id: int, sql: str) -> list[int]:
    docsize = f"{terms_table(collection_id)}_docsize"
    return [id_ for (id_,) in rows(db, sql.format(docsize=docsize), (collection_id,))]


@per_engine
def add_terms(
    db: Connection, collection_id: int, passage_ids: Sequence[int], terms: Sequence[Sequence[str]]
) -> None:
    """Indexes the terms of new passages."""
    db.executemany(
        f"INSERT INTO {terms_table(collection_id)}(rowid, terms) VALUES (?, ?)",
        ((id_, storable(" ".join(words))) for id_, words in zip(passage_ids, terms, strict=True)),
    )


@per_engine
def remove_terms(db: Connection, collection_id: int, passage_ids: Iterable[int]) -> None:
    """Takes passages out of the keyword index."""
    db.executemany(
        f"DELETE FROM {terms_table(collection_id)} WHERE rowid = ?", ((id_,) for id_ in passage_ids)
    )


@per_engine
def count_passages(db: Connection, collection_id: int, term: str) -> int:
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
        self, db: Connection, collection_id: int, terms: Iterable[str], *, passages: int, generation: int
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


class PostingsCache:
    """The postings of one collection's terms as they are read; questions share most of their words.

    At 9,000 passages a question's postings take 2.3 ms to read, and 0.3 ms where all are known.
    """

    def __init__(self, most: int = 2_000_000) -> None:
        self._most = most
        self._lock = Lock()
        self._held = 0
        self._terms: dict[str, TermPostings] = {}

    def get(
        self, db: Connection, collection_id: int, terms: Sequence[str], counts: dict[str, int]
    ) -> list[TermPostings]:
        """The postings of each term; `counts` says in how many passages each occurs."""
        with self._lock:
            missing = [term for term in terms if term not in self._terms]
            rare = [term for term in missing if counts[term] <= COUNTED_LIMIT]
            common = [term for term in missing if counts[term] > COUNTED_LIMIT]
            read = counted(db, collection_id, rare) | present(db, collection_id, common)
            if self._held > self._most:
                self._terms = {term: self._terms[term] for term in terms if term in self._terms}
                self._held = sum(len(rowids) for rowids, _ in self._terms.values())
            self._terms.update(read)
            self._held += sum(len(rowids) for rowids, _ in read.values())
            return [self._terms[term] for term in terms]


@per_engine
def counted(db: Connection, collection_id: int, terms: Sequence[str]) -> dict[str, TermPostings]:
    """Postings with counts, from FTS5's own view of its index, one instance a row.

    Its `bm25()` would score the same rows in three times the time, and tell neither a term from
    another nor a document from another.
    """
    if not terms:
        return {}
    table = terms_table(collection_id)
    db.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_instances"
        f" USING fts5vocab(search, {table}, instance)"
    )
    found = rows(
        db,
        "SELECT wanted.value, group_concat(doc) FROM json_each(?) AS wanted"
        f" CROSS JOIN temp.{table}_instances AS instances WHERE term = wanted.value GROUP BY wanted.key",
        (json.dumps(list(terms)),),
    )
    instances = {term: np.fromstring(joined, dtype=np.int64, sep=",") for term, joined in found}
    none = np.empty(0, dtype=np.int64)
    return {term: np.unique(instances.get(term, none), return_counts=True) for term in terms}


@per_engine
def present(db: Connection, collection_id: int, terms: Sequence[str]) -> dict[str, TermPostings]:
    """Postings whose counts are all 1: those of common terms, read four times as fast."""
    table = terms_table(collection_id)
    sql = f"SELECT group_concat(rowid) FROM {table} WHERE {table} MATCH ?"
    found = {}
    for term in terms:
        ((joined,),) = rows(db, sql, (_literal(term),))
        rowids = np.fromstring(joined or "", dtype=np.int64, sep=",")
        found[term] = rowids, np.ones(len(rowids), dtype=np.int64)
    return found


def joined_postings(
    db: Connection, collection_id: int, cache: PostingsCache, counts: dict[str, int], passages: int
) -> Postings:
    """The postings of the terms that are worth it."""
    terms = affordable(counts, passages)
    found = cache.get(db, collection_id, terms, counts)
    sizes = [len(rowids) for rowids, _ in found]
    return Postings(
        counts,
        tuple(terms),
        np.repeat(np.arange(len(terms)), sizes),
        np.concatenate([np.empty(0, np.int64), *(rowids for rowids, _ in found)]),
        np.concatenate([np.empty(0, np.int64), *(counts for _, counts in found)]),
    )


@per_engine
def holding(db: Connection, collection_id: int, terms: Sequence[str]) -> NDArray[np.int64]:
    """The rowids of the passages that hold all of these terms, ascending; none without terms."""
    table = terms_table(collection_id)
    sql = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid"
    expression = " AND ".join(map(_literal, terms))
    found = rows(db, sql, (expression,)) if terms else []
    return np.fromiter((rowid for (rowid,) in found), dtype=np.int64, count=len(found))


def _literal(term: str) -> str:
    """A term as FTS5's query language spells it."""
    return '"' + term.replace('"', '""') + '"'


@per_engine
def passage_lengths(db: Connection, collection_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rowids, ascending, and the number of terms of each passage, as FTS5 recorded them."""
    table = f"{terms_table(collection_id)}_docsize"
    found = np.fromiter(
        ((id_, _varint(size)) for id_, size in db.execute(f"SELECT id, sz FROM {table} ORDER BY id")),
        dtype=[("id", np.int64), ("length", np.int64)],
    )
    return found["id"], found["length"]


def _varint(blob: bytes) -> int:
    """SQLite's variable-length integer (sqlite.org/fileformat2.html#varint), of up to eight bytes."""
    value = 0
    for byte in blob:
        value = value << 7 | byte & 0x7F
    return value
