"""Fits how a model's word on whether the passages hold the answer is weighed against the search's.

    python -m tests.benchmarks.fit_second_opinion collect --library DIR --model NAME --rows ROWS.jsonl SET …
    python -m tests.benchmarks.fit_second_opinion fit ROWS.jsonl

A SET (or SET=COLLECTION) is a folder with `questions.jsonl`, its documents ingested into the collection
of its name, or the one named. `collect` adds a row for each sampled question that has none yet. `fit`
prints what each of the two tells alone, and, for every set as fitted on the others, which share of its
questions is refused; then the coefficients for `rag/answer/abstain.toml`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.answer import AnswerOptions, Dependencies, examined, searched_for
from rag.answer.abstain import MIN_CONFIDENCE, SUREST, fitted, log_odds
from rag.answer.generate import Writing
from rag.answer.question import Asked
from rag.answer.versions import Preferred
from rag.evaluation.datasets import Question, load_questions
from rag.interfaces import ChatModel
from rag.library import Library
from rag.prompts import Templates
from rag.search import with_surroundings
from rag.settings import load_settings

THRESHOLD = 0.35
"""Below it no answer is given: where the fewest answerable questions are refused for about the best F1."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One question: the search's confidence, and the model's leaning to yes."""

    set: str
    id: str
    answerable: bool
    confidence: float
    leaning: float


def weighed(
    question: Question, library: Library, model: ChatModel, collection: str, limits: AnswerOptions
) -> Row:
    """What search and model say of a question."""
    stages = Dependencies(
        index=library.store,
        embedder=library.embedder_of(collection),
        chat_model=lambda: model,
        templates=Templates(library.settings.prompts),
    )
    asked = Asked.of(question.text, (), lambda *_: "")
    hits = searched_for(asked, stages=stages, collection=collection, limits=limits)
    shown = tuple(with_surroundings(hits[: limits.top_k], stages.index))
    draft, quotes = examined(
        asked, Preferred(hits, asked.words), shown, stages=stages, collection=collection, limits=limits
    )
    writing = Writing(asked, stages, limits, (), None, lambda: False)
    leaning = writing.leaning(writing.prompt(draft, model, None, quotes), model)
    assert leaning is not None, f"{model.name} cannot tell"
    return Row("", question.id, bool(question.docs), draft.judgement.confidence, leaning)


def collect(library: Library, sets: Sequence[str], *, most: int, output: Path) -> None:
    """Adds the rows that are missing."""
    model = library.chat_model
    assert model is not None
    done = {(row.set, row.id) for row in read_rows(output)} if output.exists() else set()
    with output.open("a", encoding="utf-8") as lines:
        for named in sets:
            folder, _, collection = named.partition("=")
            name = Path(folder).name
            questions = load_questions(Path(folder) / "questions.jsonl")
            random.Random(7).shuffle(questions)
            for question in questions[:most]:
                if (name, question.id) not in done:
                    row = weighed(question, library, model, collection or name, library.limits())
                    lines.write(json.dumps(asdict(row) | {"set": name}) + "\n")
                    lines.flush()
            print(f"{name}: {min(most, len(questions))} questions", flush=True)


def read_rows(path: Path) -> list[Row]:
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def fit(path: Path) -> None:
    """Prints rates and coefficients."""
    from sklearn.metrics import roc_auc_score

    rows = read_rows(path)
    names = np.array([row.set for row in rows])
    wanted = np.array([row.answerable for row in rows])
    confidence = np.array([row.confidence for row in rows])
    values = np.array(
        [(log_odds(row.confidence, MIN_CONFIDENCE), log_odds(row.leaning, SUREST)) for row in rows]
    )
    everything = np.ones(len(rows), dtype=bool)
    both = fitted_on(values, wanted, everything).decision_function(values)
    print(f"{len(rows)} questions, {(~wanted).sum()} without an answer")
    for name, scores in {"search": values[:, 0], "model": values[:, 1], "both, in sample": both}.items():
        print(f"AUROC of the {name}: {roc_auc_score(wanted, scores):.3f}")
    held_out = np.zeros(len(rows))
    for name in dict.fromkeys(names):
        others = names != name
        if len(set(wanted[others])) < 2:
            raise SystemExit(f"Without {name} there are only answerable or only unanswerable questions.")
        held_out[~others] = fitted_on(values, wanted, others).predict_proba(values[~others])[:, 1]
    print_refused("search alone", confidence < fitted().threshold, names, wanted)
    for threshold in (0.3, THRESHOLD, 0.4, 0.45, 0.5):
        print_refused(f"threshold {threshold:.2f}", held_out < threshold, names, wanted)
    model = fitted_on(values, wanted, everything)
    print(f"search = {model.coef_[0][0]:.3f}\nleaning = {model.coef_[0][1]:.3f}")
    print(f"intercept = {model.intercept_[0] - log_odds(THRESHOLD, SUREST):.3f}")


def fitted_on(values: Numbers, wanted: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> Any:
    """A logistic regression on the chosen rows, both kinds weighing the same."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, class_weight="balanced").fit(values[chosen], wanted[chosen])


def print_refused(
    label: str, refused: NDArray[np.bool_], names: NDArray[np.str_], wanted: NDArray[np.bool_]
) -> None:
    """For each set, refused of the answerable and of the unanswerable questions; F1 of all refusals."""
    parts = []
    for name in dict.fromkeys(names):
        for kind, mask in (("answerable", wanted), ("unanswerable", ~wanted)):
            chosen = mask & (names == name)
            if chosen.any():
                parts.append(f"{name} {kind} {refused[chosen].mean():.3f} of {chosen.sum()}")
    hits = (refused & ~wanted).sum()
    f1 = 2 * hits / max(refused.sum() + (~wanted).sum(), 1)
    print(f"{label}: F1 {f1:.3f}; refused of " + ", ".join(parts))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    collecting = steps.add_parser("collect")
    collecting.add_argument("--library", type=Path, required=True)
    collecting.add_argument("--model", required=True, help="a chat model that is able to write answers")
    collecting.add_argument("--questions", type=int, default=60, help="most questions of a set, sampled")
    collecting.add_argument("--rows", type=Path, required=True)
    collecting.add_argument("sets", nargs="+", metavar="SET[=COLLECTION]")
    fitting = steps.add_parser("fit")
    fitting.add_argument("rows", type=Path)
    arguments = parser.parse_args()
    if arguments.step == "fit":
        fit(arguments.rows)
        return
    library = Library(load_settings(library=arguments.library, chat_model=arguments.model))
    collect(library, arguments.sets, most=arguments.questions, output=arguments.rows)


if __name__ == "__main__":
    main()
