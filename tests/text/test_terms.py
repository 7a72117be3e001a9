"""The terms of the keyword index."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.store.keywords import add_terms, create_terms
from rag.text.terms import (
    MAX_TERM_CHARACTERS,
    fold,
    index_terms,
    joined_terms,
    name_words,
    query_terms,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("Hello, World!", ["hello", "world"], id="words"),
        pytest.param("Constitutional", ["constit", "const~"], id="long word"),
        pytest.param("Straße Über École Ёлка", ["strasse", "stras~", "uber", "ecole", "елка"], id="accents"),
        pytest.param("snake_case", ["snake_case", "snake", "case"], id="snake case"),
        pytest.param("parseHTMLPage", ["parsehtmlpage", "parse", "html", "page"], id="camel case"),
        pytest.param("ann@my-co.org", ["ann@my-co.org", "ann", "my", "co", "org"], id="e-mail"),
        pytest.param("v3.11.2", ["v3.11.2", "v3", "11"], id="version"),
        pytest.param("C++ and C#.", ["c++", "and", "c#"], id="languages with signs"),
        pytest.param("FY2018 3M", ["fy2018", "fy", "2018", "3m"], id="letters and digits"),
        pytest.param("3M_2018_10K", ["3m_2018_10k", "3m", "2018", "10", "10k"], id="file name"),
        pytest.param("FY23", ["fy23", "fy", "23", "2023"], id="fiscal year"),
        pytest.param("$1,577.00 and 12,345", ["1577.00", "and", "12345"], id="thousands"),
        pytest.param("e-mail", ["email", "mail"], id="hyphen"),
        pytest.param("the firm's", ["the", "firms", "firm"], id="possessive"),
        pytest.param("大阪城", ["大", "阪", "城", "大阪", "阪城"], id="Chinese"),
        pytest.param("ｱｲ", ["ア", "イ", "アイ"], id="half-width kana"),
        pytest.param("한국", ["한", "국", "한국"], id="Korean"),
        pytest.param("สวั", ["ส", "วั", "สวั"], id="Thai, by grapheme"),
        pytest.param("2024年", ["2024", "年"], id="digits next to Chinese"),
        pytest.param("हिन्दी", ["हिन्दी"[:7], "हिन्द~"], id="vowel signs stay"),
        pytest.param("كِتَاب", ["كتاب"], id="Arabic vowel marks go"),
        pytest.param(" .,;–— ", [], id="punctuation only"),
    ],
)
def test_index_terms(text: str, terms: list[str]) -> None:
    assert index_terms(text) == terms


def test_inflected_forms_share_a_term() -> None:
    for one, other in [
        ("constitution", "constitutional"),
        ("Krankenversicherung", "krankenversicherungen"),
        ("конституция", "конституции"),
    ]:
        assert set(index_terms(one)) & set(query_terms(other))


def test_a_question_looks_single_letters_up_only_alone() -> None:
    assert query_terms("大阪") == ["大阪"]
    assert query_terms("京 と 大阪") == ["京", "と", "大阪"]


def test_a_question_gives_each_term_once() -> None:
    assert query_terms("to be or not to be") == ["to", "be", "or", "not"]


def test_neighbours_are_joined_too() -> None:
    terms = joined_terms("CVS Health, 大阪 10 k")
    assert terms == ["cvsheal", "cvshe~", "health10", "10k"]


def test_names_are_taken_apart() -> None:
    words = name_words("ACME_2021Q1", "parseFile", "acme report")
    assert words == [("acme",), ("2021",), ("q1",), ("parse",), ("file",), ("report", "repor~")]
    assert name_words("3M_2018_10K") == [("3m",), ("2018",), ("10k", "10")]
    assert name_words("Acme FY23") == [("acme",), ("fy23", "fy", "23", "2023")]


def test_base64_is_cut() -> None:
    assert max(map(len, index_terms("A" * 500 + "9" + "b" * 500))) <= MAX_TERM_CHARACTERS


def test_fold_is_stable() -> None:
    assert fold("Ｆｕｌｌ ﬁne Ünïcödé") == "full fine unicode"


@given(st.text(max_size=60))
def test_query_terms_are_index_terms(text: str) -> None:
    assert set(query_terms(text)) <= set(index_terms(text))


@given(st.text(max_size=60))
def test_the_index_stores_each_term_unchanged(text: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("ATTACH ':memory:' AS search")
    create_terms(connection, 1)
    terms = [term for term in index_terms(text) if term != "ـ"]  # FTS5 counts this sign to no category
    add_terms(connection, 1, [1], [terms])
    connection.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab(search, terms_1, instance)")
    stored = [term for (term,) in connection.execute("SELECT term FROM v ORDER BY offset")]
    assert stored == terms


def test_runs_of_underscores_are_read_in_no_time() -> None:
    """Form lines once took time that grew with the square of their length: 20,000 signs 7.5 s."""
    assert index_terms("_" * 200_000 + " name") == ["name"]
