"""A model's turn: the prompt that fits, its text as it comes, and the same text again from a receipt."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.answer.abstain import Decision
from rag.answer.compression import extracts
from rag.answer.dependencies import AnswerOptions, Dependencies
from rag.answer.draft import Draft, check
from rag.answer.events import AnswerEvent, PromptReady, TokenDelta
from rag.answer.prompt import HISTORY_TOKENS, Prompt, fit
from rag.answer.question import Asked
from rag.answer.quotes import MAX_SENTENCES, arrangements, is_prose, quoted
from rag.errors import RagError, UsageError
from rag.interfaces import ChatModel, Embedder
from rag.prompts import render
from rag.records import Answer, Evidence, Generation, Message, Usage
from rag.text.markers import without_half_marker


@dataclass(slots=True)
class Written:
    """A model's text as far as it has come; `first_at` is when its first words were there."""

    text: str = ""
    usage: Usage | None = None
    first_at: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """A model's turn over a draft. Whatever goes wrong in it, the draft with its evidence stays."""

    asked: Asked
    stages: Dependencies
    limits: AnswerOptions
    history: Sequence[Message]
    conversation: str | None
    cancelled: Callable[[], bool]

    def events(self, draft: Draft, quotes: Sequence[Evidence]) -> Generator[AnswerEvent, None, Draft]:
        """Streams the model's text over the passages that fit; returns the draft with it."""
        try:
            model = self.stages.chat_model()
            if model is None or (draft.judgement.abstain and not self._may_ask(model)):
                return draft
            if all(hit.passage.is_hidden for hit in draft.hits):
                return draft
            choices = allowed_quotes(quotes, model, self.limits)
            if choices == []:
                return draft
            prompt = self.prompt(draft, model, choices, quotes)
            yield PromptReady(prompt.messages, prompt.hits, prompt.budget)
            draft = replace(draft, budget=prompt.budget)
            if draft.judgement.doubtful and self._may_ask(model):
                draft = self._after_asking(draft, prompt, model)
        except RagError as error:
            return replace(draft, problem=str(error))
        if draft.judgement.abstain:
            return draft
        return (yield from self._written(draft, self._order(prompt, model, choices), model))

    def _may_ask(self, model: ChatModel) -> bool:
        """Whether the model is able to say if passages hold an answer, and then to phrase it."""
        return model.answer_mode == "phrasing" and self.limits.mode != "quoting"

    def _after_asking(self, draft: Draft, prompt: Prompt, model: ChatModel) -> Draft:
        """The draft once the model has said whether the passages hold the answer."""
        started = time.perf_counter()
        leaning = self.leaning(prompt, model)
        draft = replace(draft, asking_seconds=time.perf_counter() - started)
        if leaning is None:
            return draft
        settings = {
            **draft.settings,
            "asked_model": model.identity,
            "asked": self._asking(),
            "model_says_yes": round(leaning, 4),
        }
        return replace(draft, judgement=draft.judgement.after(leaning, model.name), settings=settings)

    def leaning(self, prompt: Prompt, model: ChatModel) -> float | None:
        """The probability, 0 to 1, a model gives the passages of holding the answer; None if it cannot tell.

        It reads the prompt of the answer but for the last lines: what they share is computed once.
        """
        *before, last = prompt.messages
        templates = self.stages.templates.with_style(model.prompt_style)
        passages = last.content.removesuffix(templates.fill("question", question=self.asked.words))
        return model.leaning(
            [*before, Message("user", passages + self._asking())],
            "yes",
            "no",
            cancelled=self.cancelled,
            conversation=self.conversation,
        )

    def _asking(self) -> str:
        return render("answerable", folder=self.stages.templates.folder, question=self.asked.words)

    def _written(
        self, draft: Draft, order: Generation, model: ChatModel
    ) -> Generator[AnswerEvent, None, Draft]:
        """Streams the model's text; returns the draft with it."""
        written = yield from self._streamed(order, model)
        draft = replace(draft, problem=written.problem)
        if written.problem and not written.text:
            return draft
        return replace(
            draft,
            text=without_half_marker(written.text),
            usage=written.usage,
            model=model.name,
            generation=replace(order, text=written.text),
            first_written_at=written.first_at,
        ).refused_by_model()

    def _streamed(self, order: Generation, model: ChatModel) -> Generator[AnswerEvent, None, Written]:
        """The model's pieces, each as soon as no half-written marker stands at its end."""
        written, shown = Written(), ""
        try:
            for piece in generated(order, model, conversation=self.conversation, cancelled=self.cancelled):
                if isinstance(piece, Usage):
                    written.usage = piece
                    continue
                written.text += piece
                stable = without_half_marker(written.text)
                if len(stable) > len(shown):
                    written.first_at = written.first_at or time.perf_counter()
                    yield TokenDelta(stable[len(shown) :])
                    shown = stable
        except RagError as error:
            written.problem = str(error)
        return written

    def prompt(
        self,
        draft: Draft,
        model: ChatModel,
        choices: Sequence[Evidence] | None,
        quotes: Sequence[Evidence],
    ) -> Prompt:
        """A model that chooses among quotes reads these alone; another reads passages and the history.

        Compressed, the passages are shown by the sentences that matter, and more of them fit.
        """
        shown = choices or ()
        if choices is None and self.limits.compress:
            shown = extracts(self.asked.words, draft.hits, quotes)
        return fit(
            self.asked.words,
            draft.hits,
            history=self.history,
            templates=self.stages.templates.with_style(model.prompt_style),
            counter=model,
            window_tokens=model.context_tokens,
            passage_tokens=self.limits.passage_tokens,
            answer_tokens=self.limits.answer_tokens,
            history_tokens=0 if choices else HISTORY_TOKENS,
            quotes=shown,
            instruction=self._instruction(),
        )

    def _instruction(self) -> str:
        """What the person wishes of all answers from the collection, as a model is told; "" for nothing."""
        wish, folder = self.limits.instruction, self.stages.templates.folder
        return render("instruction", folder=folder, instruction=wish) if wish else ""

    def _order(self, prompt: Prompt, model: ChatModel, choices: Sequence[Evidence] | None) -> Generation:
        return Generation(
            model=model.identity,
            messages=prompt.messages,
            max_tokens=self.limits.answer_tokens,
            temperature=self.limits.temperature,
            seed=self.limits.seed,
            text="",
            choices=arrangements(choices) if choices else (),
        )


