"""One set of questions under several settings, side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import LibraryError
from rag.evaluation.matching import Found, match
from rag.evaluation.measures import Comparison, Estimate, Scores, compare, estimate, score
from rag.evaluation.sets import Question
from rag.records import Hit

Search = Callable[[str], Sequence[Hit]]

MAIN_MEASURES = ("recall@1", "recall@5", "recall@10")
LEVEL_ORDER = ("doc+answer", "answer", "page", "passage", "document")


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting's results: every question's measures and the seconds each search took."""

    setting: str
    scores: Scores
    seconds: tuple[float, ...]

    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """Mean and interval by level and measure."""
        return {
            level: {measure: estimate(values.values()) for measure, values in measures.items()}
            for level, measures in self.scores.items()
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A set under several settings; the first is what the others are compared with."""

    name: str
    questions: tuple[Question, ...]
    trials: tuple[Trial, ...]

    @property
    def level(self) -> str:
        """The strictest level that the set can tell."""
        there = self.trials[0].scores
        return next(level for level in LEVEL_ORDER if level in there)

    def comparisons(self, *, level: str | None = None) -> list[tuple[str, Comparison]]:
        """Each further setting against the first, at the main measures of a level."""
        first, *others = self.trials
        return [
            (trial.setting, compare(first.scores, trial.scores, level=level or self.level, measure=measure))
            for trial in others
            for measure in MAIN_MEASURES
        ]


def evaluate(
    name: str,
    questions: Sequence[Question],
    searches: Mapping[str, Search],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Asks every question of every setting's search. Questions without a gold document are left out.

    `progress` is told how many searches of how many are done.
    """
    asked = tuple(question for question in questions if question.docs)
    total = len(asked) * len(searches)
    trials = []
    for number, (setting, search) in enumerate(searches.items()):
        found: dict[str, Found] = {}
        seconds: list[float] = []
        for place, (question, hits, taken) in enumerate(_searched(asked, search), start=1):
            found[question.id] = match(question, hits)
            seconds.append(taken)
            progress(number * len(asked) + place, total)
        trials.append(Trial(setting, score(found), tuple(seconds)))
    return Evaluation(name, asked, tuple(trials))


def _searched(
    questions: Sequence[Question], search: Search
) -> Iterator[tuple[Question, Sequence[Hit], float]]:
    for question in questions:
        started = time.perf_counter()
        hits = search(question.text)
        yield question, hits, time.perf_counter() - started


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything as plain data: means with intervals, comparisons, and each question's measures."""
    return {
        "set": evaluation.name,
        "questions": len(evaluation.questions),
        "level": evaluation.level,
        "settings": [
            {
                "setting": trial.setting,
                "measures": {
                    level: {measure: asdict(one) for measure, one in measures.items()}
                    for level, measures in trial.estimates().items()
                },
                "search_seconds": {
                    "p50": round(float(np.percentile(trial.seconds, 50)), 4),
                    "p95": round(float(np.percentile(trial.seconds, 95)), 4),
                },
            }
            for trial in evaluation.trials
        ],
        "comparisons": [
            {"setting": setting, "verdict": comparison.verdict, **asdict(comparison)}
            for setting, comparison in evaluation.comparisons()
        ],
        "per_question": [
            {
                "id": question.id,
                "question": question.text,
                "measures": {
                    trial.setting: {
                        level: {measure: values[question.id] for measure, values in measures.items()}
                        for level, measures in trial.scores.items()
                        if question.id in next(iter(measures.values()))
                    }
                    for trial in evaluation.trials
                },
            }
            for question in evaluation.questions
        ],
    }


def chart(record: Mapping[str, Any]) -> dict[str, Any]:
    """A Vega-Lite specification, data included: recall by cutoff, a line and band a setting.

    `record` is what `evaluation_json` gives and `saved` reads back.
    """
    rows = [
        {"setting": trial["setting"], "level": level, "k": int(measure.partition("@")[2]), **one}
        for trial in record["settings"]
        for level, measures in trial["measures"].items()
        for measure, one in measures.items()
        if measure.startswith("recall@")
    ]
    settings = [trial["setting"] for trial in record["settings"]]
    x = {"field": "k", "type": "ordinal", "title": "passages looked at"}
    color = {"field": "setting", "type": "nominal", "sort": settings}
    y = {"field": "mean", "type": "quantitative", "title": "recall", "scale": {"domain": [0, 1]}}
    return {
        "data": {"values": rows},
        "facet": {"field": "level", "type": "nominal", "columns": 2, "title": None},
        "spec": {
            "width": 220,
            "height": 180,
            "encoding": {"x": x, "color": color},
            "layer": [
                {"mark": {"type": "line", "point": True}, "encoding": {"y": y}},
                {
                    "mark": {"type": "area", "opacity": 0.12},
                    "encoding": {
                        "y": {"field": "low", "type": "quantitative"},
                        "y2": {"field": "high"},
                    },
                },
            ],
        },
    }


def save(evaluation: Evaluation, folder: Path, *, settings: Mapping[str, Any] | None = None) -> Path:
    """Writes the evaluation as JSON into a folder, named by set and time; returns the file.

    `settings` says what the searches were made with.
    """
    made = datetime.now(UTC)
    path = folder / f"{evaluation.name}-{made:%Y%m%dT%H%M%S%f}.json"
    content = {"made": made.isoformat(timespec="seconds"), "with": dict(settings or {})}
    content |= evaluation_json(evaluation)
    unfinished = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise LibraryError(f"The evaluation cannot be saved as {path}: {error.strerror}") from error
    return path


def saved(folder: Path) -> list[dict[str, Any]]:
    """The evaluations saved in a folder, oldest first; a damaged file is named by `LibraryError`."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise LibraryError(f"{path} is not a saved evaluation ({error}); move it away.") from error
    return sorted(found, key=lambda one: one["made"])
