"""Answers are held against their passages: markers, facts, negations, wording, exact quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import ground, without_half_marker
from rag.records import Hit, Passage
from rag.text.fact_matching import holds
from rag.text.facts import facts
from rag.text.negation import contradictions

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
    ],
)
def test_a_fact_is_found_in_another_form(claim: str, source: str) -> None:
    held = facts(source)
    claimed = facts(claim)
    assert claimed
    assert [fact.text for fact in claimed if not holds(source, held, fact)] == []


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
    ],
)
def test_contradictions(claim: str, source: str, opposed: bool) -> None:
    assert bool(contradictions(claim, source, source)) == opposed


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
