"""What the tools return: typed records, in which every quote says where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import quote as url_quote

from pydantic import BaseModel, Field, field_validator

from rag import records
from rag.answer.claims import CheckedClaim
from rag.interfaces import SearchIndex
from rag.records import ACROSS_LANGUAGES, Answer, DocumentEntry, Evidence, Hit, Superseded
from rag.text.visible import UNSAFE

FOUND = "Answered from your documents: every quote is exact."
UNSAID = "No sentence of your documents says this in so many words. Read the nearest quotes first."
NO_MATCH = "No passage matches."
MATCHES = "The nearest passages, best first. Being near does not make them an answer: `ask` decides that."


def shown(text: str) -> str:
    """The text with � in the place of each character that could control a terminal, so that places stay."""
    return UNSAFE.sub("\ufffd", text)


def document_uri(collection: str, doc: str) -> str:
    """The address of a document among the server's resources."""
    return f"footnote://{url_quote(collection, safe='')}/{url_quote(doc)}"


class Result(BaseModel):
    """What every record shares: no text of a document in it can control a terminal."""

    @field_validator("*", mode="before")
    @classmethod
    def show(cls, value: Any) -> Any:
        """Strings, also those in lists, as `shown` gives them."""
        if isinstance(value, str):
            return shown(value)
        return (
            [shown(one) if isinstance(one, str) else one for one in value]
            if isinstance(value, list)
            else value
        )


class Source(Result):
    """A document, and whether it is the version in force."""

    document: str = Field(description="The document's path: cite it, or give it to read_document")
    title: str
    collection: str
    uri: str = Field(description="The document's address as a resource")
    date: str | None = Field(description="The document's own date, ISO 8601; null where it has none")
    superseded_by: str | None = Field(
        description="The newer version in force; null where this one is in force"
    )
    superseded_since: str | None = Field(description="Since when it is in force, ISO 8601")


class Quote(Source):
    """Exact words of a document: its text from `start` to `end` is `quote`."""

    number: int = Field(description="Cite the quote as [number]")
    quote: str
    page: int | None = Field(description="Page, slide or sheet, from 1; null where the format has none")
    heading: str = Field(description="The headings above it, outermost first")
    start: int = Field(description="Offset of its first character in the document's text")
    end: int = Field(description="Offset after its last character")
    read_under: str = Field("", description="Header of the table or list that the quote stands in")
    sentence: str = Field("", description="The sentence of the quote that answers")
    answer: str = Field("", description="The number, date or name in it that was asked for")
    hidden: bool = Field(False, description="Whether nobody sees this text who opens the document")


class Change(Result):
    """Where two documents differ: the numbers of the quotes on either side, null where one lacks it."""

    kind: Literal["changed", "added", "removed"]
    heading: str
    before: int | None
    after: int | None


class Disagreement(Result):
    """Two documents that give different values for one thing."""

    first: Quote
    second: Quote
    first_value: str
    second_value: str


class Computation(Result):
    """A value that no document states, computed exactly from cells of a table."""

    value: str
    formula: str
    explanation: str
    fits_as_well: list[str] = Field(description="Other readings of the question, with their values")


class PartlyRead(Result):
    """A quoted document that was not read whole, and what was left out of it."""

    document: str
    notes: list[str]


class AskResult(Result):
    """The answer: quotes where the documents contain it, else the nearest passages, named as such."""

    in_your_documents: bool = Field(description="False: say that the documents do not contain the answer")
    message: str
    quotes: list[Quote] = Field(description="What answers, best first; empty where nothing does")
    nearest: list[Quote] = Field(description="Where nothing answers: what comes near, which is not an answer")
    computation: Computation | None = None
    disagreements: list[Disagreement] = []
    changes: list[Change] = []
    partly_read: list[PartlyRead] = []


class SearchResult(Result):
    """Passages, best first."""

    message: str
    passages: list[Quote]


class SentenceCheck(Result):
    """One sentence of a claim, and the quotes for and against it."""

    sentence: str
    verdict: Literal["supported", "contradicted", "not found"]
    problems: list[str] = Field(description="What the nearest quote does not support")
    supporting: list[Quote]
    contradicting: list[Quote]
    nearest: list[Quote] = Field(description="Where the verdict is not found: what comes near")


class ClaimResult(Result):
    """Whether the documents support a claim: contradicted or not found if any of its sentences is."""

    verdict: Literal["supported", "contradicted", "not found"]
    message: str
    sentences: list[SentenceCheck]


class DocumentPage(Source):
    """A part of a document's text, from `start` to `end`; `next_start` is null at its end."""

    text: str
    start: int
    end: int
    characters: int = Field(description="The length of the whole document")
    next_start: int | None = Field(description="Give it as `start` to read on")


class ListedDocument(Result):
    """A document of a collection."""

    document: str
    title: str
    type: str
    language: str | None
    date: str | None
    uri: str


class ListedCollection(Result):
    """A collection, and how much it holds."""

    name: str
    documents: int


