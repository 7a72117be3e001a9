"""Saved citations against the documents of today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rag.records import Citation, CitedPassage

Today = Literal["unchanged", "changed", "deleted"]


class DocumentsToday(Protocol):
    """What the store knows of the places that saved citations name."""

    def passages_with(self, collection: str, content_hashes: Sequence[str]) -> dict[str, CitedPassage]: ...
    def texts_of(self, collection: str, docs: Sequence[str]) -> dict[str, list[tuple[str, str]]]: ...


@dataclass(frozen=True, slots=True)
class CitationToday:
    """A saved citation against today's documents.

    `doc` is where the quote is found now: another path than the citation's after a rename.
    """

    citation: Citation
    state: Today
    doc: str


def citations_today(
    cited: Sequence[Citation], documents: DocumentsToday, collection: str
) -> list[CitationToday]:
    """Whether each quote is still in its document.

    unchanged: the document, or one with the same passage, still has the quote;
    changed: the document is there without it; deleted: the document is gone.
    """
    passages = documents.passages_with(collection, [citation.content_hash for citation in cited])
    texts = documents.texts_of(collection, [citation.doc for citation in cited])
    states = []
    for citation in cited:
        todays = texts.get(citation.doc, [])
        passage = passages.get(citation.content_hash)
        same = next((doc for doc, text in todays if citation.quote in text), None)
        if same is not None:
            states.append(CitationToday(citation, "unchanged", same))
        elif passage is not None and citation.quote in passage.text:
            states.append(CitationToday(citation, "unchanged", passage.doc))
        else:
            states.append(CitationToday(citation, "changed" if todays else "deleted", citation.doc))
    return states
