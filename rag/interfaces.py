"""What each stage asks of its neighbours; stages import these, never each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.records import Document, DocumentEntry, Hit, Message, Usage

Vectors = NDArray[np.float32]
Rowids = Sequence[int] | NDArray[np.int64]
PromptStyle = Literal["short", "full"]
AnswerMode = Literal["quoting", "phrasing"]
Distance = Literal["cosine", "centred", "euclidean", "manhattan"]


class PassageTokenizer(Protocol):
    """The embedding model's tokenizer, as chunking needs it."""

    @property
    def max_passage_tokens(self) -> int:
        """The most content tokens a passage may have: prefix and special tokens are already taken off."""

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        """The character offset at which each content token of each text begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """How far texts fit a query.

    `cosines` of whole texts have shape (texts,). `matches`, shape (texts, query tokens), has for each
    token of the query the highest cosine that any token of the text has to it: late interaction
    (Khattab and Zaharia, SIGIR 2020, section 3.3), before its sum over the query.
    """

    cosines: Vectors
    matches: Vectors


class Embedder(PassageTokenizer, Protocol):
    """Text to unit vectors. The prefixes are the embedder's own business."""

    @property
    def identity(self) -> str:
        """Name and checksum of the weights; vectors of another identity are never compared."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        """Unit vectors, shape (len(texts), dimensions), float32, in the order given.

        A text longer than the model reads raises `UsageError`, or is read up to there with `truncate`.
        """

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        """Unit vectors, shape (len(texts), dimensions), float32, in the order given; `truncate` as above."""

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        """How near each text is to the query, shape (len(texts),); long texts by their beginning."""

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        """The same, and token by token."""


class PictureEmbedder(Protocol):
    """Pictures and words to unit vectors in one space, which is not that of an `Embedder`."""

    @property
    def identity(self) -> str:
        """Name and checksum of the weights that read pictures."""

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        """Unit vectors, shape (pictures, dimensions), float32, of files of pictures."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (texts, dimensions), float32."""


