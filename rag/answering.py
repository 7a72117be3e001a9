"""The wire from a question to a cited answer: condense, search, quote, fit, generate, check."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rag.budget import HISTORY_TOKENS, Prompt, beginning, fit, keep_order
from rag.condense import Rewrite, condense
from rag.disagreement import disagreements
from rag.errors import RagError, UsageError
from rag.evidence import read
from rag.extracts import extracts
from rag.filters import ParsedQuery, parse_query
from rag.grounding import Grounded, ground
from rag.keywords import query_terms
from rag.protocols import ChatModel, Embedder, Reranker, SearchIndex
from rag.quoting import MOST_SENTENCES, quoted, quoting_grammar, speakable
from rag.ranking import DEFAULT_RANKING, Ranking
from rag.records import (
    Answer,
    BudgetUse,
    Citation,
    Disagreement,
    Evidence,
    Generation,
    Hit,
    Message,
    Usage,
)
from rag.refusal import judge
from rag.retrieval import retrieve, with_surroundings
from rag.sweep import Sweep, sweep, sweep_question
from rag.templates import Templates
from rag.text.markers import without_half_marker


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


# The starter chooses among the five best: the right one is there in 0.97 of XQuAD's questions.
QUOTABLE_SENTENCES = 5
# What the prompts ask a model to write where the passages hold no answer.
_REFUSED = re.compile(r"\W*not in your documents\W*$", re.IGNORECASE)
# A model that refuses is believed where the search doubts too: a weak one refuses what its evidence answers.
DOUBTFUL = 0.6
# A follow-up leans on the last question and its answer.
REWRITE_TURNS = 4
REWRITE_HISTORY_TOKENS = 512
REWRITE_TOKENS = 64
# The decision to answer compares the best hits with those behind them: it was fitted on twenty.
JUDGED_HITS = 20

AnswerEvent = Searched | Evidenced | Prompted | Wrote | Answered
AnswerMode = Literal["auto", "quoting", "phrasing"]
ModelSource = Callable[[], ChatModel | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is retrieved, shown to the model and written."""

    top_k: int
    passage_tokens: int
    answer_tokens: int
    evidence_sentences: int
    ranking: Ranking = DEFAULT_RANKING
    mode: AnswerMode = "auto"
    compress: bool = False
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What the wire joins. `chat_model` is asked for only when there is something to write.

    `circumstances` are told with each answer: what else decides it, such as versions.
    """

    index: SearchIndex
    embedder: Embedder
    chat_model: ModelSource
    templates: Templates
    reranker: Reranker | None = None
    circumstances: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A model's way to make a follow-up stand alone."""

    stages: Stages
    limits: Limits
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

    @classmethod
    def of(cls, question: str, history: Sequence[Message], rewrite: Rewrite) -> Asked:
        """Takes a question apart and makes it stand alone."""
        parsed = parse_query(question)
        said = [
            replace(one, content=_without_filters(one.content)) if one.role == "user" else one
            for one in history
        ]
        words, changed = condense(_without_filters(question), said, rewrite=rewrite)
        query = " ".join([words, *parsed.limits]) if changed else question.strip()
        return cls(question, query, words, replace(parsed, text=parse_query(words).text))


def _without_filters(question: str) -> str:
    """What a question says; one without filters stays as it was typed, to the letter."""
    parsed = parse_query(question)
    return parsed.text if parsed.limits else question.strip()


