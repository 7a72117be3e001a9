"""A library opened for use: its store, embedder and chat model, each loaded on first use."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rag import __version__
from rag.errors import ModelError, ModelMismatch, RagError, UsageError
from rag.models import NO_MODEL, SETTING, Kind
from rag.records import Message, PartlyRead
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.access import User
    from rag.answer import AnswerEvent, AnswerOptions, ConversationContext
    from rag.answer.alignment import Comparison
    from rag.answer.claims import CheckedClaim
    from rag.answer.mentions import Mentioned
    from rag.answer.outline import Outline
    from rag.explore.pictures import PictureHit
    from rag.explore.questions import WrittenQuestion
    from rag.history.conversations import Conversations
    from rag.history.notes import Notes
    from rag.ingest import IngestEvent, Receipt
    from rag.interfaces import ChatModel, Embedder, PictureEmbedder, Reranker
    from rag.records import Answer, Conflict, DocumentEntry, Hit
    from rag.search.ranking import Ranking
    from rag.store import Collection, SqliteStore

log = logging.getLogger(__name__)
EARLIER_MODEL = "Searched with %s: these documents were not embedded again with %s yet (python -m rag embed)."
MAX_QUESTION_CHARACTERS = 20_000
"""A pasted mail or contract clause is a question; a book is not."""
CLAIM_PASSAGES = 8
"""So many passages are held against each sentence of a claim."""
ATTACH_SECONDS = 60.0
"""A file that is attached waits this long for another ingest to finish."""
OWN_FOLDER = "folder.txt"
"""In a model's cache: the folder it was loaded from, where that is none of the library's own."""


def _llama_cpp_version() -> str | None:
    """The version of llama-cpp-python; None where it is not installed: servers and quotes need none."""
    try:
        return version("llama-cpp-python")
    except PackageNotFoundError:
        return None


def _checked(query: str) -> str:
    """The query without what cannot be stored; `UsageError` where it is empty or too long."""
    from rag.store.rows import storable

    if not query.strip():
        raise UsageError("The query is empty.")
    if len(query) > MAX_QUESTION_CHARACTERS:
        raise UsageError(
            f"The question has {len(query):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are read. "
            "Ask about the part that matters, or add the text as a document."
        )
    return storable(query)


class Library:
    """What every face talks to.

    Opening one is cheap: the database opens, and each model loads, when first needed. Safe to
    share between threads.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loading = threading.RLock()
        # A chat model takes seconds to load; a search meanwhile need not wait for it.
        self._loading_chat_model = threading.RLock()
        self._store: SqliteStore | None = None
        self._embedder: Embedder | None = None
        self._second_embedder: Embedder | None = None
        self._earlier_embedders: dict[str, Embedder] = {}
        self._chat_model: ChatModel | None = None
        self._other_chat_model: tuple[str, ChatModel] | None = None
        self._reranker: Reranker | None = None
        self._picture_embedder: PictureEmbedder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> SqliteStore:
        """The database, opened (and made, where it is not there) on first use."""
        from rag.store import open_store

        with self._loading:
            if self._store is None:
                self._store = open_store(self.settings.database, url=self.settings.store)
            return self._store

    @property
    def embedder(self) -> Embedder:
        """The settings' embedding model, unpacked and compiled on first use."""
        with self._loading:
            if self._embedder is None:
                self._embedder = self._named_embedder(self.settings.embedding_model)
            return self._embedder

    @property
    def second_embedder(self) -> Embedder | None:
        """The English model that is searched beside the first; None where the settings go without."""
        name = self.settings.second_embedding_model
        with self._loading:
            if self._second_embedder is None and name not in (NO_MODEL, self.settings.embedding_model):
                self._second_embedder = self._named_embedder(name)
            return self._second_embedder

    @property
    def embedder_identity(self) -> str:
        """Names the settings' embedding model; does not load it, unless a server has it."""
        from rag.embeddings.folder import read_folder
        from rag.models import is_served

        with self._loading:
            if is_served(self.settings.embedding_model):
                return self.embedder.identity
            return (
                self._embedder.identity if self._embedder else read_folder(self._embedding_folder()).identity
            )

    def embedder_of(self, collection: str) -> Embedder:
        """The embedding model that the collection's vectors are of.

        That is the settings' own, or, until the collection is embedded again, the earlier one, as long as
        it is installed.

        Raises:
            ModelMismatch: its vectors are of a model that is not here any more.
        """
        try:
            self.store.require_model(collection, self.embedder_identity)
        except ModelMismatch:
            earlier = self._earlier_embedder(str(self.store.collection(collection).model))
            if earlier is None:
                raise
            return earlier
        return self.embedder

    def _earlier_embedder(self, identity: str) -> Embedder | None:
        """An installed model that the settings do not name any more; None where there is none."""
        from rag.embeddings.folder import read_folder
        from rag.models import is_served

        if is_served(identity):
            return self._served_earlier(identity)
        with self._loading:
            if identity not in self._earlier_embedders:
                folder = self._earlier_folder(identity)
                if folder is None or read_folder(folder).identity != identity:
                    return None
                log.warning(EARLIER_MODEL, identity.partition("@")[0], self.settings.embedding_model)
                self._earlier_embedders[identity] = self._load_embedder(folder)
            return self._earlier_embedders[identity]

    def _served_earlier(self, identity: str) -> Embedder:
        """A model of a server that the settings do not name any more; its identity is its address."""
        with self._loading:
            if identity not in self._earlier_embedders:
                self._earlier_embedders[identity] = self._named_embedder(identity)
            return self._earlier_embedders[identity]

    def _earlier_folder(self, identity: str) -> Path | None:
        """Where that model may be: under its name, or in the folder of one's own that it was loaded from."""
        from rag.models import embedding_folder

        noted = self.settings.cache / "embedding" / identity / OWN_FOLDER
        name = noted.read_text(encoding="utf-8") if noted.is_file() else identity.rpartition("@")[0]
        try:
            return embedding_folder(name, models=self.settings.models)
        except ModelError:
            return None

    def _embedding_folder(self) -> Path:
        from rag.models import embedding_folder

        return embedding_folder(self.settings.embedding_model, models=self.settings.models)

    def _named_embedder(self, name: str) -> Embedder:
        """The embedding model of a name, a folder or a server's address."""
        from rag.models import embedding_folder, is_served

        if is_served(name):
            from rag.embeddings.server import ServedEmbedder

            return ServedEmbedder(name)
        return self._load_embedder(embedding_folder(name, models=self.settings.models))

    def _load_embedder(self, folder: Path) -> Embedder:
        from rag.embeddings import load_embedder

        settings = self.settings
        settings.library.mkdir(mode=0o700, parents=True, exist_ok=True)
        loaded = load_embedder(
            folder, cache=settings.cache, engine=settings.embedding_engine, threads=settings.threads
        )
        if settings.models not in folder.parents:
            (loaded.place / OWN_FOLDER).write_text(str(folder.resolve()), encoding="utf-8")
        return loaded

    @property
    def reranker(self) -> Reranker | None:
        """The cross-encoder, or None where the settings ask for none."""
        from rag.embeddings.cross_encoder import CrossEncoderReranker
        from rag.embeddings.server import ServedReranker
        from rag.models import READER, is_served, reranker_folder
        from rag.records import READER_SIGNAL

        with self._loading:
            settings = self.settings
            if self._reranker is None and is_served(settings.reranker):
                self._reranker = ServedReranker(settings.reranker)
            ours = settings.reranker == READER.name
            if self._reranker is None and settings.reranker != NO_MODEL:
                self._reranker = CrossEncoderReranker(
                    reranker_folder(settings.reranker, models=settings.models),
                    cache=settings.cache,
                    threads=settings.threads,
                    english_only=ours,
                    signal=READER_SIGNAL if ours else "reranker",
                )
            return self._reranker

    @property
    def picture_embedder(self) -> PictureEmbedder | None:
        """What finds pictures by what they show; None where no such model has been pulled."""
        from rag.models import picture_folders

        with self._loading:
            if self._picture_embedder is None:
                settings = self.settings
                folders = picture_folders(settings.picture_model, models=settings.models)
                if folders is not None:
                    from rag.embeddings.pictures import SentencePictureEmbedder

                    folder, texts = folders
                    self._picture_embedder = SentencePictureEmbedder(
                        folder, text_folder=texts, threads=settings.threads
                    )
            return self._picture_embedder

    @property
    def chat_model(self) -> ChatModel | None:
        """The chat model, or None where the settings ask for none."""
        with self._loading_chat_model:
            if self._chat_model is None and self.settings.chat_model != NO_MODEL:
                self._chat_model = self._load_chat_model(self.settings.chat_model)
            return self._chat_model

    def chat_model_named(self, name: str) -> ChatModel | None:
        """The settings' chat model, or another one, of which the last that was asked for stays loaded."""
        if name == self.settings.chat_model:
            return self.chat_model
        if name == NO_MODEL:
            return None
        with self._loading_chat_model:
            if self._other_chat_model is None or self._other_chat_model[0] != name:
                self._close_other_chat_model()
                self._other_chat_model = name, self._load_chat_model(name)
            return self._other_chat_model[1]

    def _load_chat_model(self, name: str) -> ChatModel:
        from rag.llm import load_chat_model
        from rag.models import chat_model_location

        settings = self.settings
        return load_chat_model(
            chat_model_location(name, models=settings.models),
            context_tokens=settings.context_tokens,
            threads=settings.threads,
            cache=settings.cache,
        )

    def _close_other_chat_model(self) -> None:
        if self._other_chat_model is not None:
            self._other_chat_model[1].close()
        self._other_chat_model = None

    def try_model(self, kind: Kind, name: str) -> None:
        """Loads a model as this library would, and has it embed, rank or write a line.

        Raises:
            ModelError: it fails; says why, and that the settings stay as they are.
        """
        setting = SETTING[kind]
        trial = Library(self.settings.model_copy(update={setting: name}))
        try:
            trial._run_once(kind)
        except Exception as error:  # of whatever library the model runs on
            why = str(error) if isinstance(error, RagError) else f"{type(error).__name__}: {error}."
            raise ModelError(
                f"{name} does not work here, so the library keeps {getattr(self.settings, setting)}. {why}"
            ) from error
        finally:
            trial.close()

    def _run_once(self, kind: Kind) -> None:
        if kind == "embedding":
            self.embedder.compare("Does it work?", ["It works."])
        elif kind == "reranker" and self.reranker is not None:
            self.reranker.scores("Does it work?", ["It works."])
        elif kind == "image" and self.picture_embedder is not None:
            from rag.explore.pictures import EXAMPLE

            self.picture_embedder.embed_pictures([EXAMPLE])
            self.picture_embedder.embed_texts(["Does it work?"])
        elif self.chat_model is not None:
            list(self.chat_model.stream([Message("user", "Say yes.")], max_tokens=8))

    def warm_up(self) -> None:
        """Loads what the first answer needs, search first: for a thread of its own while a person types."""
        collection = self.settings.collection
        filled = self.store.passage_count(collection) > 0
        (self.embedder_of(collection) if filled else self.embedder).compare("?", ["!"])
        if self.second_embedder is not None:
            self.second_embedder.cosines("?", ["!"])
        if self.reranker is not None:
            self.reranker.scores("?", ["!"])
        _ = self.chat_model

    @property
    def chat_model_name(self) -> str:
        """The chat model's name for people; "" where there is none."""
        model = self.chat_model
        return model.name if model else ""

    @property
    def conversations(self) -> Conversations:
        """The saved conversations of whoever has not signed in."""
        return self.conversations_of("")

    def conversations_of(self, owner: str) -> Conversations:
        """The saved conversations of one person of a shared app."""
        from rag.history.conversations import Conversations
        from rag.llm import forget_prompts

        def forget(conversation_id: int, attached: str) -> None:
            forget_prompts(str(conversation_id), cache=self.settings.cache)
            if attached:
                self.store.remove_collection(attached)

        return Conversations(self.store, owner=owner, deleted=forget)

    def attach(self, conversation_id: int, files: Mapping[str, bytes], *, owner: str = "") -> list[str]:
        """Adds files to a conversation, which alone searches them, and which they are gone with.

        Returns what could not be read, with the reason.
        """
        from rag.ingest.uploads import keep_upload

        name = self.conversations_of(owner).attached_to(conversation_id)
        self.store.add_collection(name)
        self.store.give_collection(name, owner)
        folder = self.store.upload_folder(name)
        for file, content in files.items():
            keep_upload(folder, file, content)
        receipt = self.add(folder, collection=name, wait_seconds=ATTACH_SECONDS)
        return [f"{failure.doc}: {failure.error}" for failure in receipt.failures]

    def notes_of(self, owner: str) -> Notes:
        """The notes of one person of a shared app; "" is whoever has not signed in."""
        from rag.history.notes import Notes

        return Notes(self.store, owner=owner)

    def add(self, *paths: str | Path, **options: Any) -> Receipt:
        """Adds files and folders, and what changed in them since; `ingest` yields its progress.

        Returns what was added, updated and removed, and which files could not be read, and why.

        Raises:
            UsageError: a path is not there.
        """
        *_, last = self.ingest([Path(path).expanduser() for path in paths], **options)
        assert last.receipt is not None  # an ingest ends with it
        return last.receipt

    def ingest(self, paths: Sequence[Path], **options: Any) -> Iterator[IngestEvent]:
        """Brings the collection in step with files and folders; see `rag.ingest.ingest`."""
        from rag.ingest import ingest

        return ingest(paths, store=self.store, embedder=self.embedder, **self._with_defaults(options))

    def ingest_lines(
        self, lines: Iterable[bytes | str | UsageError], **options: Any
    ) -> Iterator[IngestEvent]:
        """Ingests documents given as JSON lines; see `rag.ingest.ingest_lines`."""
        from rag.ingest import ingest_lines

        return ingest_lines(lines, store=self.store, embedder=self.embedder, **self._with_defaults(options))

    def watch(self, paths: Sequence[Path], **options: Any) -> Iterator[IngestEvent]:
        """Ingests, and again after every change; see `rag.ingest.watch`."""
        from rag.ingest import watch

        return watch(paths, store=self.store, embedder=self.embedder, **self._with_defaults(options))

    def embed_again(self, **options: Any) -> Iterator[IngestEvent]:
        """Embeds a collection with the library's embedding model; see `rag.ingest.embed_again`."""
        from rag.ingest import embed_again

        defaults = {
            "collection": self.settings.collection,
            "second": self.second_embedder,
            "picture_embedder": self.picture_embedder,
        }
        return embed_again(store=self.store, embedder=self.embedder, **(defaults | options))

    def embed_pictures(self, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[IngestEvent]:
        """Has the picture model look at the pictures it has not seen, of all collections."""
        from rag.ingest import embed_pictures

        return embed_pictures(self.store, self.picture_embedder, cancelled=cancelled)

    def search(
        self,
        query: str,
        *,
        collection: str | None = None,
        count: int | None = None,
        docs: Sequence[str] | None = None,
        ranking: Ranking | None = None,
        plain: bool = False,
        user: User | None = None,
    ) -> list[Hit]:
        """The best passages for a query, best first, by the settings' ranking where none is given.

        A `plain` query holds no filters, phrases or exclusions, whatever it looks like. `user` is who asks;
        None is whoever runs this process, and may see everything.

        Raises:
            UsageError: the query is empty, or the collection has no documents.
            AccessDenied: the user may not see the collection.
        """
        from rag.search import retrieve
        from rag.search.query import plain_query

        query = _checked(query)
        if not plain:
            named = self.named_in(query, collection, docs, user)
            query, collection, docs = named.text, named.collection, named.docs
        asked = self.require_documents(collection, user) if plain else self.asked_of(query, collection, user)
        return retrieve(
            plain_query(query) if plain else query,
            index=self.store,
            embedder=self.embedder_of(asked),
            second=self.second_embedder,
            collection=asked,
            top_k=count or self.settings.top_k,
            docs=docs,
            ranking=ranking or self.settings.ranking,
            reranker=self.reranker,
        )

    def find_pictures(
        self,
        query: str,
        *,
        collection: str | None = None,
        count: int = 20,
        user: User | None = None,
    ) -> list[PictureHit]:
        """The pictures that fit some words, best first; see `rag.explore.pictures.find_pictures`.

        Raises as `search` does, but for a collection that has pictures and no text.
        """
        from rag.explore.pictures import find_pictures

        query, asked = _checked(query), collection or self.settings.collection
        self.require_visible(asked, user)
        has_text = self.store.passage_count(asked) > 0
        if not has_text and not self.store.pictures.of_collection(asked):
            self.require_documents(asked, user)
        return find_pictures(
            query,
            store=self.store,
            collection=asked,
            embedder=self.picture_embedder,
            passages=self.search(query, collection=asked, plain=True, user=user) if has_text else (),
            count=count,
        )

    def similar_pictures(
        self,
        picture: bytes | int,
        *,
        collection: str | None = None,
        count: int = 20,
        user: User | None = None,
    ) -> list[PictureHit]:
        """The pictures that look most like a file's bytes, or like an image of the library by its id.

        Raises:
            UsageError: no picture model is here, or the pictures have no vectors of it yet.
            AccessDenied: the user may not see the collection.
        """
        from rag.explore.pictures import similar_pictures

        asked = collection or self.settings.collection
        self.require_visible(asked, user)
        of_file = isinstance(picture, bytes)
        embedder = self.picture_embedder if of_file else None
        if of_file and embedder is None:
            name = self.settings.picture_model
            raise UsageError(f"Pictures are compared by a model. Pull it: python -m rag models pull {name}")
        model = self.store.pictures.model()
        if model is None or (embedder is not None and model != embedder.identity):
            raise UsageError("The pictures have no vectors of this model yet. Make them: python -m rag embed")
        return similar_pictures(picture, store=self.store, collection=asked, embedder=embedder, count=count)

    def question_writer(self) -> ChatModel:
        """The chat model, if it is able to write questions about passages.

        Raises:
            UsageError: there is none, or it is too weak to write a sentence of its own.
        """
        model = self.chat_model
        if model is None or model.answer_mode == "quoting":
            name = model.name if model else "no chat model"
            raise UsageError(
                f"Questions are written by a model that phrases its answers; in use is {name}. "
                "Choose another (python -m rag models list)."
            )
        return model

    def write_questions(
        self, collection: str | None = None, *, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[WrittenQuestion]:
        """Has the chat model write questions for passages; see `rag.explore.questions.write_questions`.

        Raises as `question_writer` does, and `require_documents`.
        """
        from rag.explore.questions import Writing, write_questions

        name = self.require_documents(collection)
        ranking = replace(self.settings.ranking, question_weight=0.0)

        def search(question: str, count: int) -> list[Hit]:
            return self.search(question, collection=name, count=count, plain=True, ranking=ranking)

        writing = Writing(
            self.store, name, self.question_writer(), self.settings.prompts, self.embedder_of(name), search
        )
        return write_questions(writing, cancelled=cancelled)

    def ask(
        self,
        question: str,
        *,
        collection: str | None = None,
        history: Sequence[Message] = (),
        docs: Sequence[str] | None = None,
        passage_tokens: int | None = None,
        thread: ConversationContext | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        user: User | None = None,
        without_model: bool = False,
        take_turns: Callable[[ChatModel | None], ChatModel | None] = lambda model: model,
        model: str | None = None,
        temperature: float | None = None,
    ) -> Iterator[AnswerEvent]:
        """Answers a question; see `rag.answer.answer`, and `search` for `user`.

        What it names with an @ is searched alone. The chat model is not asked `without_model`; another than
        the settings' is by its name, or NO_MODEL. Where several ask at once, `take_turns` has it wait.

        Raises:
            UsageError: the question is empty, or the collection has no documents.
            AccessDenied: the user may not see the collection.
        """
        from rag.answer import NO_CONTEXT, Dependencies, answer
        from rag.prompts import Templates

        question = _checked(question)
        named = self.named_in(question, collection, docs, user)
        asked = self.asked_of(named.text, named.collection, user)
        chosen = NO_MODEL if without_model else model or self.settings.chat_model
        stages = Dependencies(
            index=self.store,
            embedder=self.embedder_of(asked),
            second_embedder=self.second_embedder,
            reranker=self.reranker,
            chat_model=lambda: take_turns(self.chat_model_named(chosen)),
            templates=Templates(self.settings.prompts),
            circumstances=self._circumstances(),
        )
        instruction = self.store.collection(asked).instruction
        events = answer(
            named.text,
            stages=stages,
            collection=asked,
            limits=replace(self.limits(passage_tokens, temperature), instruction=instruction),
            history=history,
            docs=named.docs,
            thread=thread or NO_CONTEXT,
            cancelled=cancelled,
        )
        return self._completed(events, question, asked)

    def named_in(
        self, question: str, collection: str | None, docs: Sequence[str] | None, user: User | None = None
    ) -> Mentioned:
        """The question without the @ of what it names, and the collection and documents that are asked.

        A collection that is given is left only for another that the user may see.
        """
        from rag.answer.mentions import mentioned

        may_leave = collection is None or user is not None
        others = [found.name for found in self.collections_seen_by(user)] if may_leave else []
        usual = collection or self.settings.collection
        found = mentioned(
            question,
            collections=others,
            entries_of=lambda name: (
                self.store.documents(name or usual) if (name or usual) in self._collection_names() else []
            ),
        )
        return replace(
            found,
            collection=found.collection or collection,
            docs=found.docs or (None if docs is None else tuple(docs)),
        )

    def _collection_names(self) -> set[str]:
        return {found.name for found in self.store.collections(attached=True)}

    def _completed(
        self, events: Iterator[AnswerEvent], question: str, collection: str
    ) -> Iterator[AnswerEvent]:
        """The events of an answer, the last with the question as typed and what was not read whole."""
        from rag.answer import AnswerDone
        from rag.readers.omissions import omissions

        for event in events:
            if isinstance(event, AnswerDone):
                hits = {one.marker: event.answer.hits[one.marker - 1] for one in event.answer.citations}
                docs = {hit.document_id: hit.doc for hit in hits.values()}
                warned = self.store.warnings_of(list(docs)) if docs else {}
                found = ((doc, omissions(warned.get(id_, ()))) for id_, doc in docs.items())
                partly_read = tuple(PartlyRead(doc, notes) for doc, notes in found if notes)
                answer = replace(
                    event.answer, question=question, collection=collection, partly_read=partly_read
                )
                event = replace(event, answer=answer)
            yield event

    def answer(self, question: str, **options: Any) -> Answer:
        """The finished answer to a question; `ask`, which yields it as it grows, has the options and errors.

        Each of `citations` has a quote with its document, page and place: `start:end` of the document's text.
        `abstained` says that the documents don't contain the answer; they cite the nearest passages then.
        """
        from rag.answer import AnswerDone

        *_, last = self.ask(question, **options)
        assert isinstance(last, AnswerDone)  # asking ends with it
        return last.answer

    def check_claim(
        self, text: str, *, collection: str | None = None, user: User | None = None
    ) -> list[CheckedClaim]:
        """Whether the documents support each sentence of a text, and by which quotes; no model is asked.

        Raises as `search` does.
        """
        from rag.answer.claims import checked_claims

        asked = self.require_documents(collection, user)

        def search(sentence: str) -> list[Hit]:
            return self.search(sentence, collection=asked, count=CLAIM_PASSAGES, plain=True, user=user)

        return checked_claims(
            _checked(text),
            search=search,
            index=self.store,
            collection=asked,
            embedder=self.embedder_of(asked),
        )

    def document(self, name: str, *, collection: str | None = None) -> DocumentEntry:
        """The document that a name means, however loosely: a path, a title, or words of them.

        Raises:
            UsageError: none is called so, or several are; says which come near.
        """
        from rag.answer.named_documents import documents_named

        asked = self.require_documents(collection)
        meant = documents_named(name, self.store.documents(asked), self.store)
        if meant is None:
            near = ", ".join(
                dict.fromkeys(hit.doc for hit in self.search(name, collection=asked, plain=True))
            )
            raise UsageError(f"No document is called '{name}'. The nearest to it: {near}.")
        if len(meant.entries) > 1:
            named = ", ".join(entry.doc for entry in meant.entries)
            raise UsageError(f"Several documents are called '{name}': {named}. Give the path of one.")
        return meant.entries[0]

    def quotation(
        self, doc: str, quote: str, *, collection: str | None = None
    ) -> tuple[Hit, list[tuple[int, int]]]:
        """The passage of a document that holds some words, and where; white space aside.

        `doc` is a name as in `document`.

        Raises:
            UsageError: no passage of the document holds them.
        """
        entry = self.document(doc, collection=collection)
        words = re.compile(r"\s+".join(map(re.escape, quote.split())) or r"(?!)")
        for hit in self.store.hits(self.store.passage_rowids([entry.id])):
            if found := words.search(hit.passage.text):
                return hit, [found.span()]
        raise UsageError(f"{entry.doc} does not say “{quote}”. Give its exact words, of one paragraph.")

    def outline(self, name: str, *, collection: str | None = None) -> Outline:
        """The guide to a document; see `rag.answer.outline.outline`. `name` as in `document`."""
        from rag.answer.outline import outline

        asked = self.require_documents(collection)
        return outline(self.document(name, collection=asked), self.store, asked)

    def compare(self, first: str, second: str, *, collection: str | None = None) -> Comparison:
        """Where two documents differ; see `rag.answer.alignment.compared`. The names as in `document`."""
        from rag.answer.alignment import compared

        asked = self.require_documents(collection)
        pair = [self.document(name, collection=asked) for name in (first, second)]
        return compared(*pair, index=self.store, collection=asked, embedder=self.embedder_of(asked))

    def conflicts(
        self,
        *,
        collection: str | None = None,
        progress: Callable[[int, int], None] = lambda done, of: None,
        user: User | None = None,
    ) -> list[Conflict]:
        """The statements of different documents that give the same thing two values.

        They are kept, and found again once the collection has changed; `progress` is told then how many of
        how many passages are read. Raises as `search` does.
        """
        from rag.answer.collection_conflicts import conflicts

        return conflicts(self.store, self.require_documents(collection, user), progress=progress)

    def answering_docs(self, question: str, *, collection: str | None = None) -> list[str]:
        """The documents that answer a question, best first, without a model; [] where it would be refused."""
        from rag.answer import EvidenceReady

        for event in self.ask(question, collection=collection, without_model=True):
            if isinstance(event, EvidenceReady):
                return [] if event.abstained else list(dict.fromkeys(one.hit.doc for one in event.evidence))
        return []

    def _circumstances(self) -> dict[str, str | int | None]:
        """What a receipt tells of the software and the machine."""
        settings = self.settings
        return {
            "reranker": None if settings.reranker == NO_MODEL else settings.reranker,
            "threads": settings.threads,
            "footnote": __version__,
            "llama_cpp": _llama_cpp_version(),
        }

    def replay(self, answer: Answer) -> Answer:
        """The answer of a receipt, made again; see `rag.answer.replay`."""
        from rag.answer import replay

        return replay(answer, model=self.chat_model if answer.generation else None, embedder=self.embedder)

    def limits(self, passage_tokens: int | None = None, temperature: float | None = None) -> AnswerOptions:
        """The settings that bound an answer, with another budget or temperature where one is given."""
        from rag.answer import AnswerOptions

        settings = self.settings
        return AnswerOptions(
            top_k=settings.top_k,
            ranking=settings.ranking,
            passage_tokens=passage_tokens or settings.passage_tokens,
            answer_tokens=settings.answer_tokens,
            evidence_sentences=settings.evidence_sentences,
            mode=settings.answer_mode,
            compress=settings.compress,
            temperature=settings.temperature if temperature is None else temperature,
            seed=settings.seed,
        )

    def owner_of(self, collection: str) -> str:
        """Who alone may see a collection; "" is everybody, also for one that is not there yet."""
        there = self.store.collections(attached=True)
        return next((found.owner for found in there if found.name == collection), "")

    def collections_seen_by(self, user: User | None) -> list[Collection]:
        """The collections that a user may see, by name; the files of conversations are not among them."""
        return [found for found in self.store.collections() if user is None or user.may_see(found.owner)]

    def require_visible(self, collection: str, user: User | None) -> None:
        """Raises `AccessDenied` unless the user may see the collection: what shows one asks here."""
        if user is not None:
            user.require(user.may_see(self.owner_of(collection)), "see")

    def remove_documents(self, collection: str, document_ids: Iterable[int], user: User | None) -> None:
        """Removes documents for good; `AccessDenied` unless the user may change the collection."""
        if user is not None:
            user.require(user.may_change(self.owner_of(collection)), "remove")
        self.store.remove_documents(collection, document_ids, for_good=True)

    def asked_of(self, query: str, collection: str | None, user: User | None = None) -> str:
        """The collection given, or else the one that the query names, or else that of the settings.

        Where the query asks for documents on a scale, those that came since it was saved are scored first.
        Raises as `require_documents` does.
        """
        from rag.explore.collection import complete_scales
        from rag.search.query import parse_query

        parsed = parse_query(query)
        name = self.require_documents(collection or parsed.collection, user)
        if any(one.kind == "scale" for one in parsed.filters):
            complete_scales(self.store, name, self.embedder_of(name))
        return name

    def require_documents(self, collection: str | None = None, user: User | None = None) -> str:
        """The collection's name.

        Raises:
            AccessDenied: the user may not see it.
            UsageError: it has no documents; says how to fill it.
            ModelMismatch: its vectors are of an embedding model that is not here.
        """
        name = collection or self.settings.collection
        self.require_visible(name, user)
        if self.store.passage_count(name):
            self.embedder_of(name)
            return name
        others = [found.name for found in self.collections_seen_by(user) if found.passages]
        if others:
            raise UsageError(
                f"The collection '{name}' has no documents. Choose one that has: "
                + ", ".join(f"--collection {other}" for other in others)
            )
        raise UsageError(f"The collection '{name}' has no documents. Add some: python -m rag ingest FOLDER")

    def take_embedder(self, other: Library) -> None:
        """Searches with the other library's embedding model from now on."""
        with self._loading:
            self._embedder = other.embedder
            self._earlier_embedders.clear()
            self.settings = self.settings.model_copy(
                update={"embedding_model": other.settings.embedding_model}
            )

    def beside(self, folder: str, *, with_chat_model: bool = False) -> Library:
        """Another database, in a folder of this library (or an absolute one), under the same models."""
        other = Library(
            self.settings.model_copy(update={"library": self.settings.library / folder, "store": ""})
        )
        other._embedder = self.embedder
        other._second_embedder = self.second_embedder
        other._chat_model = self.chat_model if with_chat_model else None
        return other

    def under(self, documents: Library, **changes: Any) -> Library:
        """Another library's documents under this one's models and other settings.

        A chat model that the settings name instead is loaded apart; `close_own` frees it.
        """
        other = Library(self.settings.model_copy(update=changes))
        other._store = documents.store
        other._embedder, other._second_embedder = documents.embedder, documents.second_embedder
        other._reranker = self.reranker
        if other.settings.chat_model == self.settings.chat_model:
            other._chat_model = self.chat_model
        return other

    def close_own(self, shared: Library) -> None:
        """Frees the chat model, unless it is that of the library which the rest is from (`under`)."""
        with self._loading_chat_model:
            if self._chat_model is not None and self._chat_model is not shared.chat_model:
                self._chat_model.close()
            self._chat_model = None

    def _with_defaults(self, options: dict[str, Any]) -> dict[str, Any]:
        defaults = {
            "collection": self.settings.collection,
            "target_tokens": self.settings.chunk_tokens,
            "second": self.second_embedder,
            "picture_embedder": self.picture_embedder,
        }
        return defaults | options

    def close_store(self) -> None:
        """Closes the database alone, of a library whose models are another's."""
        with self._loading:
            if self._store is not None:
                self._store.close()
            self._store = None

    def close(self) -> None:
        """Frees the models and closes the database."""
        with self._loading_chat_model, self._loading:
            self._close_other_chat_model()
            if self._chat_model is not None:
                self._chat_model.close()
            if self._store is not None:
                self._store.close()
            self._chat_model = self._store = self._embedder = self._second_embedder = None
            self._picture_embedder = None
            self._earlier_embedders.clear()
