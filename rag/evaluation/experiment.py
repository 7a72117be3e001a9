"""One set of questions under several settings, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rag.errors import UsageError
from rag.evaluation.datasets import Question
from rag.evaluation.match import Found, match
from rag.evaluation.metrics import Comparison, Estimate, Scores, compare, corrected, estimate, score
from rag.records import Hit

Search = Callable[[str], Sequence[Hit]]
Ask = Callable[[Question], Mapping[str, float]]
"""Answers a question, and says how well: each measure between 0 and 1."""

MAIN_MEASURES = ("recall@1", "recall@5", "recall@10")
GIVEN_ANSWER = "given answer"
LEVEL_ORDER = (GIVEN_ANSWER, "doc+answer", "answer", "page", "passage", "document")


@dataclass(frozen=True)  # no slots, for the cached property
class Trial:
    """One setting's results: every question's measures and the seconds each search took.

    `values` are the settings, by name, under which every search is made this way.
    """

    setting: str
    scores: Scores
    seconds: tuple[float, ...]
    values: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """Mean and interval by level and measure."""
        return {
            level: {measure: estimate(values.values()) for measure, values in measures.items()}
            for level, measures in self.scores.items()
        }


@dataclass(frozen=True, slots=True)
class Origin:
    """Where questions come from: a set, or the passages of a `collection`, which `owner` alone sees.

    `written_by` names the chat model that wrote them; `dropped` of its questions were of no use.
    """

    collection: str | None = None
    owner: str = ""
    written_by: str | None = None
    dropped: int = 0


A_SET = Origin()


@dataclass(frozen=True)  # no slots, for the cached property
class Evaluation:
    """A set under several settings; the first is what the others are compared with."""

    name: str
    questions: tuple[Question, ...]
    trials: tuple[Trial, ...]
    origin: Origin = A_SET

    @property
    def level(self) -> str:
        """The strictest level that the set can tell."""
        there = self.trials[0].scores
        return next(level for level in LEVEL_ORDER if level in there)

    @cached_property
    def comparisons(self) -> list[tuple[str, Comparison]]:
        """Each further setting against the first, at the main measures of every level.

        The p-values of a level and measure are corrected for the number of settings compared.
        """
        return [
            (trial.setting, comparison)
            for level in self.trials[0].scores
            for measure in main_measures(self.trials[0].scores[level])
            for trial, comparison in zip(self.trials[1:], self._compared(level, measure), strict=True)
        ]

    def _compared(self, level: str, measure: str) -> list[Comparison]:
        first, *others = self.trials
        return corrected(
            [compare(first.scores, other.scores, level=level, measure=measure) for other in others]
        )


def main_measures(measures: Mapping[str, Any]) -> Sequence[str]:
    """The measures of a level that settings are compared by: three recalls, or all of whole answers."""
    return MAIN_MEASURES if MAIN_MEASURES[0] in measures else tuple(measures)


def answerable(name: str, questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions of a set that name a document.

    Raises:
        UsageError: there are none.
    """
    asked = tuple(question for question in questions if question.docs)
    if not asked:
        raise UsageError(
            f"No question of '{name}' names the document that answers it: give each its \"doc\" or "
            '"docs", as paths relative to the corpus.'
        )
    return asked


def evaluate(
    name: str,
    questions: Sequence[Question],
    searches: Mapping[str, Search],
    *,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    origin: Origin = A_SET,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Asks every question of every setting's search. Questions without a gold document are left out.

    `values` are the settings that each search stands for. `progress` is told how many searches of
    how many are done.

    Raises:
        UsageError: no question has a gold document.
    """
    asked = answerable(name, questions)
    total = len(asked) * len(searches)
    trials = []
    for number, (setting, search) in enumerate(searches.items()):
        search(asked[0].text)  # what is read from the disk once is no part of the time of a search
        found: dict[str, Found] = {}
        seconds: list[float] = []
        for place, (question, hits, taken) in enumerate(_searched(asked, search), start=1):
            found[question.id] = match(question, hits)
            seconds.append(taken)
            progress(number * len(asked) + place, total)
        trials.append(Trial(setting, score(found), tuple(seconds), (values or {}).get(setting, {})))
    return Evaluation(name, asked, tuple(trials), origin)


def evaluate_answers(
    name: str,
    questions: Sequence[Question],
    askers: Mapping[str, Ask],
    *,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    origin: Origin = A_SET,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Has every question answered under every setting; the arguments are those of `evaluate`.

    Raises:
        UsageError: no question has a gold document.
    """
    asked = answerable(name, questions)
    total = len(asked) * len(askers)
    trials = []
    for number, (setting, ask) in enumerate(askers.items()):
        measured: dict[str, dict[str, float]] = {}
        seconds: list[float] = []
        for place, question in enumerate(asked, start=1):
            started = time.perf_counter()
            for measure, value in ask(question).items():
                measured.setdefault(measure, {})[question.id] = value
            seconds.append(time.perf_counter() - started)
            progress(number * len(asked) + place, total)
        trials.append(
            Trial(setting, {GIVEN_ANSWER: measured}, tuple(seconds), (values or {}).get(setting, {}))
        )
    return Evaluation(name, asked, tuple(trials), origin)


def _searched(
    questions: Sequence[Question], search: Search
) -> Iterator[tuple[Question, Sequence[Hit], float]]:
    for question in questions:
        started = time.perf_counter()
        hits = search(question.text)
        yield question, hits, time.perf_counter() - started
