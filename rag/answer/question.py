"""A question as typed to the words that are answered and the limits of their search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.answer.dependencies import AnswerOptions, Dependencies
from rag.answer.prompt import beginning
from rag.answer.small_talk import small_talk
from rag.errors import RagError
from rag.interfaces import ChatModel
from rag.records import Message
from rag.search.query import ParsedQuery, parse_query
from rag.search.rewrite import Rewrite, condense

# A follow-up leans on the last question and its answer.
REWRITE_TURNS = 4
REWRITE_HISTORY_TOKENS = 512
REWRITE_TOKENS = 64


MAX_TASK_CHARACTERS = 300
"""In characters: a longer text, a pasted mail say, asks for no sum, summary or comparison. The patterns that
recognise these follow many ways at once: of 2,000 characters one took 87 seconds."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A model's way to make a follow-up stand alone."""

    stages: Dependencies
    limits: AnswerOptions
    cancelled: Callable[[], bool]

    def written(self, question: str, history: Sequence[Message]) -> str:
        """The question as the model rewrites it; "" where none is able to, or it fails or is stopped."""
        try:
            model = self.stages.chat_model()
            if model is None or model.answer_mode == "quoting":
                return ""
            said = self._said(history, model)
            prompt = self.stages.templates.fill("condense", history=said, question=question)
            pieces = list(
                model.stream(
                    [Message("user", prompt)],
                    max_tokens=REWRITE_TOKENS,
                    seed=self.limits.seed,
                    cancelled=self.cancelled,
                )
            )
        except RagError:
            # Rules do what they can without a model; the answer tells what is wrong with it.
            return ""
        return "" if self.cancelled() else "".join(piece for piece in pieces if isinstance(piece, str))

    def _said(self, history: Sequence[Message], model: ChatModel) -> str:
        """The last messages, each by its beginning: an answer may quote hundreds of passages."""
        room = REWRITE_HISTORY_TOKENS // REWRITE_TURNS
        return "\n".join(
            f"{one.role}: {beginning(one.content, most_tokens=room, counter=model)}"
            for one in history[-REWRITE_TURNS:]
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as typed, and taken apart.

    `query` is shown as what is searched for, `words` are answered: the question made to stand alone,
    without its filters. `parsed` is both for the search.
    """

    question: str
    query: str
    words: str
    parsed: ParsedQuery

    @property
    def may_be_a_task(self) -> bool:
        """Whether it is short enough to ask for something to be done."""
        return max(len(self.question), len(self.words)) <= MAX_TASK_CHARACTERS

    @classmethod
    def of(cls, question: str, history: Sequence[Message], rewrite: Rewrite) -> Asked:
        """Takes a question apart and makes it stand alone."""
        parsed = parse_query(question)
        said = [
            replace(one, content=_without_filters(one.content)) if one.role == "user" else one
            for one in _without_small_talk(history)
        ]
        words, changed = condense(_without_filters(question), said, rewrite=rewrite)
        query = " ".join([words, *parsed.limits]) if changed else question.strip()
        return cls(question, query, words, replace(parsed, text=parse_query(words).text))


def _without_small_talk(history: Sequence[Message]) -> Iterator[Message]:
    """The turns that a follow-up can be about."""
    chatting = False
    for message in history:
        if message.role == "user":
            chatting = small_talk(message.content) is not None
        if not chatting:
            yield message


def _without_filters(question: str) -> str:
    """What a question says; one without filters stays as it was typed, to the letter."""
    parsed = parse_query(question)
    return parsed.text if parsed.limits else question.strip()
