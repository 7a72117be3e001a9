"""What each route does, over the library's door: checked against the caller's rights, and typed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np

from rag import __version__
from rag.answer import AnswerDone, AnswerEvent, until_evidence
from rag.answer.versions import Versions
from rag.api import records
from rag.api.chat import Completion, content_of, conversation, pieces
from rag.api.errors import Refusal
from rag.api.keys import Caller
from rag.api.metrics import Metrics
from rag.api.tasks import task_reply
from rag.errors import UsageError
from rag.history.receipts import answer_json, hit_json
from rag.ingest.uploads import keep_upload, safe_name
from rag.interfaces import Vectors
from rag.library import Library
from rag.lines import Line, in_line
from rag.mcp.tools import page_end
from rag.records import Hit, Message
from rag.store import Collection

MODEL_PREFIX = "footnote/"
INGEST_WAIT_SECONDS = 600.0
"""A watched folder may be at work: an upload takes its turn after it."""
WORKERS = max(2, os.cpu_count() or 1)
"""Searches at work at once. More would not be done sooner, and all of them would be done last."""
PATIENCE_SECONDS = 30.0
WRITING_PATIENCE_SECONDS = 120.0
"""A client waits that long for a search and for the chat model; then it is told how many come first."""
NO_DOCUMENTS = "There are no documents yet. Add some: python -m rag ingest FOLDER"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a route takes it.

    `content` is that of an uploaded file; `cancelled` says whether the client has left.
    """

    caller: Caller
    asked: Any = None
    name: str = ""
    content: bytes = b""
    cancelled: Callable[[], bool] = field(default=lambda: False)

    @property
    def who(self) -> str:
        """Who takes turns with others: a key, or one of those who share it."""
        return f"{self.caller.name}/{getattr(self.asked, 'user', None) or ''}"


