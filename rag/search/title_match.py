"""How far a query names a document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rag.records import DocumentEntry
from rag.text.terms import name_words


def named(entries: Sequence[DocumentEntry], asked: set[str], rarity: Mapping[str, float]) -> list[float]:
    """How far the query's terms name each document, 0 to 1.

    The share, weighted by rarity, that the document's name has of all query terms that occur in
    any of the names, squared, so that half a name counts for little. One word alone names
    nothing: "force" is not the article *Force*, but "3M 2018" is `3M_2018_10K.pdf`.
    """
    found = [
        [known for known in (asked.intersection(word) for word in _words(entry.doc, entry.title)) if known]
        for entry in entries
    ]
    whole = sum(rarity[term] for term in set().union(*(known for words in found for known in words)))
    return [
        (sum(rarity[term] for term in set().union(*words)) / whole) ** 2 if len(words) > 1 else 0.0
        for words in found
    ]


def rarities(frequencies: Mapping[str, int], passages: int) -> dict[str, float]:
    """The weight of each term: the logarithm of how few of the passages hold it."""
    return {term: math.log1p(passages / max(1, count)) for term, count in frequencies.items()}


@lru_cache(maxsize=20_000)
def _words(doc: str, title: str) -> tuple[frozenset[str], ...]:
    """The words of a document's path, without its ending, and of its title, as their terms."""
    folder, _, name = doc.rpartition("/")
    return tuple(map(frozenset, name_words(folder, name.rpartition(".")[0] or name, title)))
