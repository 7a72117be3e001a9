"""A GGUF model on this machine as a `ChatModel`: exact counts, a stop that works, a kept prompt cache."""

from __future__ import annotations

import codecs
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag.errors import BudgetError, ModelError
from rag.interfaces import AnswerMode, PromptStyle
from rag.llm.chat_template import ChatTemplate
from rag.llm.choices import Choice, choose
from rag.llm.llama import Engine, Sampler
from rag.llm.prompt_cache import KeptStates
from rag.llm.tokenizer import Tokenizer
from rag.llm.yes_probability import leaning_of
from rag.records import Message, Usage

_LOCK_POLL_SECONDS = 0.05


def never() -> bool:
    """The default of `cancelled`."""
    return False


class LocalChatModel:
    """Continues conversations with one loaded GGUF model; one question at a time, others wait.

    The prompt is computed in steps of `step_tokens` at fixed positions, and a later prompt takes
    over only whole steps from the cache: so a prompt gives the same answer whatever was asked
    before it. A stop takes effect in the middle of a step.
    """

    takes_choices = True

    def __init__(
        self,
        engine: Engine,
        *,
        name: str,
        tokenizer: Tokenizer,
        template: ChatTemplate,
        step_tokens: int,
        identity: str,
        answer_mode: AnswerMode | None = None,
        states: KeptStates | None = None,
    ) -> None:
        self.name = name
        self.identity = identity
        self.context_tokens = engine.context_tokens
        self.parameters: int = engine.parameters
        # SmolLM2-135M follows three short rules and loses the passages behind seven.
        self.prompt_style: PromptStyle = "short" if engine.parameters < 1e9 else "full"
        self.answer_mode: AnswerMode = answer_mode or ("quoting" if engine.parameters < 1e9 else "phrasing")
        self.engine = engine
        self._tokenizer = tokenizer
        self._template = template
        self._step = min(step_tokens, engine.micro_batch)
        self._states = states
        self._cached: list[int] = []
        self._conversation: str | None = None
        self._turn = threading.Lock()
        self._closed = False
        self._content_tokens = functools.lru_cache(maxsize=64)(lambda text: tuple(tokenizer.encode(text)))

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, no special tokens added."""
        return len(self._tokenizer.encode(text))

    def count_prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt, chat template included: exactly those that `stream` computes."""
        return len(self.prompt_tokens(messages))

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        """The prompt as the model reads it; contents never become control tokens."""
        tokens: list[int] = []
        for part in self._template.parts(messages):
            if part.is_markup:
                tokens += self._tokenizer.encode_markup(part.text)
            else:
                tokens += self._content_tokens(part.text)
        first = self.engine.first_token
        if first is not None and tokens[:1] != [first]:
            tokens.insert(0, first)
        return tokens

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        cancelled: Callable[[], bool] = never,
        choices: Sequence[str] = (),
        conversation: str | None = None,
    ) -> Iterator[str | Usage]:
        """Yields pieces of text, whole characters only, and one `Usage` last, also when cancelled.

        With `choices`, the answer is one of these texts; those of more than `max_tokens` are none.
        `conversation` names whose prompt cache to take up and to save.

        Raises:
            BudgetError: the prompt leaves no room for an answer, or for any of the choices.
        """
        prompt = self.prompt_tokens(messages)
        room = self.context_tokens - len(prompt)
        if room < 1:
            raise BudgetError(
                f"The prompt has {len(prompt)} tokens and {self.name} reads {self.context_tokens}: "
                "leave out passages or history, or raise context_tokens."
            )
        room = min(room, max_tokens)
        order = _Order(temperature, seed, self._choices(choices, room), room, cancelled)
        clock = _Clock(len(prompt))
        with self._having_read(prompt, conversation, cancelled) as cached:
            if cached is None:
                yield clock.usage("cancelled")
                return
            clock.cached = cached
            write = self._choose if order.choices else self._decode
            yield from write(len(prompt), order, clock)
            self._save(conversation)

    def leaning(
        self,
        messages: Sequence[Message],
        towards: str,
        against: str,
        *,
        cancelled: Callable[[], bool] = never,
        conversation: str | None = None,
    ) -> float | None:
        """How much likelier the answer begins with one word than with the other, 0 to 1, case aside.

        Nothing is written: what the prompt shares with the next one is computed once for both. None when
        cancelled, or where it will most likely begin with neither.

        Raises:
            BudgetError: the prompt is longer than the context window.
        """
        prompt = self.prompt_tokens(messages)
        if len(prompt) > self.context_tokens:
            raise BudgetError(
                f"The prompt has {len(prompt)} tokens; {self.name} reads {self.context_tokens}."
            )
        with self._having_read(prompt, conversation, cancelled) as cached:
            if cached is None:
                return None
            likely = np.exp(self.engine.logits())
        first, second = (
            float(likely[self._first_tokens(word)].sum() / likely.sum()) for word in (towards, against)
        )
        return leaning_of(first, second)

    def _first_tokens(self, word: str) -> list[int]:
        """The tokens the word may begin with, as it is and with a capital letter."""
        return sorted({self._tokenizer.encode(form)[0] for form in (word, word.capitalize())})

    def forget(self) -> None:
        """Empties the prompt cache, so that the next prompt is computed in full."""
        with self._turn:
            self._require_open()
            self.engine.clear()
            self._cached = []

    def close(self) -> None:
        """Frees the model's memory, after an answer under way has ended."""
        with self._turn:
            self._closed = True
            self.engine.close()

    @contextmanager
    def _having_read(
        self, prompt: list[int], conversation: str | None, cancelled: Callable[[], bool]
    ) -> Iterator[int | None]:
        """The model with the prompt in its cache: how many tokens were there already; None when cancelled."""
        if not self._wait(cancelled):
            yield None
            return
        try:
            self._take_up(conversation)
            cached = self._reuse(prompt)
            with self.engine.heeding(cancelled):
                yield cached if self._prefill(prompt, cancelled) else None
        finally:
            self._turn.release()

    def _wait(self, cancelled: Callable[[], bool]) -> bool:
        while not self._turn.acquire(timeout=_LOCK_POLL_SECONDS):
            if cancelled():
                return False
        if self._closed:
            self._turn.release()
            self._require_open()
        return True

    def _require_open(self) -> None:
        if self._closed:
            raise ModelError(f"{self.name} is closed; load it again.")

    def _reuse(self, prompt: list[int]) -> int:
        """Leaves in the cache what leads the prompt: whole steps, and never the last token; how many."""
        same = 0
        for cached, token in zip(self._cached, prompt[:-1], strict=False):
            if cached != token:
                break
            same += 1
        kept = self.engine.trim(same - same % self._step)
        self._cached = prompt[:kept]
        return kept

    def _prefill(self, prompt: list[int], cancelled: Callable[[], bool]) -> bool:
        """Computes what the cache lacks of the prompt; False when cancelled."""
        start = len(self._cached)
        while start < len(prompt):
            if cancelled():
                return False
            step = prompt[start : start + self._step]
            if not self.engine.decode(step, start=start):
                return False
            start += len(step)
            self._cached = prompt[:start]
        return True

    def _decode(self, position: int, order: _Order, clock: _Clock) -> Iterator[str | Usage]:
        """Writes freely, token by token."""
        sampler = self.engine.sampler(temperature=order.temperature, seed=order.seed)
        try:
            yield from self._sampled(position, order, sampler, clock)
        finally:
            sampler.close()

    def _sampled(
        self, position: int, order: _Order, sampler: Sampler, clock: _Clock
    ) -> Iterator[str | Usage]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        finish: Literal["stop", "length", "cancelled"] = "length"
        for count in range(order.max_tokens):
            if order.cancelled():
                finish = "cancelled"
                break
            token = sampler.next()
            clock.token()
            if self.engine.is_end(token):
                finish = "stop"
                break
            if text := decoder.decode(self.engine.piece(token)):
                yield text
            if count + 1 < order.max_tokens and not self.engine.decode([token], start=position + count):
                finish = "cancelled"
                break
        yield clock.usage(finish)

    def _choose(self, position: int, order: _Order, clock: _Clock) -> Iterator[str | Usage]:
        """Writes one of the choices."""

        def compute(tokens: Sequence[int], start: int) -> bool:
            steps = range(0, len(tokens), self._step)
            return all(self.engine.decode(tokens[at : at + self._step], start=start + at) for at in steps)

        pieces = choose(
            order.choices,
            self.engine,
            compute,
            start=position,
            temperature=order.temperature,
            seed=order.seed,
            cancelled=order.cancelled,
        )
        while True:
            try:
                text = next(pieces)
            except StopIteration as end:
                chosen = end.value
                break
            clock.begin()
            yield text
        clock.answer = chosen.tokens
        yield clock.usage("stop" if chosen.settled else "cancelled")

    def _choices(self, texts: Sequence[str], room: int) -> list[Choice]:
        choices = [Choice.of(text, self._tokenizer.encode(text)) for text in dict.fromkeys(texts)]
        fitting = [choice for choice in choices if len(choice.tokens) <= room]
        if choices and not fitting:
            raise BudgetError(
                f"None of the {len(choices)} quotations fits into the {room} tokens of an answer: "
                "raise answer_tokens, or leave out passages."
            )
        return fitting

    def _take_up(self, conversation: str | None) -> None:
        """Loads the conversation's saved cache when another prompt's is in memory."""
        before, self._conversation = self._conversation, conversation
        if self._states is None or conversation is None or conversation == before:
            return
        restored = self._states.load(self.engine, conversation)
        if restored is not None:
            self._cached = restored

    def _save(self, conversation: str | None) -> None:
        if self._states is not None and conversation is not None:
            self._cached = self._cached[: self.engine.trim(len(self._cached))]
            self._states.save(self.engine, conversation, self._cached)


@dataclass(frozen=True, slots=True)
class _Order:
    """What an answer is to be."""

    temperature: float
    seed: int
    choices: Sequence[Choice]
    max_tokens: int
    cancelled: Callable[[], bool]


class _Clock:
    """Counts and times of one answer."""

    def __init__(self, prompt_tokens: int) -> None:
        self.prompt = prompt_tokens
        self.cached = 0
        self.answer = 0
        self.started = time.perf_counter()
        self.first: float | None = None

    def token(self) -> None:
        self.answer += 1
        self.begin()

    def begin(self) -> None:
        if self.first is None:
            self.first = time.perf_counter() - self.started

    def usage(self, finish: Literal["stop", "length", "cancelled"]) -> Usage:
        total = time.perf_counter() - self.started
        return Usage(
            prompt_tokens=self.prompt,
            cached_tokens=self.cached,
            answer_tokens=self.answer,
            first_token_seconds=total if self.first is None else self.first,
            total_seconds=total,
            finish=finish,
        )
