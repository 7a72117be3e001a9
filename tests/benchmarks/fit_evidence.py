"""Fits the choice of excerpts.

    python -m tests.benchmarks.fit_evidence collect --library DIR --rows ROWS.jsonl SET[=COLLECTION] …
    python -m tests.benchmarks.fit_evidence fit ROWS.jsonl …

A SET is a folder with `questions.jsonl`, its documents ingested into the collection of its name, or the one
named. `collect` writes a row for each question: what is known of each unit that could be shown, and whether
its excerpt holds the answer. `fit` prints, for every set with the weights fitted on all others, how often
the first excerpt and the first three hold the answer, and at the end the weights and the effect of the
floor for `rag/answer/evidence.py`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.answer import evidence
from rag.evaluation.datasets import Question, load_questions
from rag.evaluation.match import holds_answer
from rag.library import Library
from rag.search import retrieve
from rag.settings import load_settings
from rag.text.words import seems_english

TOP_K = 20
SHRINKAGE = 0.02
"""How strongly the standardised weights are held near those of today."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One question: its set, each signal of its candidates, and which excerpts hold the answer.

    `groups` numbers the excerpts: candidates of one number show the same or overlap.
    """

    set: str
    signals: dict[str, list[float]]
    holds: list[bool]
    groups: list[int]


def collected(library: Library, collection: str, name: str, question: Question) -> Row | None:
    """What is known of the question's candidates; None where there are none."""
    second = library.second_embedder
    hits = retrieve(
        question.text,
        index=library.store,
        embedder=library.embedder,
        second=second,
        collection=collection,
        top_k=TOP_K,
    )
    every = evidence.candidates(question.text, hits)
    if not every:
        return None
    lexical = evidence.lexical_signals(question.text, hits, every)
    kept = evidence.shortlist(every, lexical)
    chosen = [every[i] for i in kept]
    reader = second if seems_english(question.text) else None
    compared, _ = evidence.compared_signals(question.text, chosen, library.embedder, reader)
    signals = {key: values[kept] for key, values in lexical.items()} | compared
    shown = [f"{one.header}\n{one.excerpt}" for one in chosen]
    alike = [[evidence.says_the_same(one, other) for other in chosen] for one in chosen]
    return Row(
        name,
        {key: values.tolist() for key, values in signals.items()},
        [holds_answer(question, text) for text in shown],
        [line.index(True) for line in alike],
    )


def collect(library: Library, sets: Sequence[str], most: int, output: Path) -> None:
    """Writes the rows of every set."""
    with output.open("w", encoding="utf-8") as lines:
        for named in sets:
            folder, _, collection = named.partition("=")
            name = Path(folder).name
            questions = [one for one in asked(Path(folder)) if one.answers and not one.derived]
            random.Random(7).shuffle(questions)
            for number, question in enumerate(questions[:most], start=1):
                row = collected(library, collection or name, name, question)
                if row is not None:
                    lines.write(json.dumps(row.__dict__) + "\n")
                if number % 20 == 0:
                    lines.flush()
                    print(f"{name}: {number} questions", flush=True)


def asked(folder: Path) -> Iterator[Question]:
    """The questions of a set that stand on their own."""
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    follow_ups = {row["id"] for row in map(json.loads, lines) if row.get("history")}
    return (one for one in load_questions(folder / "questions.jsonl") if one.id not in follow_ups)


