"""Related documents stay those that comparing everything afresh would find; views read in stock SQLite."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rag.store import SqliteStore, open_store, similar
from rag.store.vector_index import unit
from tests.fakes.store import old_library, put, text_vector

TOPICS = (
    "apple pear plum cherry",
    "rail train track signal",
    "violin cello flute drum",
    "rain hail snow fog",
)
WORDS = [word for topic in TOPICS for word in topic.split()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        yield opened


def fill(store: SqliteStore, count: int = 24) -> None:
    """Documents about four topics, each a few words of one."""
    for number in range(count):
        topic = TOPICS[number % 4].split()
        put(store, f"{number}.md", " ".join(topic[i % 4] for i in range(number, number + 3)) + f" n{number}")


def table(store: SqliteStore) -> dict[str, list[tuple[str, float]]]:
    """The neighbours of each document, as anyone reads them."""
    found: dict[str, list[tuple[str, float]]] = {}
    with closing(sqlite3.connect(store.path)) as db:
        for doc, other, score in db.execute(
            "SELECT doc, other_doc, score FROM v_similarities ORDER BY doc, score DESC, other_doc"
        ):
            found.setdefault(doc, []).append((other, round(score, 4)))
    return found


def afresh(store: SqliteStore) -> dict[str, list[tuple[str, float]]]:
    """The same, worked out from the vectors and the mean on record."""
    with closing(sqlite3.connect(store.path)) as db:
        rows = db.execute(
            "SELECT doc, vector FROM document_vectors_1 JOIN documents ON id = document_id ORDER BY doc"
        ).fetchall()
        (mean,) = db.execute("SELECT document_mean FROM embeddings").fetchone()
    docs = [doc for doc, _ in rows]
    vectors = unit(np.array([np.frombuffer(blob, "<f4") for _, blob in rows]) - np.frombuffer(mean, "<f4"))
    cosines = vectors @ vectors.T
    found = {}
    for place, doc in enumerate(docs):
        others = [(docs[i], round(float(cosines[place, i]), 4)) for i in range(len(docs)) if i != place]
        floor = similar.FLOOR if len(docs) >= similar.FEW else -2
        near = sorted((o for o in others if o[1] > floor), key=lambda o: (-o[1], o[0]))
        if near:
            found[doc] = near[: similar.NEIGHBOURS]
    return found


def scores(neighbours: dict[str, list[tuple[str, float]]]) -> dict[str, object]:
    """Ties may be broken either way: what counts is how near the neighbours are."""
    return {doc: pytest.approx([score for _, score in near], abs=2e-4) for doc, near in neighbours.items()}


def shown(neighbours: dict[str, list[tuple[str, float]]]) -> dict[str, list[float]]:
    return {doc: [score for _, score in near] for doc, near in neighbours.items()}


def test_documents_of_one_topic_are_related_and_unrelated_ones_are_left_out(store: SqliteStore) -> None:
    fill(store)
    store.compare_documents("default")
    assert {int(other.removesuffix(".md")) % 4 for other, _ in table(store)["1.md"]} == {1}
    assert shown(table(store)) == scores(afresh(store))


@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.generate))
@given(st.lists(st.tuples(st.integers(0, 26), st.lists(st.sampled_from(WORDS), max_size=4)), max_size=8))
def test_any_edits_leave_the_neighbours_that_comparing_all_would_find(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, list[str]]]
) -> None:
    with open_store(tmp_path_factory.mktemp("edits") / "library.db") as store:
        fill(store)
        store.compare_documents("default")
        for number, words in edits:
            if words:
                put(store, f"{number}.md", " ".join(words))
            else:
                known = [
                    file.id for file in store.known_files("default") if file.source.doc == f"{number}.md"
                ]
                store.remove_documents("default", known)
            store.compare_documents("default")
        assert shown(table(store)) == scores(afresh(store))


def test_few_documents_are_all_related(store: SqliteStore) -> None:
    fill(store, 3)
    assert len(store.related("default", "1.md", 10)) == 2


def test_only_what_changed_is_compared(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, 40)
    store.compare_documents("default")
    compared: list[int] = []
    nearest = similar._nearest

    def recorded(ids: Any, vectors: Any, places: Any, count: int) -> Any:
        compared.extend(places)
        return nearest(ids, vectors, places, count)

    monkeypatch.setattr(similar, "_nearest", recorded)
    put(store, "new.md", "rail train")
    store.compare_documents("default")
    assert len(compared) == 1
    store.compare_documents("default")
    assert len(compared) == 1


def test_a_library_of_an_earlier_version_gets_its_neighbours_when_they_are_asked_for(tmp_path: Path) -> None:
    old_library(tmp_path / "library.db", version=8, dates=[None] * 6)
    with open_store(tmp_path / "library.db") as store:
        assert store.related("default", "1.md", 3)
        assert table(store)


def test_more_than_the_table_holds_is_worked_out(store: SqliteStore) -> None:
    fill(store, 60)
    few, many = (store.related("default", "1.md", count) for count in (10, 14))
    assert [r.doc for r in many[:10]] == [r.doc for r in few]
    assert len(many) == 14


def test_vectors_are_json_in_any_sqlite(store: SqliteStore) -> None:
    put(store, "cats.md", "cat sat")
    with closing(sqlite3.connect(store.path)) as db:
        doc, dimensions, vector = db.execute("SELECT doc, dimensions, vector FROM v_vectors").fetchone()
    assert (doc, dimensions) == ("cats.md", 64)
    np.testing.assert_array_equal(np.array(json.loads(vector), np.float32), text_vector("cat sat"))


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -1.0, 0.1, -3.4e-5, 1e-9, 0.99999994])
def test_every_float_of_a_unit_vector_is_read_as_it_is(store: SqliteStore, value: float) -> None:
    put(store, "cats.md", "cat")
    with store.database.write() as db:
        db.execute("UPDATE vectors_1 SET vector = ?", (np.array([value], "<f4").tobytes(),))
    with closing(sqlite3.connect(store.path)) as db:
        (vector,) = db.execute("SELECT vector FROM v_vectors").fetchone()
    assert np.float32(json.loads(vector)[0]) == np.float32(value)


def test_vectors_of_a_collection_leave_the_view_with_it(store: SqliteStore) -> None:
    put(store, "a.md", "cat")
    put(store, "b.md", "dog", collection="other")
    store.remove_collection("default")
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT collection, doc FROM v_vectors").fetchall() == [("other", "b.md")]
        assert db.execute("SELECT doc, text FROM v_passages").fetchall() == [("b.md", "dog")]


def test_sqlite_utils_reads_the_views(store: SqliteStore) -> None:
    pytest.importorskip("sqlite_utils")
    put(store, "cats.md", "cat sat")
    command = [sys.executable, "-m", "sqlite_utils", "rows", str(store.path), "v_passages"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    assert [(row["doc"], row["text"]) for row in json.loads(printed)] == [("cats.md", "cat sat")]
