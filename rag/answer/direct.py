"""What needs no search for the best passages: small talk, summaries, comparisons, counts and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answer.alignment import quotes_of
from rag.answer.comparison import comparison_question, differences
from rag.answer.exhaustive import sweep, sweep_question
from rag.answer.named_documents import Scope, Search
from rag.answer.overview import library_question, overview
from rag.answer.question import Asked
from rag.answer.small_talk import small_talk
from rag.answer.summary import summary, summary_question
from rag.interfaces import Embedder, SearchIndex
from rag.records import Change, Computation, Evidence
from rag.search.query import parse_query
from rag.text.terms import query_terms


@dataclass(frozen=True, slots=True)
class Direct:
    """An answer that is told in a line or computed, with its places; `query` is what was asked for.

    `rowids` are the passages that an able model may read to say it in its own words.
    """

    told: str
    query: str
    evidence: tuple[Evidence, ...] = ()
    changes: tuple[Change, ...] = ()
    rowids: tuple[int, ...] = ()
    computation: Computation | None = None


def answered_directly(
    asked: Asked,
    index: SearchIndex,
    collection: str,
    docs: Sequence[str] | None,
    *,
    embedder: Embedder,
    search: Search,
) -> Direct | None:
    """The answer to a question that needs no search for passages; None for any other question.

    A filter that no document passes, or another collection's name, is the search's to refuse. `search` finds
    the passages nearest to a name that no document has.
    """
    typed = parse_query(asked.question).text
    reply = small_talk(typed)
    if reply is not None:
        return Direct(reply, asked.question)
    if asked.parsed.collection not in (None, collection):
        return None
    about = library_question(typed)
    if about is not None:
        found = overview(about, index=index, collection=collection, limits=asked.parsed, docs=docs)
        return Direct(found.told, asked.question.strip(), found.evidence)
    if not asked.may_be_a_task:
        return None
    follows = asked.query != asked.question.strip()
    scope = Scope(index, collection, search, asked.parsed, docs, asked.words if follows else "")
    differing = differences(comparison_question(typed), scope, embedder=embedder)
    if differing is not None:
        quotes = quotes_of(differing.changes)
        return Direct(differing.told, asked.question.strip(), quotes, differing.changes)
    points = summary_question(typed)
    told = None if points is None else summary(points, scope)
    if told is not None:
        return Direct(told.told, asked.question.strip(), told.evidence, rowids=told.rowids)
    question = sweep_question(asked.words)
    if question is None:
        return None
    swept = sweep(
        question, index=index, collection=collection, terms=query_terms, limits=asked.parsed, docs=docs
    )
    return Direct(swept.told(asked.words), asked.query, swept.matches) if swept.searched else None
