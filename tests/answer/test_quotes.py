"""What lets a weak model add and order sentences but not invent any."""

from __future__ import annotations

import pytest

from rag.answer.quotes import arrangements, quoted, speakable
from rag.interfaces import ChatModel
from rag.records import Evidence, Hit, Message, Passage, Usage
from rag.verify.grounding import ground


def evidence(quote: str, marker: int) -> Evidence:
    passage = Passage("id", 0, quote, 0, len(quote), 5, "hash")
    return Evidence(Hit(1, passage, 1, "doc.md", "Doc", 1.0), marker, quote, 0, len(quote), 1.0)


def test_a_sentence_is_shown_on_one_line_with_its_marker() -> None:
    assert quoted(evidence("The hive\nholds 42  frames.", 3)) == "The hive holds 42 frames. [3]"


def test_a_bracketed_number_of_the_document_cites_nothing() -> None:
    """A footnote [2] in a quoted sentence was taken for a citation of the second passage."""
    cited, other = evidence("The hive holds 42 frames [2] [ 1, 3 ].", 1), evidence("Rye bread.", 2)
    shown = quoted(cited)
    assert shown.replace("\u2060", "") == "The hive holds 42 frames [2] [ 1, 3 ]. [1]"
    grounded = ground(shown, {1: cited.hit, 2: other.hit})
    assert [(citation.marker, citation.supported) for citation in grounded.citations] == [(1, "true")]
    assert grounded.text == shown


def test_the_best_sentence_is_always_there() -> None:
    """A weak model left it out for a worse one, and its answer was wrong where the evidence was right."""
    said = arrangements([evidence("One.", 1), evidence("Two.", 2), evidence("Three.", 1)])
    assert said == (
        "One. [1]",
        "One. [1] Two. [2]",
        "One. [1] Three. [1]",
        "Two. [2] One. [1]",
        "Three. [1] One. [1]",
    )


@pytest.mark.slow
def test_the_starter_model_writes_nothing_but_the_sentences(starter: ChatModel) -> None:
    choices = [evidence('Grüße an "alle" — 你好 [2].', 1), evidence("The hive\nholds 42 frames.", 2)]
    question = [Message("user", "Tell me anything at all about the sea.")]
    pieces = list(starter.stream(question, max_tokens=200, choices=arrangements(choices)))
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    first, second = (quoted(choice) for choice in choices)
    assert text in {first, f"{first} {second}", f"{second} {first}"}
    assert isinstance(pieces[-1], Usage)


def test_a_table_a_list_and_code_are_no_choices_of_a_model() -> None:
    for quote in ("| a | b |\n|---|---|", "For two:\n\n* 1 oz juice", "Use this:\n```\nls\n```"):
        assert not speakable(evidence(quote, 1))
    assert speakable(evidence("A sentence that\nruns on - over a line.", 1))
