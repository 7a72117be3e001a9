"""What an answer tells on its way, in the order in which it comes."""

from __future__ import annotations

from dataclasses import dataclass

from rag.records import Answer, BudgetUse, Change, Computation, Disagreement, Evidence, Hit, Message


@dataclass(frozen=True, slots=True)
class SearchDone:
    """The passages found, best first, for the query the question was turned into."""

    query: str
    hits: tuple[Hit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class EvidenceReady:
    """The best quotes, whether the documents seem to answer at all, and where they disagree or changed.

    `computation` is a value that was computed from a table.
    """

    evidence: tuple[Evidence, ...]
    abstained: bool
    reason: str
    seconds: float
    disagreements: tuple[Disagreement, ...] = ()
    changes: tuple[Change, ...] = ()
    computation: Computation | None = None


@dataclass(frozen=True, slots=True)
class PromptReady:
    """The exact prompt, and how the context window was shared out."""

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    budget: BudgetUse


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """The model's next piece of text."""

    piece: str


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The finished, checked answer: the last event."""

    answer: Answer


AnswerEvent = SearchDone | EvidenceReady | PromptReady | TokenDelta | AnswerDone
