"""The wire from a question to a cited answer: condense, search, quote, fit, generate, check."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rag.budget import fit
from rag.condense import condense
from rag.errors import UsageError
from rag.evidence import read
from rag.grounding import Grounded, ground
from rag.keywords import query_terms
from rag.protocols import ChatModel, Embedder, SearchIndex
from rag.quoting import MOST_SENTENCES, quoted, quoting_grammar, speakable
from rag.records import Answer, BudgetUse, Citation, Evidence, Hit, Message, Usage
from rag.refusal import judge
from rag.retrieval import retrieve
from rag.sweep import Sweep, sweep, sweep_question
from rag.templates import Templates


@dataclass(frozen=True, slots=True)
class Searched:
    """The passages found, best first, for the query the question was turned into."""

    query: str
    hits: tuple[Hit, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Evidenced:
    """The best sentences, and whether the documents seem to answer at all."""

    evidence: tuple[Evidence, ...]
    abstained: bool
    reason: str
    seconds: float


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
# The decision to answer compares the best hits with those behind them: it was fitted on twenty.
JUDGED_HITS = 20

AnswerEvent = Searched | Evidenced | Prompted | Wrote | Answered
AnswerMode = Literal["auto", "quoting", "phrasing"]
ModelSource = Callable[[], ChatModel | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is retrieved, shown to the model and written."""

    top_k: int
    passage_tokens: int
    answer_tokens: int
    evidence_sentences: int
    mode: AnswerMode = "auto"
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What the wire joins. `chat_model` is asked for only when there is something to write."""

    index: SearchIndex
    embedder: Embedder
    chat_model: ModelSource
    templates: Templates


def answer(
    question: str,
    *,
    stages: Stages,
    collection: str,
    limits: Limits,
    history: Sequence[Message] = (),
    docs: Sequence[str] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[AnswerEvent]:
    """Answers from the collection's passages; `Answered` is the last event, also when cancelled.

    The evidence comes before any model runs, and stands alone when there is no model or when
    the documents do not seem to hold an answer.
    """
    if not question.strip():
        raise UsageError("The question is empty.")
    started = time.perf_counter()
    query, _ = condense(question, history)
    everywhere = sweep_question(query) if docs is None else None
    if everywhere:
        swept = sweep(everywhere, index=stages.index, collection=collection, terms=query_terms)
        if swept.matches:
            yield from listed(question, query, swept, started)
            return
    hits = retrieve(
        query,
        index=stages.index,
        embedder=stages.embedder,
        collection=collection,
        top_k=max(limits.top_k, JUDGED_HITS),
        docs=docs,
    )
    searched = time.perf_counter()
    yield Searched(query, tuple(hits[: limits.top_k]), searched - started)

    count = max(limits.evidence_sentences, QUOTABLE_SENTENCES)
    reading = read(query, hits, embedder=stages.embedder, count=count)
    evidence = reading.evidence[: limits.evidence_sentences]
    judgement = judge(query, hits, reading)
    quoted_at = time.perf_counter()
    yield Evidenced(evidence, judgement.abstain, judgement.reason, quoted_at - searched)

    draft = Draft(question, query, tuple(hits[: limits.top_k]), evidence, judgement.abstain, judgement.reason)
    model = None if judgement.abstain else stages.chat_model()
    if model is not None:
        draft = yield from write(
            draft, model, reading.evidence, stages=stages, limits=limits, history=history, cancelled=cancelled
        )
    seconds = {"search": searched - started, "evidence": quoted_at - searched}
    seconds["first_token"] = draft.first_token_seconds(quoted_at - started)
    seconds["total"] = time.perf_counter() - started
    yield Answered(check(draft, stages.embedder, seconds))


def listed(question: str, query: str, swept: Sweep, started: float) -> Iterator[AnswerEvent]:
    """The answer to a question for a count or a list: every match of the whole collection, no model."""
    hits = tuple(match.hit for match in swept.matches)
    seconds = time.perf_counter() - started
    passages = "passage" if len(hits) == 1 else "passages"
    documents = "document" if swept.documents == 1 else "documents"
    told = f"{len(hits)} {passages} in {swept.documents} {documents} ({swept.coverage})"
    yield Searched(query, hits, seconds)
    yield Evidenced(swept.matches, False, told, 0.0)
    draft = Draft(question, query, hits, swept.matches, False, told)
    times = {"search": seconds, "evidence": 0.0, "first_token": seconds, "total": seconds}
    yield Answered(check(draft, None, times))


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer on its way: what is known before the check."""

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

    def first_token_seconds(self, before: float) -> float:
        """Seconds from the question to the model's first token, or to the evidence without a model."""
        return before + (self.usage.first_token_seconds if self.usage else 0.0)


