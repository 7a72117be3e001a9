"""The parts of a passage's score, held against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.interfaces import Layout, Postings
from rag.records import DocumentEntry
from rag.search.scores import (
    bm25,
    document_shares,
    floor_group_means,
    placed,
    reciprocal_ranks,
    top_indices,
)
from rag.search.title_match import named, rarities
from rag.text.terms import query_terms


def layout(*documents: int, lengths: list[int] | None = None) -> Layout:
    """Passages 10, 20, 30, … of these documents."""
    count = max(documents, default=-1) + 1
    entries = tuple(DocumentEntry(100 + n, f"{n}.md", f"{n}", "text/plain") for n in range(count))
    owners = np.array(documents, dtype=np.int64)
    return Layout(
        np.arange(1, len(documents) + 1) * 10,
        owners,
        np.array(lengths or [5] * len(documents), dtype=np.int64),
        entries,
        np.bincount(owners, minlength=count),
        np.zeros(count, dtype=np.int64),
    )


def postings(**terms: dict[int, int]) -> Postings:
    """Each term with how often it stands in which passage."""
    entries = [(n, id_, count) for n, held in enumerate(terms.values()) for id_, count in held.items()]
    term, rowids, counts = (np.array(column, dtype=np.int64) for column in zip(*entries, strict=True))
    return Postings({term: len(held) for term, held in terms.items()}, tuple(terms), term, rowids, counts)


def test_bm25_by_hand() -> None:
    six = layout(0, 0, 0, 1, 1, 1, lengths=[5, 10, 5, 5, 5, 6])  # 6 on average
    places, scores = bm25(placed(postings(cat={20: 2}, dog={20: 1, 60: 1}), six))
    cat, dog = math.log(5.5 / 1.5), math.log(4.5 / 2.5)
    long = 0.6 * (0.25 + 0.75 * 10 / 6)
    assert places.tolist() == [1, 5]
    assert scores.tolist() == pytest.approx([cat * 3.2 / (2 + long) + dog * 1.6 / (1 + long), dog])


def test_a_passage_that_went_meanwhile_is_left_out() -> None:
    places, scores = bm25(placed(postings(cat={15: 1, 20: 1, 99: 1}), layout(0, 0)))
    assert places.tolist() == [1] and scores.shape == (1,)


def test_a_document_is_about_what_much_of_it_says() -> None:
    two = layout(0, 0, 0, 0, 1)
    shares = document_shares(placed(postings(cat={10: 1, 20: 3}), two))
    assert shares.tolist() == pytest.approx([0.5 * 1.2 / 0.7, 0.0])
    everywhere = document_shares(placed(postings(cat={10: 1, 20: 1, 30: 1, 40: 1}), two))
    assert everywhere.tolist() == pytest.approx([1.0, 0.0])


def test_a_word_of_few_documents_weighs_more() -> None:
    three = layout(0, 1, 2)
    rare, common = math.log1p(2.5 / 1.5), math.log1p(1.5 / 2.5)
    shares = document_shares(placed(postings(rare={10: 1}, common={20: 1, 30: 1}), three))
    assert shares.tolist() == pytest.approx([rare / (rare + common)] + [common / (rare + common)] * 2)


def test_nothing_found_is_nothing() -> None:
    none = np.empty(0, dtype=np.int64)
    empty = Postings({"cat": 0}, (), none, none, none)
    for there in (layout(), layout(0, 1)):
        assert [part.size for part in bm25(placed(empty, there))] == [0, 0]
        assert document_shares(placed(empty, there)).tolist() == [0.0] * len(there.entries)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 20))
def test_highest_are_the_first_of_a_stable_sort(values: list[int], limit: int) -> None:
    scores = np.array(values, dtype=np.float64)
    assert top_indices(scores, limit).tolist() == np.argsort(-scores, kind="stable")[:limit].tolist()


def test_scores_are_made_comparable() -> None:
    raised = floor_group_means(np.array([4.0, 2.0, 0.0, 2.0]), np.array([0, 0, 1, 2]))
    assert raised.tolist() == [2.0, 0.0, 0.0, 0.0]
    assert reciprocal_ranks(np.array([0.1, 0.9])).tolist() == [1 / 62, 1 / 61]


def test_letters_and_digits_of_a_name_count() -> None:
    """A query for "3M 2018" once did not name 3M's filing of 2018, nor one for Q2 the second quarter's."""
    docs = ["3M_2018_10K.pdf", "3M_2019_10K.pdf", "3M_2019Q2_10Q.pdf"]
    entries = [DocumentEntry(n, doc, "", "application/pdf") for n, doc in enumerate(docs)]
    for query, first in [("3M 2018", 0), ("3M FY19 annual report", 1), ("3M, second quarter: Q2 2019", 2)]:
        asked = query_terms(query)
        shares = named(entries, set(asked), dict.fromkeys(asked, 1.0))
        assert shares.index(max(shares)) == first, query


def test_a_name_is_two_words_at_least() -> None:
    entries = [
        DocumentEntry(n, doc, title, "text/plain")
        for n, (doc, title) in enumerate(
            [("acme_2019.txt", ""), ("acme_2018.txt", ""), ("force.md", "Force")]
        )
    ]
    weights = rarities({"acme": 1, "2019": 1, "force": 1}, 100)
    both, one, _ = named(entries, {"acme", "2019", "force"}, weights)
    assert both == pytest.approx((2 / 3) ** 2) and one == 0.0
    assert named(entries, {"force"}, weights) == [0.0, 0.0, 0.0]