class ChatModel(Protocol):
    """A language model that continues a conversation."""

    @property
    def name(self) -> str:
        """The model's name for people."""

    @property
    def identity(self) -> str:
        """Names the exact weights and form: the same ones answer the same prompt alike."""

    @property
    def context_tokens(self) -> int:
        """The context window, in tokens."""

    @property
    def prompt_style(self) -> PromptStyle:
        """Which prompts suit the model: a weak one follows short ones only."""

    @property
    def answer_mode(self) -> AnswerMode:
        """Whether the model may write answers itself, or only choose quotations."""

    @property
    def takes_choices(self) -> bool:
        """Whether an answer can be held to given texts: else quotations cannot be promised."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, no special tokens added."""

    def count_prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt as the model reads it, chat template included: exact."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        choices: Sequence[str] = (),
        conversation: str | None = None,
    ) -> Iterator[str | Usage]:
        """Yields pieces of text, and one `Usage` last, also when cancelled.

        With `choices`, for models that take them, the answer is one of these texts. `conversation` names
        whose prompt cache to take up and to save.
        """

    def leaning(
        self,
        messages: Sequence[Message],
        towards: str,
        against: str,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        conversation: str | None = None,
    ) -> float | None:
        """How much likelier its answer begins with one word than with the other, 0 to 1, case aside.

        None where the model cannot tell, or was stopped.
        """

    def close(self) -> None:
        """Frees the model's memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which document each passage of a collection belongs to, and how long it is.

    `rowids` (int64, ascending), `documents` (places in `entries`) and `lengths` (index terms) have
    shape (passages,); `sizes`, the passages of each document, and `languages`, a number for the language
    of each, have shape (documents,).
    """

    rowids: NDArray[np.int64]
    documents: NDArray[np.int64]
    lengths: NDArray[np.int64]
    entries: tuple[DocumentEntry, ...]
    sizes: NDArray[np.int64]
    languages: NDArray[np.int64]

    def places(self, rowids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each rowid in the arrays; -1 for one that is not there."""
        if not self.rowids.size:
            return np.full(len(rowids), -1)
        found = np.minimum(np.searchsorted(self.rowids, rowids), self.rowids.size - 1)
        return np.where(self.rowids[found] == rowids, found, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """In which passages some index terms occur, and how often: an entry a term and passage.

    `frequencies` has, for every term asked for, in how many passages it occurs. `terms`, rarest
    first, are those that have entries: the store leaves out terms too common to be worth it. The
    arrays `term` (places in `terms`), `rowids` and `counts` have shape (entries,).
    """

    frequencies: dict[str, int]
    terms: tuple[str, ...]
    term: NDArray[np.int64]
    rowids: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PassageQuestions:
    """Questions that passages answer: the passage of each, shape (questions,), and its unit vector."""

    rowids: NDArray[np.int64]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Leg:
    """One embedding model of a collection, and how many of its passages have a vector of it or lack one."""

    model: str
    dimensions: int
    vectors: int
    missing: int


class Reranker(Protocol):
    """Reads a question and each of some texts together."""

    @property
    def english_only(self) -> bool:
        """Whether it has to be spared questions and texts in other languages."""

    @property
    def signal(self) -> str:
        """The name of its score among a hit's signals."""

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """How well each text answers the query, higher is better."""


class SearchIndex(Protocol):
    """The part of the store that retrieval reads. Scores: higher is better."""

    def passage_count(self, collection: str) -> int:
        """How many passages the collection holds."""

    def legs(self, collection: str) -> Sequence[Leg]:
        """The embedding models of the collection, the one that every passage has a vector of first."""

    def nearest(
        self,
        collection: str,
        vector: Vectors,
        limit: int,
        *,
        among: Rowids | None = None,
        leg: str | None = None,
        distance: Distance = "cosine",
    ) -> list[tuple[int, float]]:
        """(rowid, similarity) of the nearest passages, best first, ties by rowid.

        `leg` names the embedding model, here and below; None is the first.
        """

    def similarities(
        self,
        collection: str,
        rowids: Sequence[int],
        vector: Vectors,
        *,
        leg: str | None = None,
        distance: Distance = "cosine",
    ) -> list[float]:
        """How near each passage of the collection is to the vector, exactly, in the order given.

        NaN for a passage without a vector.
        """

    def sampled_similarities(
        self, collection: str, vector: Vectors, *, leg: str | None = None, distance: Distance = "cosine"
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The rowids of passages evenly spread over the collection, and their similarity to the vector."""

    def vectors_of(
        self, collection: str, rowids: Sequence[int], *, leg: str | None = None
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The rowids that have a vector, ascending, and the vectors, shape (rowids, dimensions)."""

    def holding(self, collection: str, terms: Sequence[str]) -> NDArray[np.int64]:
        """The rowids of the passages that hold all of these index terms, ascending."""

    def layout(self, collection: str) -> Layout:
        """The collection's passages and documents, as they are now."""

    def questions(self, collection: str) -> PassageQuestions:
        """The questions written for the collection's passages, under its first model."""

    def postings(self, collection: str, terms: Sequence[str]) -> Postings:
        """Where these index terms occur in the collection."""

    def hits(self, rowids: Sequence[int]) -> list[Hit]:
        """The passages of these rowids, in the order given, with score 0."""

    def neighbours(self, rowid: int, *, before: int, after: int) -> list[Hit]:
        """The passage and those around it in its document, in reading order."""

    def documents(self, collection: str) -> Sequence[DocumentEntry]:
        """Every document of the collection that has passages, by id."""

    def openings(self, document_ids: Sequence[int], characters: int) -> dict[int, str]:
        """The first characters of each document's text, by its id."""

    def passage_rowids(self, document_ids: Sequence[int]) -> list[int]:
        """The rowids of all passages of these documents, ascending: for `among`."""


class Reader(Protocol):
    """One file format: bytes to a `Document`."""

    def __call__(self, data: bytes, name: str, *, password: str | None = None) -> Document: ...