def generated(
    order: Generation,
    model: ChatModel,
    *,
    conversation: str | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[str | Usage]:
    """The model's pieces of text for an order, and one `Usage` last."""
    return model.stream(
        order.messages,
        max_tokens=order.max_tokens,
        temperature=order.temperature,
        seed=order.seed,
        cancelled=cancelled,
        choices=order.choices,
        conversation=conversation,
    )


def replay(answer: Answer, *, model: ChatModel | None, embedder: Embedder) -> Answer:
    """The answer of a receipt, made again from it: the same prompt and settings on the same weights.

    Where no model wrote, the quotes are the answer, and nothing has to be made. Nothing is searched: the
    documents may have changed since. A text that was cut off is made to where it was cut.

    Raises:
        UsageError: the model at hand is not the receipt's.
    """
    order = answer.generation
    if order is None:
        return answer
    if model is None or model.identity != order.model:
        at_hand = model.identity if model else "no model"
        raise UsageError(
            f"The receipt was written by {order.model}; at hand is {at_hand}. Name that model's file "
            "with --model, and tune it or not as it was then."
        )
    text, usage = _again(order, model, answer)
    draft = Draft(
        answer.question,
        answer.query,
        answer.hits,
        answer.evidence,
        Decision(answer.abstained, answer.reason, 1.0),
        text="" if answer.abstained else without_half_marker(text),
        budget=answer.budget,
        usage=usage,
        model=answer.model,
        disagreements=answer.disagreements,
        generation=replace(order, text=text),
        problem=answer.problem,
        settings=answer.settings,
        computation=answer.computation,
    )
    return replace(
        check(draft, embedder, answer.seconds),
        changes=answer.changes,
        partly_read=answer.partly_read,
        across_languages=answer.across_languages,
        others=answer.others,
        collection=answer.collection,
    )


def _again(order: Generation, model: ChatModel, answer: Answer) -> tuple[str, Usage | None]:
    """The text of an order, and what it cost; of one that was cut off, as much as there was."""
    cut_off = answer.problem or (answer.usage is not None and answer.usage.finish == "cancelled")
    text, usage = "", answer.usage
    for piece in generated(order, model):
        if isinstance(piece, Usage):
            usage = usage if cut_off else piece
            continue
        text += piece
        if cut_off and len(text) >= len(order.text):
            return text[: len(order.text)], usage
    return text, usage


def allowed_quotes(
    quotes: Sequence[Evidence], model: ChatModel, limits: AnswerOptions
) -> list[Evidence] | None:
    """The quotations a model has to choose from; None where it may phrase the answer.

    By its ability ("auto"), a weak model has none: whatever it chose would stand in the excerpts already, or
    be further from the question than these. Sentences that would not fit twice into the answer's room are no
    choices. Where none is left, a model that has to choose has nothing to say. It reads nothing but its
    choices: about 290 tokens instead of 1,300 with the default budget.
    """
    weak = model.answer_mode == "quoting"
    if limits.mode == "phrasing" or (limits.mode == "auto" and not weak):
        return None
    if limits.mode == "auto" or not model.takes_choices:
        return []  # a server's model cannot be held to the quotations
    room = limits.answer_tokens // MAX_SENTENCES
    return [quote for quote in quotes if is_prose(quote) and model.count_tokens(quoted(quote)) < room]