class DocumentList(Result):
    """Documents of one collection by name, and all collections; `next_start` is null at the end."""

    collection: str
    documents: list[ListedDocument]
    total: int
    next_start: int | None = Field(description="Give it as `start` for the next ones")
    collections: list[ListedCollection]


class Places:
    """Says of the quotes of one collection where they stand."""

    def __init__(self, index: SearchIndex, collection: str) -> None:
        self._index = index
        self._collection = collection

    def answered(self, answer: Answer) -> AskResult:
        """An answer, without what a model wrote."""
        quotes = self._evidence(answer.evidence)
        numbers = {_key(one): quote.number for one, quote in zip(answer.evidence, quotes, strict=True)}
        return AskResult(
            in_your_documents=not answer.abstained,
            message=answer.reason or (ACROSS_LANGUAGES if answer.across_languages else FOUND),
            quotes=[] if answer.abstained else quotes,
            nearest=quotes if answer.abstained else [],
            computation=_computation(answer),
            disagreements=[self._disagreement(one) for one in answer.disagreements],
            partly_read=[PartlyRead(document=one.doc, notes=list(one.notes)) for one in answer.partly_read],
            changes=[
                Change(
                    kind=one.kind,
                    heading=one.heading,
                    before=numbers.get(_key(one.first)),
                    after=numbers.get(_key(one.second)),
                )
                for one in answer.changes
            ],
        )

    def found(self, hits: list[Hit], superseded: dict[int, Superseded]) -> SearchResult:
        """Passages found for a query."""
        quotes = self._evidence(
            Evidence(
                hit,
                0,
                hit.passage.text,
                0,
                len(hit.passage.text),
                hit.score,
                header=hit.passage.context,
                superseded=superseded.get(hit.document_id),
            )
            for hit in hits
        )
        return SearchResult(message=MATCHES if quotes else NO_MATCH, passages=quotes)

    def checked(self, claims: list[CheckedClaim]) -> ClaimResult:
        """What the documents say to each sentence of a claim."""
        sentences = [
            SentenceCheck(
                sentence=one.sentence,
                verdict=one.verdict,
                problems=list(one.problems),
                supporting=self._evidence(one.supporting),
                contradicting=self._evidence(one.contradicting),
                nearest=self._evidence(one.nearest),
            )
            for one in claims
        ]
        verdicts = {one.verdict for one in sentences} or {"not found"}
        if "contradicted" in verdicts:
            return ClaimResult(
                verdict="contradicted", message="Your documents say otherwise.", sentences=sentences
            )
        if "not found" in verdicts:
            return ClaimResult(verdict="not found", message=UNSAID, sentences=sentences)
        disputed = any(one.contradicting for one in sentences)
        message = "Supported, but another document says otherwise." if disputed else "Supported."
        return ClaimResult(verdict="supported", message=message, sentences=sentences)

    def listed(self, entry: DocumentEntry) -> ListedDocument:
        """A document in a list."""
        return ListedDocument(
            document=entry.doc,
            title=entry.title,
            type=entry.media_type,
            language=entry.language,
            date=_date(entry),
            uri=document_uri(self._collection, entry.doc),
        )

    def source(self, doc: str, title: str, document_id: int, superseded: Superseded | None) -> dict[str, Any]:
        """The fields of a `Source`."""
        entries = self._index.layout(self._collection).entries
        return {
            "document": doc,
            "title": title,
            "collection": self._collection,
            "uri": document_uri(self._collection, doc),
            "date": next((_date(entry) for entry in entries if entry.id == document_id), None),
            "superseded_by": superseded and superseded.by,
            "superseded_since": superseded and superseded.since,
        }

    def _evidence(self, evidence: Iterable[Evidence]) -> list[Quote]:
        return [self._quote(one, number) for number, one in enumerate(evidence, start=1)]

    def _quote(self, one: Evidence, number: int = 1) -> Quote:
        hit, passage = one.hit, one.hit.passage
        return Quote(
            **self.source(hit.doc, hit.title, hit.document_id, one.superseded),
            number=number,
            quote=one.quote,
            page=hit.page,
            heading=hit.heading,
            start=passage.start + one.start,
            end=passage.start + one.end,
            read_under=one.header,
            sentence=passage.text[slice(*one.sentence)] if one.sentence else "",
            answer=passage.text[slice(*one.answer)] if one.answer else "",
            hidden=passage.is_hidden,
        )

    def _disagreement(self, found: records.Disagreement) -> Disagreement:
        return Disagreement(
            first=self._quote(found.first),
            second=self._quote(found.second, 2),
            first_value=found.first_value,
            second_value=found.second_value,
        )


def _key(one: Evidence | None) -> tuple[int, int, int] | None:
    return (one.hit.rowid, one.start, one.end) if one else None


def _date(entry: DocumentEntry) -> str | None:
    """A document's own date: the time of a file may be that of its copying."""
    return None if entry.undated else entry.date


def _computation(answer: Answer) -> Computation | None:
    found = answer.computation
    if found is None:
        return None
    others = [f"{label}: {value}" for label, value in found.others]
    return Computation(
        value=found.shown, formula=found.formula, explanation=found.explanation, fits_as_well=others
    )
