"""One question and what is known of its answer, in one shape for saved, streaming and waiting turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from rag.records import (
    Answer,
    BudgetUse,
    Change,
    Citation,
    Computation,
    Disagreement,
    Evidence,
    Hit,
    PartlyRead,
    Sentence,
    Usage,
)

State = Literal["waiting", "searching", "writing", "done", "failed"]
Place = Literal["unchanged", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of a cited passage: its JPEG, what is said of it, and the marker of the passage."""

    thumbnail: bytes
    caption: str
    marker: int


@dataclass(frozen=True)
class Turn:
    """What a turn's drawing needs. `key` is unique on the page; `hits[marker - 1]` is a marker's passage.

    `ahead` counts the questions that are answered before this one; `problem` is the sentence
    shown for a failed turn, or for a model that failed; `stale` names the markers whose source has
    changed since. `answer` is the saved one, whole; `others` are those of other models to the same question.
    `pictures` stand in the cited passages.
    """

    key: str
    question: str
    state: State
    query: str = ""
    ahead: int = 0
    hits: tuple[Hit, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    text: str = ""
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    reason: str = ""
    disagreements: tuple[Disagreement, ...] = ()
    changes: tuple[Change, ...] = ()
    computation: Computation | None = None
    partly_read: tuple[PartlyRead, ...] = ()
    across_languages: bool = False
    model: str | None = None
    budget: BudgetUse | None = None
    usage: Usage | None = None
    removed_markers: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    problem: str = ""
    stale: dict[int, Place] = field(default_factory=dict)
    thumb: Literal["up", "down", ""] = ""
    answer: Answer | None = None
    collection: str = ""
    others: tuple[Turn, ...] = ()
    pictures: tuple[ShownPicture, ...] = ()

    @cached_property
    def docs(self) -> frozenset[str]:
        """The documents that any of its passages is from."""
        return frozenset(hit.doc for hit in self.hits)

    @cached_property
    def cited(self) -> dict[int, Source]:
        """The passages that the evidence or the text cites, by marker and in its order.

        Gathered once: a sweep may cite hundreds, and each of their markers asks for its own.
        """
        found: dict[int, tuple[Hit, dict[tuple[int, int], None]]] = {}
        for piece in self.evidence:
            found.setdefault(piece.marker, (piece.hit, {}))[1][piece.said] = None
        for citation in self.citations:
            if citation.origin == "text" and 0 < citation.marker <= len(self.hits):
                hit = self.hits[citation.marker - 1]
                span = (citation.start - hit.passage.start, citation.end - hit.passage.start)
                found.setdefault(citation.marker, (hit, {}))[1][span] = None
        return {
            marker: Source(marker, hit, tuple(sorted(spans)))
            for marker, (hit, spans) in sorted(found.items())
        }


@dataclass(frozen=True, slots=True)
class Source:
    """One cited passage of a turn, and the exact quotes taken from it.

    Each quote is `(start, end)` in the passage's text.
    """

    marker: int
    hit: Hit
    quotes: tuple[tuple[int, int], ...]


def short_name(doc: str, among: Iterable[str]) -> str:
    """A document's file name; all of its path where a document of the same name is among others."""
    name = PurePosixPath(doc).name
    alike = any(other != doc and PurePosixPath(other).name == name for other in among)
    return doc if alike else name


def saved_turn(answer: Answer, *, key: str, stale: dict[int, Place] | None = None, thumb: str = "") -> Turn:
    """A finished answer as a turn."""
    return Turn(
        key=key,
        question=answer.question,
        state="done",
        query=answer.query,
        hits=answer.hits,
        evidence=answer.evidence,
        text=answer.text,
        sentences=answer.sentences,
        citations=answer.citations,
        abstained=answer.abstained,
        reason=answer.reason,
        disagreements=answer.disagreements,
        changes=answer.changes,
        computation=answer.computation,
        partly_read=answer.partly_read,
        across_languages=answer.across_languages,
        model=answer.model,
        budget=answer.budget,
        usage=answer.usage,
        answer=answer,
        problem=answer.problem,
        removed_markers=answer.removed_markers,
        seconds=answer.seconds,
        stale=stale or {},
        thumb="up" if thumb == "up" else "down" if thumb == "down" else "",
        collection=answer.collection,
        others=tuple(saved_turn(one, key=f"{key}.{n}") for n, one in enumerate(answer.others, start=1)),
    )


def with_others(turns: Iterable[Turn]) -> Iterator[Turn]:
    """The turns, each with those of other models behind it."""
    for turn in turns:
        yield from (turn, *turn.others)


def sources(turn: Turn) -> list[Source]:
    """The passages that the evidence or the text cites, in the order of their markers."""
    return list(turn.cited.values())


def source_of(turn: Turn, marker: int) -> Source | None:
    """The cited passage of a marker, or None where the turn cites no such passage."""
    return turn.cited.get(marker)
