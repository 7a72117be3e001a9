"""A summary in an able model's words: notes on each part of the passages, then one text from the notes."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from rag.answer.dependencies import AnswerOptions, Dependencies, settings_of
from rag.answer.draft import Draft
from rag.answer.events import AnswerEvent, PromptReady, TokenDelta
from rag.answer.generate import generated
from rag.answer.prompt import source_of
from rag.errors import RagError
from rag.interfaces import ChatModel
from rag.prompts import Templates, render
from rag.records import BudgetUse, Generation, Message, Usage
from rag.text.markers import without_half_marker

MAX_PARTS = 6
"""A longer text is read by its beginning of so many parts; what was left out is told."""
SENTENCES = 6
MARGIN_TOKENS = 64


@dataclass(frozen=True, slots=True)
class SummaryWriting:
    """A model's summary of a draft's passages. Whatever goes wrong in it, the draft with its quotes stays."""

    stages: Dependencies
    limits: AnswerOptions
    cancelled: Callable[[], bool]

    def events(self, draft: Draft, rowids: Sequence[int]) -> Generator[AnswerEvent, None, Draft]:
        """Streams the summary of some passages; returns the draft with it, and with these as its hits.

        The draft stays as it is where no model is able to phrase one.
        """
        try:
            model = self.stages.chat_model()
            if model is None or model.answer_mode == "quoting" or self.limits.mode == "quoting":
                return draft
            known = {hit.rowid for hit in draft.hits}
            others = self.stages.index.hits([rowid for rowid in rowids if rowid not in known])
            draft = replace(
                draft, hits=(*draft.hits, *others), settings=settings_of(self.limits, self.stages)
            )
            parts, left_out = self._parts(draft, model)
            order, budget = self._order(draft, model, parts, left_out)
            if order is None:
                return draft
            yield PromptReady(order.messages, draft.hits, budget)
            draft = replace(draft, budget=budget)
            return (yield from self._written(draft, order, model))
        except RagError as error:
            return replace(draft, problem=str(error))

    def _templates(self, model: ChatModel) -> Templates:
        return self.stages.templates.with_style(model.prompt_style)

    def _parts(self, draft: Draft, model: ChatModel) -> tuple[list[list[int]], tuple[int, ...]]:
        """The markers of the passages in parts that fit the window, and of those that are too many."""
        room = model.context_tokens - self.limits.answer_tokens - MARGIN_TOKENS
        room -= model.count_prompt_tokens(self._asking(draft, model, "summary", passages=""))
        parts: list[list[int]] = []
        used = room
        left_out = []
        for marker in _reading_order(draft):
            size = model.count_tokens(self._block(draft, marker, model)) + 2
            if used + size > room:
                if len(parts) == MAX_PARTS or size > room:
                    left_out.append(marker)
                    continue
                parts.append([])
                used = 0
            parts[-1].append(marker)
            used += size
        return parts, tuple(left_out)

    def _order(
        self, draft: Draft, model: ChatModel, parts: Sequence[Sequence[int]], left_out: tuple[int, ...]
    ) -> tuple[Generation | None, BudgetUse]:
        """The last prompt: over the passages where they fit one, else over the notes on each part."""
        prompts = [
            self._asking(draft, model, "summary", passages=self._blocks(draft, part, model)) for part in parts
        ]
        if len(prompts) > 1:
            notes = "\n".join(self._text(prompt, model) for prompt in prompts)
            prompts = [self._asking(draft, model, "summary_notes", notes=notes)]
        messages = prompts[0] if prompts else ()
        tokens = {
            marker: model.count_tokens(self._block(draft, marker, model)) for part in parts for marker in part
        }
        budget = BudgetUse(
            window=model.context_tokens,
            instructions=model.count_prompt_tokens(self._asking(draft, model, "summary", passages="")),
            question=model.count_tokens(draft.question),
            history=0,
            passages=tokens,
            answer=self.limits.answer_tokens,
            left_out=left_out,
        )
        return (self._generation(messages, model) if messages and not self.cancelled() else None), budget

    def _generation(self, messages: tuple[Message, ...], model: ChatModel) -> Generation:
        return Generation(
            model=model.identity,
            messages=messages,
            max_tokens=self.limits.answer_tokens,
            temperature=self.limits.temperature,
            seed=self.limits.seed,
            text="",
        )

    def _text(self, messages: tuple[Message, ...], model: ChatModel) -> str:
        pieces = generated(self._generation(messages, model), model, cancelled=self.cancelled)
        return "".join(piece for piece in pieces if isinstance(piece, str)).strip()

    def _asking(self, draft: Draft, model: ChatModel, name: str, **values: str) -> tuple[Message, ...]:
        request = render(
            name,
            folder=self.stages.templates.folder,
            question=draft.question,
            count=str(SENTENCES),
            **values,
        )
        return Message("system", self._templates(model).fill("system")), Message("user", request)

    def _blocks(self, draft: Draft, markers: Sequence[int], model: ChatModel) -> str:
        return "\n\n".join(self._block(draft, marker, model) for marker in markers)

    def _block(self, draft: Draft, marker: int, model: ChatModel) -> str:
        hit = draft.hits[marker - 1]
        return self._templates(model).passage(marker, source_of(hit), hit.passage.text)

    def _written(
        self, draft: Draft, order: Generation, model: ChatModel
    ) -> Generator[AnswerEvent, None, Draft]:
        text = shown = ""
        usage, first_at = None, None
        for piece in generated(order, model, cancelled=self.cancelled):
            if isinstance(piece, Usage):
                usage = piece
                continue
            text += piece
            stable = without_half_marker(text)
            if len(stable) > len(shown):
                first_at = first_at or time.perf_counter()
                yield TokenDelta(stable[len(shown) :])
                shown = stable
        return replace(
            draft,
            text=without_half_marker(text),
            usage=usage,
            model=model.name,
            generation=replace(order, text=text),
            first_written_at=first_at,
        )


def _reading_order(draft: Draft) -> list[int]:
    """The markers of the passages, each passage once, by document; not of hidden text."""
    first: dict[int, int] = {}
    for marker, hit in enumerate(draft.hits, start=1):
        if not hit.passage.is_hidden:
            first.setdefault(hit.rowid, marker)
    return sorted(first.values(), key=lambda marker: draft.hits[marker - 1].rowid)
