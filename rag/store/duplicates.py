"""Passages that say the same: identical ones by their hash, near-identical ones by vector and words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rag.protocols import Vectors
from rag.records import Hit
from rag.store import documents, vectors
from rag.store.database import rows
from rag.store.vectors import Embedding

if TYPE_CHECKING:
    import apsw

LEAST_COSINE = 0.97  # E5 gives related paragraphs about 0.90; edits of one paragraph stay above this
LEAST_SHARED_WORDS = 0.8
FEWEST_WORDS = 8  # "Table of contents" twice is nobody's duplicate
BLOCK = 512


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Passages that say the same, the first in the library first."""

    hits: tuple[Hit, ...]
    identical: bool


def duplicates(db: apsw.Connection, collection_id: int, embedding: Embedding) -> list[DuplicateGroup]:
    """Groups of identical and near-identical passages, by their first passage.

    Near-identical ones are looked for up to `vectors.EXACT_LIMIT` passages, where comparing all
    pairs takes seconds; beyond it only identical ones are found.
    """
    parents: dict[int, int] = {}
    hashes = _identical(db, collection_id)
    for ids in hashes:
        for other in ids[1:]:
            _join(parents, ids[0], other)
    if embedding.vectors <= vectors.EXACT_LIMIT:
        for first, second in _near(db, embedding):
            _join(parents, first, second)
    groups = defaultdict(list)
    for id_ in sorted(parents):
        groups[_root(parents, id_)].append(id_)
    return [_group(db, ids) for ids in groups.values()]


def _identical(db: apsw.Connection, collection_id: int) -> list[list[int]]:
    found = rows(
        db,
        "SELECT content_hash, passages.id, passages.text FROM passages"
        " JOIN documents ON documents.id = document_id"
        " WHERE collection_id = ? ORDER BY passages.id",
        (collection_id,),
    )
    by_hash = defaultdict(list)
    for content_hash, id_, text in found:
        if len(text.split()) >= FEWEST_WORDS:
            by_hash[content_hash].append(id_)
    return [ids for ids in by_hash.values() if len(ids) > 1]


def _near(db: apsw.Connection, embedding: Embedding) -> Iterator[tuple[int, int]]:
    index = vectors.load_exact(db, embedding)
    pairs = [(int(index.ids[first]), int(index.ids[second])) for first, second in _close_pairs(index.vectors)]
    wanted = sorted({id_ for pair in pairs for id_ in pair})
    words = {hit.rowid: set(hit.passage.text.casefold().split()) for hit in documents.hits(db, wanted)}
    for first, second in pairs:
        if min(len(words[first]), len(words[second])) >= FEWEST_WORDS and (
            shared_words(words[first], words[second]) >= LEAST_SHARED_WORDS
        ):
            yield first, second


def _close_pairs(matrix: Vectors) -> Iterator[tuple[int, int]]:
    for start in range(0, len(matrix), BLOCK):
        cosines = matrix[start : start + BLOCK] @ matrix[start:].T
        for row, column in np.argwhere(cosines >= LEAST_COSINE).tolist():
            if column > row:
                yield start + row, start + column


def shared_words(first: set[str], second: set[str]) -> float:
    """The Jaccard index of two sets of words."""
    return len(first & second) / max(len(first | second), 1)


def _root(parents: dict[int, int], id_: int) -> int:
    while parents.setdefault(id_, id_) != id_:
        parents[id_] = parents[parents[id_]]
        id_ = parents[id_]
    return id_


def _join(parents: dict[int, int], first: int, second: int) -> None:
    low, high = sorted((_root(parents, first), _root(parents, second)))
    parents[high] = low


def _group(db: apsw.Connection, ids: list[int]) -> DuplicateGroup:
    hits = documents.hits(db, ids)
    return DuplicateGroup(tuple(hits), len({hit.passage.content_hash for hit in hits}) == 1)
