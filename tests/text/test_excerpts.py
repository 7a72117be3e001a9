"""What can answer in a passage, and the excerpt that is shown around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.records import Passage
from rag.text.excerpts import (
    MAX_ROWS,
    MAX_WORDS,
    excerpt,
    pieces,
    size,
    starts_in_code,
    units,
    units_of,
    without_markup,
)

TABLE = "| Amount | Who approves |\n|---|---|\n| up to 500 | line manager |\n| above 500 | department lead |"


def answering(text: str, headings: tuple[str, ...] = ()) -> list[str]:
    return [text[unit.start : unit.end] for unit in units(text, headings) if unit.answers]


def around(text: str, sentence: str) -> str:
    """The excerpt around the unit that begins with a text."""
    every = units(text)
    chosen = next(i for i, unit in enumerate(every) if text[unit.start :].startswith(sentence))
    start, end = excerpt(text, every, chosen)
    return text[start:end]


def passage(text: str, **changes: object) -> Passage:
    return Passage("p", 0, text, 0, len(text), 9, "0" * 32, **changes)  # type: ignore[arg-type]


def test_sentences_items_and_rows_answer_and_know_what_they_are_read_under() -> None:
    text = f"Claims need approval. The limits:\n\n{TABLE}\n\nFor two glasses:\n\n* 1 oz juice\n* 2 oz pisco"
    found = {text[unit.start : unit.end]: unit.header for unit in units(text) if unit.answers}
    assert found == {
        "Claims need approval.": "",
        "The limits:": "",
        "| up to 500 | line manager |": "| Amount | Who approves |",
        "| above 500 | department lead |": "| Amount | Who approves |",
        "For two glasses:": "",
        "* 1 oz juice": "For two glasses:",
        "* 2 oz pisco": "For two glasses:",
    }


LETTER = """From: Ada Ferrier
To: The office
Subject: Keys

Dear all,
the spare key hangs behind the calendar.
Please sign for it.

Kind regards,
Ada Ferrier
Head of Facilities"""


def test_of_a_letter_only_its_text_answers() -> None:
    assert answering(LETTER) == ["the spare key hangs behind the calendar.", "Please sign for it."]


@pytest.mark.parametrize(
    "line",
    [
        "# Opening hours",
        "**Opening hours**",
        "Opening hours",
        "---",
        "***",
        "![A plan of the house](plan.png)",
        '{% include "menu.html" %}',
        "<br>",
        "© 2024 Ferrier Ltd. All rights reserved.",
        "Page 3 of 9",
        "Sehr geehrte Damen und Herren,",
        "您好！",
        "Subject: Keys",
    ],
)
def test_what_is_around_a_text_never_answers(line: str) -> None:
    assert answering(f"{line}\n\nThe house opens at nine.\n\n{line}") == ["The house opens at nine."]


def test_a_line_that_repeats_a_heading_never_answers() -> None:
    assert answering(
        "Opening hours of the house in winter\n\nAt nine.", ("Opening hours of the house in winter",)
    ) == ["At nine."]


def test_fences_and_the_lead_in_to_code_do_not_answer() -> None:
    text = "Use a heredoc:\n\n```sh\ncat <<EOF\nit's here\nEOF\n```\n\nThat is all."
    assert answering(text) == ["cat <<EOF\nit's here\nEOF", "That is all."]
    assert around(text, "cat") == text


def test_code_without_fences_is_known_by_its_passage() -> None:
    assert starts_in_code(passage("total = 1\n\n# a remark", kind="code"), 0)
    assert not starts_in_code(passage("See:\n```\nmake\n```\nDone.", kind="code"), 0)
    assert starts_in_code(passage("See:\n```\nmake\nrun"), 10)


def test_a_passage_that_is_mostly_front_matter_is_not_code() -> None:
    text = "---\ndate: 2024-05-01\ntags: rowing, water\n---\n\nThe boathouse opens in May."
    found = units_of(passage(text, kind="code"))
    assert [text[one.start : one.end] for one in found if one.kind == "prose"] == [
        "The boathouse opens in May."
    ]


def test_front_matter_gives_its_lines_without_the_rules() -> None:
    text = "---\ntitle: Notes\ntags:\n  - a\n---\n\nText begins."
    assert answering(text) == ["title: Notes", "Text begins."]
    assert around(text, "Text") == "Text begins."


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert answering("---\nThe house opens at nine.") == ["The house opens at nine."]


def test_an_excerpt_is_the_paragraph_and_what_fits_beside_it_but_no_other_section() -> None:
    text = "# Keys\n\nA key opens. It is long.\n\nLend it to nobody.\n\n# Doors\n\nThey are red."
    assert around(text, "It is long") == "A key opens. It is long.\n\nLend it to nobody."
    assert around(text, "They") == "They are red."


def test_an_excerpt_has_no_part_of_another_paragraph() -> None:
    long = "This goes on for a while and says little of use. " * 9
    assert around(f"{long}\n\nThe key is red.", "The key") == "The key is red."


def test_an_excerpt_neither_begins_nor_ends_with_a_greeting() -> None:
    assert around(LETTER, "the spare") == "the spare key hangs behind the calendar.\nPlease sign for it."


def test_markup_is_not_what_a_text_says() -> None:
    text = 'See [the map]({% page "/a b/" %}) or [this](https://x.example/y) <br> (today).'
    assert without_markup(text) == "See [the map] or [this]  (today)."


def test_a_long_table_is_cut_around_the_row() -> None:
    rows = [f"| station {number} | {number} metres |" for number in range(40)]
    text = "\n".join(["| Station | Level |", "|:--|--:|", *rows])
    shown = around(text, "| station 20 ").splitlines()
    assert "| station 20 | 20 metres |" in shown
    assert len(shown) < MAX_ROWS, "the header is shown with them"


def test_short_tables_and_code_are_read_as_one() -> None:
    text = f"Two limits. They are old.\n\n{TABLE}\n\n```\nmake\n\nrun\n```"
    assert [text[start:end] for start, end in pieces(passage(text))] == [
        "Two limits.",
        "They are old.",
        TABLE,
        "```\nmake\n\nrun\n```",
    ]


@given(st.text(alphabet="ab .:|-`\n*1#北", max_size=300))
def test_units_are_in_order_apart_and_inside_their_excerpts(text: str) -> None:
    every, end = units(text), 0
    for number, unit in enumerate(every):
        assert end <= unit.start < unit.end
        assert text[unit.start : unit.end] == text[unit.start : unit.end].strip()
        end = unit.end
        first, last = excerpt(text, every, number) if unit.answers else (unit.start, unit.end)
        assert first <= unit.start < unit.end <= last


@given(
    st.lists(
        st.sampled_from(["word " * 30 + ".", "| a | b |", "- item", "see:", "```", "", "北" * 300]),
        max_size=40,
    )
)
def test_no_excerpt_is_longer_than_allowed(lines: list[str]) -> None:
    text = "\n".join(lines)
    every = units(text)
    for number in (number for number, unit in enumerate(every) if unit.answers):
        start, end = excerpt(text, every, number)
        assert size(text[start:end]) <= MAX_WORDS
