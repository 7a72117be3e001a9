"""Functions and classes of source code as wholes: found by a vector of their own, at their line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.errors import UsageError
from rag.explore.points import unit
from rag.interfaces import Embedder, Vectors
from rag.records import Hit
from rag.search.query import matching, parse_query
from rag.store import SqliteStore
from rag.text.words import content_words, stem

SOURCE = "text/x-source"
NAME_WEIGHT = 0.3
"""What naming each of the query's words is worth, in cosines."""
_LINES = re.compile(r"(?P<name>.+), lines? (?P<first>\d+)(?:–(?P<last>\d+))?$")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class: where it stands, and its passages in order."""

    name: str
    line: int
    end_line: int
    score: float
    hits: tuple[Hit, ...]

    @property
    def doc(self) -> str:
        return self.hits[0].doc

    @property
    def text(self) -> str:
        return "\n".join(hit.passage.text for hit in self.hits)


def find_definitions(
    store: SqliteStore, collection: str, query: str, embedder: Embedder, count: int
) -> list[Definition]:
    """The functions and classes nearest to a query, best first; its filters hold (`doc:*.py`, `type:go`).

    The vector of a definition is the mean of its passages', those of what is defined inside it included. To
    its cosine is added how far its name says what the query does.

    Raises:
        UsageError: the query is empty, or no source code passes its filters.
    """
    parsed = parse_query(query)
    if not parsed.text:
        raise UsageError("The query has no words to search for.")
    entries = [
        one for one in matching(store.documents(collection), parsed.filters) if one.media_type == SOURCE
    ]
    rowids = store.passage_rowids([entry.id for entry in entries])
    if not rowids:
        raise UsageError(f"There is no source code in '{collection}' that passes.")
    ids, vectors = store.all_vectors(collection, "passages")
    centred = unit(vectors - vectors.mean(axis=0))
    asked = unit(embedder.embed_queries([parsed.text], truncate=True) - vectors.mean(axis=0))[0]
    near = dict(zip(ids.tolist(), centred, strict=True))
    found = [
        _definition(heading, hits, near, asked, parsed.text)
        for (_, heading), hits in _grouped(store.hits(rowids)).items()
    ]
    return sorted(found, key=lambda one: (-one.score, one.doc, one.line))[:count]


def _grouped(hits: Sequence[Hit]) -> dict[tuple[int, str], list[Hit]]:
    """The passages of each definition, by document and by the heading that names it with its lines."""
    grouped: dict[tuple[int, str], list[Hit]] = defaultdict(list)
    for hit in hits:
        for heading in hit.passage.heading_path:
            if _LINES.match(heading):
                grouped[hit.document_id, heading].append(hit)
    return grouped


def _definition(
    heading: str, hits: list[Hit], near: dict[int, Vectors], asked: Vectors, query: str
) -> Definition:
    match = _LINES.match(heading)
    assert match is not None
    pieces = np.array([near[hit.rowid] for hit in hits])
    cosine = float(unit(pieces.mean(axis=0)) @ asked)
    first = int(match["first"])
    hits = sorted(hits, key=lambda hit: hit.passage.start)
    score = cosine + NAME_WEIGHT * _named(match["name"], query)
    return Definition(match["name"], first, int(match["last"] or first), score, tuple(hits))


def _named(name: str, query: str) -> float:
    """The share of the query's words, and of the name's, that the other has: their harmonic mean."""
    own = {stem(part.casefold()) for part in _PARTS.findall(name.rpartition(" ")[2])}
    asked = {stem(word) for word in content_words(query)}
    shared = len(own & asked)
    return 2 * shared / (len(own) + len(asked)) if shared else 0.0