class Routes:
    """The routes over one library. Any thread may call them."""

    def __init__(self, library: Library, metrics: Metrics) -> None:
        self.library = library
        self.metrics = metrics
        self.searching = Line(WORKERS, patience_seconds=PATIENCE_SECONDS)
        self.writing = Line(1, patience_seconds=WRITING_PATIENCE_SECONDS)

    # OpenAI's API

    def models(self, call: Call) -> records.ModelList:
        """A model for each collection that has documents."""
        return records.ModelList(data=[as_model(one) for one in self._filled(call.caller)])

    def model(self, call: Call) -> records.Model:
        """One of them."""
        return as_model(self._of_model(call.caller, call.name))

    def chat(self, call: Call) -> records.ChatCompletion | Iterator[records.ChatChunk]:
        """An answer from the collection that the model names."""
        asked: records.ChatRequest = call.asked
        options = asked.footnote or records.ChatOptions()
        collection = self._of_model(call.caller, asked.model).name
        completion = Completion(asked.model)
        question, history = conversation(asked.messages)
        reply = task_reply(question)
        with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
        if reply is not None:
            if asked.stream:
                return completion.chunks([reply], with_usage=with_usage)
            return completion.whole(reply, None)
        events = self._events(call, question, collection, options.documents, history=history)
        if asked.stream:
            said = pieces(events, with_footnotes=options.footnotes)
            return completion.chunks(said, with_usage=with_usage)
        *_, last = events
        assert isinstance(last, AnswerDone)  # asking ends with it
        return completion.whole(content_of(last.answer, with_footnotes=options.footnotes), last.answer)

    def embeddings(self, call: Call) -> records.EmbeddingList:
        """A vector for each text, by the library's embedding model."""
        asked: records.EmbeddingRequest = call.asked
        embedder, name = self.library.embedder, self.library.settings.embedding_model
        if asked.model not in (name, embedder.identity):
            raise unknown_model(asked.model, [name])
        if asked.dimensions not in (None, embedder.dimensions):
            raise UsageError(
                f"{name} gives vectors of {embedder.dimensions} dimensions, not {asked.dimensions}."
            )
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        embed = embedder.embed_passages if asked.input_type == "passage" else embedder.embed_queries
        tokens = sum(map(len, embedder.token_starts(texts)))
        with self._turn(call):
            vectors = embed(texts)
        return records.EmbeddingList(
            data=[
                records.Embedding(index=index, embedding=written(vector, asked.encoding_format))
                for index, vector in enumerate(vectors)
            ],
            model=name,
            usage=records.EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
        )

    # Footnote's own

    def search(self, call: Call) -> records.SearchResult:
        """The passages nearest to a query."""
        asked: records.SearchRequest = call.asked
        collection = self._collection(call.caller, asked.collection)
        with self._turn(call):
            docs = self._docs(asked.documents, collection)
            hits = self.library.search(asked.query, collection=collection, count=asked.count, docs=docs)
            passages = self._passages(hits, collection)
        return records.SearchResult(collection=collection, passages=passages)

    def ask(self, call: Call) -> records.AskResult:
        """The answer to a question, or that the documents don't contain it."""
        asked: records.AskRequest = call.asked
        history = [Message(turn.role, turn.content) for turn in asked.history]
        *_, last = self._events(
            call,
            asked.question,
            self._collection(call.caller, asked.collection),
            asked.documents,
            history=history,
            without_model=asked.without_model,
        )
        assert isinstance(last, AnswerDone)  # asking ends with it
        return records.AskResult.model_validate(answer_json(last.answer))

    def documents(self, call: Call) -> records.DocumentList:
        """The documents of a collection, by path."""
        asked: records.ListParameters = call.asked
        collection, wanted = self._collection(call.caller, asked.collection), asked.containing.casefold()
        entries = sorted(
            (
                entry
                for entry in self.library.store.documents(collection)
                if wanted in entry.doc.casefold() or wanted in entry.title.casefold()
            ),
            key=lambda entry: entry.doc,
        )
        end = asked.start + asked.count
        return records.DocumentList(
            collection=collection,
            documents=[
                records.ListedDocument(
                    doc=entry.doc,
                    title=entry.title,
                    type=entry.media_type,
                    language=entry.language,
                    date=None if entry.undated else entry.date,
                )
                for entry in entries[asked.start : end]
            ],
            total=len(entries),
            next_start=end if end < len(entries) else None,
        )

    def document(self, call: Call) -> records.DocumentPage:
        """A part of a document's text."""
        asked: records.ReadParameters = call.asked
        collection = self._collection(call.caller, asked.collection)
        found = next(iter(self.library.store.documents_named(collection, call.name)), None)
        if found is None:
            raise Refusal(404, f"The collection '{collection}' has no document '{call.name}'.")
        start = min(asked.start, len(found.text))
        end = page_end(found.text, start, asked.count)
        return records.DocumentPage(
            collection=collection,
            doc=found.doc,
            title=found.title,
            text=found.text[start:end],
            start=start,
            end=end,
            characters=len(found.text),
            next_start=end if end < len(found.text) else None,
        )

    def add(self, call: Call) -> records.Added:
        """Reads an uploaded file into a collection, and reports what was read of it."""
        collection, store = self._addable(call.caller, call.asked), self.library.store
        doc = safe_name(call.name).as_posix()
        if any(part.startswith(".") for part in doc.split("/")):
            raise UsageError(f"{doc} has the name of a hidden file, which is not read. Give it another name.")
        store.add_collection(collection)
        folder = store.upload_folder(collection)
        keep_upload(folder, doc, call.content)
        *_, last = self.library.ingest(
            [folder], collection=collection, wait_seconds=INGEST_WAIT_SECONDS, cancelled=call.cancelled
        )
        assert last.receipt is not None  # an ingest ends with it
        rows = [row for row in store.report(collection) if (row.root, row.doc) == (str(folder), doc)]
        if not rows or rows[0].status != "indexed":
            why = rows[0].error if rows else f"{doc} is left out by the rules of an ignore file."
            raise Refusal(422, str(why), param="file")
        return records.Added(
            collection=collection,
            doc=doc,
            report=records.DocumentReport.model_validate(rows[0].as_json()),
            ingest=records.IngestReceipt.model_validate(last.receipt.as_json()),
        )

    def health(self, call: Call) -> records.Health:
        """That the server answers."""
        return records.Health(version=__version__)

    def counts(self, call: Call) -> str:
        """What the server has done."""
        return self.metrics.text(self._filled(call.caller), waiting=self.searching.waiting)

    def _turn(self, call: Call) -> AbstractContextManager[None]:
        """The caller's turn to search."""
        return self.searching.turn(call.who, cancelled=call.cancelled)

    def _events(
        self, call: Call, question: str, collection: str, documents: Sequence[str] | None, **options: Any
    ) -> Iterator[AnswerEvent]:
        """The events of an answer, once its evidence is there, which does not wait for any text.

        What is wrong with the question is raised here, and that there are too many of them.
        """
        with self._turn(call):
            events = self.library.ask(
                question,
                collection=collection,
                docs=self._docs(documents, collection),
                cancelled=call.cancelled,
                take_turns=lambda model: in_line(model, self.writing, call.who),
                **options,
            )
            found = list(until_evidence(events))
        return self._counted(chain(found, events))

    def _counted(self, events: Iterator[AnswerEvent]) -> Iterator[AnswerEvent]:
        for event in events:
            if isinstance(event, AnswerDone):
                self.metrics.answered(abstained=event.answer.abstained)
            yield event

    def _filled(self, caller: Caller) -> list[Collection]:
        """The collections with documents that the caller sees."""
        return [one for one in self.library.store.collections() if one.passages and caller.may_see(one)]

    def _of_model(self, caller: Caller, model: str) -> Collection:
        filled = self._filled(caller)
        for one in filled:
            if model == MODEL_PREFIX + one.name:
                return one
        if not filled:
            raise Refusal(404, NO_DOCUMENTS, code="model_not_found", param="model")
        raise unknown_model(model, [MODEL_PREFIX + one.name for one in filled])

    def _collection(self, caller: Caller, given: str | None) -> str:
        """The collection given, or the library's usual one, or the only one that the caller sees."""
        filled, usual = [one.name for one in self._filled(caller)], self.library.settings.collection
        if given is None and (usual in filled or len(filled) == 1):
            return usual if usual in filled else filled[0]
        if given in filled:
            return str(given)
        if not filled:
            raise Refusal(404, NO_DOCUMENTS)
        if given is None:
            raise UsageError(f"Say which collection: {', '.join(filled)}.")
        raise Refusal(
            404, f"There is no collection '{given}' with documents. These have: {', '.join(filled)}."
        )

    def _addable(self, caller: Caller, given: str | None) -> str:
        """The collection to add to; a new one is made."""
        only = caller.collections[0] if len(caller.collections) == 1 else None
        name = given or only or self.library.settings.collection
        owners = {one.name: one.owner for one in self.library.store.collections()}
        hidden = name not in caller.collections if caller.collections else caller.name and owners.get(name)
        if not caller.may_add or hidden:
            raise Refusal(403, f"This key may not add documents to the collection '{name}'.")
        return name

    def _docs(self, names: Sequence[str] | None, collection: str) -> list[str] | None:
        try:
            return [self.library.document(one, collection=collection).doc for one in names or ()] or None
        except UsageError as error:
            raise Refusal(404, str(error), param="documents") from error

    def _passages(self, hits: list[Hit], collection: str) -> list[records.Passage]:
        old = Versions.among(hits, self.library.store, collection).superseded()
        return [
            records.Passage(
                **hit_json(hit),
                superseded_by=old[hit.document_id].by if hit.document_id in old else None,
                superseded_since=old[hit.document_id].since if hit.document_id in old else None,
            )
            for hit in hits
        ]


def as_model(found: Collection) -> records.Model:
    """A collection as a model."""
    created = int(datetime.fromisoformat(found.created).timestamp())
    return records.Model(id=MODEL_PREFIX + found.name, created=created)


def unknown_model(model: str, known: Sequence[str]) -> Refusal:
    """Names the models that there are."""
    message = f"There is no model '{model}' here. There are: {', '.join(known)}."
    return Refusal(404, message, code="model_not_found", param="model")


def written(vector: Vectors, form: str | None) -> list[float] | str:
    """A vector as the client asks for it."""
    if form == "base64":
        return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")
    return [float(value) for value in vector]
