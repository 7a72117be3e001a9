"""What an answer is made with: the stages that are joined, and how much of each is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rag.interfaces import ChatModel, Embedder, Reranker, SearchIndex
from rag.prompts import Templates
from rag.search.ranking import DEFAULT_RANKING, Ranking

AnswerMode = Literal["auto", "quoting", "phrasing"]
ModelSource = Callable[[], ChatModel | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOptions:
    """What is retrieved, shown to the model and written.

    `instruction` is what the person wishes of all answers from the collection.
    """

    top_k: int
    passage_tokens: int
    answer_tokens: int
    evidence_sentences: int
    ranking: Ranking = DEFAULT_RANKING
    mode: AnswerMode = "auto"
    compress: bool = False
    temperature: float = 0.0
    seed: int = 0
    instruction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the wire joins. `chat_model` is asked for only when there is something to write.

    `circumstances` are told with each answer: what else decides it, such as versions.
    """

    index: SearchIndex
    embedder: Embedder
    chat_model: ModelSource
    templates: Templates
    second_embedder: Embedder | None = None
    reranker: Reranker | None = None
    circumstances: Mapping[str, str | int | None] = field(default_factory=dict)


def settings_of(limits: AnswerOptions, stages: Dependencies) -> dict[str, str | int | float | None]:
    """What decides an answer besides its prompt and its model, by name."""
    return {
        "top_k": limits.top_k,
        "passage_tokens": limits.passage_tokens,
        "evidence_sentences": limits.evidence_sentences,
        "answer_mode": limits.mode,
        "compress": limits.compress,
        **({"instruction": limits.instruction} if limits.instruction else {}),
        **{f"ranking.{name}": value for name, value in limits.ranking.changed().items()},
        "embedding_model": stages.embedder.identity,
        **stages.circumstances,
    }
