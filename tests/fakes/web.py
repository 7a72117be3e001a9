"""The real library over models that need no weights: vectors and answers made from the words."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rag.errors import RagError
from rag.interfaces import AnswerMode, ChatModel, Embedder, PromptStyle, Similarity, Vectors
from rag.library import Library
from rag.records import Message, Usage
from rag.settings import Settings

DIMENSIONS = 256
CONE = 1.7
SHORTEST_WORD = 4
CONTEXT_TOKENS = 4096
NOTICE = """# Leaving

The notice period is three months for everybody.

# Meals

Lunch costs 20 euros.
"""
THINGS = ("Parking", "Printers", "Keys", "Bicycles", "Heating", "Windows", "Garden", "Kitchen")
WORD = re.compile(r"\w+|[^\w\s]")


@cache
def random_unit(word: str) -> NDArray[np.float64]:
    """A direction for a word, always the same."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
    vector = np.random.default_rng(seed).standard_normal(DIMENSIONS)
    return vector / np.linalg.norm(vector)


class WordEmbedder:
    """A vector is the sum of its words' vectors, so that texts with the same words are near.

    As with E5, all vectors lie in a narrow cone: unrelated texts have a cosine of about 0.75.
    """

    identity = "words-256"
    dimensions = DIMENSIONS
    max_passage_tokens = 200

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        """A token is a word or a sign."""
        return [[match.start() for match in WORD.finditer(text)] for text in texts]

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        """One unit vector a text."""
        vectors = np.array([self._embed(text) for text in texts], dtype=np.float32)
        return vectors.reshape(len(texts), DIMENSIONS)

    embed_queries = embed_passages

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        return self.compare(query, texts).cosines

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        """A token is a word; it is matched where the text has it."""
        asked = re.findall(r"\w+", query.casefold())
        held = [set(re.findall(r"\w+", text.casefold())) for text in texts]
        matches = [[1.0 if word in words else 0.75 for word in asked] for words in held]
        cosines = self.embed_passages(texts) @ self.embed_queries([query])[0]
        return Similarity(cosines, np.array(matches, dtype=np.float32).reshape(len(texts), len(asked)))

    def _embed(self, text: str) -> Vectors:
        words = [word for word in re.findall(r"\w+", text.casefold()) if len(word) >= SHORTEST_WORD]
        vector = sum((random_unit(word) for word in words), np.zeros(DIMENSIONS))
        vector = CONE * random_unit("") + vector / max(1e-9, float(np.linalg.norm(vector)))
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class QueuedModel:
    """Streams the replies it was given, word by word, one after another; then the last one again."""

    name = "queued-replies"
    identity = "queued-replies"
    prompt_style: PromptStyle = "full"
    answer_mode: AnswerMode = "phrasing"
    takes_choices = True
    context_tokens = CONTEXT_TOKENS

    def __init__(self, replies: Sequence[str], *, seconds_a_word: float = 0.0) -> None:
        self.replies = list(replies)
        self.seconds_a_word = seconds_a_word
        self.prompts: list[tuple[Message, ...]] = []

    def count_tokens(self, text: str) -> int:
        """Words and signs."""
        return len(WORD.findall(text))

    def count_prompt_tokens(self, messages: Sequence[Message]) -> int:
        """The tokens of the messages; a chat template adds none here."""
        return sum(self.count_tokens(message.content) for message in messages)

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
        """The next reply, until cancelled."""
        self.prompts.append(tuple(messages))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        words = re.findall(r"\S+\s*", reply)[:max_tokens]
        written = 0
        for word in words:
            if cancelled():
                break
            time.sleep(self.seconds_a_word)
            written += 1
            yield word
        finish: Literal["stop", "cancelled"] = "stop" if written == len(words) else "cancelled"
        tokens = self.count_prompt_tokens(messages)
        yield Usage(tokens, 0, written, 0.01, 0.02, finish)

    def leaning(
        self,
        messages: Sequence[Message],
        towards: str,
        against: str,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        conversation: str | None = None,
    ) -> float | None:
        """Cannot tell."""
        return None

    def close(self) -> None:
        """Nothing to free."""


class LeaningModel(QueuedModel):
    """Says how far it leans to yes, or fails to, and remembers what it was asked."""

    def __init__(self, leaning: float | RagError | None, reply: str) -> None:
        super().__init__([reply])
        self.leans, self.examined = leaning, list[tuple[Message, ...]]()

    def leaning(self, messages: Sequence[Message], *words: str, **options: Any) -> float | None:
        """The leaning it was given."""
        self.examined.append(tuple(messages))
        if isinstance(self.leans, RagError):
            raise self.leans
        return self.leans


class FakeLibrary(Library):
    """The real library over these models."""

    def __init__(self, settings: Settings, model: ChatModel) -> None:
        super().__init__(settings)
        self._fake_embedder = WordEmbedder()
        self._fake_model = model

    @property
    def embedder(self) -> Embedder:
        """The word embedder."""
        return self._fake_embedder

    @property
    def embedder_identity(self) -> str:
        """The word embedder's."""
        return self._fake_embedder.identity

    @property
    def chat_model(self) -> ChatModel | None:
        """The model of queued replies."""
        return self._fake_model

    def use(self, model: ChatModel) -> None:
        """Answers with another model from now on."""
        self._fake_model = model


def fake_library(folder: Path, replies: Sequence[str], *, seconds_a_word: float = 0.0) -> FakeLibrary:
    """A library in a folder, with no documents yet."""
    settings = Settings(library=folder, collection="default")
    return FakeLibrary(settings, QueuedModel(replies, seconds_a_word=seconds_a_word))


def write_documents(folder: Path) -> None:
    """A page about leaving and meals, among others: an answer has to stand out to be believed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "leaving.md").write_text(NOTICE, encoding="utf-8")
    for thing in THINGS:
        text = f"# {thing}\n\nWhoever looks after the {thing.lower()} tells the office on Monday morning.\n"
        (folder / f"{thing.lower()}.md").write_text(text, encoding="utf-8")