@dataclass(frozen=True, slots=True)
class Thread:
    """What an answer takes up from the one before it in a conversation.

    `conversation` names the model's prompt cache. `passages` are the ids of the passages that the last
    prompt showed, in its order: kept in their places, they need not be computed again.
    """

    conversation: str | None = None
    passages: tuple[str, ...] = ()

    @classmethod
    def after(cls, answer: Answer | None, *, conversation: str) -> Thread:
        """The thread that goes on behind an answer; None begins one."""
        shown = sorted(answer.budget.passages) if answer and answer.budget else ()
        return cls(conversation, tuple(answer.hits[one - 1].passage.id for one in shown) if answer else ())

    def ordered(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """The hits, with the last prompt's passages first where they would be in this prompt anyway."""
        count = len(self.passages)
        return (*keep_order(hits[:count], self.passages), *hits[count:])


NO_THREAD = Thread()


def answer(
    question: str,
    *,
    stages: Stages,
    collection: str,
    limits: Limits,
    history: Sequence[Message] = (),
    docs: Sequence[str] | None = None,
    thread: Thread = NO_THREAD,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[AnswerEvent]:
    """Answers from the collection's passages; `Answered` is the last event, also when cancelled.

    The evidence comes before any model runs, and stands alone when there is no model or when
    the documents do not seem to hold an answer.
    """
    if not question.strip():
        raise UsageError("The question is empty.")
    started = time.perf_counter()
    asked = Asked.of(question, history, Rewriting(stages, limits, cancelled).written)
    swept = everything(asked, stages.index, collection, docs)
    if swept is not None:
        yield from listed(asked, swept, started)
        return
    hits = retrieve(
        asked.parsed,
        index=stages.index,
        embedder=stages.embedder,
        collection=collection,
        top_k=max(limits.top_k, JUDGED_HITS),
        docs=docs,
        ranking=limits.ranking,
        reranker=stages.reranker,
    )
    shown = tuple(with_surroundings(thread.ordered(hits[: limits.top_k]), stages.index))
    searched = time.perf_counter()
    yield Searched(asked.query, shown, searched - started)

    draft, quotes = examined(asked, hits, shown, stages=stages, collection=collection, limits=limits)
    quoted_at = time.perf_counter()
    yield Evidenced(draft.evidence, draft.abstained, draft.reason, quoted_at - searched, draft.disagreements)
    if not draft.abstained:
        writing = Writing(asked, stages, limits, history, thread.conversation, cancelled)
        draft = yield from writing.events(draft, quotes)
    seconds = {"search": searched - started, "evidence": quoted_at - searched}
    seconds["first_token"] = (draft.first_written_at or quoted_at) - started
    seconds["total"] = time.perf_counter() - started
    yield Answered(check(draft, stages.embedder, seconds))


def examined(
    asked: Asked,
    hits: Sequence[Hit],
    shown: tuple[Hit, ...],
    *,
    stages: Stages,
    collection: str,
    limits: Limits,
) -> tuple[Draft, list[Evidence]]:
    """What the hits say before any model: the draft, and the quotes a model may choose from.

    Markers number the hits as shown.
    """
    count = max(limits.evidence_sentences, QUOTABLE_SENTENCES)
    reading = read(asked.words, hits[: limits.top_k], embedder=stages.embedder, count=count)
    judgement = judge(asked.words, hits, reading)
    markers = {hit.rowid: marker for marker, hit in enumerate(shown, start=1)}
    quotes = [replace(quote, marker=markers[quote.hit.rowid]) for quote in reading.evidence]

    def date_of(document_id: int) -> str | None:
        return next((one.date for one in stages.index.documents(collection) if one.id == document_id), None)

    draft = Draft(
        asked.question,
        asked.query,
        shown,
        tuple(quotes[: limits.evidence_sentences]),
        judgement.abstain,
        judgement.reason,
        disagreements=tuple(disagreements(quotes, date_of=date_of)),
        confidence=judgement.confidence,
        settings=settings_of(limits, stages),
    )
    return draft, quotes


def settings_of(limits: Limits, stages: Stages) -> dict[str, str | int | float | None]:
    """What decides an answer besides its prompt and its model, by name."""
    return {
        "top_k": limits.top_k,
        "passage_tokens": limits.passage_tokens,
        "evidence_sentences": limits.evidence_sentences,
        "answer_mode": limits.mode,
        "compress": limits.compress,
        **{f"ranking.{name}": value for name, value in limits.ranking.changed().items()},
        "embedding_model": stages.embedder.identity,
        **stages.circumstances,
    }


def everything(asked: Asked, index: SearchIndex, collection: str, docs: Sequence[str] | None) -> Sweep | None:
    """What a question for a count or a list finds in the whole collection; None for any other question.

    A filter that no document passes, or another collection's name, is the search's to refuse.
    """
    question = sweep_question(asked.words)
    if question is None or asked.parsed.collection not in (None, collection):
        return None
    swept = sweep(
        question, index=index, collection=collection, terms=query_terms, limits=asked.parsed, docs=docs
    )
    return swept if swept.searched else None


def listed(asked: Asked, swept: Sweep, started: float) -> Iterator[AnswerEvent]:
    """The answer to a question for a count or a list: every match of the whole collection, no model."""
    hits = tuple(match.hit for match in swept.matches)
    seconds = time.perf_counter() - started
    passages = "passage" if len(hits) == 1 else "passages"
    documents = "document" if swept.documents == 1 else "documents"
    told = f"{len(hits)} {passages} in {swept.documents} {documents} ({swept.coverage})"
    yield Searched(asked.query, hits, seconds)
    yield Evidenced(swept.matches, False, told, 0.0)
    draft = Draft(asked.question, asked.query, hits, swept.matches, False, told)
    times = {"search": seconds, "evidence": 0.0, "first_token": seconds, "total": seconds}
    yield Answered(check(draft, None, times))


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer on its way: what is known before the check.

    `problem` says why the model wrote nothing, or not to the end; `first_written_at` is when its first
    words were there, by `time.perf_counter()`.
    """

    question: str
    query: str
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    abstained: bool
    reason: str
    text: str = ""
    budget: BudgetUse | None = None
    usage: Usage | None = None
    model: str | None = None
    disagreements: tuple[Disagreement, ...] = ()
    generation: Generation | None = None
    confidence: float = 1.0
    problem: str = ""
    settings: Mapping[str, str | int | float | None] = field(default_factory=dict)
    first_written_at: float | None = None

    def refused_by_model(self) -> Draft:
        """The draft as it stands when its text says that the passages hold no answer."""
        if not _REFUSED.match(self.text) or self.confidence >= DOUBTFUL:
            return self
        reason = f"Not in your documents: {self.model} read the passages and found no answer."
        return replace(self, abstained=True, reason=reason, text="")


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
    stages: Stages
    limits: Limits
    history: Sequence[Message]
    conversation: str | None
    cancelled: Callable[[], bool]

    def events(self, draft: Draft, quotes: Sequence[Evidence]) -> Generator[AnswerEvent, None, Draft]:
        """Streams the model's text over the passages that fit; returns the draft with it."""
        try:
            model = self.stages.chat_model()
            choices = held_to(quotes, model, self.limits) if model else []
            if model is None or choices == []:
                return draft
            prompt = self._prompt(draft, model, choices, quotes)
        except RagError as error:
            return replace(draft, problem=str(error))
        yield Prompted(prompt.messages, prompt.hits, prompt.budget)
        order = self._order(prompt, model, choices)
        written = yield from self._streamed(order, model)
        draft = replace(draft, budget=prompt.budget, problem=written.problem)
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
                    yield Wrote(stable[len(shown) :])
                    shown = stable
        except RagError as error:
            written.problem = str(error)
        return written

    def _prompt(
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
        )

    def _order(self, prompt: Prompt, model: ChatModel, choices: Sequence[Evidence] | None) -> Generation:
        return Generation(
            model=model.identity,
            messages=prompt.messages,
            max_tokens=self.limits.answer_tokens,
            temperature=self.limits.temperature,
            seed=self.limits.seed,
            grammar=quoting_grammar(choices) if choices else None,
            text="",
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
        grammar=order.grammar,
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
    cut_off = answer.problem or (answer.usage is not None and answer.usage.finish == "cancelled")
    text, usage = "", answer.usage
    for piece in generated(order, model):
        if isinstance(piece, Usage):
            usage = usage if cut_off else piece
        elif not cut_off or len(text) < len(order.text):
            text += piece
        else:
            break
    draft = Draft(
        answer.question,
        answer.query,
        answer.hits,
        answer.evidence,
        answer.abstained,
        answer.reason,
        text="" if answer.abstained else without_half_marker(text),
        budget=answer.budget,
        usage=usage,
        model=answer.model,
        disagreements=answer.disagreements,
        generation=replace(order, text=text),
        problem=answer.problem,
        settings=answer.settings,
    )
    return check(draft, embedder, answer.seconds)


def held_to(quotes: Sequence[Evidence], model: ChatModel, limits: Limits) -> list[Evidence] | None:
    """The quotations a model has to choose from; None where it may phrase the answer.

    Sentences that would not fit twice into the answer's room are no choices. Where none is left, a model
    that has to choose has nothing to say. It reads nothing but its choices: about 290 tokens instead of
    1,300 with the default budget.
    """
    weak = model.answer_mode == "quoting"
    if limits.mode == "phrasing" or (limits.mode == "auto" and not weak):
        return None
    if not model.takes_grammar:
        return []  # nothing would hold it to the quotations
    room = limits.answer_tokens // MOST_SENTENCES
    return [quote for quote in quotes if speakable(quote) and model.count_tokens(quoted(quote)) < room]


def check(draft: Draft, embedder: Embedder | None, seconds: dict[str, float]) -> Answer:
    """The answer with each sentence of the model's text held against the passages it cites."""
    shown = dict(enumerate(draft.hits, start=1))
    grounded = ground(draft.text, shown, embedder=embedder) if draft.text else Grounded("", (), (), 0)
    quoted = tuple(evidence_citation(evidence) for evidence in draft.evidence)
    return Answer(
        question=draft.question,
        query=draft.query,
        text=grounded.text,
        evidence=draft.evidence,
        sentences=grounded.sentences,
        citations=(*quoted, *grounded.citations),
        hits=draft.hits,
        abstained=draft.abstained,
        reason=draft.reason,
        budget=draft.budget,
        usage=draft.usage,
        model=draft.model,
        removed_markers=grounded.removed_markers,
        seconds=seconds,
        disagreements=draft.disagreements,
        generation=draft.generation,
        problem=draft.problem,
        settings=dict(draft.settings),
    )


def evidence_citation(evidence: Evidence) -> Citation:
    """A quoted sentence as a citation: it is its own proof."""
    hit = evidence.hit
    return Citation(
        marker=evidence.marker,
        doc=hit.doc,
        page=hit.page,
        quote=evidence.quote,
        start=hit.passage.start + evidence.start,
        end=hit.passage.start + evidence.end,
        passage_id=hit.passage.id,
        content_hash=hit.passage.content_hash,
        supported="true",
        origin="evidence",
    )
