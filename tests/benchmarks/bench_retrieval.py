"""Milliseconds a query spends in each part of retrieval, on a library that is there.

    python -m tests.benchmarks.bench_retrieval --library DIR [--collection NAME] [--questions 100]

The questions are made from the collection's own passages; the first ten warm the caches.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rag.evaluation import make_questions
from rag.library import Library
from rag.search import retrieve
from rag.search.scores import bm25, document_shares, placed
from rag.settings import load_settings
from rag.text.terms import joined_terms, query_terms

WARM_UP = 10


def milliseconds(work: Callable[[str], object], texts: Sequence[str]) -> tuple[float, float]:
    """Median and 95th percentile of one call a text."""
    taken = []
    for text in texts:
        started = time.perf_counter()
        work(text)
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 95))


def main() -> None:
    """Prints a table of the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--collection", default="default")
    parser.add_argument("--questions", type=int, default=100)
    given = parser.parse_args()
    library = Library(load_settings(library=given.library))
    store, embedder, collection = library.store, library.embedder, given.collection
    texts = [one.text for one in make_questions(store, collection, count=given.questions + WARM_UP)]
    vectors = dict(zip(texts, embedder.embed_queries(texts), strict=True))

    def whole(text: str) -> object:
        return retrieve(text, index=store, embedder=embedder, collection=collection, top_k=20)

    def keywords(text: str) -> object:
        postings = store.postings(collection, [*query_terms(text), *joined_terms(text)])
        found = placed(postings, store.layout(collection))
        return bm25(found), document_shares(found)

    parts: dict[str, Callable[[str], object]] = {
        "embed the query": lambda text: embedder.embed_queries([text]),
        "vectors": lambda text: store.nearest(collection, vectors[text], 100),
        "keywords": keywords,
        "all of retrieval": whole,
    }
    for text in texts[:WARM_UP]:
        whole(text)
    print(f"{store.passage_count(collection)} passages, {len(texts) - WARM_UP} questions: p50, p95 in ms")
    for name, work in parts.items():
        median, slow = milliseconds(work, texts[WARM_UP:])
        print(f"  {name:18} {median:8.1f} {slow:8.1f}")
    library.close()


if __name__ == "__main__":
    main()
