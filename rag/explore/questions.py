"""Questions that a chat model writes for passages: kept where they find their passage, and searched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.evaluation import asked_about, question_prompt, written_by
from rag.interfaces import ChatModel, Embedder
from rag.records import Hit
from rag.store import PassageQuestion, SqliteStore

FOUND_AMONG = 3
"""A question that does not have its passage among so many is about something else, or about anything."""
BATCH = 32

Search = Callable[[str, int], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class Writing:
    """What writing takes. `search` gives the best passages for a question, without other questions' help."""

    store: SqliteStore
    collection: str
    model: ChatModel
    prompts: Path
    embedder: Embedder
    search: Search


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """What came of one passage: a question, "" where the model wrote none of use, and whether it is kept."""

    hit: Hit
    question: str
    kept: bool
    seconds: float


def write_questions(
    writing: Writing, *, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[WrittenQuestion]:
    """Writes a question for each passage that has none, keeps each at once, and yields it.

    Those that are there get vectors of the collection's embedding model first, if it has changed. What was
    `cancelled` in the middle is not noted: its passage comes again.
    """
    embed_again(writing)
    while rowids := writing.store.written.next_passages(writing.collection, BATCH):
        for hit in writing.store.hits(rowids):
            began = time.monotonic()
            prompt = question_prompt(hit.passage.text, writing.prompts)
            text = written_by(writing.model, prompt, cancelled=cancelled)
            if cancelled():
                return
            question = asked_about(hit.passage.text, text)
            kept = bool(question) and finds(writing, question, hit)
            made = WrittenQuestion(hit, question, kept, time.monotonic() - began)
            writing.store.written.keep(writing.collection, [_row(writing, made)])
            yield made


def finds(writing: Writing, question: str, hit: Hit) -> bool:
    """Whether a question finds the passage, or one that says the same."""
    found = writing.search(question, FOUND_AMONG)
    return any(one.passage.content_hash == hit.passage.content_hash for one in found)


def embed_again(writing: Writing) -> None:
    """Gives the questions that have no vector of the collection's model one."""
    missing = writing.store.written.to_embed(writing.collection, writing.embedder.identity)
    if missing:
        hashes, texts = zip(*missing, strict=True)
        vectors = writing.embedder.embed_passages(list(texts), truncate=True)
        writing.store.written.embed(writing.collection, writing.embedder.identity, hashes, vectors)


def _row(writing: Writing, made: WrittenQuestion) -> PassageQuestion:
    """What is kept of it; a question is embedded as a passage is, for it stands for one."""
    hash_, name = made.hit.passage.content_hash, writing.model.name
    if not made.kept:
        return PassageQuestion(hash_, made.question, False, name, made.seconds)
    (vector,) = writing.embedder.embed_passages([made.question], truncate=True)
    return PassageQuestion(hash_, made.question, True, name, made.seconds, writing.embedder.identity, vector)
