"""What needs no search for the best passages: small talk, the library itself, counts and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answer.exhaustive import sweep, sweep_question
from rag.answer.overview import library_question, overview
from rag.answer.question import Asked
from rag.answer.small_talk import small_talk
from rag.interfaces import SearchIndex
from rag.records import Computation, Evidence
from rag.search.query import parse_query
from rag.text.terms import query_terms


@dataclass(frozen=True, slots=True)
class Direct:
    """An answer that is told in a line or computed, with the places it rests on.

    `query` is what was asked for.
    """

    told: str
    query: str
    evidence: tuple[Evidence, ...] = ()
    computation: Computation | None = None


def answered_directly(
    asked: Asked, index: SearchIndex, collection: str, docs: Sequence[str] | None
) -> Direct | None:
    """The answer to a question that needs no search for passages; None for any other question.

    A filter that no document passes, or another collection's name, is the search's to refuse.
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
    question = sweep_question(asked.words)
    if question is None:
        return None
    swept = sweep(
        question, index=index, collection=collection, terms=query_terms, limits=asked.parsed, docs=docs
    )
    return Direct(swept.told(asked.words), asked.query, swept.matches) if swept.searched else None
