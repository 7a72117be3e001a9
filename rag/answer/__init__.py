"""The wire from a question to a cited answer: condense, search, quote, fit, generate, check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rag.answer.abstain import Decision, judge
from rag.answer.codes import codes_nowhere
from rag.answer.conflicts import disagreements
from rag.answer.dependencies import AnswerMode, AnswerOptions, Dependencies, settings_of
from rag.answer.direct import Direct, answered_directly
from rag.answer.draft import Draft, check
from rag.answer.events import AnswerDone, AnswerEvent, EvidenceReady, PromptReady, SearchDone, TokenDelta
from rag.answer.evidence import read
from rag.answer.generate import Writing, allowed_quotes, replay
from rag.answer.prompt import keep_order
from rag.answer.question import Asked, Rewriting
from rag.answer.tables import Computed, computed
from rag.answer.versions import Preferred, Versions
from rag.answer.written_summary import SummaryWriting
from rag.errors import UsageError
from rag.records import Answer, Evidence, Hit, Message, Superseded
from rag.search import retrieve, with_surroundings
from rag.search.query import plain_query
from rag.text.words import seems_english

__all__ = [
    "NO_CONTEXT",
    "AnswerDone",
    "AnswerEvent",
    "AnswerMode",
    "AnswerOptions",
    "ConversationContext",
    "Dependencies",
    "Draft",
    "EvidenceReady",
    "PromptReady",
    "SearchDone",
    "TokenDelta",
    "allowed_quotes",
    "answer",
    "replay",
    "until_evidence",
]

# The starter chooses among the five best: the right one is there in 0.97 of XQuAD's questions.
QUOTABLE_SENTENCES = 5
# The decision to answer compares the best hits with those behind them: it was fitted on twenty.
JUDGED_HITS = 20


@dataclass(frozen=True, slots=True)
class ConversationContext:
    """What an answer takes up from the one before it in a conversation.

    `conversation` names the model's prompt cache. `passages` are the ids of the passages that the last
    prompt showed, in its order: kept in their places, they need not be computed again.
    """

    conversation: str | None = None
    passages: tuple[str, ...] = ()

    @classmethod
    def after(cls, answer: Answer | None, *, conversation: str) -> ConversationContext:
        """The thread that goes on behind an answer; None begins one."""
        shown = sorted(answer.budget.passages) if answer and answer.budget else ()
        return cls(conversation, tuple(answer.hits[one - 1].passage.id for one in shown) if answer else ())

    def ordered(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """The hits, with the last prompt's passages first where they would be in this prompt anyway."""
        count = len(self.passages)
        return (*keep_order(hits[:count], self.passages), *hits[count:])


NO_CONTEXT = ConversationContext()


