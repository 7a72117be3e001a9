"""Sentence spans tile the text and respect abbreviations, numbers, lists, tables and scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"], id="plain"),
        pytest.param(
            "Dr. Smith paid $1.5 million. He left.", ["Dr. Smith paid $1.5 million.", "He left."], id="title"
        ),
        pytest.param(
            "J. R. R. Tolkien wrote it. It sold.", ["J. R. R. Tolkien wrote it.", "It sold."], id="initials"
        ),
        pytest.param("See e.g. Figure 3. The end.", ["See e.g. Figure 3.", "The end."], id="for-example"),
        pytest.param(
            "He moved to the U.S. The year was 1990.", ["He moved to the U.S.", "The year was 1990."], id="us"
        ),
        pytest.param("The U.S. Army came.", ["The U.S. Army came."], id="us-inside"),
        pytest.param("It was 2010. Then 2011.", ["It was 2010.", "Then 2011."], id="year"),
        pytest.param("Am 3. Mai kam er. Er blieb.", ["Am 3. Mai kam er.", "Er blieb."], id="german-date"),
        pytest.param(
            "Das kostet z. B. 3 Euro. Gut.", ["Das kostet z. B. 3 Euro.", "Gut."], id="german-spaced"
        ),
        pytest.param('"Stop!" he said. "Go."', ['"Stop!" he said.', '"Go."'], id="quotes"),
        pytest.param(
            "Open app.py and run 3.11.2 now. Done.", ["Open app.py and run 3.11.2 now.", "Done."], id="code"
        ),
        pytest.param(
            "A fact.[1] Another one. [2] Third.", ["A fact.[1]", "Another one.", "[2] Third."], id="markers"
        ),
        pytest.param(
            "它有三层。第二层是空的！真的？", ["它有三层。", "第二层是空的！", "真的？"], id="chinese"
        ),
        pytest.param("「行く。」彼は言った。", ["「行く。」", "彼は言った。"], id="japanese"),
        pytest.param("هل هذا صحيح؟ نعم. شكرا", ["هل هذا صحيح؟", "نعم.", "شكرا"], id="arabic"),
        pytest.param("यह सच है। वह गया।", ["यह सच है।", "वह गया।"], id="devanagari"),
        pytest.param(
            "Head\n\nBody one\ngoes on. Two.", ["Head", "Body one\ngoes on.", "Two."], id="blank-line"
        ),
        pytest.param(
            "List:\n- one\n- two. More\n1. first", ["List:", "- one", "- two.", "More", "1. first"], id="list"
        ),
        pytest.param("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"], id="table"),
        pytest.param(
            "Revenue 1,200 1,100\nCosts 900 (850)", ["Revenue 1,200 1,100", "Costs 900 (850)"], id="figures"
        ),
        pytest.param("# Title\nText here.", ["# Title", "Text here."], id="heading"),
        pytest.param("", [], id="empty"),
        pytest.param(" \n\t ", [], id="blank"),
    ],
)
def test_splits(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_thai_breaks_at_spaces_between_long_clauses() -> None:
    clause = "ภาษาไทยไม่มีเครื่องหมายจบประโยคจึงใช้ช่องว่างคั่นระหว่างข้อความแทนเสมอมา"
    assert sentences(f"{clause} {clause}") == [clause, clause]
    assert sentences("สวัสดี ครับ") == ["สวัสดี ครับ"]


pieces = st.sampled_from(
    [". ", "! ", "。", "\n", "\n\n", "- ", "| ", "Dr. ", "3. ", "؟", " ", "\t", "[1]", "z.B. "]
)


@given(st.lists(st.one_of(st.text(max_size=12), pieces), max_size=20).map("".join))
def test_spans_tile_the_text(text: str) -> None:
    """Every non-space character lies in exactly one span, in order, and spans are trimmed."""
    spans = split_sentences(text)
    position = 0
    for start, end in spans:
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()