def write(
    draft: Draft,
    model: ChatModel,
    sentences: Sequence[Evidence],
    *,
    stages: Stages,
    limits: Limits,
    history: Sequence[Message],
    cancelled: Callable[[], bool],
) -> Generator[AnswerEvent, None, Draft]:
    """Streams the model's text over the passages that fit; returns the draft with it."""
    prompt = fit(
        draft.query,
        draft.hits,
        history=history,
        templates=stages.templates.with_style(model.prompt_style),
        counter=model,
        window_tokens=model.context_tokens,
        passage_tokens=limits.passage_tokens,
        answer_tokens=limits.answer_tokens,
    )
    yield Prompted(prompt.messages, prompt.hits, prompt.budget)
    pieces: list[str] = []
    usage: Usage | None = None
    stream = model.stream(
        prompt.messages,
        max_tokens=limits.answer_tokens,
        temperature=limits.temperature,
        seed=limits.seed,
        cancelled=cancelled,
        grammar=held_to(sentences, model, limits),
    )
    for piece in stream:
        if isinstance(piece, Usage):
            usage = piece
        else:
            pieces.append(piece)
            yield Wrote(piece)
    return replace(draft, text="".join(pieces), budget=prompt.budget, usage=usage, model=model.name)


def held_to(sentences: Sequence[Evidence], model: ChatModel, limits: Limits) -> str | None:
    """The grammar of an answer in quotations, or None where the model may phrase it.

    Sentences that would not fit twice into the answer's room are no choices.
    """
    weak = model.answer_mode == "quoting"
    if limits.mode == "phrasing" or (limits.mode == "auto" and not weak):
        return None
    room = limits.answer_tokens // MOST_SENTENCES
    choices = [
        sentence
        for sentence in sentences
        if speakable(sentence) and model.count_tokens(quoted(sentence)) < room
    ]
    return quoting_grammar(choices) if choices else None


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


def shown_text(answer: Answer) -> str:
    """The answer as a person reads it: the quoted evidence, then the model's text."""
    quotes = " ".join(f"{evidence.quote.strip()} [{evidence.marker}]" for evidence in answer.evidence)
    if answer.abstained:
        return answer.reason
    return "\n\n".join(part for part in (answer.reason, quotes, answer.text.strip()) if part)


def passage_json(hit: Hit) -> dict[str, Any]:
    """A retrieved passage as the command line's contract has it."""
    return {"doc": hit.doc, "page": hit.page, "text": hit.passage.text, "score": round(hit.score, 6)}


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer as the command line's contract has it, with the model's own text beside it."""
    usage = answer.usage
    return {
        "question": answer.question,
        "query": answer.query,
        "answer": shown_text(answer),
        "text": answer.text,
        "model": answer.model,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "citations": [
            {"marker": c.marker, "doc": c.doc, "page": c.page, "quote": c.quote, "supported": c.supported}
            for c in answer.citations
        ],
        "passages": [passage_json(hit) for hit in answer.hits],
        "left_out": list(answer.budget.left_out) if answer.budget else [],
        "removed_markers": answer.removed_markers,
        "tokens": {
            "prompt": usage.prompt_tokens if usage else 0,
            "cached": usage.cached_tokens if usage else 0,
            "answer": usage.answer_tokens if usage else 0,
        },
        "seconds": {
            "search": round(answer.seconds["search"], 4),
            "first_token": round(answer.seconds["first_token"], 4),
            "total": round(answer.seconds["total"], 4),
        },
    }
