"""Chat completions: the user's last message is the question, and the library answers it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

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
from rag.history.receipts import answer_json, change_text, under_header
from rag.records import Answer, Evidence, Message
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


def quotation(quote: Evidence) -> str:
    """A quote as plain text and Markdown both have it, so that nothing of it formats what follows."""
    text = under_header(quote)
    apart = "\n" if text.endswith(("|", "```", "~~~")) else " "
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) + f"{apart}[{quote.marker}]"


def evidence_text(found: EvidenceReady | Answer) -> str:
    """What was computed, what is said above the quotes, and these."""
    value = found.computation.told if found.computation else ""
    quotes = map(change_text, found.changes) if found.changes else map(quotation, found.evidence)
    return inert("\n\n".join(filter(None, (value, found.reason, *quotes))))


def content_of(answer: Answer, *, with_footnotes: bool) -> str:
    """A finished answer as text."""
    if answer.abstained:
        said = inert(answer.reason)
    else:
        said = "\n\n".join(filter(None, (evidence_text(answer), inert(answer.text.strip()))))
    return said + (footnotes(answer) if with_footnotes else "")


def pieces(events: Iterable[AnswerEvent], *, with_footnotes: bool) -> Iterator[str | Answer]:
    """The text of an answer as it grows, and last the answer.

    While it is in doubt whether the documents contain the answer, nothing is said.
    """
    evidence, said, written = EvidenceReady((), True, "", 0.0), "", ""
    for event in events:
        if isinstance(event, EvidenceReady):
            evidence = event
            if not event.abstained:
                said = evidence_text(event)
                yield said
        elif isinstance(event, TokenDelta):
            if not written:
                # Where it was in doubt, a model has read the passages: they contain the answer.
                start = "" if said else evidence_text(replace(evidence, reason=""))
                said = said or start
                yield start + ("\n\n" if said else "")
            sent = len(inert(written))
            written += event.piece
            yield inert(written)[sent:]
        elif isinstance(event, AnswerDone):
            yield from ending(event.answer, bool(said or written), with_footnotes=with_footnotes)


def ending(answer: Answer, has_begun: bool, *, with_footnotes: bool) -> Iterator[str | Answer]:
    """What comes after the text that was streamed; all of it where nothing was."""
    if not has_begun:
        yield content_of(answer, with_footnotes=False)
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

    def _names(self) -> dict[str, Any]:
        return {"id": self.id, "created": self.created, "model": self.model}


def finish_of(answer: Answer | None) -> Literal["stop", "length"]:
    """Why the text ends."""
    return "length" if answer and answer.usage and answer.usage.finish == "length" else "stop"


def checked(answer: Answer | None) -> Checked | None:
    """What an answer rests on."""
    return Checked.model_validate(answer_json(answer)) if answer else None
