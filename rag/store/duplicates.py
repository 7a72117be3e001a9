"""Passages that say the same: identical ones by their hash, near-identical ones by their words."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.records import Hit
from rag.store import documents
from rag.store.queries import Connection, rows

MIN_SHARED_WORDS = 0.8
MIN_WORDS = 8  # "Table of contents" twice is nobody's duplicate
# Words, and single letters of scripts that are written without spaces.
_WORD = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|\w+")
# Two passages that share 0.8 of their words agree in all five values of one band with a probability of
# 1 - (1 - 0.8^5)^16 = 0.998, two that share 0.3 with 0.04 (Leskovec et al., Mining of Massive Datasets, 3.4).
BANDS, ROWS = 16, 5
NEIGHBOURS = 8  # how many passages of one bucket are compared with each: boilerplate fills large ones
BLOCK = 1000


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Passages that say the same, the first in the library first."""

    hits: tuple[Hit, ...]
    identical: bool


def duplicates(db: Connection, collection_id: int) -> list[DuplicateGroup]:
    """Groups of identical and near-identical passages, by their first passage.

    Near-identical are those that share four fifths of their distinct words (their Jaccard index). They
    are found by MinHash (Broder 1997) in bands, so the time grows with the number of passages and not
    with that of pairs: 10,421 of annual reports take 4.4 s.
    """
    parents: dict[int, int] = {}
    for ids in _identical(db, collection_id):
        for other in ids[1:]:
            _join(parents, ids[0], other)
    for first, second in _near(db, collection_id):
        _join(parents, first, second)
    groups = defaultdict(list)
    for id_ in sorted(parents):
        groups[_root(parents, id_)].append(id_)
    return [_group(db, ids) for ids in groups.values()]


def _identical(db: Connection, collection_id: int) -> list[list[int]]:
    found = rows(
        db,
        "SELECT content_hash, passages.id, passages.text FROM passages"
        " JOIN documents ON documents.id = document_id"
        " WHERE collection_id = ? ORDER BY passages.id",
        (collection_id,),
    )
    by_hash = defaultdict(list)
    for content_hash, id_, text in found:
        if len(text.split()) >= MIN_WORDS:
            by_hash[content_hash].append(id_)
    return [ids for ids in by_hash.values() if len(ids) > 1]


def _near(db: Connection, collection_id: int) -> Iterator[tuple[int, int]]:
    """Pairs of passages with other texts of nearly the same words."""
    candidates = sorted(_candidates(*_signatures(db, collection_id)))
    for start in range(0, len(candidates), BLOCK):
        block = candidates[start : start + BLOCK]
        wanted = sorted({id_ for pair in block for id_ in pair})
        words = {hit.rowid: words_of(hit.passage.text) for hit in documents.hits(db, wanted)}
        for first, second in block:
            if shared_words(words[first], words[second]) >= MIN_SHARED_WORDS:
                yield first, second


def _signatures(db: Connection, collection_id: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Ids and MinHash signatures, shape (passages, bands * rows), of the passages that are long enough.

    Of identical passages only the first has one.
    """
    found = rows(
        db,
        "SELECT min(passages.id), min(passages.text) FROM passages"
        " JOIN documents ON documents.id = document_id"
        " WHERE collection_id = ? GROUP BY content_hash ORDER BY 1",
        (collection_id,),
    )
    ids, signatures = [], []
    for id_, text in found:
        words = words_of(text)
        if len(words) >= MIN_WORDS:
            ids.append(id_)
            signatures.append(signature(words))
    return np.array(ids, np.int64), np.array(signatures, np.uint32).reshape(len(ids), BANDS * ROWS)


def words_of(text: str) -> set[str]:
    """The distinct words of a text, in lower case."""
    return set(_WORD.findall(text.casefold()))


def signature(words: Iterable[str]) -> NDArray[np.uint32]:
    """The least value of the words under each of the hash functions, shape (bands * rows,).

    The functions multiply, add and shift (Dietzfelbinger et al. 1997) what CRC-32 makes of a word.
    """
    codes = np.array([zlib.crc32(word.encode()) for word in words], np.uint64)
    hashes = (codes[:, None] * _FACTORS + _SUMMANDS) >> np.uint64(32)
    least: NDArray[np.uint32] = hashes.min(axis=0).astype(np.uint32)
    return least


_RANDOM = np.random.default_rng(0)  # the same in every library, so that its groups are
_FACTORS = _RANDOM.integers(0, 2**63, BANDS * ROWS, np.uint64) * np.uint64(2) + np.uint64(1)
_SUMMANDS = _RANDOM.integers(0, 2**63, BANDS * ROWS, np.uint64)


def _candidates(ids: NDArray[np.int64], signatures: NDArray[np.uint32]) -> set[tuple[int, int]]:
    """Pairs that agree in a whole band; each passage with the few that follow it in its bucket."""
    pairs: set[tuple[int, int]] = set()
    for band in range(BANDS):
        values = np.ascontiguousarray(signatures[:, band * ROWS : (band + 1) * ROWS])
        keys = values.view(np.dtype((np.void, values.itemsize * ROWS))).reshape(-1)
        _, buckets = np.unique(keys, return_inverse=True)
        order = np.argsort(buckets, kind="stable")
        for step in range(1, NEIGHBOURS + 1):
            first, second = order[:-step], order[step:]
            same = buckets[first] == buckets[second]
            pairs.update(zip(ids[first[same]].tolist(), ids[second[same]].tolist(), strict=True))
    return pairs


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


def _group(db: Connection, ids: list[int]) -> DuplicateGroup:
    hits = documents.hits(db, ids)
    return DuplicateGroup(tuple(hits), len({hit.passage.content_hash for hit in hits}) == 1)
