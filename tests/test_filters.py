"""What a query's filters, phrases and excluded words mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UsageError
from rag.filters import Filter, ParsedQuery, holds_phrase, matching, parse_query
from rag.records import DocumentEntry

REPORT = DocumentEntry(
    1, "finance/2023/Report Q1.pdf", "Quarterly report", "application/pdf", "en", "2023-04-02"
)
NOTE = DocumentEntry(2, "notes/pumpe.md", "Pumpe", "text/markdown", "de", "2024-01")
PLAIN = DocumentEntry(3, "readme.txt", "Read me", "text/plain")


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        pytest.param("pump pressure", ParsedQuery("pump pressure"), id="plain"),
        pytest.param(
            'the "safety valve" pressure',
            ParsedQuery("the safety valve pressure", ("safety valve",)),
            id="phrase",
        ),
        pytest.param(
            "„rotes Auto“ Preis", ParsedQuery("rotes Auto Preis", ("rotes Auto",)), id="German quotes"
        ),
        pytest.param("「安全弁」の圧力", ParsedQuery("安全弁 の圧力", ("安全弁",)), id="Japanese quotes"),
        pytest.param("jaguar -car speed", ParsedQuery("jaguar speed", (), ("car",)), id="excluded"),
        pytest.param(
            "what does -verbose do?", ParsedQuery("what does -verbose do?"), id="option in a question"
        ),
        pytest.param("at -5 degrees", ParsedQuery("at -5 degrees"), id="negative number"),
        pytest.param("well-known name", ParsedQuery("well-known name"), id="hyphen"),
        pytest.param(
            'cost collection:"tax papers"', ParsedQuery("cost", collection="tax papers"), id="collection"
        ),
        pytest.param(
            'cost doc:*.pdf after:2024-01 doc:"a b.md"',
            ParsedQuery(
                "cost", (), (), (Filter("doc", "*.pdf"), Filter("after", "2024-01"), Filter("doc", "a b.md"))
            ),
            id="filters",
        ),
        pytest.param(
            "std::vector http://a.b x:y", ParsedQuery("std::vector http://a.b x:y"), id="other colons"
        ),
        pytest.param("type:pdf", ParsedQuery("", (), (), (Filter("type", "pdf"),)), id="only a filter"),
    ],
)
def test_parse_query(query: str, parsed: ParsedQuery) -> None:
    assert parse_query(query) == parsed


@pytest.mark.parametrize("bad", ["after:soon", "before:2024-13", "after:24"])
def test_a_date_that_is_none_is_named(bad: str) -> None:
    with pytest.raises(UsageError, match=bad):
        parse_query(f"cost {bad}")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        pytest.param([("doc", "*.pdf")], [1], id="glob"),
        pytest.param([("doc", "finance/*")], [1], id="glob over folders"),
        pytest.param([("doc", "finance")], [1], id="folder"),
        pytest.param([("doc", "README")], [3], id="name without ending"),
        pytest.param([("doc", "port")], [], id="part of a name"),
        pytest.param([("doc", "*.pdf"), ("doc", "*.md")], [1, 2], id="one of two globs"),
        pytest.param([("doc", "*.pdf"), ("lang", "de")], [], id="both kinds"),
        pytest.param([("type", "pdf")], [1], id="ending"),
        pytest.param([("type", "markdown")], [2], id="media type"),
        pytest.param([("lang", "DE")], [2], id="language"),
        pytest.param([("after", "2023-04-02")], [1, 2], id="after includes its day"),
        pytest.param([("after", "2024")], [2], id="a month is after its year's start"),
        pytest.param([("before", "2024-01")], [1], id="before excludes"),
        pytest.param([], [1, 2, 3], id="none"),
    ],
)
def test_matching(filters: list[tuple[str, str]], ids: list[int]) -> None:
    chosen = [Filter(kind, value) for kind, value in filters]  # type: ignore[arg-type]
    assert [document.id for document in matching([REPORT, NOTE, PLAIN], chosen)] == ids


@pytest.mark.parametrize(
    ("text", "phrase", "held"),
    [
        ("The Safety-Valve, closed", "safety valve", True),
        ("safety of the valve", "safety valve", False),
        ("unsafety valve", "safety valve", False),
        ("锅炉安全阀的压力", "安全阀", True),
        ("accôtement", "côte", False),
    ],
)
def test_holds_phrase(text: str, phrase: str, held: bool) -> None:
    assert holds_phrase(text, phrase) is held


@given(st.text(alphabet=st.characters(exclude_characters='"“”„«»「」:-'), max_size=40))
def test_a_query_without_signs_is_searched_as_typed(query: str) -> None:
    assert parse_query(query) == ParsedQuery(" ".join(query.split()))
