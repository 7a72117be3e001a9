"""Fits the refusal model.

    python -m tests.benchmarks.fit_refusal collect --library DIR --rows ROWS.jsonl SET[=COLLECTION] …
    python -m tests.benchmarks.fit_refusal fit ROWS.jsonl [WEIGHT…]

A SET is a folder with `questions.jsonl`, its documents ingested into the collection of its name, or the
one named. `collect` writes a row for each question that its documents answer, one for the same question
without the passages that answer it, and one for each question that has no answer. `fit` prints, for each
situation, the cross-validated rates of every set (a document's questions are never in both the fit and the
check), the rates of every set with all others fitted, and the coefficients for `rag/answer/abstain.toml`.
Sets whose questions the reader was trained on say little of it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.answer.abstain import FIRST, SIGNALS_OF, Situation, said_by, signals, situation_of
from rag.answer.evidence import read
from rag.library import Library
from rag.records import Hit
from rag.search import retrieve
from rag.settings import load_settings
from rag.text.words import fold, seems_english

FOLDS = 5
TOP_K = 20
REAL_WEIGHT = 4.0
"""How much more a question that has no answer counts than one whose passage was taken away."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One judged search: the set, the document its question is about, and the signals by name."""

    set: str
    collection: str
    document: str
    answerable: bool
    made: bool
    situation: Situation
    values: dict[str, float]

    @property
    def kind(self) -> str:
        """What a weight is given for: the set, or `SET/made` for its made unanswerable questions."""
        return f"{self.set}/made" if self.made else self.set


def squeezed(text: str) -> str:
    return "".join(fold(text).split())


def holds_gold(hit: Hit, question: dict[str, Any]) -> bool:
    """Whether a passage overlaps the gold evidence, or, without one, is of a gold document."""
    gold, text = squeezed(question["evidence"] or ""), squeezed(hit.passage.text)
    if not gold:
        return hit.doc in (question.get("docs") or [question["doc"]])
    return text[:80] in gold or gold[:80] in text


def judged(library: Library, collection: str, name: str, question: dict[str, Any]) -> Iterator[Row]:
    """The question as it is, and without what answers it."""
    text, answerable = question["question"], bool(question["answers"])
    second = library.second_embedder
    hits = retrieve(
        text,
        index=library.store,
        embedder=library.embedder,
        second=second,
        collection=collection,
        top_k=TOP_K + 10,
        reranker=library.reranker,
    )
    second = second if seems_english(text) else None
    # Where several documents answer, taking one passage away takes no answer away.
    alone = answerable and len(question.get("docs") or [1]) == 1 and question.get("question_type") is None
    left = [hit for hit in hits if not holds_gold(hit, question)] if alone else []
    document = str(question["doc"] or question.get("near_doc"))
    for kept, made in ((hits, False), (left, True)):
        if kept:
            reading = read(text, kept[:TOP_K], embedder=library.embedder, second=second)
            values = signals(kept[:TOP_K], reading)
            near = [said_by(hit) for hit in kept[:FIRST]]
            situation = situation_of(text, near, values)
            yield Row(name, collection, document, answerable and not made, made, situation, values)


def collect(library: Library, sets: Sequence[str], *, most: int, output: Path) -> None:
    """Writes the rows of every set."""
    with output.open("w", encoding="utf-8") as lines:
        for named in sets:
            folder, _, collection = named.partition("=")
            name = Path(folder).name
            text = (Path(folder) / "questions.jsonl").read_text(encoding="utf-8")
            questions = list(map(json.loads, text.splitlines()))
            questions = [question for question in questions if not question.get("history")]
            random.Random(7).shuffle(questions)
            for question in questions[:most]:
                for row in judged(library, collection or name, name, question):
                    lines.write(json.dumps(asdict(row)) + "\n")
            print(f"{name}: {min(most, len(questions))} questions", flush=True)


