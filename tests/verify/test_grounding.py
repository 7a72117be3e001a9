"""Answers are held against their passages: markers, facts, negations, wording, exact quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.interfaces import Embedder
from rag.records import Hit, Passage
from rag.text.facts import facts
from rag.text.facts.match import holds
from rag.text.markers import without_half_marker, without_markers
from rag.verify.grounding import ground
from rag.verify.negation import contradictions

LEAVE = (
    "Employees receive 30 days of paid leave a year. Unused leave is not paid out. "
    "Maria Keller approved the rule on 5 March 2024."
)
TRAVEL = "The daily travel allowance is 45 euros. Flights under 600 km must not be booked."


def make_hit(text: str, marker: int = 1, *, title: str = "Handbook") -> Hit:
    passage = Passage(
        id=f"p{marker}",
        ordinal=0,
        text=text,
        start=1000 * marker,
        end=1000 * marker + len(text),
        token_count=9,
        content_hash="0" * 32,
    )
    return Hit(marker, passage, marker, f"doc{marker}.md", title, 1.0)


HITS = {1: make_hit(LEAVE, 1), 2: make_hit(TRAVEL, 2)}


def support(text: str, hits: dict[int, Hit] | None = None) -> list[str]:
    return [sentence.supported for sentence in ground(text, HITS if hits is None else hits).sentences]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Employees receive 30 days of paid leave [1].", "true", id="true"),
        pytest.param("Employees receive 35 days of paid leave [1].", "false", id="number"),
        pytest.param("Employees receive 30 weeks of paid leave [1].", "false", id="unit"),
        pytest.param("Employees get thirty days of paid leave per year. [1]", "true", id="spelled"),
        pytest.param("Unused leave is paid out [1].", "false", id="negation dropped"),
        pytest.param("Unused leave isn't paid out [1].", "true", id="negation contracted"),
        pytest.param("Employees do not receive 30 days of paid leave [1].", "false", id="negation added"),
        pytest.param("Maria Keller approved the rule on March 5, 2024 [1].", "true", id="date order"),
        pytest.param("Maria Keller approved the rule on 2024-03-05 [1].", "true", id="date iso"),
        pytest.param("Maria Keller approved the rule on 5 April 2024 [1].", "false", id="date"),
        pytest.param("Peter Keller approved the rule on 5 March 2024 [1].", "partly", id="name"),
        pytest.param("Employees receive 30 days of paid leave [2].", "false", id="citation"),
        pytest.param("The moon is made of green cheese [1].", "false", id="made up"),
        pytest.param("Flights under 600 km must be booked [2].", "false", id="must not"),
        pytest.param('The rule says "unused leave is paid" [1].', "false", id="quotation"),
        pytest.param('The rule says "Unused leave is not paid out" [1].', "true", id="exact quotation"),
    ],
)
def test_verdict(text: str, expected: str) -> None:
    assert support(text) == [expected]


def test_a_problem_names_what_is_missing_and_who_has_it() -> None:
    (sentence,) = ground("The daily travel allowance is 45 euros [1].", HITS).sentences
    assert sentence.supported == "false"
    assert sentence.problems == ("45 is not in [1]", "[2] says it")


def test_a_number_swapped_for_another_of_the_passage_is_found() -> None:
    hits = {1: make_hit("The basic plan costs 12 euros a month. The team plan costs 49 euros a month.")}
    assert support("The basic plan costs 12 euros a month [1].", hits) == ["true"]
    assert support("The basic plan costs 49 euros a month [1].", hits) == ["false"]


def test_a_number_may_stand_in_a_sentence_that_says_who_by_a_pronoun() -> None:
    hits = {1: make_hit("Maria Keller founded the firm in 1998. She led it until 2015.")}
    assert support("Maria Keller led the firm until 2015 [1].", hits) == ["true"]


def test_markers_that_point_nowhere_are_removed_and_counted() -> None:
    grounded = ground("Leave is 30 days of paid leave a year [7]. Unused leave is not paid out [1, 9].", HITS)
    assert grounded.removed_markers == 2
    assert "[7]" not in grounded.text
    assert "[9]" not in grounded.text
    assert grounded.sentences[1].markers == (1,)


def test_a_sentence_without_a_marker_gets_the_passage_that_supports_it() -> None:
    grounded = ground("The daily travel allowance is 45 euros.", HITS)
    assert grounded.text == "The daily travel allowance is 45 euros. [2]"
    (sentence,) = grounded.sentences
    assert (sentence.markers, sentence.supported) == ((2,), "true")
    assert grounded.text[sentence.start : sentence.end] == grounded.text


def test_an_unsupported_sentence_without_a_marker_stays_and_says_so() -> None:
    grounded = ground("Dogs may sleep under every desk.", HITS)
    assert grounded.text == "Dogs may sleep under every desk."
    assert grounded.sentences[0].supported == "false"
    assert grounded.sentences[0].problems == ("no passage supports this",)
    assert grounded.citations == ()


@pytest.mark.parametrize(
    ("text", "markers"),
    [
        ("Unused leave is not paid out. [1] The allowance is 45 euros. [2]", [(1,), (2,)]),
        ("Unused leave is not paid out [1]. The allowance is 45 euros [2].", [(1,), (2,)]),
        ("Unused leave is not paid out.[1] The allowance is 45 euros.[2]", [(1,), (2,)]),
        ("[1] Unused leave is not paid out. [2] The allowance is 45 euros.", [(1,), (2,)]),
        ("- [1] Unused leave is not paid out.\n- [2] The allowance is 45 euros.", [(1,), (2,)]),
        ("Leave is 30 days [1] and the allowance is 45 euros [2].", [(1, 2)]),
        ("Leave is 30 days and the allowance 45 euros [1][2].", [(1, 2)]),
        ("Leave is 30 days and the allowance 45 euros [1, 2].", [(1, 2)]),
    ],
)
def test_markers_belong_to_their_sentence(text: str, markers: list[tuple[int, ...]]) -> None:
    grounded = ground(text, HITS)
    assert [sentence.markers for sentence in grounded.sentences] == markers
    for sentence in grounded.sentences:
        piece = grounded.text[sentence.start : sentence.end]
        assert all(f"[{marker}]" in piece for marker in sentence.markers)


def test_a_citation_quotes_the_source_sentence_with_document_offsets() -> None:
    (citation,) = ground("Unused leave is not paid out [1].", HITS).citations
    assert citation.quote == "Unused leave is not paid out."
    assert LEAVE[citation.start - 1000 : citation.end - 1000] == citation.quote
    assert (citation.doc, citation.passage_id, citation.supported) == ("doc1.md", "p1", "true")


def test_a_lead_in_states_nothing() -> None:
    grounded = ground("Here is what I found:\n- Unused leave is not paid out [1].", HITS)
    assert [(s.supported, s.problems) for s in grounded.sentences] == [("true", ()), ("true", ())]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is 5 [", "It is 5"),
        ("It is 5 [12", "It is 5"),
        ("It is [1]", "It is [1]"),
        ("a[0", "a"),
        ("It is 5 [Passage 1", "It is 5"),
        ("It is 5 [1-", "It is 5"),
        ("", ""),
    ],
)
def test_a_half_written_marker_is_hidden(text: str, shown: str) -> None:
    assert without_half_marker(text) == shown


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("1.5 million euros", "Es wurden 1.500.000 € bezahlt"),
        ("1,5 Mio. Euro", "1.5 million euros were paid"),
        ("1.500,00 €", "a fee of 1,500 euros"),
        ("1500", "1 500 seats"),
        ("FY19 sales", "in fiscal year 2019 sales"),
        ("5 March 2024", "am 5. März 2024"),
        ("March 2024", "am 5. März 2024"),
        ("2024年3月5日", "on 5 March 2024"),
        ("about 1.5 million", "exactly 1,512,300"),
        ("15,000 staff", "公司有1.5万名员工"),
        ("5 pm", "opens at 17:00"),
        ("$1,234 million", "(in millions) revenue 1,234"),
        ("twenty-five people", "25 people"),
        ("٢٥ people", "25 people"),
        ("by Kölner", "in Köln"),
        ("the WHO", "the World Health Organization"),
        ("part ISO-27001", "certified to ISO 27001"),
        ("12%", "12 percent"),
        ("EUR 45 a day", "45 euros per day"),
        ("45 euros per day", "EUR 45 a day"),
        ("in 2024 EUR 1,130", "2024: €1,130 a head"),
        ("3-month", "three months"),
        ("three months", "a 3-month period"),
        ("a 30-day limit", "30 days"),
        ("2nd floor", "second floor"),
        ("one million", "1 million"),
        ("one hundred and twenty people", "120 people"),
        ("1.2k", "1,200"),
        ("fünfundzwanzig Tage", "25 Tage"),
        ("四十七名员工", "公司有47名员工"),
        ("三个月", "期限为3个月"),
        ("in June", "on 5 June 2024"),
        ("6 degrees", "6 °C"),
        ("a loss of 5 million", "result: -5 million"),
        ("version v3.4.2", "firmware 3.4.2"),
        ("TF-40s", "the TF 40"),
        ("No. 12", "room 12"),
        ("drei am Standort", "3 am Standort"),
        ("von den Gesamtkosten", "alle Kosten"),
    ],
)
def test_a_fact_is_found_in_another_form(claim: str, source: str) -> None:
    held = facts(source)
    claimed = facts(claim)
    assert claimed
    assert [f.text for f in claimed if f.weight != "held" and not holds(source, held, f)] == []


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("1.5 million", "1.5 billion"),
        ("30 weeks", "30 days"),
        ("5 March 2024", "5 April 2024"),
        ("5 March 2023", "5 March 2024"),
        ("9 pm", "9 am"),
        ("version 3.11.2", "version 3.11.3"),
        ("15%", "15 days"),
        ("says Anna", "says Anne"),
        ("about 2 million", "1,512,300"),
        ("三年", "两年"),
        ("in June", "in July"),
        ("Since March", "since April"),
        ("im Juni", "im Juli"),
        ("en juin", "en juillet"),
        ("三月", "四月"),
        ("June 2023", "in June"),
        ("TF4", "TF40"),
        ("TF40", "TF4"),
        ("1.2.3", "1.2.30"),
        ("says Niger", "says Nigeria"),
        ("says Johnson", "says Johnston"),
        ("says Bergen", "says Berger"),
        ("30 volts", "30 amps"),
        ("the 3rd floor", "the second floor"),
        ("5 °C", "-5 °C"),
        ("−5 °C", "5 °C"),
        ("$12 million", "$12"),
    ],
)
def test_another_fact_is_not_taken_for_it(claim: str, source: str) -> None:
    held = facts(source)
    assert [fact for fact in facts(claim) if not holds(source, held, fact)]


@pytest.mark.parametrize(
    ("claim", "source", "opposed"),
    [
        ("The fee is refundable.", "The fee is not refundable.", True),
        ("The fee is not refundable.", "The fee is refundable.", True),
        ("The fee is not refundable.", "The fee is non-refundable.", False),
        ("It is not available.", "It is unavailable.", False),
        ("No employee may park here.", "Employees may not park here.", False),
        ("Prices rise in May.", "Prices fall in May.", True),
        ("Das Büro ist geöffnet.", "Das Büro ist nicht geöffnet.", True),
        ("Le bureau est ouvert.", "Le bureau n'est pas ouvert.", True),
        ("办公室开放。", "办公室不开放。", True),
        ("办公室不开放。", "办公室不开放。", False),
        ("You may not smoke but may park here.", "You may smoke but may not park here.", True),
        ("Man darf nicht rauchen, aber parken.", "Man darf rauchen, aber nicht parken.", True),
        ("Keep calm, and it was not the pump.", "It was not the pump, and keep calm.", False),
        ("Take no more than two.", "Take at most two.", False),
        ("Room No. 12 is open.", "Room 12 is open.", False),
        ("Fill up the tank and write down the hours.", "Fill the tank up; write the hours down.", False),
        ("Clean up the room.", "Tidy the room and write down the hours.", False),
        ("Some members vote.", "All members vote.", True),
        ("The employee pays.", "The employer pays.", True),
        ("One is sometimes full, one always.", "One is always full, one always.", True),
    ],
)
def test_contradictions(claim: str, source: str, opposed: bool) -> None:
    assert bool(contradictions(claim, source, source)) == opposed


@pytest.mark.parametrize(
    ("claim", "source", "expected"),
    [
        ("The notice period is one month", "The notice period is three months", "false"),
        ("Die Frist beträgt einen Monat", "Die Frist beträgt drei Monate", "false"),
        ("Die Frist beträgt drei Monate", "Die Frist beträgt einen Monat", "false"),
        ("One member has a key to the room", "Three members have a key to the room", "false"),
        ("One month is enough for a notice", "A month is enough for a notice", "true"),
        ("The archive is on the third floor", "The archive is on the second floor", "false"),
        ("The first step is charging the battery", "A step is charging the battery", "true"),
        ("A third of the members voted", "Half of the members voted", "false"),
        ("Half of the members voted", "50 % of the members voted", "true"),
        ("It feeds 2 dogs and five cats", "It feeds 7 dogs, two birds and five cats", "false"),
        ("Meyer approved the new budget", "Keller approved the new budget", "partly"),
        ("Bergen hosts the conference", "Oslo hosts the conference", "partly"),
        ("Staff get a new budget", "The staff gets a new budget", "true"),
        ("The tenant pays the heating", "The landlord pays the heating", "false"),
        ("The director signs the order", "The manager signs the order", "partly"),
        ("The vendor signs the order", "The supplier signs the order", "true"),
        ("The licensee keeps all rights", "The licensor keeps all rights", "false"),
        ("Visitors may smoke but may not park", "Visitors may not smoke but may park", "false"),
        ("Up to 30 may be booked in advance", "Up to 30 seats may be booked in advance", "true"),
        ("It costs 120 euros a week", "It costs 120 euros a month", "false"),
        ("It costs 120 euros per month", "The monthly cost is 120 euros", "true"),
        (
            "Leave is only paid out when a contract ends",
            "Leave is not paid out unless a contract ends",
            "true",
        ),
        ("You may not book a flight", "You must not book a flight", "true"),
        (
            "In der Halle darf man laden, aber nicht im Keller",
            "Im Keller darf man laden, nicht aber in der Halle",
            "false",
        ),
        ("The light blinks two times", "The light blinks twice", "true"),
        ("Sales grew from 24.1 to 27.3 million", "Sales grew from 24.1 million to 27.3 million", "true"),
        ("The operating loss was 5 euros", "The operating profit was 5 euros", "false"),
        ("Der Urlaub beginnt um 3 am Standort Nord", "Um drei beginnt der Urlaub am Standort Nord", "true"),
        ("合同有效期为三年", "合同有效期为两年", "false"),
        ("合同有效期为三年", "合同有效期为3年", "true"),
    ],
)
def test_what_a_claim_puts_in_the_place_of_something_else(claim: str, source: str, expected: str) -> None:
    assert support(f"{claim}. [1]", {1: make_hit(f"{source}.")}) == [expected]


class Meanings:
    """An embedder for which words of one group are near and all others far."""

    groups = ("fee charge", "heating")

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> NDArray[np.float32]:
        return np.stack([self._vector(text) for text in texts])

    embed_passages = embed_queries

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(32, dtype=np.float32)
        for word in text.lower().split():
            group = next((i for i, group in enumerate(self.groups) if word in group.split()), None)
            vector[group if group is not None else 2 + sum(map(ord, word)) % 30] += 1
        return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("The charge is paid by the month", "true"),
        ("The heating is paid by the month", "partly"),
        ("The fee is paid by the heating", "partly"),
    ],
)
def test_an_exchanged_word_has_to_mean_the_same(claim: str, expected: str) -> None:
    hits = {1: make_hit("The fee is paid by the month.")}
    (sentence,) = ground(f"{claim} [1].", hits, embedder=cast("Embedder", Meanings())).sentences
    assert sentence.supported == expected


def test_the_caption_of_a_split_table_counts_as_its_passage() -> None:
    """The later parts of a table carry "(in millions)" in their context only."""
    rows = make_hit("| Revenue | 1,234 |\n| Profit | 87 |")
    later = replace(rows, passage=replace(rows.passage, context="Results (in millions)\n| | 2024 |"))
    claim = "The revenue was $1,234 million in 2024 [1]."
    assert support(claim, {1: later}) == ["true"]
    assert support(claim, {1: rows}) == ["false"]


@pytest.mark.parametrize(
    ("text", "plain", "markers"),
    [
        ("Leave is 30 days [1-2].", "Leave is 30 days.", [1, 2]),
        ("Leave is 30 days [1–2, 3].", "Leave is 30 days.", [1, 2]),
        ("Leave is 30 days [Passage 1].", "Leave is 30 days.", [1]),
        ("Leave is 30 days [passages 1, 2].", "Leave is 30 days.", [1, 2]),
        ("Leave is 30 days[1][2].", "Leave is 30 days.", [1, 2]),
        ("It grew [1990-2020] by half.", "It grew [1990-2020] by half.", []),
        ("The first is items[0].", "The first is items[0].", []),
        ("Read `argv[1]` first [2].", "Read `argv[1]` first.", [2]),
        ("Then sys.argv[1] is read [2].", "Then sys.argv[1] is read.", [2]),
        ("Set argv[1] = 3 [2].", "Set argv[1] = 3.", [2]),
        ("Then argv[1] is read [2].", "Then argv[1] is read.", [2]),
    ],
)
def test_markers_are_told_from_indices(text: str, plain: str, markers: list[int]) -> None:
    unmarked = without_markers(text, {1, 2}, sources=["The script reads `argv[1]`."])
    assert (unmarked.text, [mark.marker for mark in unmarked.placed]) == (plain, markers)


marked = st.lists(
    st.one_of(
        st.text(max_size=15), st.sampled_from(["[1]", " [2].", "[9]", "[1, 2]", ". ", "30 days", "\n- "])
    ),
    max_size=12,
).map("".join)


@given(marked)
def test_sentences_and_citations_point_into_their_texts(text: str) -> None:
    grounded = ground(text, HITS)
    for sentence in grounded.sentences:
        assert 0 <= sentence.start < sentence.end <= len(grounded.text)
        assert set(sentence.markers) <= set(HITS)
    for citation in grounded.citations:
        passage = HITS[citation.marker].passage
        assert passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote


MILL = (
    "In 1950, Ilka named Petra Dahl head of the mill, a post that she held until her death in 1958. "
    "In nine cases of ten the weir is blocked by leaves. "
    "The [pump](https://example.com/docs/Web/API/Pump) only takes GET requests, and the AMX valves use POST."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Petra Dahl was named head of the mill by Ilka in 1950 [1].", "true", id="turned round"),
        pytest.param(
            "She held the post of head of the mill until her death in 1950 [1].", "false", id="swapped"
        ),
        pytest.param("The weir isn't blocked by leaves in nine cases of ten [1].", "false", id="a negation"),
        pytest.param(
            "The pump only takes GET requests, and all the AMX valves use POST [1].", "true", id="link"
        ),
    ],
)
def test_a_sentence_turned_round_is_the_same(text: str, expected: str) -> None:
    assert support(text, {1: make_hit(MILL)}) == [expected]


def test_a_negation_of_what_was_said_before_denies_nothing_here() -> None:
    claim = "The level sinks although the river doesn't is that the weir is blocked by leaves."
    quote = "In nine cases of ten the weir is blocked by leaves."
    assert contradictions(claim, quote, quote) == []
    assert contradictions("The weir isn't blocked by leaves.", quote, quote) != []