def answer(
    question: str,
    *,
    stages: Dependencies,
    collection: str,
    limits: AnswerOptions,
    history: Sequence[Message] = (),
    docs: Sequence[str] | None = None,
    thread: ConversationContext = NO_CONTEXT,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[AnswerEvent]:
    """Answers from the collection's passages; `AnswerDone` is the last event, also when cancelled.

    The evidence comes before any model runs, and stands alone when there is no model or when
    the documents do not seem to hold an answer. Where that is in doubt, an able model is asked first.
    """
    if not question.strip():
        raise UsageError("The question is empty.")
    started = time.perf_counter()
    asked = Asked.of(question, history, Rewriting(stages, limits, cancelled).written)

    def search(words: str) -> list[Hit]:
        wanted = replace(asked, parsed=plain_query(words))
        return searched_for(wanted, stages=stages, collection=collection, limits=limits, docs=docs)

    direct = answered_directly(asked, stages.index, collection, docs, embedder=stages.embedder, search=search)
    summarising = SummaryWriting(stages, limits, cancelled)
    if direct is not None:
        yield from told(asked, direct, started, writing=summarising)
        return
    found = searched_for(asked, stages=stages, collection=collection, limits=limits, docs=docs)
    versions = Versions.among(found, stages.index, collection)
    preferred = versions.preferred(asked.words, found, most=max(limits.top_k, JUDGED_HITS))
    hits = preferred.hits
    in_tables = None
    if asked.may_be_a_task:
        in_tables = computed(asked.words, hits, index=stages.index, collection=collection)
    if in_tables is not None and in_tables.final:
        value = Direct("", asked.query, in_tables.evidence, computation=in_tables.computation)
        yield from told(asked, value, started, writing=summarising)
        return
    shown = tuple(with_surroundings(thread.ordered(hits[: limits.top_k]), stages.index))
    searched = time.perf_counter()
    yield SearchDone(asked.query, shown, searched - started)

    draft, quotes = examined(
        asked,
        preferred,
        shown,
        stages=stages,
        collection=collection,
        limits=limits,
        superseded=versions.superseded(),
    )
    quoted_at = time.perf_counter()
    if in_tables is not None:
        draft = with_value(draft, in_tables)
    decision = draft.judgement
    yield EvidenceReady(
        draft.evidence,
        decision.abstain,
        decision.reason,
        quoted_at - searched,
        draft.disagreements,
        computation=draft.computation,
    )
    if decision.doubtful or not decision.abstain:
        writing = Writing(asked, stages, limits, history, thread.conversation, cancelled)
        draft = yield from writing.events(draft, quotes)
    seconds = {"search": searched - started, "evidence": quoted_at - searched}
    if draft.asking_seconds is not None:
        seconds["asking"] = draft.asking_seconds
    seconds["first_token"] = (draft.first_written_at or quoted_at) - started
    seconds["total"] = time.perf_counter() - started
    yield AnswerDone(check(draft, stages.embedder, seconds))


def until_evidence(events: Iterator[AnswerEvent]) -> Iterator[AnswerEvent]:
    """The events of an answer to its evidence; the others are left."""
    for event in events:
        yield event
        if isinstance(event, EvidenceReady):
            return


def searched_for(
    asked: Asked,
    *,
    stages: Dependencies,
    collection: str,
    limits: AnswerOptions,
    docs: Sequence[str] | None = None,
) -> list[Hit]:
    """The hits of a question, best first: twice as many as are shown or judged, since some may be copies."""
    return retrieve(
        asked.parsed,
        index=stages.index,
        embedder=stages.embedder,
        second=stages.second_embedder,
        collection=collection,
        top_k=2 * max(limits.top_k, JUDGED_HITS),
        docs=docs,
        ranking=limits.ranking,
        reranker=stages.reranker,
    )


def examined(
    asked: Asked,
    preferred: Preferred,
    shown: tuple[Hit, ...],
    *,
    stages: Dependencies,
    collection: str,
    limits: AnswerOptions,
    superseded: Mapping[int, Superseded] = MappingProxyType({}),
) -> tuple[Draft, list[Evidence]]:
    """What the hits say before any model: the draft, and the quotes a model may choose from.

    Markers number the hits as shown. `superseded` are the documents, by id, that a later version follows.
    """
    hits, words = preferred.hits, preferred.question
    reading = read(
        words,
        hits[: limits.top_k],
        embedder=stages.embedder,
        second=stages.second_embedder if seems_english(asked.words) else None,
        count=limits.evidence_sentences,
        quotes=QUOTABLE_SENTENCES,
        other_versions=preferred.others,
    )
    markers = {hit.rowid: marker for marker, hit in enumerate(shown, start=1)}

    def as_shown(one: Evidence) -> Evidence:
        return replace(one, marker=markers[one.hit.rowid], superseded=superseded.get(one.hit.document_id))

    excerpts = [as_shown(one) for one in reading.evidence]
    quotes = [as_shown(one) for one in reading.quotes if not one.hit.passage.is_hidden]

    def date_of(document_id: int) -> str | None:
        entries = stages.index.layout(collection).entries
        return next((one.date for one in entries if one.id == document_id and not one.undated), None)

    draft = Draft(
        asked.question,
        asked.query,
        shown,
        tuple(excerpts),
        judge(
            words,
            [hit for hit in hits if hit.document_id not in preferred.others],
            reading,
            nowhere=codes_nowhere(words, stages.index, collection),
        ),
        disagreements=tuple(disagreements(quotes, date_of=date_of)),
        settings=settings_of(limits, stages),
    )
    return draft, quotes


def with_value(draft: Draft, value: Computed) -> Draft:
    """The draft with a value that a table's cell states, marked in the excerpt that has it, or in its row.

    It is left out where the documents do not seem to answer, or its passage is not among those shown.
    """
    markers = {hit.rowid: marker for marker, hit in enumerate(draft.hits, start=1)}
    if draft.judgement.abstain or any(row.hit.rowid not in markers for row in value.evidence):
        return draft
    evidence = list(draft.evidence)
    for row in reversed(value.evidence):
        row = replace(row, marker=markers[row.hit.rowid])
        same = [one for one in evidence if one.marker == row.marker]
        around = [one for one in same if one.start <= row.start and row.end <= one.end]
        excerpt = replace(around[0], sentence=row.sentence, answer=row.answer) if around else row
        evidence = [excerpt, *(one for one in evidence if one not in around[:1])]
    found = value.computation
    moved = {row.marker: markers[row.hit.rowid] for row in value.evidence}
    cells = tuple(replace(cell, marker=moved[cell.marker]) for cell in found.cells)
    return replace(draft, evidence=tuple(evidence), computation=replace(found, cells=cells))


def told(asked: Asked, direct: Direct, started: float, *, writing: SummaryWriting) -> Iterator[AnswerEvent]:
    """The answer to a question that needs no excerpts to be chosen.

    A model is asked only for a summary, and reads all that is summarised.
    """
    hits = tuple({match.marker: match.hit for match in direct.evidence}.values())
    seconds = time.perf_counter() - started
    yield SearchDone(direct.query, hits, seconds)
    found = Decision(False, direct.told, 1.0)
    draft = Draft(
        asked.question,
        direct.query,
        hits,
        direct.evidence,
        found,
        changes=direct.changes,
        computation=direct.computation,
    )
    yield EvidenceReady(
        draft.evidence, False, direct.told, 0.0, changes=draft.changes, computation=draft.computation
    )
    if direct.rowids:
        draft = yield from writing.events(draft, direct.rowids)
    times = {"search": seconds, "evidence": 0.0}
    first = draft.first_written_at
    times["first_token"] = first - started if first else seconds
    times["total"] = time.perf_counter() - started
    yield AnswerDone(check(draft, writing.stages.embedder, times))