class Fit:
    """Weights under which what holds the answer is the likeliest choice: a conditional logit."""

    def __init__(self, rows: Sequence[Row], names: Sequence[str]) -> None:
        self.names = names
        self.scale = np.concatenate([matrix(row, names) - matrix(row, names).mean(0) for row in rows]).std(0)
        self.scale[self.scale == 0] = 1.0

    def weights(self, rows: Sequence[Row]) -> Numbers:
        """Every set counts alike, however many questions it has."""
        from scipy.optimize import minimize

        today = np.array([evidence.WEIGHTS[name] for name in self.names]) * self.scale
        useful = [row for row in rows if any(row.holds) and not all(row.holds)]
        sets = [row.set for row in useful]
        shares = np.array([1 / sets.count(one) / len(set(sets)) for one in sets])

        def loss(weights: Numbers) -> tuple[float, Numbers]:
            total, slope = SHRINKAGE * ((weights - today) ** 2).sum(), 2 * SHRINKAGE * (weights - today)
            for row, share in zip(useful, shares, strict=True):
                values, right = matrix(row, self.names) / self.scale, np.array(row.holds)
                odds = np.exp(values @ weights - (values @ weights).max())
                chance, hit = odds / odds.sum(), (odds / odds.sum())[right].sum()
                total -= share * np.log(hit)
                slope -= share * (chance[right] @ values[right] / hit - chance @ values)
            return total, slope

        found = minimize(loss, today, jac=True, method="L-BFGS-B")
        return np.asarray(found.x / self.scale)


def matrix(row: Row, names: Sequence[str]) -> Numbers:
    """The row's signals, shape (candidates, names); one that was not collected is 0."""
    blank = [0.0] * len(row.holds)
    return np.array([row.signals.get(name, blank) for name in names]).T


def ranked(row: Row, scores: Numbers, floor: float = np.inf) -> list[bool]:
    """Whether each excerpt shown holds the answer, best first, no two of which overlap."""
    seen: dict[int, bool] = {}
    for place in np.argsort(-scores, kind="stable"):
        if scores[place] >= scores.max() - floor:
            seen.setdefault(row.groups[place], row.holds[place])
    return list(seen.values())[:3]


def shares(rows: Sequence[Row], weights: Numbers, names: Sequence[str], floor: float = np.inf) -> str:
    """How often one excerpt and three hold the answer, of how many questions, and how many are shown."""
    shown = [ranked(row, matrix(row, names) @ weights, floor) for row in rows]
    first, three = (np.mean([any(one[:count]) for one in shown]) for count in (1, 3))
    return f"{first:.3f} / {three:.3f} of {len(rows)} ({np.mean([len(one) for one in shown]):.1f} shown)"


def fit(paths: Sequence[Path]) -> None:
    """Prints shares and weights."""
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [Row(**json.loads(line)) for line in lines]
    names = [name for name in evidence.WEIGHTS if any(name in row.signals for row in rows)]
    model = Fit(rows, names)
    today = np.array([evidence.WEIGHTS[name] for name in names])
    every = model.weights(rows)
    for name in dict.fromkeys(row.set for row in rows):
        own, others = [row for row in rows if row.set == name], [row for row in rows if row.set != name]
        print(f"{name}: today {shares(own, today, names)}")
        print(f"  among those compared {np.mean([any(row.holds) for row in own]):.3f}")
        if others:
            print(f"  fitted on the others {shares(own, model.weights(others), names)}")
        print(f"  fitted on all {shares(own, every, names)}")
        for left_out in names:
            kept = np.array(
                [0.0 if one == left_out else value for one, value in zip(names, every, strict=True)]
            )
            print(f"    without {left_out} {shares(own, kept, names)}")
        for floor in (1.0, 2.0, 3.0, 4.0, 6.0):
            print(f"    floor {floor:.0f}: {shares(own, every, names, floor)}")
    for name, weight in zip(names, every, strict=True):
        print(f'"{name}": {weight:.3g},')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    collecting = steps.add_parser("collect")
    collecting.add_argument("--library", type=Path, required=True)
    collecting.add_argument("--questions", type=int, default=200, help="most questions of a set, sampled")
    collecting.add_argument("--rows", type=Path, required=True)
    collecting.add_argument("sets", nargs="+", metavar="SET[=COLLECTION]")
    steps.add_parser("fit").add_argument("rows", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.step == "fit":
        fit(arguments.rows)
        return
    library = Library(load_settings(library=arguments.library))
    collect(library, arguments.sets, arguments.questions, arguments.rows)


if __name__ == "__main__":
    main()
