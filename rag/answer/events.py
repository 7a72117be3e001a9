"""What an answer tells on its way, in the order in which it comes."""

from __future__ import annotations

from dataclasses import dataclass

from rag.records import Answer, BudgetUse, Disagreement, Evidence, Hit, Message


@dataclass(frozen=True, slots=True)
class Searched:
    """The passages found, best first, for the query the question was turned into."""

    query: str
    hits: tuple[Hit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Evidenced:
    """The best quotes, whether the documents seem to answer at all, and where they disagree."""

    evidence: tuple[Evidence, ...]
    abstained: bool
    reason: str
    seconds: float
    disagreements: tuple[Disagreement, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompted:
    """The exact prompt, and how the context window was shared out."""

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    budget: BudgetUse


@dataclass(frozen=True, slots=True)
class Wrote:
    """The model's next piece of text."""

    piece: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The finished, checked answer: the last event."""

    answer: Answer


AnswerEvent = Searched | Evidenced | Prompted | Wrote | Answered
