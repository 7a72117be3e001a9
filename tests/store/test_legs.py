"""Several embedding models in one collection: each is searched, completed and removed by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.errors import ModelMismatch, UsageError
from rag.interfaces import Distance, Leg, Vectors
from rag.store import SqliteStore, open_store, searching
from rag.store.views import refresh_vectors_view
from tests.fakes.store import DIMENSIONS, put, text_vector

LEG = "letters-v1"


def letter_vectors(*texts: str) -> Vectors:
    """Unit vectors of how often each letter of the alphabet occurs."""
    counts = np.array([[text.count(chr(97 + n)) for n in range(26)] for text in texts], np.float32)
    unit: Vectors = counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), np.float32(1e-9))
    return unit


def test_every_embedding_of_many_is_in_the_view(tmp_path: Path) -> None:
    """SQLite takes 500 parts in one query."""
    with open_store(tmp_path / "library.db") as opened:
        put(opened, "a.md", "ferries sail")
        with opened.database.write() as db:
            for number in range(600):
                db.execute(
                    "INSERT INTO embeddings(id, collection_id, model, dimensions, state, created, vector_sum)"
                    f" SELECT {number + 100}, collection_id, 'm{number}', dimensions, 'building', '', ''"
                    " FROM embeddings WHERE id = 1"
                )
                db.execute(f"CREATE TABLE vectors_{number + 100} AS SELECT * FROM vectors_1")
            refresh_vectors_view(db)
        with opened.database.plain() as db:
            assert db.execute("SELECT count(DISTINCT model) FROM v_vectors").fetchone() == (601,)


@pytest.fixture
def store(store: SqliteStore) -> SqliteStore:
    return filled(store)


def filled(store: SqliteStore) -> SqliteStore:
    """The store with three passages and a further model that has read none of them."""
    put(store, "a.md", "the cat sat", "a dog ran", "an owl flew")
    store.add_leg("default", LEG, 26)
    return store


def complete(store: SqliteStore) -> None:
    """Gives every passage that lacks it a vector of the further model."""
    while hits := store.passages_without("default", LEG, 2):
        texts = [hit.passage.text for hit in hits]
        store.add_vectors("default", LEG, [hit.rowid for hit in hits], letter_vectors(*texts))


def assert_sound(store: SqliteStore) -> None:
    assert [finding.problem for finding in store.check() if finding.problem] == []


def test_a_further_model_is_completed_and_searched(store: SqliteStore) -> None:
    assert store.legs("default") == [Leg("words-v1", DIMENSIONS, 3, 0), Leg(LEG, 26, 0, 3)]
    assert store.nearest("default", letter_vectors("god")[0], 5, leg=LEG) == []
    assert_sound(store)
    complete(store)
    assert store.legs("default")[1] == Leg(LEG, 26, 3, 0)
    query = letter_vectors("god")[0]
    found = store.nearest("default", query, 5, leg=LEG)
    assert found[0][0] == 2
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    ids, vectors = store.vectors_of("default", [3, 2, 99], leg=LEG)
    assert ids.tolist() == [2, 3]
    np.testing.assert_array_equal(vectors, letter_vectors("a dog ran", "an owl flew"))
    assert store.similarities("default", [3, 2], query, leg=LEG) == pytest.approx((vectors @ query)[::-1])
    assert store.nearest("default", text_vector("a dog ran"), 1)[0][0] == 2
    assert_sound(store)


def test_a_document_brings_the_vectors_of_all_models_and_takes_them_along(store: SqliteStore) -> None:
    complete(store)
    put(store, "a.md", "the sun")
    assert store.legs("default")[1] == Leg(LEG, 26, 0, 1)
    assert [hit.passage.text for hit in store.passages_without("default", LEG, 9)] == ["the sun"]
    complete(store)
    assert store.nearest("default", letter_vectors("sun")[0], 9, leg=LEG)[0][0] == 4
    store.remove_documents("default", [store.documents("default")[0].id])
    assert store.nearest("default", letter_vectors("sun")[0], 9, leg=LEG) == []
    assert_sound(store)


def test_vectors_of_passages_that_left_are_not_stored(store: SqliteStore) -> None:
    store.add_vectors("default", LEG, [2, 77], letter_vectors("a dog ran", "gone"))
    store.add_vectors("default", LEG, [2], letter_vectors("something else"))
    assert store.vectors_of("default", [2, 77], leg=LEG)[0].tolist() == [2]
    np.testing.assert_array_equal(store.vectors_of("default", [2], leg=LEG)[1], letter_vectors("a dog ran"))


def test_a_further_model_can_be_removed_and_the_first_cannot(store: SqliteStore) -> None:
    complete(store)
    store.remove_leg("default", LEG)
    assert [leg.model for leg in store.legs("default")] == ["words-v1"]
    with pytest.raises(UsageError, match="letters-v1"):
        store.nearest("default", letter_vectors("x")[0], 1, leg=LEG)
    with pytest.raises(UsageError, match="first model"):
        store.remove_leg("default", "words-v1")
    assert_sound(store)


def test_vectors_of_another_length_are_refused(store: SqliteStore) -> None:
    with pytest.raises(ModelMismatch, match="26 dimensions"):
        store.add_vectors("default", LEG, [1], np.zeros((1, 8), np.float32))


def test_a_further_model_that_becomes_the_first_is_there_once(store: SqliteStore) -> None:
    complete(store)
    building = store.start_building("default", LEG, 26)
    store.add_built(building, [1, 2, 3], letter_vectors("the cat sat", "a dog ran", "an owl flew"))
    assert store.switch_over(building)
    assert store.legs("default") == [Leg(LEG, 26, 3, 0)]
    assert_sound(store)


def test_a_further_models_index_is_made_again_too(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    complete(filled(sqlite_store))
    sqlite_store.close()
    for file in tmp_path.glob("index.db*"):
        file.unlink()
    with open_store(tmp_path / "library.db") as again:
        assert again.nearest("default", letter_vectors("god")[0], 1, leg=LEG)[0][0] == 2


def exact_similarities(store: SqliteStore, query: Vectors, distance: Distance) -> NDArray[Any]:
    """The similarity of every passage, from the stored blobs."""
    _, vectors = store.vectors_of("default", range(1, store.passage_count("default") + 1))
    if distance == "centred":
        vectors, query = vectors - vectors.mean(axis=0), query - vectors.mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    return np.asarray(vectors @ query / lengths)


@pytest.mark.parametrize("distance", ["cosine", "centred"])
def test_a_small_collection_is_sampled_whole(store: SqliteStore, distance: Distance) -> None:
    put(store, "b.md", *(f"word{n} cat{n % 7} dog{n % 3}" for n in range(60)))
    query = text_vector("cat3 dog1 owl")
    expected = exact_similarities(store, query, distance)
    rowids, found = store.sampled_similarities("default", query, distance=distance)
    assert rowids.tolist() == list(range(1, len(expected) + 1))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    put(store, "c.md", "cat3 dog1", "cat3")
    expected = exact_similarities(store, query, distance)
    rowids, found = store.sampled_similarities("default", query, distance=distance)
    assert rowids.tolist() == list(range(1, len(expected) + 1))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_sample_is_like_its_large_collection(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SAMPLE_SIZE", 400)
    put(store, "b.md", *(f"word{n} cat{n % 7} dog{n % 3}" for n in range(1_600)))
    query = text_vector("cat3 dog1 owl")
    expected = exact_similarities(store, query, "cosine")
    rowids, found = store.sampled_similarities("default", query)
    assert len(rowids) == 400
    assert found.mean() == pytest.approx(expected.mean(), abs=0.15 * float(expected.std()))
    assert found.std() == pytest.approx(expected.std(), rel=0.1)


@pytest.mark.parametrize("distance", ["cosine", "centred"])
def test_nearest_is_by_the_distance_asked_for(store: SqliteStore, distance: Distance) -> None:
    put(store, "b.md", *(f"word{n} cat{n % 7} dog{n % 3}" for n in range(60)))
    query = text_vector("cat3 dog1 owl")
    expected = exact_similarities(store, query, distance)
    found = store.nearest("default", query, 5, distance=distance)
    assert [id_ for id_, _ in found] == (np.argsort(-expected, kind="stable")[:5] + 1).tolist()
    assert [score for _, score in found] == pytest.approx(np.sort(expected)[::-1][:5], abs=1e-5)
