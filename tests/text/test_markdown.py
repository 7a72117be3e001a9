"""Text into Markdown: what it says arrives, and nothing of it acts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.text.markdown import blockquote, calmed, escaped

GITHUB = MarkdownIt("gfm-like", {"linkify": False})
MARKS = "*_`[]()<>&|~#$!:\\/@.-^ ab1\n"


def seen(html: str) -> str:
    """The text that a reader of the page sees."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


@pytest.mark.parametrize(
    "text",
    [
        "The pump_head_v2 of unit B-12 costs 3 * 4 = 12 euros (see [Annex]).",
        "A & B, x < 3 and y > 4; ~30 litres at $5",
        "Fill # 3: no. 4/5 – 50%",
    ],
)
def test_what_is_plain_already_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


@settings(deadline=None)
@given(st.text(MARKS, max_size=40))
def test_an_escaped_text_reads_as_it_was_and_does_nothing(text: str) -> None:
    html = GITHUB.renderInline("." + escaped(text))
    assert not re.search(r"<(?!br)", html)
    assert seen(html) == " ".join(f".{' '.join(text.split())}".split())


@settings(deadline=None)
@given(st.text(MARKS, max_size=40))
def test_a_quotation_holds_no_link_image_or_tag(text: str) -> None:
    assert not re.search(r"<(?:a|img|script|div)\b", GITHUB.render(blockquote(text)))


@settings(deadline=None)
@given(st.text("[](){}!<>`~x: /\n\\a-", max_size=60))
def test_a_models_markdown_fetches_nothing(text: str) -> None:
    assert not re.search(r"<(?:a|img)\b", GITHUB.render(calmed(text)))


def test_a_models_lists_and_code_stay() -> None:
    said = "**Two** steps [1]:\n\n- open `valve_1`\n- close it\n\n```c\nList<int> a[0](1);\n```"
    assert calmed(said) == said
