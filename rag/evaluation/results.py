"""An evaluation as plain data: saved in the library, read back, and which setting won."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import LibraryError
from rag.evaluation.experiment import Evaluation, main_measures

MAX_NAME = 80
_UNSAFE = re.compile(r"[^\w.-]+")


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything as plain data: means with intervals, comparisons, and each question's measures."""
    return {
        "set": evaluation.name,
        "questions": len(evaluation.questions),
        "questions_from": asdict(evaluation.origin),
        "level": evaluation.level,
        "settings": [
            {
                "setting": trial.setting,
                "values": dict(trial.values),
                "measures": {
                    level: {measure: asdict(one) for measure, one in measures.items()}
                    for level, measures in trial.estimates.items()
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
            for setting, comparison in evaluation.comparisons
        ],
        "per_question": [
            {
                "id": question.id,
                "question": question.text,
                "measures": {
                    trial.setting: {
                        level: {
                            measure: values[question.id]
                            for measure, values in measures.items()
                            if question.id in values
                        }
                        for level, measures in trial.scores.items()
                        if question.id in next(iter(measures.values()))
                    }
                    for trial in evaluation.trials
                },
            }
            for question in evaluation.questions
        ],
    }


def save(evaluation: Evaluation, folder: Path, *, settings: Mapping[str, Any] | None = None) -> Path:
    """Writes the evaluation as JSON into a folder, named by set and time; returns the file.

    `settings` says what the searches were made with.
    """
    made = datetime.now(UTC)
    name = _UNSAFE.sub("-", evaluation.name).strip("-.") or "evaluation"
    path = folder / f"{name[:MAX_NAME]}-{made:%Y%m%dT%H%M%S%f}.json"
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


def saved(folder: Path) -> tuple[list[dict[str, Any]], list[Path]]:
    """The evaluations saved in a folder, oldest first, and the files that are none."""
    found, others = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = None
        if _is_evaluation(content):
            found.append(content)
        else:
            others.append(path)
    return sorted(found, key=lambda one: one["made"]), others


def _is_evaluation(content: Any) -> bool:
    try:
        measured = all(content["level"] in one["measures"] for one in content["settings"])
        listed = all(isinstance(content[name], list) for name in ("comparisons", "per_question"))
        named = all(isinstance(content[name], str) for name in ("made", "set"))
        return measured and listed and named and bool(content["settings"])
    except (KeyError, TypeError):
        return False


def winner(record: Mapping[str, Any], level: str) -> Mapping[str, Any] | None:
    """The setting to go on with at a level, or None where the first is as good as any.

    That is the one that is better than the first at some measure and worse at none, both beyond
    chance; of several the one that finds most. `record` is what `evaluation_json` gives.
    """
    verdicts: dict[str, set[str]] = {}
    for one in record["comparisons"]:
        if one["level"] == level:
            verdicts.setdefault(one["setting"], set()).add(one["verdict"])
    better = [
        one
        for one in record["settings"]
        if "better" in (told := verdicts.get(one["setting"], set())) and "worse" not in told
    ]
    return max(better, key=lambda one: _found(one["measures"][level]), default=None)


def _found(measures: Mapping[str, Mapping[str, float]]) -> float:
    return sum(measures[name]["mean"] for name in main_measures(measures))
