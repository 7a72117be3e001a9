"""How fast and how complete the store's search is at several sizes, beside other ways to search.

    python -m tests.benchmarks.bench_search --library DIR --questions corpora/questions.jsonl \\
        --sizes 9000 100000 1000000

takes the real vectors of a library's collection and the real vectors of the questions. More
passages are made by adding noise to real passages' vectors, which keeps them in the same
narrow cone, and by keyword terms with the frequencies of words. Shown are
the median and the 95th percentile in milliseconds, the median of the processor's time (all that
counts on a busy machine), recall@10 against exact search, the bytes a
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
from pathlib import Path
from typing import Any

import numpy as np

from rag.config import load_settings
from rag.library import Library
from rag.protocols import Vectors
from rag.records import Block, Document, Passage
from rag.store import Source, SqliteStore, open_store
from rag.store.database import rows

PASSAGES_A_DOCUMENT = 500
TERMS_A_PASSAGE = 100
VOCABULARY = 300_000

Search = Callable[[Vectors], Sequence[int]]


def real_vectors(directory: Path, collection: str) -> Vectors:
    """All vectors of a collection."""
    with open_store(directory / "library.db") as store, store.database.read() as db:
        ((embedding, dimensions),) = rows(
            db,
            "SELECT e.id, dimensions FROM embeddings e JOIN collections c ON c.embedding_id = e.id"
            " WHERE c.name = ?",
            (collection,),
        )
        blobs = [blob for (blob,) in rows(db, f"SELECT vector FROM vectors_{embedding} ORDER BY passage_id")]
    return np.frombuffer(b"".join(blobs), "<f4").reshape(-1, dimensions)


def question_vectors(directory: Path, questions: Path, most: int) -> Vectors:
    """The vectors of a file's questions."""
    lines = questions.read_text("utf-8").splitlines()[:most]
    library = Library(load_settings(library=directory))
    vectors = library.embedder.embed_queries([json.loads(line)["question"] for line in lines])
    library.close()
    return vectors


def made_vectors(real: Vectors, count: int, seed: int, jitter: float = 0.3) -> Vectors:
    """`count` unit vectors, each a real one plus noise of `jitter` times its distance from the mean."""
    random = np.random.default_rng(seed)
    mean = real.mean(axis=0)
    chosen = real[random.integers(0, len(real), count)]
    noise = random.standard_normal(chosen.shape, dtype=np.float32)
    noise *= jitter / np.linalg.norm(noise, axis=1, keepdims=True)
    made = chosen + noise * np.linalg.norm(chosen - mean, axis=1, keepdims=True)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def blocks_of(real: Vectors, size: int) -> Iterator[Vectors]:
    """The vectors of `size` passages, a document at a time: the real ones first."""
    for number, start in enumerate(range(0, size, PASSAGES_A_DOCUMENT)):
        count = min(PASSAGES_A_DOCUMENT, size - start)
        own = real[start : start + count]
        yield own if len(own) == count else made_vectors(real, count, number)


def fill(store: SqliteStore, real: Vectors, size: int) -> float:
    """Puts `size` passages in; returns the seconds."""
    started = time.perf_counter()
    store.use_model("bench", "bench", real.shape[1])
    random = np.random.default_rng(0)
    for number, block in enumerate(blocks_of(real, size)):
        words = np.minimum(random.zipf(1.3, (len(block), TERMS_A_PASSAGE)), VOCABULARY)
        terms = [[f"w{word}" for word in row] for row in words.tolist()]
        text = "\n".join(" ".join(row) for row in terms)
        blocks, passages, start = [], [], 0
        for ordinal, line in enumerate(text.split("\n")):
            end = start + len(line)
            blocks.append(Block("paragraph", start, end))
            key = f"{number:016}{ordinal:016}"
            passages.append(Passage(key, ordinal, line, start, end, TERMS_A_PASSAGE, key))
            start = end + 1
        document = Document(f"{number}", "text/plain", text, tuple(blocks))
        store.put_document("bench", Source("/bench", f"{number}"), document, passages, block, terms)
    return time.perf_counter() - started


def exact_nearest(real: Vectors, size: int, queries: Vectors, k: int) -> list[set[int]]:
    """The true nearest of each query, block by block."""
    best_scores = np.full((len(queries), k), -2.0, np.float32)
    best_ids = np.zeros((len(queries), k), np.int64)
    first = 1
    for block in blocks_of(real, size):
        scores = np.hstack([best_scores, queries @ block.T])
        ids = np.hstack([best_ids, np.tile(np.arange(first, first + len(block)), (len(queries), 1))])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best_scores, best_ids = np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1)
        first += len(block)
    return [set(row.tolist()) for row in best_ids]


def measure(
    name: str, search: Search, queries: Vectors, truth: list[set[int]] | None, **extra: Any
) -> dict[str, Any]:
    """Times one search a query, after one that is not counted."""
    search(queries[0])
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


def bench_store(directory: Path, real: Vectors, size: int, queries: Vectors) -> Iterator[dict[str, Any]]:
    """The store itself: vectors, vectors among a third of the passages, keywords."""
    path = directory / "library.db"
    with open_store(path) as store:
        seconds = fill(store, real, size)
    truth = exact_nearest(real, size, queries, 10)
    with open_store(path) as store:
        started = time.perf_counter()
        before = memory_megabytes()
        store.nearest("bench", queries[0], 10)
        cold = 1000 * (time.perf_counter() - started)

        def ids(found: list[tuple[int, float]]) -> list[int]:
            return [id_ for id_, _ in found]

        line = measure("store: vectors", lambda q: ids(store.nearest("bench", q, 10)), queries, truth)
        yield line | {
            "first_ms": round(cold, 1),
            "memory_mb": memory_megabytes() - before,
            "bytes_a_passage": path.stat().st_size // size,
            "passages_per_second_in": round(size / seconds),
        }
        third = list(range(1, size + 1, 3))
        yield measure(
            "store: among a third", lambda q: ids(store.nearest("bench", q, 10, among=third)), queries, None
        )
        random = np.random.default_rng(9)
        words = iter(np.minimum(random.zipf(1.3, (len(queries) + 1, 10)), VOCABULARY).tolist())
        yield measure(
            "store: keywords",
            lambda _: ids(store.keyword_matches("bench", sorted({f"w{word}" for word in next(words)}), 100)),
            queries,
            None,
        )


def bench_others(real: Vectors, size: int, queries: Vectors) -> Iterator[dict[str, Any]]:
    """numpy's exact search, sqlite-vec's float table, usearch and faiss, over the same vectors."""
    matrix = np.concatenate(list(blocks_of(real, size)))
    truth = exact_nearest(real, size, queries, 10)

    def numpy_exact(query: Vectors) -> list[int]:
        scores = matrix @ query
        return (np.argpartition(-scores, 10)[:10] + 1).tolist()

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
    real = real_vectors(options.library, options.collection)
    queries = question_vectors(options.library, options.questions, 100)
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            for line in bench_store(Path(folder), real, size, queries):
                print(json.dumps({"passages": size, **line}), flush=True)
        if size <= options.others:
            for line in bench_others(real, size, queries):
                print(json.dumps({"passages": size, **line}), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1024 if sys.platform == "linux" else 1_048_576
    )
    print(json.dumps({"peak_memory_mb": peak}))


if __name__ == "__main__":
    main()
