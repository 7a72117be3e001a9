"""Chat completions: the user's last message is the question, and the library answers it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from rag.answer import AnswerDone, AnswerEvent, EvidenceReady, TokenDelta
from rag.api.footnotes import footnotes, without_footnotes
from rag.api.records import (
    ChatChunk,
    ChatCompletion,
    ChatMessage,
    Checked,
    Choice,
    ChunkChoice,
    Delta,
    Reply,
    Usage,
)
from rag.api.tasks import question_in
from rag.errors import UsageError
from rag.history.receipts import answer_json, quoted_text, shown_text
from rag.records import Answer, Message
from rag.text.markdown import inert


def conversation(messages: Iterable[ChatMessage]) -> tuple[str, list[Message]]:
    """The question, and what was said before it.

    Raises:
        UsageError: the user has said nothing.
    """
    said = list(messages)
    places = [place for place, message in enumerate(said) if message.role == "user"]
    if not places or not said[places[-1]].said.strip():
        raise UsageError("The question is empty: the last message of the user has no text.")
    history = [
        Message("user", message.said)
        if message.role == "user"
        else Message("assistant", without_footnotes(message.said))
        for message in said[: places[-1]]
        if message.role in ("user", "assistant") and message.said
    ]
    return question_in(said[places[-1]].said), history


def usage_of(answer: Answer | None) -> Usage:
    """What the chat model read and wrote."""
    used = answer.usage if answer else None
    read, written = (used.prompt_tokens, used.answer_tokens) if used else (0, 0)
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def content_of(answer: Answer, *, with_footnotes: bool) -> str:
    """A finished answer as text."""
    return inert(shown_text(answer)) + (footnotes(answer) if with_footnotes else "")


def pieces(events: Iterable[AnswerEvent], *, with_footnotes: bool) -> Iterator[str | Answer]:
    """The text of an answer as it grows, and last the answer.

    While it is in doubt whether the documents contain the answer, nothing is said.
    """
    evidence, said, written = EvidenceReady((), True, "", 0.0), "", ""
    for event in events:
        if isinstance(event, EvidenceReady):
            evidence = event
            if not event.abstained:
                said = inert(quoted_text(event))
                yield said
        elif isinstance(event, TokenDelta):
            if not said:  # a model has read the passages: they contain the answer
                said = inert(quoted_text(replace(evidence, reason="")))
                yield said
            sent = len(inert(written))
            written += event.piece
            yield ("" if sent or not said else "\n\n") + inert(written)[sent:]
        elif isinstance(event, AnswerDone):
            answer = event.answer
            if not said:
                yield inert(shown_text(answer))
            elif answer.abstained:
                yield f"\n\n{answer.reason}"
            yield footnotes(answer) if with_footnotes else ""
            yield answer


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer's identity, and the forms it is sent in."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, content: str, answer: Answer | None) -> ChatCompletion:
        """The answer at once."""
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[Choice(message=Reply(content=content), finish_reason=finish_of(answer))],
            usage=usage_of(answer),
            footnote=checked(answer),
        )

    def chunks(self, said: Iterable[str | Answer], *, with_usage: bool) -> Iterator[ChatChunk]:
        """The answer bit by bit."""
        yield self._chunk(Delta(role="assistant", content=""))
        answer = None
        for piece in said:
            if isinstance(piece, Answer):
                answer = piece
            elif piece:
                yield self._chunk(Delta(content=piece))
        ending = ChunkChoice(delta=Delta(), finish_reason=finish_of(answer))
        yield ChatChunk(**self._names(), choices=[ending], footnote=checked(answer))
        if with_usage:
            yield ChatChunk(**self._names(), choices=[], usage=usage_of(answer))

    def _chunk(self, delta: Delta) -> ChatChunk:
        return ChatChunk(**self._names(), choices=[ChunkChoice(delta=delta)])

    def _names(self) -> dict[str, str | int]:
        return {"id": self.id, "created": self.created, "model": self.model}


def finish_of(answer: Answer | None) -> str:
    """Why the text ends."""
    return "length" if answer and answer.usage and answer.usage.finish == "length" else "stop"


def checked(answer: Answer | None) -> Checked | None:
    """What an answer rests on."""
    return Checked.model_validate(answer_json(answer)) if answer else None
