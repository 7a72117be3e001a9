"""An answer on its way, and the check that finishes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rag.answer.abstain import Decision, found_nothing
from rag.interfaces import Embedder
from rag.records import (
    Answer,
    BudgetUse,
    Change,
    Citation,
    Computation,
    Disagreement,
    Evidence,
    Generation,
    Hit,
    Usage,
)
from rag.verify.grounding import Grounded, ground

# What the prompts ask a model to write where the passages hold no answer.
_REFUSED = re.compile(r"\W*not in your documents\W*$", re.IGNORECASE)
# A refusing model is believed unless the search is this sure: a weak one refuses what its evidence answers.
SEARCH_IS_SURE = 0.6


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer on its way: what is known before the check.

    `problem` says why the model wrote nothing, or not to the end; `first_written_at` is when its first
    words were there, by `time.perf_counter()`. `asking_seconds` is how long the model took to say
    whether the passages hold the answer, where it was asked; most of the prompt was read in it.
    """

    question: str
    query: str
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    judgement: Decision
    text: str = ""
    budget: BudgetUse | None = None
    usage: Usage | None = None
    model: str | None = None
    disagreements: tuple[Disagreement, ...] = ()
    generation: Generation | None = None
    problem: str = ""
    settings: Mapping[str, str | int | float | None] = field(default_factory=dict)
    first_written_at: float | None = None
    asking_seconds: float | None = None
    changes: tuple[Change, ...] = ()
    computation: Computation | None = None

    def refused_by_model(self) -> Draft:
        """The draft as it stands when its text says that the passages hold no answer."""
        if not _REFUSED.match(self.text) or self.judgement.confidence >= SEARCH_IS_SURE:
            return self
        reason = found_nothing(str(self.model))
        return replace(self, judgement=replace(self.judgement, abstain=True, reason=reason), text="")


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
        abstained=draft.judgement.abstain,
        reason=draft.judgement.reason,
        budget=draft.budget,
        usage=draft.usage,
        model=draft.model,
        removed_markers=grounded.removed_markers,
        seconds=seconds,
        disagreements=draft.disagreements,
        generation=draft.generation,
        problem=draft.problem,
        settings=dict(draft.settings),
        changes=draft.changes,
        computation=draft.computation,
        across_languages=draft.judgement.across_languages,
    )


def evidence_citation(evidence: Evidence) -> Citation:
    """An excerpt as a citation: it is its own proof."""
    hit = evidence.hit
    offset = hit.passage.start
    return Citation(
        marker=evidence.marker,
        doc=hit.doc,
        page=hit.page,
        quote=evidence.quote,
        start=offset + evidence.start,
        end=offset + evidence.end,
        passage_id=hit.passage.id,
        content_hash=hit.passage.content_hash,
        supported="true",
        origin="evidence",
        sentence=_moved(evidence.sentence, offset),
        answer=_moved(evidence.answer, offset),
        header=evidence.header,
        superseded=evidence.superseded,
        hidden=hit.passage.is_hidden,
    )


def _moved(span: tuple[int, int] | None, offset: int) -> tuple[int, int] | None:
    return span and (span[0] + offset, span[1] + offset)
