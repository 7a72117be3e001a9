"""Search by sign bits and rescoring finds what exact search finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from numpy.typing import NDArray

from rag.interfaces import Vectors
from rag.records import Block, Document, Passage
from rag.store import Source, SqliteStore, open_store, vector_index, vectors
from rag.store.keywords import affordable
from rag.store.queries import first_row

DIMENSIONS = 384


def unit(vectors: NDArray[np.float64]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def cone(count: int, *, seed: int = 0, around: int = 0) -> Vectors:
    """Unit vectors crowded into a narrow cone, in loose groups: as E5's are."""
    random = np.random.default_rng(seed)
    axis = np.random.default_rng(1_000 + around).standard_normal(DIMENSIONS)
    groups = random.standard_normal((count // 24 + 1, DIMENSIONS))
    found = 2.0 * axis + groups[random.integers(0, len(groups), count)]
    found += 0.7 * random.standard_normal((count, DIMENSIONS))
    return unit(found)


def near(stored: Vectors, count: int) -> Vectors:
    """Queries, each near to one of the stored vectors."""
    random = np.random.default_rng(11)
    found = stored[random.integers(0, len(stored), count)] + 0.02 * random.standard_normal(
        (count, DIMENSIONS)
    )
    return unit(found)


def put_vectors(store: SqliteStore, doc: str, embedded: Vectors, collection: str = "default") -> int:
    """A document whose passages have these vectors."""
    text = "x" * len(embedded)
    blocks = tuple(Block("paragraph", n, n + 1) for n in range(len(embedded)))
    passages = [Passage(f"{doc}{n}", n, "x", n, n + 1, 1, f"{doc}{n}") for n in range(len(embedded))]
    store.use_model(collection, "cone", DIMENSIONS)
    document = Document(doc, "text/plain", text, blocks)
    return store.put_document(
        collection, Source("/", doc, doc, 1, 1), document, passages, embedded, [["x"]] * len(embedded)
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    monkeypatch.setattr(vector_index, "FLOAT_LIMIT", 500)
    monkeypatch.setattr(vector_index, "MIN_CANDIDATES", 400)
    with open_store(tmp_path / "library.db") as opened:
        yield opened


def recall(store: SqliteStore, stored: Vectors, queries: Vectors, among: list[int] | None = None) -> float:
    """The share of the ten nearest by exact search that the store finds; its scores must be exact."""
    share = 0.0
    for query in queries:
        scores = stored @ query
        allowed = np.arange(len(stored)) if among is None else np.array(among) - 1
        expected = set((allowed[np.argsort(-scores[allowed], kind="stable")[:10]] + 1).tolist())
        found = store.nearest("default", query, 10, among=among)
        np.testing.assert_allclose(
            [score for _, score in found], [scores[id_ - 1] for id_, _ in found], atol=1e-5
        )
        assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
        share += len(expected & {id_ for id_, _ in found}) / 10
    return share / len(queries)


def embedding_row(store: SqliteStore) -> tuple[int, int]:
    with store.database.read() as db:
        vectors, mean_vectors = first_row(
            db, "SELECT vectors, mean_vectors FROM embeddings JOIN search.vector_indexes ON embedding_id = id"
        )
    return vectors, mean_vectors


def kind_of_index(store: SqliteStore) -> str:
    with store.database.read() as db:
        (kind,) = first_row(db, "SELECT kind FROM search.vector_indexes")
    return str(kind)


def test_a_small_collection_is_kept_as_floats_and_is_exact(store: SqliteStore) -> None:
    stored = cone(500)
    put_vectors(store, "a", stored)
    assert kind_of_index(store) == "float"
    assert recall(store, stored, cone(20, seed=7)) == 1.0


def test_a_large_collection_is_searched_by_sign_bits_with_high_recall(store: SqliteStore) -> None:
    stored = cone(6_000)
    for start in range(0, 6_000, 500):
        put_vectors(store, f"{start:05}", stored[start : start + 500])
    assert kind_of_index(store) == "bit"
    assert recall(store, stored, near(stored, 50)) >= 0.98
    assert [finding.problem for finding in store.check() if finding.problem] == []


@pytest.mark.parametrize("share", [0.004, 0.1, 0.6])
def test_filters_do_not_cost_recall(
    store: SqliteStore, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "EXACT_FILTER_LIMIT", 100)
    stored = cone(4_000)
    put_vectors(store, "a", stored)
    chosen = np.random.default_rng(3).permutation(4_000)[: int(4_000 * share)] + 1
    assert recall(store, stored, near(stored, 30), sorted(chosen.tolist())) >= 0.98


def test_removed_and_replaced_vectors_are_not_found(store: SqliteStore) -> None:
    first, second = cone(800), cone(800, seed=5)
    id_ = put_vectors(store, "a", first)
    put_vectors(store, "b", second)
    assert embedding_row(store)[1] > 0
    assert store.nearest("default", first[0], 1)[0][0] == 1
    store.remove_documents("default", [id_])
    found = store.nearest("default", first[0], 800)
    assert len(found) == 800 and min(id_ for id_, _ in found) > 800
    assert [finding.problem for finding in store.check() if finding.problem] == []


def test_codes_are_centred_anew_when_the_collection_has_moved(store: SqliteStore) -> None:
    put_vectors(store, "a", cone(600))
    assert embedding_row(store) == (600, 600)
    put_vectors(store, "b", cone(500, seed=2))  # not doubled: the old mean will do
    assert embedding_row(store) == (1100, 600)
    put_vectors(store, "c", cone(1_500, seed=3, around=1))
    assert embedding_row(store) == (2600, 2600)
    stored = np.concatenate([cone(600), cone(500, seed=2), cone(1_500, seed=3, around=1)])
    assert recall(store, stored, near(stored, 30)) >= 0.98


def mean_distance(store: SqliteStore, stored: Vectors) -> float:
    """How far the mean that the codes are centred by is from that of the vectors."""
    with store.database.read() as db:
        (blob,) = first_row(db, "SELECT mean FROM search.vector_indexes")
    return float(np.linalg.norm(np.frombuffer(blob, "<f4") - stored.mean(axis=0)))


def test_codes_are_centred_anew_when_documents_were_replaced(store: SqliteStore) -> None:
    """The collection neither grew nor shrank, so its mean was never looked at again."""
    for start in range(6):
        put_vectors(store, f"{start}", cone(200, seed=start))
    replaced = [cone(200, seed=start, around=1) for start in range(6)]
    assert mean_distance(store, np.concatenate(replaced)) > 1
    for start, embedded in enumerate(replaced):
        put_vectors(store, f"{start}", embedded)
    assert embedding_row(store)[0] == 1200
    assert mean_distance(store, np.concatenate(replaced)) < 0.3


def test_codes_are_centred_anew_when_half_of_the_collection_has_left(store: SqliteStore) -> None:
    kept = cone(600)
    put_vectors(store, "a", kept)
    gone = put_vectors(store, "b", cone(600, seed=3, around=1))
    with store.database.write() as db:
        vector_index.make(db, vectors.load_embedding(db, 1))
    assert mean_distance(store, kept) > 0.5
    store.remove_documents("default", [gone])
    assert mean_distance(store, kept) < 1e-6


def test_codes_of_a_still_collection_are_kept_when_it_grows(store: SqliteStore) -> None:
    put_vectors(store, "a", cone(600))
    put_vectors(store, "b", cone(1_500, seed=3))
    assert embedding_row(store) == (2100, 600)


@pytest.mark.parametrize("module", [sqlite3, apsw], ids=["stock", "current"])
def test_other_tools_read_every_table(store: SqliteStore, module: Any) -> None:
    """Tables of sqlite-vec and of a newer FTS5 kept Python's own sqlite3 from opening the library."""
    put_vectors(store, "a", cone(600))
    other = module.connect(store.path) if module is sqlite3 else apsw.Connection(str(store.path))
    tables = [name for (name,) in other.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    counts = {name: len(list(other.execute(f'SELECT * FROM "{name}"'))) for name in tables}
    assert counts["passages"] == counts["vectors_1"] == 600
    other.close()


def test_a_damaged_vector_index_is_found_and_repaired(store: SqliteStore) -> None:
    stored = cone(700)
    put_vectors(store, "a", stored)
    with store.database.write() as db:
        db.execute("DELETE FROM search.nearest_1 WHERE passage_id < 50")
    problems = [finding.problem for finding in store.check() if finding.problem]
    assert len(problems) == 1 and "651 of 700 vectors in the vector index" in problems[0]
    store.repair()
    assert [finding.problem for finding in store.check() if finding.problem] == []
    assert store.nearest("default", stored[3], 1)[0][0] == 4


def test_lost_rows_are_found_and_read_again_after_a_repair(store: SqliteStore) -> None:
    put_vectors(store, "a", cone(20))
    put_vectors(store, "b", cone(20, seed=2))
    with store.database.write() as db:
        db.execute("DELETE FROM vectors_1 WHERE passage_id = 3")
        db.execute("DELETE FROM terms_1 WHERE rowid = 30")
        db.execute("UPDATE collections SET passages = 99")
    (problem,) = [finding.problem for finding in store.check() if finding.problem]
    for part in ("40 passages, but 99", "39 of 40 passages in the keyword", "1 passages without a vector"):
        assert part in problem
    store.repair()
    assert store.passage_count("default") == 40
    assert [known.source.mtime_ns for known in store.known_files("default")] == [None, None]


def test_a_repair_leaves_an_unfinished_change_of_models_alone(store: SqliteStore) -> None:
    """Every document counted as incomplete, since the other model's vectors were not all made yet."""
    stored = cone(20)
    put_vectors(store, "a", stored)
    building = store.start_building("default", "other", DIMENSIONS)
    store.add_built(building, [1, 2], stored[:2])
    before = store.known_files("default")
    store.repair()
    assert store.known_files("default") == before
    assert len(store.passages_to_embed(building, 100)) == 18


def test_what_another_tool_left_behind_is_removed(store: SqliteStore) -> None:
    """The check named the repair as its remedy, and the repair left the rows where they were."""
    put_vectors(store, "a", cone(20))
    put_vectors(store, "b", cone(5, seed=2))
    stock = sqlite3.connect(store.path)  # foreign keys are off where nobody asks for them
    with stock:
        stock.execute("DELETE FROM documents WHERE doc = 'a'")
        stock.execute("INSERT INTO sources VALUES (99, '/gone', 1)")
    stock.close()
    problems = {finding.check: finding.problem for finding in store.check() if finding.problem}
    assert "passages row 1" in (problems["references"] or "")
    store.repair()
    assert [finding.problem for finding in store.check() if finding.problem] == []
    assert (store.passage_count("default"), len(store.nearest("default", cone(1)[0], 50))) == (5, 5)


def test_keyword_rows_of_no_passage_are_found_and_removed(store: SqliteStore) -> None:
    """A repair left them: the check failed after it as before."""
    put_vectors(store, "a", cone(20))
    put_vectors(store, "b", cone(20), collection="other")
    with store.database.write() as db:
        db.execute("INSERT INTO terms_1(rowid, terms) VALUES (77, 'ghost'), (30, 'stray')")
    assert [*store.holding("default", ["ghost"]), *store.holding("default", ["stray"])] == [77, 30]
    (problem,) = [finding.problem for finding in store.check() if finding.problem]
    assert "2 rows of the keyword index without a passage" in problem
    store.repair()
    assert [finding.problem for finding in store.check() if finding.problem] == []
    assert [*store.holding("default", ["ghost"]), *store.holding("default", ["stray"])] == []
    assert len(store.holding("default", ["x"])) == 20
    assert None not in [known.source.mtime_ns for known in store.known_files("default")]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"rare": 3, "common": 9_000, "the": 60_000}, ["rare", "common"]),
        ({"the": 90_000}, ["the"]),
        ({"absent": 0}, []),
        ({"a": 15_000, "b": 15_000}, ["a"]),
        ({"b": 2, "a": 2}, ["a", "b"]),
    ],
    ids=["weightless", "alone", "absent", "too many", "ties"],
)
def test_terms_are_kept_rarest_first_within_a_limit(counts: dict[str, int], expected: list[str]) -> None:
    assert affordable(counts, passages=100_000) == expected


def test_a_vector_that_is_gone_is_left_out(store: SqliteStore) -> None:
    """A row that another process removed between two reads takes nothing from the others."""
    stored = cone(20)
    put_vectors(store, "a", stored)
    with store.database.read() as db:
        embedding = vectors.load_embedding(db, 1)
        for wanted in ([3, 1, 999, 3], [1, 3]):
            ids, found = vectors.fetch_vectors(db, embedding, wanted)
            assert ids.tolist() == [1, 3]
            np.testing.assert_array_equal(found, stored[[0, 2]])
        assert vectors.fetch_vectors(db, embedding, [])[1].shape == (0, DIMENSIONS)
