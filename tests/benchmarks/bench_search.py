"""How fast and how complete search is at several sizes, beside other ways to search.

    python -m tests.benchmarks.bench_search --library DIR --collection NAME \\
        --questions questions.jsonl --sizes 9000 100000 1000000

takes the passages of a library's collection, their vectors and the questions. Larger collections
are made by repeating passages with noise added to their vectors, which keeps these in the same
narrow cone. Shown are the median and the 95th percentile in milliseconds, the median of the
processor's time (all that counts on a busy machine), recall@10 against exact search, the bytes a
passage takes on disk, and the memory of the process. usearch and faiss are measured when they
can be imported.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.interfaces import Vectors
from rag.library import Library
from rag.records import Block, Document, Passage
from rag.settings import load_settings
from rag.store import Source, SqliteStore, open_store
from rag.store.index_file import index_path
from rag.store.queries import rows
from rag.text.terms import index_terms

PASSAGES_A_DOCUMENT = 50
COLLECTION = "bench"

Search = Callable[[Vectors], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Real:
    """A collection's passages: text, index terms, and vectors of shape (passages, dimensions)."""

    texts: Sequence[str]
    terms: Sequence[Sequence[str]]
    vectors: Vectors


def real_passages(directory: Path, collection: str) -> Real:
    """All passages of a collection, with their vectors."""
    with open_store(directory / "library.db") as store, store.database.read() as db:
        ((embedding, dimensions),) = rows(
            db,
            "SELECT e.id, dimensions FROM embeddings e JOIN collections c ON c.embedding_id = e.id"
            " WHERE c.name = ?",
            (collection,),
        )
        found = rows(
            db,
            f"SELECT text, vector FROM vectors_{embedding} JOIN passages ON id = passage_id ORDER BY id",
        )
    texts = [text for text, _ in found]
    vectors = np.frombuffer(b"".join(blob for _, blob in found), "<f4").reshape(-1, dimensions)
    return Real(texts, [index_terms(text) for text in texts], vectors)


def blocks_of(real: Real, size: int, jitter: float = 0.3) -> Iterator[tuple[Sequence[int], Vectors]]:
    """The passages of a collection of `size`, a document at a time: which real ones, and their vectors.

    First the real ones; then real ones drawn at random, with noise of `jitter` times the
    distance of their vector from the mean.
    """
    mean = real.vectors.mean(axis=0)
    for number, start in enumerate(range(0, size, PASSAGES_A_DOCUMENT)):
        count = min(PASSAGES_A_DOCUMENT, size - start)
        if start + count <= len(real.vectors):
            yield range(start, start + count), real.vectors[start : start + count]
            continue
        random = np.random.default_rng(number)
        chosen = random.integers(0, len(real.vectors), count)
        noise = random.standard_normal((count, real.vectors.shape[1]), dtype=np.float32)
        noise *= jitter / np.linalg.norm(noise, axis=1, keepdims=True)
        made = real.vectors[chosen]
        made = made + noise * np.linalg.norm(made - mean, axis=1, keepdims=True)
        yield chosen.tolist(), (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def fill(store: SqliteStore, real: Real, size: int, model: str) -> float:
    """Puts `size` passages in; returns the seconds."""
    started = time.perf_counter()
    store.use_model(COLLECTION, model, real.vectors.shape[1])
    for number, (chosen, vectors) in enumerate(blocks_of(real, size)):
        blocks, passages, start = [], [], 0
        for ordinal, place in enumerate(chosen):
            text = real.texts[place]
            blocks.append(Block("paragraph", start, start + len(text)))
            key = f"{number:016}{ordinal:016}"
            passages.append(Passage(key, ordinal, text, start, start + len(text), 150, key))
            start += len(text) + 1
        whole = "\n".join(real.texts[place] for place in chosen)
        document = Document(f"Note {number}", "text/plain", whole, tuple(blocks))
        terms = [real.terms[place] for place in chosen]
        store.put_document(COLLECTION, Source("/bench", f"{number}.txt"), document, passages, vectors, terms)
    return time.perf_counter() - started


def exact_nearest(real: Real, size: int, queries: Vectors, k: int, every: int = 1) -> list[set[int]]:
    """The true nearest of each query among each `every`-th passage, block by block."""
    best_scores = np.full((len(queries), k), -2.0, np.float32)
    best_ids = np.zeros((len(queries), k), np.int64)
    first = 1
    for _, block in blocks_of(real, size):
        scores = np.hstack([best_scores, queries @ block.T])
        ids = np.hstack([best_ids, np.tile(np.arange(first, first + len(block)), (len(queries), 1))])
        scores = np.where((ids - 1) % every == 0, scores, np.float32(-2.0))
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best_scores, best_ids = np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1)
        first += len(block)
    return [set(row.tolist()) for row in best_ids]


def measure(
    name: str,
    search: Callable[[Any], Sequence[int]],
    queries: Sequence[Any] | Vectors,
    truth: list[set[int]] | None,
    **extra: Any,
) -> dict[str, Any]:
    """Times one search a query, after three that are not counted."""
    for query in queries[:3]:
        search(query)
    times, work, found = [], [], []
    for query in queries:
        started, worked = time.perf_counter(), time.process_time()
        found.append(set(search(query)))
        times.append(1000 * (time.perf_counter() - started))
        work.append(1000 * (time.process_time() - worked))
    line = {"way": name, "p50_ms": round(float(np.median(times)), 2)}
    line["p50_cpu_ms"] = round(float(np.median(work)), 2)
    line["p95_ms"] = round(float(np.percentile(times, 95)), 2)
    if truth is not None:
        line["recall@10"] = round(
            float(np.mean([len(f & t) / 10 for f, t in zip(found, truth, strict=True)])), 4
        )
    return line | extra


