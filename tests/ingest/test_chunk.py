"""Passages tile the document, keep within the limit and read like its paragraphs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.ingest.chunk import split
from rag.records import Block, BlockKind, Document, Passage


class WordTokenizer:
    """A token for each word of up to four characters, one more for each further four."""

    def __init__(self, max_passage_tokens: int) -> None:
        self.max_passage_tokens = max_passage_tokens

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        return [[match.start() for match in re.finditer(r"\S{1,4}", text)] for text in texts]


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def document(*blocks: tuple[BlockKind, str] | tuple[BlockKind, str, int | None]) -> Document:
    """A document of (kind, text[, page]); a heading "# x" or "## x" opens a section."""
    text = ""
    made: list[Block] = []
    path: tuple[str, ...] = ()
    for kind, content, *page in blocks:
        run_on = bool(made) and made[-1].page != (page[0] if page else None) and kind == "paragraph"
        text += ("\n" if run_on and content[:1].islower() else "\n\n") if text else ""
        level = len(content) - len(content.lstrip("#")) if kind == "heading" else 0
        if kind == "heading":
            path = (*path[: level - 1], content.lstrip("# "))
        start = len(text)
        text += content
        made.append(Block(kind, start, len(text), page[0] if page else None, path, level))
    return Document("Title", "text/plain", text, tuple(made))


def passages(given: Document, *, limit: int = 40, target: int = 20) -> list[Passage]:
    return split(given, "notes/a.md", WordTokenizer(limit), target_tokens=target)


def test_a_paragraph_of_the_target_length_is_one_passage() -> None:
    given = document(("paragraph", words(20)), ("paragraph", words(19)))
    assert [p.token_count for p in passages(given)] == [20, 19]


def test_short_neighbours_are_joined_until_four_fifths_of_the_target() -> None:
    given = document(*(("paragraph", words(4)) for _ in range(7)))
    assert [p.token_count for p in passages(given)] == [16, 12]
    assert passages(given)[0].text == "\n\n".join([words(4)] * 4)


def test_a_passage_never_crosses_a_heading_and_opens_with_it() -> None:
    given = document(("heading", "# A"), ("paragraph", "one"), ("heading", "## B"), ("paragraph", "two"))
    found = passages(given)
    assert [p.text for p in found] == ["# A\n\none", "## B\n\ntwo"]
    assert [p.heading_path for p in found] == [("A",), ("A", "B")]
    assert [p.kind for p in found] == ["paragraph", "paragraph"]


def test_stacked_headings_stay_with_the_text_below_them() -> None:
    given = document(("heading", "# A"), ("heading", "## B"), ("paragraph", "two"), ("heading", "# C"))
    assert [p.text for p in passages(given)] == ["# A\n\n## B\n\ntwo", "# C"]


def test_pages_are_kept_apart() -> None:
    given = document(("paragraph", "one", 3), ("paragraph", "Two", 4), ("paragraph", "three", 4))
    assert [(p.text, p.first_page, p.last_page) for p in passages(given)] == [
        ("one", 3, 3),
        ("Two\n\nthree", 4, 4),
    ]


def test_a_sentence_that_ends_overleaf_stays_whole() -> None:
    text = "It begins here and goes\non and ends. Then comes another page."
    path = ("A",)
    first, second = Block("paragraph", 0, 23, 1, path), Block("paragraph", 24, len(text), 2, path)
    found = passages(Document("Title", "application/pdf", text, (first, second)))
    assert [(p.text, p.first_page, p.last_page) for p in found] == [
        ("It begins here and goes\non and ends.", 1, 2),
        ("Then comes another page.", 2, 2),
    ]


@pytest.mark.parametrize(
    ("sentence", "between"),
    [
        pytest.param("Aa bb cc dd ee.", " ", id="English"),
        pytest.param("今天天气非常好我们去公园。", "", id="Chinese"),
        pytest.param("今日はとても良い天気です。", "", id="Japanese"),
        pytest.param("هل هذا كتاب جيد جدا؟", " ", id="Arabic"),
        pytest.param("यह एक अच्छी किताब है।", " ", id="Hindi"),
    ],
)
def test_a_long_paragraph_is_split_between_sentences(sentence: str, between: str) -> None:
    found = passages(document(("paragraph", between.join([sentence] * 20))))
    assert len(found) > 2
    assert all(p.text.startswith(sentence[:3]) and p.text.endswith(sentence[-3:]) for p in found)


def test_thai_is_split_at_its_spaces() -> None:
    clause = "วันนี้อากาศดีมากและเราไปเดินเล่นที่สวนสาธารณะด้วยกันกับเพื่อนๆทุกคน"
    found = passages(document(("paragraph", " ".join([clause] * 10))))
    assert len(found) > 2
    assert all(set(p.text.split()) == {clause} for p in found)


def test_the_parts_of_a_long_paragraph_are_even() -> None:
    given = document(("paragraph", " ".join([words(4) + "."] * 10)))
    assert [p.token_count for p in passages(given, target=25, limit=30)] == [25, 25]


def test_a_table_stays_whole_up_to_the_limit_and_then_repeats_its_header_as_context() -> None:
    rows = [
        "Sales",
        "",
        "| year | sum |",
        "|---|---|",
        *(f"| {year} | {year * 2} |" for year in range(2000, 2010)),
    ]
    given = document(("table", "\n".join(rows)))
    assert len(passages(given, limit=100)) == 1
    first, *rest = passages(given, limit=40)
    assert first.context == ""
    assert first.text.startswith("Sales\n\n| year | sum |")
    assert rest
    assert {p.context for p in rest} == {"Sales\n\n| year | sum |\n|---|---|"}
    assert all(p.text.startswith("| 20") and p.kind == "table" for p in rest)


def test_code_is_split_between_lines() -> None:
    line = "a = b + c"
    found = passages(document(("code", "\n".join([line] * 30))))
    assert len(found) > 2
    assert all(set(p.text.split("\n")) == {line} for p in found)


def test_ids_depend_on_document_place_and_content() -> None:
    given = document(("heading", "# A"), ("paragraph", "one"), ("heading", "# A"), ("paragraph", "one"))
    once, again = passages(given), passages(given)
    assert once == again
    assert once[0].content_hash == once[1].content_hash
    assert once[0].id != once[1].id
    elsewhere = split(given, "notes/b.md", WordTokenizer(40), target_tokens=20)
    assert elsewhere[0].content_hash == once[0].content_hash
    assert elsewhere[0].id != once[0].id


def test_an_empty_document_has_no_passages() -> None:
    assert passages(document()) == []


class GrowingTokenizer(WordTokenizer):
    """Counts a text as longer than its parts, as no honest plan can foresee."""

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        found = super().token_starts(texts)
        return [
            starts + [len(text)] * ("\n\n" in text) * 30 for starts, text in zip(found, texts, strict=True)
        ]


def test_the_limit_holds_even_when_joined_text_tokenizes_longer() -> None:
    given = document(("paragraph", "one"), ("paragraph", "two"))
    found = split(given, "a", GrowingTokenizer(20), target_tokens=20)
    assert [p.text for p in found] == ["one", "two"]


CONTENT = st.text(
    st.one_of(
        st.sampled_from(list("ab c.|-\n\n。？!؟ก ")),
        st.characters(exclude_categories=["Cs", "Cc"]),
    ),
    min_size=1,
    max_size=120,
).filter(lambda text: text.strip())
BLOCKS = st.lists(
    st.tuples(
        st.sampled_from(get_args(BlockKind)),
        st.one_of(CONTENT, st.integers(1, 90).map(words)),
        st.sampled_from([None, 1, 2]),
    ),
    max_size=8,
)


@given(BLOCKS, st.integers(4, 40), st.integers(1, 60))
def test_passages_hold_every_visible_character_once_and_keep_within_the_limit(
    blocks: list[tuple[BlockKind, str, int | None]], limit: int, target: int
) -> None:
    given = document(*blocks)
    found = passages(given, limit=limit, target=target)
    assert all(given.text[p.start : p.end] == p.text for p in found)
    assert [p.ordinal for p in found] == list(range(len(found)))
    covered = [index for p in found for index in range(p.start, p.end)]
    assert covered == sorted(set(covered))
    missing = set(range(len(given.text))) - set(covered)
    assert not [index for index in missing if not given.text[index].isspace()]
    assert all(p.token_count <= limit and p.text.strip() for p in found)
    counts = WordTokenizer(limit).token_starts([f"{p.context}\n{p.text}" for p in found])
    assert [p.token_count for p in found] == [len(starts) for starts in counts]
    assert len({p.id for p in found}) == len(found)
