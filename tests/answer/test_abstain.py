"""A question is refused when nothing stands out, with a reason that a person can check."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.answer.abstain import (
    SIGNALS,
    SIGNALS_OF,
    Calibration,
    Decision,
    Fitted,
    fitted,
    found_nothing,
    judge,
    missing_words,
    said_by,
    signals,
    situation_of,
)
from rag.interfaces import Vectors
from rag.records import READER_SIGNAL, Evidence, Hit, Passage


def make_hit(text: str, rowid: int, dense: float) -> Hit:
    passage = Passage(f"p{rowid}", 0, text, 0, len(text), 9, "0" * 32)
    return Hit(rowid, passage, rowid, f"d{rowid}.md", "T", dense, {"dense": dense})


@dataclass(frozen=True)
class Read:
    """How near the best quote is, and what of the question's tokens each read quote holds."""

    similarity: float = 0.0
    matches: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    markers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    evidence: tuple[Evidence, ...] = ()


def reading(similarity: float, matches: dict[int, list[list[float]]]) -> Read:
    """`matches` has the rows of each passage's quotes by its marker."""
    rows = [row for quotes in matches.values() for row in quotes]
    return Read(
        similarity,
        np.array(rows, np.float32),
        np.array([marker for marker, quotes in matches.items() for _ in quotes]),
    )


QUESTION = "How high is the travel allowance?"
CLEAR = [
    make_hit("The travel allowance is 45 euros high.", 1, 0.92),
    *[make_hit(f"Tea number {i} is green.", i, 0.78) for i in range(2, 12)],
]
CLEAR_READ = reading(0.92, {1: [[0.91, 1.0, 0.94]], 2: [[0.7, 0.75, 0.7], [0.75, 0.7, 0.7]]})
CROWDED = [make_hit(f"Trips to {place} are fine.", i, 0.80) for i, place in enumerate("ABCDEFGHIJK")]
CROWDED_READ = reading(0.8, {1: [[0.7, 0.75, 0.72]], 2: [[0.7, 0.75, 0.7]]})


def test_a_passage_that_stands_out_is_answered() -> None:
    judgement = judge(QUESTION, CLEAR, CLEAR_READ)
    assert not judgement.abstain
    assert judgement.confidence > 0.9
    assert judgement.reason == ""


def test_equally_near_passages_are_refused_with_what_they_lack() -> None:
    judgement = judge(QUESTION, CROWDED, CROWDED_READ)
    assert judgement.abstain
    assert judgement.reason == (
        "Not in your documents: the nearest passages do not mention “travel”, “allowance”."
    )


def test_no_word_is_missed_in_texts_of_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    strict = replace(fitted(), threshold=1.0)
    monkeypatch.setattr("rag.answer.abstain.fitted", lambda: strict)
    judgement = judge("Wie viel Tagegeld gibt es bei einer Reise?", CROWDED, CROWDED_READ)
    assert judgement.abstain
    assert "mention" not in judgement.reason


def test_a_question_without_words_is_none() -> None:
    assert judge("?", CLEAR, CLEAR_READ).reason == "There is no question to answer: it has no words."


def test_a_code_that_no_document_holds_decides() -> None:
    judgement = judge("What does E41 mean?", CLEAR, CLEAR_READ, nowhere=["E41"])
    assert judgement.abstain
    assert judgement.reason == "Not in your documents: none of them mentions “E41”."


def test_names_and_headings_say_something_too() -> None:
    hit = make_hit("It was signed by Imogen Tarrant.", 1, 0.9)
    named = replace(hit, doc="contracts/NDA Orrery.md", title="Agreement")
    assert missing_words("Who signed the NDA agreement?", [said_by(named)]) == ()


def test_a_word_inside_another_is_mentioned() -> None:
    assert missing_words("Which SQL and which Urlaub?", ["SQLite at work.", "Die Urlaubstage."]) == ()


def test_words_that_ask_for_a_task_are_no_subject() -> None:
    assert missing_words("Please summarise the latest report in short", ["Tea is green."]) == ()
    assert missing_words("Bitte fasse das Dokument kurz zusammen", ["Tea is green."]) == ()


def test_nothing_found_is_refused() -> None:
    judgement = judge(QUESTION, [], Read())
    assert judgement.abstain
    assert judgement.confidence == 0.0


def test_signals_have_the_values_their_definitions_give() -> None:
    values = signals(CLEAR, CLEAR_READ)
    assert tuple(values) == SIGNALS
    assert values["quote_similarity"] == 0.92
    assert values["dense_margin"] == pytest.approx(0.14)
    assert values["dense_rise"] == pytest.approx(0.92 - (0.92 + 10 * 0.78) / 11)
    assert values["quote_match"] == pytest.approx(0.95)
    assert values["unmatched"] == 0.0
    rarity = 1 - np.mean([[0.91, 1.0, 0.94], [0.7, 0.75, 0.7], [0.75, 0.7, 0.7]], axis=0)
    assert values["rare_match"] == pytest.approx(float(rarity @ [0.91, 1.0, 0.94] / rarity.sum()))