@dataclass(frozen=True)
class Table:
    """All rows as arrays."""

    rows: list[Row]
    values: Numbers
    wanted: NDArray[np.bool_]
    weights: Numbers

    @classmethod
    def of(cls, rows: list[Row], names: Sequence[str], weights: dict[str, float]) -> Table:
        real = [REAL_WEIGHT if not row.answerable and not row.made else 1.0 for row in rows]
        return cls(
            rows,
            np.array([[row.values[name] for name in names] for row in rows]),
            np.array([row.answerable for row in rows]),
            np.array([weights.get(row.kind, 1.0) * one for row, one in zip(rows, real, strict=True)]),
        )

    def model(self, chosen: NDArray[np.bool_]) -> Any:
        """A logistic regression on the chosen rows."""
        from sklearn.linear_model import LogisticRegression

        fitted = LogisticRegression(C=0.3, max_iter=3000)
        return fitted.fit(self.scaled()[chosen], self.wanted[chosen], sample_weight=self.weights[chosen])

    def scaled(self) -> Numbers:
        return np.asarray((self.values - self.values.mean(axis=0)) / self.values.std(axis=0))

    def held_out(self, groups: Sequence[Any]) -> Numbers:
        """The probability of each row from a fit without its group."""
        keys = np.array([str(group) for group in groups])
        probabilities = np.zeros(len(self.rows))
        for key in sorted(set(keys)):
            inside = keys != key
            probabilities[~inside] = self.model(inside).predict_proba(self.scaled()[~inside])[:, 1]
        return probabilities


def print_rates(table: Table, probabilities: Numbers, thresholds: Sequence[float]) -> None:
    """For each set: refused of the answerable, of the real and of the made unanswerable questions."""
    from sklearn.metrics import roc_auc_score

    names = np.array([row.set for row in table.rows])
    made = np.array([row.made for row in table.rows])
    print(f"  AUROC over all rows {roc_auc_score(table.wanted, probabilities):.3f}")
    for threshold in thresholds:
        refused = probabilities < threshold
        parts = []
        for name in dict.fromkeys(names):
            kinds = {"answerable": table.wanted, "real": ~table.wanted & ~made, "made": ~table.wanted & made}
            rates = [
                f"{kind} {refused[mask & (names == name)].mean():.3f}"
                for kind, mask in kinds.items()
                if (mask & (names == name)).any()
            ]
            parts.append(f"{name}: {' '.join(rates)}")
        print(f"  threshold {threshold:.2f}  " + "; ".join(parts))


def fit(path: Path, weights: dict[str, float]) -> None:
    """Prints rates and coefficients."""
    every = [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    for situation, names in SIGNALS_OF.items():
        rows = [row for row in every if row.situation == situation]
        if {row.answerable for row in rows} == {True, False}:
            print(f"{situation}: {len(rows)} rows")
            fit_one(rows, names, weights)


def fit_one(rows: list[Row], names: Sequence[str], weights: dict[str, float]) -> None:
    """Prints rates and coefficients for one situation."""
    table = Table.of(rows, names, weights)
    documents = sorted({(row.collection, row.document) for row in rows})
    random.Random(7).shuffle(documents)
    folds = [documents.index((row.collection, row.document)) % FOLDS for row in rows]
    thresholds = (0.2, 0.23, 0.25, 0.27, 0.3, 0.35)
    print("cross-validated by document")
    print_rates(table, table.held_out(folds), thresholds)
    print("fitted on all other collections")
    print_rates(table, table.held_out([row.collection for row in rows]), thresholds)
    model = table.model(np.ones(len(rows), dtype=bool))
    slopes = model.coef_[0] / table.values.std(axis=0)
    print(f"intercept = {model.intercept_[0] - slopes @ table.values.mean(axis=0):.3f}")
    for name, slope in zip(names, slopes, strict=True):
        print(f"{name} = {slope:.4g}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    collecting = steps.add_parser("collect")
    collecting.add_argument("--library", type=Path, required=True)
    collecting.add_argument("--questions", type=int, default=500, help="most questions of a set, sampled")
    collecting.add_argument("--rows", type=Path, required=True)
    collecting.add_argument("sets", nargs="+", metavar="SET[=COLLECTION]")
    fitting = steps.add_parser("fit")
    fitting.add_argument("rows", type=Path)
    fitting.add_argument("weights", nargs="*", metavar="SET=WEIGHT")
    arguments = parser.parse_args()
    if arguments.step == "fit":
        weights = dict(pair.split("=") for pair in arguments.weights)
        fit(arguments.rows, {name: float(weight) for name, weight in weights.items()})
        return
    library = Library(load_settings(library=arguments.library))
    collect(library, arguments.sets, most=arguments.questions, output=arguments.rows)


if __name__ == "__main__":
    main()
