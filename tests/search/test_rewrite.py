"""Follow-ups become questions that stand alone; questions that stand alone are left as they are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.records import Message
from rag.search.rewrite import condense
from rag.text.words import words


def asked(*questions: str) -> list[Message]:
    turns: list[Message] = []
    for question in questions:
        turns += [Message("user", question), Message("assistant", "An answer [1].")]
    return turns


@pytest.mark.parametrize(
    ("earlier", "question", "query"),
    [
        ("What was Apple's revenue in 2022?", "And in 2023?", "What was Apple's revenue in 2023?"),
        ("What was the revenue?", "And in 2023?", "What was the revenue 2023?"),
        ("What is the allowance in Germany?", "What about France?", "What is the allowance in France?"),
        ("Quel est le prix du modèle A ?", "Et pour le modèle B ?", "Quel est le prix du modèle B?"),
        ("What is the travel allowance?", "Why?", "Why? What is the travel allowance?"),
        ("Who is Maria Keller?", "When did she join?", "When did she join (Maria Keller)?"),
        ("What is the notice period?", "How long is it?", "How long is it (notice period)?"),
        ("Wann wurde die Firma gegründet?", "Wer hat sie gegründet?", "Wer hat sie gegründet (Firma)?"),
        ("What changed between 2021 and 2022?", "And in 2023?", "What changed between 2021 and 2022, 2023?"),
        (
            "What is the price of model A?",
            "And for cheap model B?",
            "What is the price of model A, cheap model B?",
        ),
        ("What is the radar sensor?", "How much does it cost?", "How much does it cost (radar sensor)?"),
        ("What is the notice?", "WHO DECIDES IT?", "WHO DECIDES IT (notice)?"),
        ("北京办公室的租金是多少？", "上海呢？", "北京办公室的租金是多少, 上海?"),
    ],
)
def test_a_follow_up_stands_alone(earlier: str, question: str, query: str) -> None:
    assert condense(question, asked(earlier)) == (query, True)


@pytest.mark.parametrize(
    "question",
    [
        "How much does the Atlas drill cost?",
        "Is there a cafeteria?",
        "Which documents does Anna keep in her drawer?",
        "Gibt es eine Kantine?",
        "Is it possible to work from home?",
        "How long does it take an expert to calibrate every sensor?",
        "What does it cost to rent a tent for a week?",
        "What is it called when a wheel slips?",
        "In what area is it common for owls to nest?",
        "What makes it hard to find new objects?",
        "Who leads the IT department?",
        "Which suites does the Grand Hotel have and what does it charge?",
        "Y-axis labels: which font?",
        "Or: how does the gate look?",
        "AND gates: how many inputs?",
    ],
)
def test_a_question_that_stands_alone_is_left(question: str) -> None:
    assert condense(question, asked("What was Apple's revenue in 2022?")) == (question, False)


def test_follow_ups_chain() -> None:
    history = asked("What was Apple's revenue in 2022?", "And in 2023?")
    assert condense("And in 2024?", history) == ("What was Apple's revenue in 2024?", True)


@given(st.text(max_size=60))
def test_without_history_nothing_changes(question: str) -> None:
    assert condense(question, []) == (question.strip(), False)


OPENERS = ["And", "But", "What about", "So", "Y", "Und"]
SAID = ["in", "for", "the", "model", "B", "2023", "2024", "Oslo", "her", "it", "IT", "price", "cheap", "why"]


@example(opener="And", said=["for", "cheap", "model", "B"], earlier="What is the price of model A")
@given(
    opener=st.sampled_from(["", *OPENERS]),
    said=st.lists(st.sampled_from(SAID), min_size=1, max_size=6),
    earlier=st.lists(st.sampled_from(SAID), min_size=1, max_size=6).map(" ".join),
)
def test_any_follow_up_gives_a_query_that_keeps_its_words(opener: str, said: list[str], earlier: str) -> None:
    """What stood before a word that both questions share was lost."""
    query, _ = condense(f"{opener} {' '.join(said)}?", asked(f"{earlier}?"))
    asked_for = {word.casefold() for word in said} - {"in", "for", "the", "her", "it"}
    assert asked_for <= set(words(query))


def test_a_model_rewrites_only_what_leans_and_only_faithfully() -> None:
    calls: list[str] = []

    def rewrite(question: str, history: Sequence[Message]) -> str:
        calls.append(question)
        return "When did Maria Keller join?"

    history = asked("Who is Maria Keller?")
    assert condense("Where is Oslo?", history, rewrite=rewrite) == ("Where is Oslo?", False)
    assert condense("When did she join?", history, rewrite=rewrite) == ("When did Maria Keller join?", True)
    assert calls == ["When did she join?"]


def test_a_rewriting_that_adds_matter_is_not_taken() -> None:
    history = asked("Who is Maria Keller?")
    query, _ = condense(
        "When did she join?", history, rewrite=lambda *_: "When did Maria marry Prince Albert?"
    )
    assert query == "When did she join (Maria Keller)?"
