"""What can be quoted by itself: sentences, whole short tables, lists and code with their lead-in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.text.quotes import quotable

TABLE = "| Amount | Who approves |\n|---|---|\n| up to 500 | line manager |\n| above 500 | department lead |"


def quotes(text: str) -> list[str]:
    return [text[piece.start : piece.end] for piece in quotable(text)]


def test_a_short_table_stays_whole_between_its_sentences() -> None:
    assert quotes(f"Claims need approval. The limits are old.\n\n{TABLE}\n\nAsk Finance.") == [
        "Claims need approval.",
        "The limits are old.",
        TABLE,
        "Ask Finance.",
    ]


def test_a_row_of_a_long_table_has_its_header() -> None:
    rows = [f"| station {number} | {number} metres |" for number in range(40)]
    text = "\n".join(["| Station | Level |", "|:--|--:|", *rows])
    assert quotes(text) == rows
    assert {piece.header for piece in quotable(text)} == {"| Station | Level |"}


def test_a_lead_in_takes_its_code_and_its_list_along() -> None:
    code = "```sh\ncat <<EOF\n\nit's here\nEOF\n```"
    assert quotes(f"Use a heredoc:\n\n{code}\n\nThat is all.") == [
        f"Use a heredoc:\n\n{code}",
        "That is all.",
    ]
    assert quotes("For two glasses:\n\n* 1 oz juice\n* 2 oz pisco\n\nShake.") == [
        "For two glasses:\n\n* 1 oz juice\n* 2 oz pisco",
        "Shake.",
    ]


def test_a_lead_in_to_something_long_stays_alone() -> None:
    items = [f"- item number {number} of this long list" for number in range(40)]
    assert quotes("\n".join(["The items:", "", *items]))[0] == "The items:"


def test_front_matter_gives_its_lines_without_the_rules() -> None:
    assert quotes("---\ntitle: Notes\ntags: [a, b]\n---\n\nText begins.") == [
        "title: Notes",
        "tags: [a, b]",
        "Text begins.",
    ]


def test_code_longer_than_a_quote_is_parted_at_its_empty_lines() -> None:
    parts = ["\n".join(f"line_{part}_{number} = {number}" for number in range(20)) for part in range(3)]
    text = "```\n" + "\n\n".join(parts) + "\n```"
    assert quotes(text) == [f"```\n{parts[0]}", parts[1], f"{parts[2]}\n```"]


@given(st.text(alphabet="ab .:|-`\n*1", max_size=300))
def test_pieces_are_in_order_apart_and_never_empty(text: str) -> None:
    end = 0
    for piece in quotable(text):
        assert end <= piece.start < piece.end
        assert text[piece.start : piece.end] == text[piece.start : piece.end].strip()
        end = piece.end


LINES = st.sampled_from(["word word.", "| a | b |", "|---|---|", "- item", "see:", "```", ""])


@given(st.lists(LINES, max_size=40))
def test_only_rules_and_lines_of_front_matter_are_left_out(lines: list[str]) -> None:
    text = "\n".join(lines)
    quoted = "\n".join(quotes(text))
    for word in ("word", "item", "see:"):
        assert quoted.count(word) == text.count(word)
