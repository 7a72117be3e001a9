"""A collection's passages and documents as arrays: which belong together, and how long they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Layout
from rag.store import documents
from rag.store.keywords import passage_lengths
from rag.store.queries import Connection, first_row


def load_layout(db: Connection, collection_id: int) -> Layout:
    """Reads it from two indexes, without touching any text."""
    entries = tuple(documents.entries(db, collection_id))
    # Joined inside SQLite: 100,000 rows take 17 ms so, and 60 ms one by one.
    owners, ids = first_row(
        db,
        "SELECT group_concat(document_id), group_concat(id) FROM passages"
        " WHERE document_id IN (SELECT id FROM documents WHERE collection_id = ?)",
        (collection_id,),
    )
    rowids, owner = _numbers(ids), _numbers(owners)
    order = np.argsort(rowids)
    rowids, owner = rowids[order], owner[order]
    known = np.fromiter((entry.id for entry in entries), dtype=np.int64, count=len(entries))
    belongs = np.searchsorted(known, owner)
    lengths = np.ones(len(rowids), dtype=np.int64)
    counted, counts = passage_lengths(db, collection_id)
    lengths[np.isin(rowids, counted)] = counts[np.isin(counted, rowids)]
    sizes = np.bincount(belongs, minlength=len(entries))
    languages = np.unique([entry.language or "" for entry in entries], return_inverse=True)[1]
    return Layout(rowids, belongs, lengths, entries, sizes, languages)


def _numbers(joined: str | None) -> NDArray[np.int64]:
    """The numbers of a text that separates them by commas; none of None."""
    return np.fromstring(joined or "", dtype=np.int64, sep=",")
