"""What retrieval reads of the keyword index: where each term stands, and how the passages lie."""

from __future__ import annotations

import numpy as np
import pytest

from rag.interfaces import Postings
from rag.store import SqliteStore, keywords
from rag.store.caching import Latest
from tests.fakes.store import put


def by_term(postings: Postings) -> dict[str, dict[int, int]]:
    """Each term's passages with its count in them."""
    found: dict[str, dict[int, int]] = {term: {} for term in postings.terms}
    for term, rowid, count in zip(postings.term, postings.rowids, postings.counts, strict=True):
        found[postings.terms[term]][int(rowid)] = int(count)
    return found


def test_postings_have_every_passage_and_count(store: SqliteStore) -> None:
    put(store, "a.md", "cat sat cat", "dog ran", "the cat", "an owl")
    found = store.postings("default", ["cat", "dog", "bird"])
    assert by_term(found) == {"dog": {2: 1}, "cat": {1: 2, 3: 1}}
    assert found.terms == ("dog", "cat")  # the rarest first
    assert found.frequencies == {"cat": 2, "dog": 1, "bird": 0}


def test_counts_of_common_terms_are_one(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keywords, "COUNTED_LIMIT", 1)
    put(store, "a.md", "cat sat cat", "dog dog ran", 'cat say"so', "an owl")
    assert by_term(store.postings("default", ["cat", "dog"])) == {"dog": {2: 2}, "cat": {1: 1, 3: 1}}


@pytest.mark.parametrize("counted", [0, 500])
def test_postings_follow_every_change(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    monkeypatch.setattr(keywords, "COUNTED_LIMIT", counted)
    first = put(store, "a.md", "cat sat", "dog ran")
    assert by_term(store.postings("default", ["cat"])) == {"cat": {1: 1}}
    put(store, "b.md", "cat slept")
    assert by_term(store.postings("default", ["cat"])) == {"cat": {1: 1, 3: 1}}
    store.remove_documents("default", [first])
    assert by_term(store.postings("default", ["cat"])) == {"cat": {3: 1}}
    assert by_term(store.postings("default", ["dog"])) == {}


def test_terms_read_earlier_make_room_for_new_ones(store: SqliteStore) -> None:
    put(store, "a.md", "cat dog", "cat bird", "cat")
    cache, counts = keywords.PostingsCache(most=1), {"cat": 3, "dog": 1, "bird": 1}
    with store.database.read() as db:
        for terms in (["cat"], ["dog", "cat"], ["bird"], ["cat"]):
            found = cache.get(db, 1, terms, counts)
            assert [len(rowids) for rowids, _ in found] == [counts[term] for term in terms]


def test_the_layout_tells_documents_and_lengths(store: SqliteStore) -> None:
    put(store, "a.md", "one two", " ".join(["word"] * 300))
    put(store, "other.md", "elsewhere", collection="other")
    put(store, "b.md", "three")
    layout = store.layout("default")
    assert [entry.doc for entry in layout.entries] == ["a.md", "b.md"]
    assert layout.rowids.tolist() == [1, 2, 4] and layout.documents.tolist() == [0, 0, 1]
    assert layout.lengths.tolist() == [2, 300, 1] and layout.sizes.tolist() == [2, 1]
    assert layout.places(np.array([4, 3, 1, 99])).tolist() == [2, -1, 0, -1]
    assert store.layout("default") is layout


def test_the_layout_follows_a_replaced_document(store: SqliteStore) -> None:
    put(store, "a.md", "one", "two")
    put(store, "b.md", "three")
    put(store, "a.md", "four")
    layout = store.layout("default")
    assert layout.rowids.tolist() == [3, 4]
    assert [layout.entries[place].doc for place in layout.documents] == ["b.md", "a.md"]


def test_an_empty_collection_has_an_empty_layout(store: SqliteStore) -> None:
    store.add_collection("default")
    layout = store.layout("default")
    assert layout.rowids.size == layout.sizes.size == 0 and layout.entries == ()
    assert layout.places(np.array([1])).tolist() == [-1]


def test_latest_loads_again_for_another_generation_and_drops_the_oldest() -> None:
    latest: Latest[str] = Latest(most=2)
    loaded: list[str] = []

    def load(name: str) -> str:
        loaded.append(name)
        return name

    for key, generation in ((1, 1), (1, 1), (1, 2), (2, 1), (3, 1), (1, 2)):
        assert latest.get(key, generation, lambda: load("value")) == "value"
    assert len(loaded) == 5  # the second was held; the last was dropped by the third key