def memory_megabytes() -> int:
    """The memory this process holds now."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def bench_library(
    library: Library, real: Real, size: int, questions: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """A library of this size: its vector search alone, and whole searches from the question's text."""
    seconds = fill(library.store, real, size, library.embedder.identity)
    path = library.settings.database
    queries = library.embedder.embed_queries(questions)
    truth = exact_nearest(real, size, queries, 10)
    library.store.close()
    library._store = None  # opened again: what a search needs is read once more, and counted
    before, started = memory_megabytes(), time.perf_counter()
    library.search(questions[0], collection=COLLECTION)
    first = 1000 * (time.perf_counter() - started)

    def nearest(query: Vectors, among: Sequence[int] | None = None) -> list[int]:
        return [id_ for id_, _ in library.store.nearest(COLLECTION, query, 10, among=among)]

    def embed(question: str) -> list[int]:
        library.embedder.embed_queries([question])
        return []

    def whole(question: str) -> list[int]:
        return [hit.rowid for hit in library.search(question, collection=COLLECTION)]

    yield measure("vectors", nearest, queries, truth) | {
        "bytes_a_passage": sum(file.stat().st_size for file in (path, index_path(path))) // size,
        "passages_per_second_in": round(size / seconds),
    }
    third = list(range(1, size + 1, 3))
    true_third = exact_nearest(real, size, queries, 10, every=3)
    yield measure("vectors among a third", lambda q: nearest(q, third), queries, true_third)
    yield measure("embed the question", embed, questions, None)
    yield measure("whole search", whole, questions, None) | {
        "first_ms": round(first),
        "memory_mb": memory_megabytes() - before,
    }
    yield measure("whole search, filtered", lambda text: whole(f"{text} doc:*1.txt"), questions, None)


def bench_others(real: Real, size: int, queries: Vectors) -> Iterator[dict[str, Any]]:
    """numpy's exact search, sqlite-vec's float table, usearch and faiss, over the same vectors."""
    matrix = np.concatenate([block for _, block in blocks_of(real, size)])
    truth = exact_nearest(real, size, queries, 10)

    def numpy_exact(query: Vectors) -> list[int]:
        scores = matrix @ query
        return [int(place) + 1 for place in np.argpartition(-scores, 10)[:10]]

    yield measure("numpy, exact", numpy_exact, queries, truth)
    yield measure("vec0 float", vec0_float(matrix), queries[:10], truth[:10])
    for make in (usearch_index, faiss_index):
        started = time.perf_counter()
        search = make(matrix)
        if search is not None:
            seconds = round(time.perf_counter() - started, 1)
            yield measure(make.__name__, search, queries, truth, build_seconds=seconds)


def vec0_float(matrix: Vectors) -> Search:
    """sqlite-vec's default table, in memory."""
    import apsw
    import sqlite_vec

    db = apsw.Connection(":memory:")
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    db.execute(f"CREATE VIRTUAL TABLE v USING vec0(vector float[{matrix.shape[1]}])")
    with db:
        db.executemany(
            "INSERT INTO v(rowid, vector) VALUES (?, ?)",
            ((number, row.tobytes()) for number, row in enumerate(matrix, start=1)),
        )
    sql = "SELECT rowid FROM v WHERE vector MATCH ? AND k = 10"
    return lambda query: [id_ for (id_,) in db.execute(sql, (query.tobytes(),))]


def usearch_index(matrix: Vectors) -> Search | None:
    """usearch's HNSW, if it is installed."""
    try:
        from usearch.index import Index
    except ImportError:
        return None
    index = Index(ndim=matrix.shape[1], metric="ip")
    index.add(np.arange(1, len(matrix) + 1), matrix)
    return lambda query: index.search(query, 10).keys.tolist()


def faiss_index(matrix: Vectors) -> Search | None:
    """FAISS's HNSW, if it is installed."""
    try:
        import faiss
    except ImportError:
        return None
    index = faiss.IndexHNSWFlat(matrix.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.add(matrix)
    return lambda query: (index.search(query[None, :], 10)[1][0] + 1).tolist()


def main() -> None:
    """Prints one JSON line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--collection", default="default")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[9_000, 100_000])
    parser.add_argument("--others", type=int, default=100_000, help="largest size for the other ways")
    parser.add_argument("--folder", type=Path, help="where to keep the made libraries")
    options = parser.parse_args()
    real = real_passages(options.library, options.collection)
    lines = options.questions.read_text("utf-8").splitlines()[:100]
    questions = [json.loads(line)["question"] for line in lines]
    embedder = Library(load_settings(library=options.library)).embedder
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            library = Library(load_settings(library=Path(folder)))
            library._embedder = embedder
            for line in bench_library(library, real, size, questions):
                print(json.dumps({"passages": size, **line}), flush=True)
            library.close()
        if size <= options.others:
            for line in bench_others(real, size, embedder.embed_queries(questions)):
                print(json.dumps({"passages": size, **line}), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1024 if sys.platform == "linux" else 1_048_576
    )
    print(json.dumps({"peak_memory_mb": peak}))


if __name__ == "__main__":
    main()
