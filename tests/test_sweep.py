"""Counting and listing questions are known, and answered from every passage."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.records import Hit
from rag.sweep import SweepQuestion, sweep, sweep_question
from rag.text.wording import words
from tests.store_fakes import document_of, passages_of


class ListIndex:
    """A `SearchIndex` over passages in memory."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._hits = [
            Hit(i, passages_of(document_of([text]), f"{i:03}.md")[0], i, f"{i:03}.md", "", 0.0)
            for i, text in enumerate(texts)
        ]

    def passage_count(self, collection: str) -> int:
        return len(self._hits)

    def keyword_matches(
        self, collection: str, terms: Sequence[str], limit: int, *, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        found = [hit.rowid for hit in self._hits if set(terms) & {w[:4] for w in words(hit.passage.text)}]
        return [(rowid, 1.0) for rowid in found][:limit]

    def hits(self, rowids: Sequence[int]) -> list[Hit]:
        return [self._hits[rowid] for rowid in rowids]


def prefix_terms(word: str) -> list[str]:
    return [word[:4]]


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
    ],
)
def test_not_a_sweep_question(question: str) -> None:
    assert sweep_question(question) is None


@settings(max_examples=30)
@given(st.lists(st.booleans(), max_size=60))
def test_every_match_is_counted_however_many(holds: list[bool]) -> None:
    texts = [f"Intro {i}. The {'backups' if held else 'tea'} ran." for i, held in enumerate(holds)]
    found = sweep(
        SweepQuestion("count", ("backup",)), index=ListIndex(texts), collection="c", terms=prefix_terms
    )
    assert len(found.matches) == found.documents == sum(holds)
    assert found.coverage == f"searched {len(holds)} of {len(holds)} passages"
    assert [match.quote for match in found.matches] == ["The backups ran."] * sum(holds)
    assert [match.marker for match in found.matches] == list(range(1, sum(holds) + 1))


def test_all_words_must_be_held() -> None:
    texts = ["The Atlas drill.", "The atlas of Norway.", "A drill."]
    found = sweep(
        SweepQuestion("list", ("atlas", "drill")), index=ListIndex(texts), collection="c", terms=prefix_terms
    )
    assert [match.hit.doc for match in found.matches] == ["000.md"]
