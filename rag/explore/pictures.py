"""Pictures found: by words, by another picture, by what is near one of the library."""

from __future__ import annotations

import base64
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rag.interfaces import PictureEmbedder
from rag.records import Hit
from rag.store import PictureRow, SqliteStore
from rag.text.terms import index_terms, telling_terms

RANK_CONSTANT = 60
"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): 1 / (60 + rank)."""
K1, B = 1.2, 0.75
CAPTION_WEIGHT = 2
EXAMPLE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAIElEQVR4nGNkYPj/n4GRAQMw/scUY2BgYGBgwiE+sBIAPAIDDeeb"
    "5qwAAAAASUVORK5CYII="
)
"""A small PNG, to try a model with."""
LISTED = 200
"""Places of each ranking that count."""


@dataclass(frozen=True, slots=True)
class PictureHit:
    """A picture found, best place first where several documents show it; `score` orders the hits.

    `signals` says what found it: `words` (BM25 of caption, text around and text on it), `passages` (rank of
    the passage it stands in), `picture` (cosine of what it shows).
    """

    picture: PictureRow
    score: float
    signals: dict[str, float] = field(default_factory=dict)
    others: tuple[PictureRow, ...] = ()


def find_pictures(
    query: str,
    *,
    store: SqliteStore,
    collection: str,
    embedder: PictureEmbedder | None,
    passages: Iterable[Hit] = (),
    count: int = 20,
) -> list[PictureHit]:
    """The pictures that fit some words: by what they show where there are vectors, and by their own words."""
    rows = store.pictures.of_collection(collection)
    signals: dict[str, dict[int, float]] = {
        "words": by_words(query, rows),
        "passages": standing_in(passages, rows),
    }
    if embedder is not None and store.pictures.model() == embedder.identity:
        shown = dict(store.pictures.nearest(collection, embedder.embed_texts([query])[0], LISTED))
        signals["picture"] = {row.id: shown[row.image_id] for row in rows if row.image_id in shown}
    return fused(rows, signals)[:count]


def similar_pictures(
    vector_or_image: bytes | int,
    *,
    store: SqliteStore,
    collection: str,
    embedder: PictureEmbedder | None,
    count: int = 20,
) -> list[PictureHit]:
    """The pictures that look most like one of the library, by its image id, or like a file's bytes.

    One of the library is compared by stored vectors alone: no model is loaded.
    """
    pictures, model = store.pictures, store.pictures.model()
    if isinstance(vector_or_image, int):
        vector = pictures.vector(model, vector_or_image) if model else None
    elif embedder is not None and embedder.identity == model:
        vector = embedder.embed_pictures([vector_or_image])[0]
    else:
        vector = None
    if vector is None:
        return []
    near = dict(pictures.nearest(collection, vector, count + 1))
    if isinstance(vector_or_image, int):
        near.pop(vector_or_image, None)
    rows = pictures.of_collection(collection)
    return fused(rows, {"picture": {row.id: near[row.image_id] for row in rows if row.image_id in near}})[
        :count
    ]


def by_words(query: str, rows: Sequence[PictureRow]) -> dict[int, float]:
    """BM25 of the query in each picture's own words; those without a word of it are left out."""
    terms = telling_terms(query)
    counted = [Counter(own_terms(row)) for row in rows]
    mean = sum(map(Counter.total, counted)) / max(len(counted), 1)
    found: dict[int, float] = {}
    rarity = {
        term: math.log(1 + (len(rows) - holding + 0.5) / (holding + 0.5))
        for term in terms
        if (holding := sum(term in words for words in counted))
    }
    for row, words in zip(rows, counted, strict=True):
        norm = K1 * (1 - B + B * words.total() / max(mean, 1e-9))
        score = sum(weight * words[t] * (K1 + 1) / (words[t] + norm) for t, weight in rarity.items())
        if score > 0:
            found[row.id] = score
    return found


def own_terms(row: PictureRow) -> list[str]:
    """The terms a picture is found by: of its caption, twice, the text on it and around it, and its place."""
    path = row.doc.rsplit(".", 1)[0].replace("/", "\n")
    rest = "\n".join((row.around, row.text, *row.heading_path, row.title, path))
    return CAPTION_WEIGHT * index_terms(row.caption) + index_terms(rest)


def standing_in(passages: Iterable[Hit], rows: Sequence[PictureRow]) -> dict[int, float]:
    """The pictures that stand in or right after these passages, the higher the better the passage's rank."""
    found: dict[int, float] = {}
    for rank, hit in enumerate(passages, start=1):
        for row in rows:
            inside = hit.passage.start <= row.start <= hit.passage.end + 2
            if row.document_id == hit.document_id and inside:
                found.setdefault(row.id, 1 / rank)
    return found


def fused(rows: Sequence[PictureRow], signals: Mapping[str, Mapping[int, float]]) -> list[PictureHit]:
    """One hit an image, best first, by the sum of its reciprocal ranks; of equal ones the first."""
    scores: dict[int, float] = defaultdict(float)
    for found in signals.values():
        order = sorted(found, key=lambda id_: (-found[id_], id_))[:LISTED]
        ranks: dict[float, int] = {}
        for rank, id_ in enumerate(order, start=1):
            scores[id_] += 1 / (RANK_CONSTANT + ranks.setdefault(found[id_], rank))
    by_image: dict[int, list[PictureRow]] = {}
    for row in rows:
        if scores[row.id]:
            by_image.setdefault(row.image_id, []).append(row)
    hits = []
    for places in by_image.values():
        best, *others = sorted(places, key=lambda row: (-scores[row.id], row.id))
        own = {name: found[best.id] for name, found in signals.items() if best.id in found}
        hits.append(PictureHit(best, scores[best.id], own, tuple(others)))
    return sorted(hits, key=lambda hit: (-hit.score, hit.picture.id))


def gallery(rows: Sequence[PictureRow]) -> list[PictureHit]:
    """Every image of a collection once, in the order of the documents."""
    by_image: dict[int, list[PictureRow]] = {}
    for row in rows:
        by_image.setdefault(row.image_id, []).append(row)
    return [PictureHit(first, 0.0, {}, tuple(others)) for first, *others in by_image.values()]
