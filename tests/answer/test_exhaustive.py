"""Counting and listing questions are known, and answered from every passage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer.exhaustive import Sweep, SweepQuestion, sweep, sweep_question
from rag.interfaces import Layout, Postings
from rag.records import DocumentEntry, Hit
from rag.search.query import parse_query
from rag.text.terms import query_terms
from tests.fakes.store import document_of, passages_of


class ListIndex:
    """The part of a `SearchIndex` that a sweep reads, over passages in memory, one a document."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._hits = [
            Hit(i, passages_of(document_of([text]), f"{i:03}.md")[0], i, f"{i:03}.md", "", 0.0)
            for i, text in enumerate(texts)
        ]

    def layout(self, collection: str) -> Layout:
        entries = tuple(DocumentEntry(hit.document_id, hit.doc, "", "text/markdown") for hit in self._hits)
        numbers, ones = np.arange(len(entries)), np.ones(len(entries), dtype=np.int64)
        return Layout(numbers, numbers, ones, entries, ones, 0 * ones)

    def postings(self, collection: str, terms: Sequence[str]) -> Postings:
        found = [hit.rowid for hit in self._hits if set(terms) & set(query_terms(hit.passage.text))]
        rowids = np.array(found, dtype=np.int64)
        ones = np.ones(len(found), dtype=np.int64)
        return Postings({}, tuple(terms), ones, rowids, ones)

    def hits(self, rowids: Sequence[int]) -> list[Hit]:
        return [self._hits[rowid] for rowid in rowids]


@pytest.mark.parametrize(
    ("question", "kind", "asked"),
    [
        ("List all documents that mention Oslo", "list", ("oslo",)),
        ("How many notes mention backups?", "count", ("backups",)),
        ("Which documents talk about the Atlas drill?", "list", ("atlas", "drill")),
        ("Nenne alle Dokumente, die Oslo erwähnen", "list", ("oslo",)),
        ("Wie viele Notizen erwähnen Sicherung?", "count", ("sicherung",)),
        ("¿Cuántos documentos mencionan Oslo?", "count", ("oslo",)),
        ("Combien de documents mentionnent Oslo ?", "count", ("oslo",)),
        ("How many files describe the Atlas drill?", "count", ("atlas", "drill")),
        ("Which documents discuss remote work?", "list", ("remote", "work")),
        ('List all notes that contain the word "budget"', "list", ("budget",)),
        ("List all contracts with Acme", "list", ("acme",)),
        ("How many contracts with Acme are there?", "count", ("acme",)),
        ("How often is the cafeteria mentioned?", "count", ("cafeteria",)),
        ("How many mentions of Oslo are there in my documents?", "count", ("oslo",)),
        ("In which documents is Oslo mentioned?", "list", ("oslo",)),
        ("Wie oft wird Oslo erwähnt?", "count", ("oslo",)),
        ("Welche Dokumente behandeln den Brandschutz?", "list", ("brandschutz",)),
    ],
)
def test_a_sweep_question(question: str, kind: str, asked: tuple[str, ...]) -> None:
    found = sweep_question(question)
    assert found is not None
    assert (found.kind, found.words) == (kind, asked)


def test_a_chinese_sweep_question() -> None:
    found = sweep_question("哪些文件提到备份？")
    assert found is not None
    assert found.kind == "list"
    assert "备份" in found.words


@pytest.mark.parametrize(
    "question",
    [
        "How many days of leave do employees get?",
        "Who approved the list?",
        "What is the daily allowance?",
        "Wie viele Tage Urlaub gibt es?",
        "List all documents",
        "List price of the TF40?",
        "How many pages does the quarterly report have?",
        "What happens every time the pump restarts?",
        "Welche der drei Pumpen ist am stärksten?",
        "How many documents do I need for a visa?",
        "How many contracts with suppliers were terminated in 2023?",
        "How many notes mention Oslo or Bergen?",
        "Which documents do I have to submit?",
        "List the ingredients of the soup",
        "How many times a day is the tank filled?",
        "Which documents mention it?",
    ],
)
def test_not_a_sweep_question(question: str) -> None:
    assert sweep_question(question) is None


def swept(texts: Sequence[str], *asked: str, query: str = "", docs: Sequence[str] | None = None) -> Sweep:
    return sweep(
        SweepQuestion("count", asked),
        index=ListIndex(texts),  # type: ignore[arg-type]
        collection="c",
        terms=query_terms,
        limits=parse_query(query),
        docs=docs,
    )


def docs_of(found: Sweep) -> list[str]:
    return [match.hit.doc.removesuffix(".md") for match in found.matches]


@settings(max_examples=30)
@given(st.lists(st.booleans(), max_size=60))
def test_every_match_is_counted_however_many(holds: list[bool]) -> None:
    texts = [f"Intro {i}. The {'backups' if held else 'tea'} ran." for i, held in enumerate(holds)]
    found = swept(texts, "backup")
    assert len(found.matches) == found.documents == sum(holds)
    assert found.coverage == f"searched {len(holds)} of {len(holds)} passages"
    assert [match.quote for match in found.matches] == ["The backups ran."] * sum(holds)
    assert [match.marker for match in found.matches] == list(range(1, sum(holds) + 1))


@pytest.mark.parametrize(
    "forms",
    [
        ("dog", "dogs"),
        ("test", "tests", "tested", "testing"),
        ("team", "teams"),
        ("policy", "policies"),
        ("note", "notes"),
        ("box", "boxes"),
        ("paper", "papers"),
        ("sicherung", "sicherungen"),
    ],
    ids=lambda forms: forms[0],
)
def test_all_forms_of_a_word_count_alike(forms: tuple[str, ...]) -> None:
    """A question for policies did not find the passages with a policy, nor one for dogs a dog."""
    texts = [f"We saw the {form} here." for form in forms]
    for form in forms:
        assert len(swept([*texts, "Nothing."], form).matches) == len(forms)


@pytest.mark.parametrize(
    ("asked", "other"), [("contract", "contrast"), ("plane", "plan"), ("notes", "not"), ("news", "new")]
)
def test_another_word_with_the_same_beginning_does_not_count(asked: str, other: str) -> None:
    assert docs_of(swept([f"The {other}.", f"The {asked}."], asked)) == ["001"]


def test_all_words_must_be_held() -> None:
    texts = ["The Atlas drill.", "The atlas of Norway.", "A drill."]
    assert docs_of(swept(texts, "atlas", "drill")) == ["000"]


@pytest.mark.parametrize(
    ("query", "docs", "expected", "coverage"),
    [
        ("doc:001.md", None, ["001"], "searched 1 of 3 passages"),
        ("-north", None, ["001", "002"], "searched 3 of 3 passages"),
        ('"big tea"', None, ["002"], "searched 3 of 3 passages"),
        ("", ["000.md", "002.md"], ["000", "002"], "searched 2 of 3 passages"),
    ],
    ids=["filter", "excluded word", "phrase", "chosen documents"],
)
def test_what_limits_the_question_limits_the_sweep(
    query: str, docs: Sequence[str] | None, expected: list[str], coverage: str
) -> None:
    found = swept(["North tea.", "Small tea.", "Big tea."], "tea", query=query, docs=docs)
    assert docs_of(found) == expected
    assert found.coverage == coverage