def test_a_passages_quotes_match_together() -> None:
    """The subject stands in one sentence, what is asked in the next."""
    read = reading(0.92, {1: [[1.0, 0.7], [0.7, 1.0]], 2: [[0.95, 0.7]]})
    values = signals(CLEAR, read)
    assert values["unmatched"] == 0.0
    assert values["quote_match"] == pytest.approx(0.85)


@pytest.mark.parametrize(("threshold", "abstains"), [(0.51, True), (0.5, False)])
def test_the_threshold_is_the_fitted_one(
    monkeypatch: pytest.MonkeyPatch, threshold: float, abstains: bool
) -> None:
    calibrations = dict.fromkeys(SIGNALS_OF, Calibration(dict.fromkeys(SIGNALS, 0.0), 0.0))
    changed = Fitted(threshold, calibrations, fitted().second_opinion)
    monkeypatch.setattr("rag.answer.abstain.fitted", lambda: changed)
    assert judge(QUESTION, CLEAR, CLEAR_READ).abstain is abstains


def judged(confidence: float) -> Decision:
    abstains = confidence < fitted().threshold
    return Decision(abstains, "Not in your documents." if abstains else "", confidence)


def test_a_model_that_has_read_the_passages_decides_where_the_search_doubts() -> None:
    threshold = fitted().threshold
    refused, answered = judged(threshold - 0.02), judged(threshold + 0.02)
    assert refused.doubtful
    assert answered.doubtful
    assert refused.after(0.99, "m") == Decision(False, "", refused.confidence)
    assert refused.after(0.01, "m") == refused
    assert answered.after(0.99, "m") == answered
    assert answered.after(0.01, "m") == Decision(True, found_nothing("m"), answered.confidence)


@pytest.mark.parametrize("confidence", [0.0, 1e-4, 0.9999, 1.0])
def test_where_the_search_is_sure_no_model_is_asked(confidence: float) -> None:
    assert not judged(confidence).doubtful


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_not_doubtful_no_leaning_changes(confidence: float, leaning: float) -> None:
    judgement = judged(confidence)
    if not judgement.doubtful:
        assert judgement.after(leaning, "m").abstain == judgement.after(0.5, "m").abstain


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_more_a_model_leans_to_yes_the_more_is_answered(
    confidence: float, less: float, more: float
) -> None:
    less, more = sorted((less, more))
    assert judged(confidence).after(more, "m").abstain <= judged(confidence).after(less, "m").abstain


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("How long is the tower?", ("tower",)),
        ("Wie lange dauert der Umzug?", ("dauert", "Umzug")),
        ("Is a long tower there?", ("long", "tower")),
    ],
)
def test_a_measure_that_is_asked_for_is_not_missed(question: str, missing: tuple[str, ...]) -> None:
    assert missing_words(question, ["Parking is free."]) == missing


def test_inflected_words_are_not_missing() -> None:
    assert missing_words("Which employees approved Atlas?", ["The employee will approve it."]) == ("Atlas",)


def test_the_fitted_model_names_every_signal() -> None:
    assert {name: set(one.weights) for name, one in fitted().calibrations.items()} == {
        name: set(signals) for name, signals in SIGNALS_OF.items()
    }
    assert 0 < fitted().threshold < 0.5


def test_what_the_reader_found_decides_where_it_has_read() -> None:
    """The same passages, which it finds to answer or not: the surer it is, the surer is the answer."""

    def confidence(logit: float) -> float:
        read = [replace(hit, signals=hit.signals | {READER_SIGNAL: logit}) for hit in CLEAR]
        return judge(QUESTION, read, CLEAR_READ).confidence

    assert confidence(-4.0) < confidence(0.0) < confidence(4.0)
    assert signals(CLEAR, CLEAR_READ).keys() == set(SIGNALS)


@pytest.mark.parametrize(
    ("question", "values", "situation"),
    [
        ("How long is the notice period?", {}, "compared"),
        ("How long is the notice period?", {READER_SIGNAL: 1.0}, "read"),
        ("Wie lang ist die Kündigungsfrist?", {}, "translated"),
    ],
)
def test_each_situation_has_a_calibration_of_its_own(
    question: str, values: dict[str, float], situation: str
) -> None:
    texts = ["The notice period of an employee is three months."]
    assert situation_of(question, texts, values) == situation


def test_an_answer_across_languages_says_that_it_was_not_judged() -> None:
    alike = [make_hit("The notice period is three months.", i, 0.8) for i in range(2)]
    found = judge("Wie lang ist die Kündigungsfrist?", alike, reading(0.92, {1: [[0.91, 0.85, 0.85]]}))
    assert (found.abstain, found.across_languages) == (False, True)
    assert not judge(QUESTION, CLEAR, CLEAR_READ).across_languages


scored = st.tuples(st.text(max_size=30), st.floats(-1, 1))
matched = st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), max_size=6)


@given(st.lists(scored, max_size=8), st.text(max_size=40), matched)
def test_any_search_gives_a_probability(
    found: list[tuple[str, float]], question: str, matches: list[list[float]]
) -> None:
    hits = [make_hit(text, i, dense) for i, (text, dense) in enumerate(found)]
    read = Read(0.0, np.array(matches, np.float32), np.arange(len(matches)) % 2)
    judgement = judge(question, hits, read)
    assert 0.0 <= judgement.confidence <= 1.0
    assert judgement.abstain == bool(judgement.reason)
