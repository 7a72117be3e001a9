"""Fits the refusal model on sets of questions, each asked with and without its answering passage.

    python -m tests.benchmarks.fit_refusal --library DIR SET [SET…]

A SET is a folder with `corpus/` and `questions.jsonl`, ingested into the collection of its name. The
figures are cross-validated: a document's questions are never in both the fit and the check.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from rag.config import load_settings
from rag.evidence import best_sentences
from rag.library import Library
from rag.records import Hit
from rag.refusal import SIGNALS, signals
from rag.retrieval import retrieve
from rag.text.wording import fold

FOLDS = 5
TOP_K = 20


def squeezed(text: str) -> str:
    return "".join(fold(text).split())


def holds_gold(hit: Hit, question: dict[str, Any]) -> bool:
    """Whether a passage overlaps the gold evidence, or, without one, is of the gold document."""
    gold = squeezed(question["evidence"] or "")
    text = squeezed(hit.passage.text)
    return (text[:80] in gold or gold[:80] in text) if gold else hit.doc == question["doc"]


def rows(
    library: Library, collection: str, questions: list[dict[str, Any]]
) -> list[tuple[str, int, list[float]]]:
    """(document, answerable, signals): two rows a question, with and without what answers it."""
    found = []
    for question in questions:
        text = question["question"]
        hits = retrieve(
            text, index=library.store, embedder=library.embedder, collection=collection, top_k=TOP_K + 10
        )
        without = [hit for hit in hits if not holds_gold(hit, question)]
        for answerable, kept in ((1, hits[:TOP_K]), (0, without[:TOP_K])):
            evidence = best_sentences(text, kept, embedder=library.embedder)
            values = signals(text, kept, evidence)
            found.append((question["doc"], answerable, [values[name] for name in SIGNALS]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="most questions of a set, sampled")
    parser.add_argument("sets", type=Path, nargs="+")
    arguments = parser.parse_args()
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    library = Library(load_settings(library=arguments.library))
    every: list[tuple[str, int, list[float]]] = []
    for folder in arguments.sets:
        lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        questions = [question for question in map(json.loads, lines) if question["answers"]]
        random.Random(7).shuffle(questions)
        every += rows(library, folder.name, questions[: arguments.questions])
    documents = sorted({doc for doc, _, _ in every})
    random.Random(7).shuffle(documents)
    folds = np.array([documents.index(doc) % FOLDS for doc, _, _ in every])
    wanted = np.array([answerable for _, answerable, _ in every])
    values = np.array([row for _, _, row in every])
    scale = values.std(axis=0)
    probabilities = np.zeros(len(every))
    for fold_number in range(FOLDS):
        inside = folds != fold_number
        model = LogisticRegression(C=0.3).fit(values[inside] / scale, wanted[inside])
        probabilities[~inside] = model.predict_proba(values[~inside] / scale)[:, 1]
    model = LogisticRegression(C=0.3).fit(values / scale, wanted)
    print(f"AUROC {roc_auc_score(wanted, probabilities):.3f}")
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4):
        refused = probabilities < threshold
        caught, wrong = refused[wanted == 0].mean(), refused[wanted == 1].mean()
        print(f"threshold {threshold:.2f}: refuses {caught:.2f} of unanswerable, {wrong:.2f} of answerable")
    print(f"intercept = {model.intercept_[0]:.3f}")
    for name, weight in zip(SIGNALS, model.coef_[0] / scale, strict=True):
        print(f"{name} = {weight:.3f}")


if __name__ == "__main__":
    main()
