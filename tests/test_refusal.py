"""A question is refused when nothing stands out, with a reason that a person can check."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.records import Evidence, Hit, Passage
from rag.refusal import SIGNALS, Calibration, default_calibration, judge, missing_words, signals


def make_hit(text: str, rowid: int, dense: float, keyword: float) -> Hit:
    passage = Passage(f"p{rowid}", 0, text, 0, len(text), 9, "0" * 32)
    return Hit(rowid, passage, rowid, f"d{rowid}.md", "T", dense, {"dense": dense, "keyword": keyword})


def quotes(hits: list[Hit], *scores: float) -> list[Evidence]:
    return [Evidence(hits[0], 1, hits[0].passage.text, 0, 1, score) for score in scores]


QUESTION = "How high is the travel allowance?"
CLEAR = [
    make_hit("The travel allowance is 45 euros high.", 1, 0.92, 12.0),
    *[make_hit(f"Tea number {i} is green.", i, 0.78, 1.0) for i in range(2, 12)],
]
CROWDED = [make_hit(f"Trips to {place} are fine.", i, 0.80, 2.0) for i, place in enumerate("ABCDEFGHIJK")]


def test_a_passage_that_stands_out_is_answered() -> None:
    judgement = judge(QUESTION, CLEAR, quotes(CLEAR, 30.0, 25.0, 22.0))
    assert not judgement.abstain
    assert judgement.confidence > 0.9
    assert judgement.reason == ""


def test_equally_near_passages_are_refused_with_what_they_lack() -> None:
    judgement = judge(QUESTION, CROWDED, quotes(CROWDED, 22.0, 22.0, 22.0))
    assert judgement.abstain
    assert judgement.missing == ("high", "travel", "allowance")
    assert judgement.reason == (
        "Not in your documents: the nearest passages do not mention “high”, “travel”, “allowance”."
    )
    assert [hit.rowid for hit in judgement.nearest] == [0, 1, 2]


def test_nothing_found_is_refused() -> None:
    judgement = judge(QUESTION, [], [])
    assert judgement.abstain
    assert judgement.confidence == 0.0


def test_signals_have_the_values_their_definitions_give() -> None:
    values = signals(QUESTION, CLEAR, quotes(CLEAR, 30.0, 25.0, 22.0))
    assert tuple(values) == SIGNALS
    assert values["quote_lead"] == 8.0
    assert values["dense_top"] == 0.92
    assert values["dense_margin"] == pytest.approx(0.14)
    assert values["dense_rise"] == pytest.approx(0.92 - (0.92 + 10 * 0.78) / 11)
    # One of eleven stands apart: its standardised score is sqrt(10), the others' -1/sqrt(10).
    assert values["margin"] == pytest.approx(1.6 * (math.sqrt(10) + 1 / math.sqrt(10)))


def test_the_threshold_is_the_calibrations() -> None:
    evidence = quotes(CLEAR, 30.0, 25.0, 22.0)
    weights = dict.fromkeys(SIGNALS, 0.0)
    assert judge(QUESTION, CLEAR, evidence, calibration=Calibration(weights, 0.0, 0.51)).abstain
    assert not judge(QUESTION, CLEAR, evidence, calibration=Calibration(weights, 0.0, 0.5)).abstain


def test_inflected_words_are_not_missing() -> None:
    assert missing_words("Which employees approved Atlas?", ["The employee will approve it."]) == ("Atlas",)


def test_the_fitted_model_names_every_signal() -> None:
    calibration = default_calibration()
    assert set(calibration.weights) == set(SIGNALS)
    assert 0 < calibration.threshold < 0.5


scored = st.tuples(st.text(max_size=30), st.floats(-1, 1), st.floats(0, 50))


@given(st.lists(scored, max_size=8), st.text(max_size=40))
def test_any_search_gives_a_probability(found: list[tuple[str, float, float]], question: str) -> None:
    hits = [make_hit(text, i, dense, keyword) for i, (text, dense, keyword) in enumerate(found)]
    judgement = judge(question, hits, [])
    assert 0.0 <= judgement.confidence <= 1.0
    assert judgement.abstain == bool(judgement.reason)
