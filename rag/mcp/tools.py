"""The tools: what a model may ask of the library. It reads their docstrings to choose among them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rag.answer.versions import Versions
from rag.errors import UsageError
from rag.library import Library
from rag.mcp.results import (
    AskResult,
    ClaimResult,
    DocumentList,
    DocumentPage,
    ListedCollection,
    Places,
    SearchResult,
    shown,
)
from rag.records import Superseded
from rag.store import StoredDocument

MAX_PASSAGES = 50
PAGE_CHARACTERS = 20_000
RESOURCE_CHARACTERS = 200_000

CollectionName = Annotated[
    str | None,
    Field(description="The collection; leave it out for the usual one. list_documents names them all."),
]
DocumentNames = Annotated[
    list[str] | None, Field(description="Only these documents, by path or title; leave it out for all.")
]
DocumentName = Annotated[str, Field(description="Its path or title, as in a quote or in list_documents.")]


class Tools:
    """The tools over one library; no chat model is asked."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def ask(
        self,
        question: Annotated[str, Field(description="The question in full, as the person asked it.")],
        collection: CollectionName = None,
        documents: DocumentNames = None,
    ) -> AskResult:
        """Answer a question from the person's own documents: the best exact quotes, or that they don't say.

        Call this first for any question about them. It also counts and lists ("how many notes mention
        backups?"), computes from tables, summarises ("summarise the travel policy") and compares two
        documents ("what changed between A and B?"). Where `in_your_documents` is false, say so: `nearest` is
        no answer.
        """
        asked = self._collection(collection, question)
        answer = self._library.answer(
            question, collection=asked, docs=self._docs(documents, asked), without_model=True
        )
        return self._places(asked).answered(answer)

    def search(
        self,
        query: Annotated[
            str,
            Field(
                description='Words, or "a phrase", -without, doc:folder/*.md, type:pdf, language:german, '
                "after:2024-01, before:2025."
            ),
        ],
        collection: CollectionName = None,
        count: Annotated[int, Field(ge=1, le=MAX_PASSAGES, description="How many passages.")] = 8,
        documents: DocumentNames = None,
    ) -> SearchResult:
        """Find passages by meaning and words, when you want to read around a topic rather than get an answer.

        Passages are near to the query; they need not answer it. For a question call ask.
        """
        asked = self._collection(collection, query)
        hits = self._library.search(query, collection=asked, count=count, docs=self._docs(documents, asked))
        superseded = Versions.among(hits, self._library.store, asked).superseded()
        return self._places(asked).found(hits, superseded)

    def check_claim(
        self,
        claim: Annotated[str, Field(description="A sentence that stands on its own: names, not pronouns.")],
        collection: CollectionName = None,
    ) -> ClaimResult:
        """Check whether the documents support a sentence, contradict it, or do not say, with the quotes.

        Use it for each sentence of a draft that states a fact, in the words of the documents: a paraphrase
        is not found, and comes with the nearest quotes for you to read. A number, date or negation that
        differs counts as a contradiction. Several sentences are checked one by one.
        """
        asked = self._collection(collection)
        return self._places(asked).checked(self._library.check_claim(claim, collection=asked))

    def read_document(
        self,
        document: DocumentName,
        collection: CollectionName = None,
        start: Annotated[int, Field(ge=0, description="From this character on.")] = 0,
        count: Annotated[
            int, Field(ge=1, le=RESOURCE_CHARACTERS, description="Characters at most.")
        ] = PAGE_CHARACTERS,
    ) -> DocumentPage:
        """Read the text of a document, a page at a time; go on with `next_start` until it is null.

        To read around a quote, give a `start` somewhat before the quote's.
        """
        asked = self._collection(collection)
        entry = self._library.document(document, collection=asked)
        found = self._stored(asked, entry.doc, entry.id)
        start = min(start, len(found.text))
        end = page_end(found.text, start, count)
        return DocumentPage(
            **self._places(asked).source(found.doc, found.title, found.id, self._superseded(asked, found.id)),
            text=found.text[start:end],
            start=start,
            end=end,
            characters=len(found.text),
            next_start=end if end < len(found.text) else None,
        )

    def list_documents(
        self,
        collection: CollectionName = None,
        containing: Annotated[str, Field(description="Only those with this in their path or title.")] = "",
        start: Annotated[int, Field(ge=0, description="From this one on.")] = 0,
        count: Annotated[int, Field(ge=1, le=1000, description="How many at most.")] = 100,
    ) -> DocumentList:
        """List the documents of a collection by path, and all collections."""
        asked = self._collection(collection)
        wanted = containing.casefold()
        entries = sorted(
            (
                entry
                for entry in self._library.store.documents(asked)
                if wanted in entry.doc.casefold() or wanted in entry.title.casefold()
            ),
            key=lambda entry: entry.doc,
        )
        places, end = self._places(asked), start + count
        return DocumentList(
            collection=asked,
            documents=[places.listed(entry) for entry in entries[start:end]],
            total=len(entries),
            next_start=end if end < len(entries) else None,
            collections=[
                ListedCollection(name=found.name, documents=found.documents)
                for found in self._library.store.collections()
            ],
        )

    def document(self, collection: str, doc: str) -> str:
        """The text of a document; of a very long one the beginning."""
        text = self._stored(self._collection(collection), doc).text
        end = page_end(text, 0, RESOURCE_CHARACTERS)
        rest = f"\n[Cut here: read_document goes on with start={end}.]" if end < len(text) else ""
        return shown(text[:end]) + rest

    def usual_collection(self) -> str:
        """The collection of the settings, or the only one that has documents.

        Raises:
            UsageError: there is none, or there are several.
        """
        filled = [found.name for found in self._library.store.collections() if found.passages]
        usual = self._library.settings.collection
        if usual in filled or not filled:
            return usual
        if len(filled) == 1:
            return filled[0]
        raise UsageError(f"Say which collection: {', '.join(filled)}.")

    def _collection(self, given: str | None, query: str = "") -> str:
        """The collection given, or named in the query, or the usual one; `UsageError` where it is empty."""
        from rag.search.query import parse_query

        name = given or (parse_query(query).collection if query else None) or self.usual_collection()
        filled = [found.name for found in self._library.store.collections() if found.passages]
        if name not in filled and filled:
            raise UsageError(f"The collection '{name}' has no documents. These have: {', '.join(filled)}.")
        return self._library.require_documents(name)

    def _docs(self, names: list[str] | None, collection: str) -> list[str] | None:
        return [self._library.document(name, collection=collection).doc for name in names] if names else None

    def _places(self, collection: str) -> Places:
        return Places(self._library.store, collection)

    def _stored(self, collection: str, doc: str, document_id: int | None = None) -> StoredDocument:
        for found in self._library.store.documents_named(collection, doc):
            if document_id in (None, found.id):
                return found
        raise UsageError(f"The collection '{collection}' has no document '{doc}'.")

    def _superseded(self, collection: str, document_id: int) -> Superseded | None:
        store = self._library.store
        hits = store.hits(store.passage_rowids([document_id])[:1])
        return Versions.among(hits, store, collection).superseded().get(document_id)


def page_end(text: str, start: int, count: int) -> int:
    """Where a page of at most `count` characters ends: at a line's end, where its second half has one."""
    end = start + count
    if end >= len(text):
        return len(text)
    line = text.rfind("\n", start + count // 2, end)
    return end if line < 0 else line + 1
