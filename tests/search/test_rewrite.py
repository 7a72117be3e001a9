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
        turns += [Message("user", question), Message("assistant", "It is so [1].")]
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
        (
            "How many days of leave are there?",
            "Can I carry them over?",
            "Can I carry them over (days leave)?",
        ),
        ("What is the travel allowance?", "Who looks after it?", "Who looks after it (travel allowance)?"),
        (
            "Which gate fits?",
            "What is the longest cable it takes?",
            "What is the longest cable it takes (gate fits)?",
        ),
        ("What does a cell cost?", "Do I pay for transport too?", "Do I pay for transport too (cell cost)?"),
        (
            "What does a cell cost?",
            "What forms do I need for that?",
            "What forms do I need for that (cell cost)?",
        ),
        ("What does the RX-40 weigh?", "and the RX-55?", "What does the RX-55 weigh?"),
        ("What does the RX-40 weigh?", "And for the RX-55?", "What does the RX-55 weigh?"),
        ("What does the RX-40 weigh?", "RX-55?", "What does the RX-55 weigh?"),
        ("Does Anna pay for the RX-40?", "And the RX-55?", "Does Anna pay for the RX-55?"),
        ("Who approves 1,200 dollars?", "And 9,000 dollars?", "Who approves 9,000 dollars?"),
        (
            "Who approves 1,200 dollars?",
            "When does she do so?",
            "When does she do so (approves 1,200 dollars)?",
        ),
        ("Does 6/2 of B&C apply?", "Who wrote it?", "Who wrote it (6/2 B&C apply)?"),
        ("What is the travel allowance?", "Thanks, and in Oslo?", "What is the travel allowance, Oslo?"),
        ("What is the travel allowance?", "Tell me more", "What is the travel allowance?"),
        ("What is the travel allowance?", "Yes, please.", "What is the travel allowance?"),
        ("How high is bill B-77?", "Who is the supplier?", "Who is the supplier (bill B-77)?"),
        ("Wie hoch ist die Miete in Graz?", "Und in Linz?", "Wie hoch ist die Miete in Linz?"),
        ("Was kostet das Lager?", "Gilt das auch für Firmen?", "Gilt das auch für Firmen (kostet Lager)?"),
        ("Was kostet das Lager?", "Erzähl mir mehr", "Was kostet das Lager?"),
        ("Où est le dépôt ?", "Quel est son numéro ?", "Quel est son numéro (dépôt)?"),
        ("Quel est le prix à Lille ?", "Et à Brest ?", "Quel est le prix à Brest?"),
        ("¿Cuánto cuesta en Vigo?", "¿Y en León?", "¿Cuánto cuesta en León?"),
        ("¿Dónde está el almacén?", "¿Cuál es su número?", "¿Cuál es su número (almacén)?"),
        ("泵的价格是多少？", "为什么？", "为什么? 泵的价格是多少？"),
        ("泵的价格是多少？", "它多重？", "它多重 (泵的价格)?"),
        ("账单B-77的总额是多少？", "客户是谁？", "客户是谁 (B-77)?"),
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
        "What do new employees get when they start?",
        "Do trainees get their own keys?",
        "How many weeks of leave does this year have?",
        "What is the deposit for the garage?",
        "Können Sie mir sagen, wann die Kantine öffnet?",
        "Wo hat Anna ihre Schlüssel?",
        "Faut-il un badge ?",
        "¿Dónde está la oficina?",
        "还剩多少其他设备",
    ],
)
def test_a_question_that_stands_alone_is_left(question: str) -> None:
    assert condense(question, asked("What was Apple's revenue in 2022?")) == (question, False)


@pytest.mark.parametrize(
    ("answer", "question", "query"),
    [
        ("Ines Faure does.", "What is her number?", "What is her number (signs Ines Faure)?"),
        ("Order the RX-55 [2].", "What does that one cost?", "What does that one cost (signs Order RX-55)?"),
        ("Twelve geese.", "Who feeds them?", "Who feeds them (signs Twelve geese)?"),
        (
            "Whoever is in the office by seven in the morning on a working day signs for a parcel; "
            "before seven that is the [caretaker](https://x.test/a) **Pio Lund**, and nobody else may.",
            "Where does he live?",
            "Where does he live (signs Pio Lund)?",
        ),
    ],
    ids=["a name", "a code", "a short answer", "the names of a long one"],
)
def test_what_the_last_answer_brought_up_is_searched_for(answer: str, question: str, query: str) -> None:
    """Only the last question counted: whom it was answered with was lost."""
    history = [Message("user", "Who signs?"), Message("assistant", answer)]
    assert condense(question, history) == (query, True)


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
