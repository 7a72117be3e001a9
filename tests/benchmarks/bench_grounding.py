"""Measures evidence, refusal and the check of answers.

    python -m tests.benchmarks.bench_grounding --library DIR SET [SET…]
    python -m tests.benchmarks.bench_grounding --swaps 2500

A SET is a folder with `questions.jsonl`, its corpus ingested into the collection of its name. The first
form prints how often the best one, two and three sentences hold the answer, what is refused, and
milliseconds a question; the second the rates of the check on falsified answers, by kind.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rag.config import load_settings
from rag.evidence import read
from rag.grounding import ground
from rag.library import Library
from rag.refusal import judge
from rag.retrieval import retrieve
from rag.text.wording import words
from tests.swaps import made_cases


def holds(text: str, answers: list[str]) -> bool:
    """Whether an answer's words stand in a row in the text."""
    joined = f" {' '.join(words(text))} "
    return any(f" {' '.join(words(answer))} " in joined for answer in answers)


def measure_set(library: Library, folder: Path, questions: list[dict[str, Any]]) -> None:
    """Prints one line for one set of questions."""
    held, refused = Counter[int](), Counter[bool]()
    answerable = sum(bool(question["answers"]) for question in questions)
    seconds = 0.0
    for question in questions:
        text = question["question"]
        hits = retrieve(
            text, index=library.store, embedder=library.embedder, collection=folder.name, top_k=20
        )
        started = time.perf_counter()
        reading = read(text, hits, embedder=library.embedder)
        judgement = judge(text, hits, reading)
        seconds += time.perf_counter() - started
        refused[bool(question["answers"])] += judgement.abstain
        for count in (1, 2, 3):
            held[count] += holds(
                "\n".join(one.quote for one in reading.evidence[:count]), question["answers"]
            )
    shares = " ".join(f"{held[count] / max(1, answerable):.3f}" for count in (1, 2, 3))
    print(f"{folder.name}: best 1, 2, 3 hold the answer: {shares} of {answerable}")
    print(
        f"  refused {refused[True]} of {answerable} answerable, {refused[False]} of "
        f"{len(questions) - answerable} unanswerable; {1000 * seconds / len(questions):.0f} ms a question"
    )


def measure_swaps(count: int) -> None:
    """Prints the verdicts on true and falsified answers over the sample corpus."""
    cases = made_cases(seed=1)
    random.Random(2).shuffle(cases)
    supported, total = Counter[str](), Counter[str]()
    truth = {}
    for case in cases[:count]:
        truth[case.kind] = case.true
        total[case.kind] += 1
        supported[case.kind] += all(
            one.supported == "true" for one in ground(case.answer, case.hits).sentences
        )
    for kind in sorted(total):
        print(f"{kind} ({'true' if truth[kind] else 'false'}): {supported[kind]} of {total[kind]} supported")
    for true, name in ((False, "false support"), (True, "false alarm")):
        kinds = [kind for kind in total if truth[kind] == true]
        rate = sum(supported[kind] for kind in kinds) / sum(total[kind] for kind in kinds)
        print(f"{name}: {1 - rate if true else rate:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path)
    parser.add_argument("--swaps", type=int, default=0, help="cases of falsified answers")
    parser.add_argument("--questions", type=int, default=200, help="most questions of a set, sampled")
    parser.add_argument("sets", type=Path, nargs="*")
    arguments = parser.parse_args()
    if arguments.swaps:
        measure_swaps(arguments.swaps)
    for folder in arguments.sets:
        lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        questions = list(map(json.loads, lines))
        random.Random(7).shuffle(questions)
        measure_set(
            Library(load_settings(library=arguments.library)), folder, questions[: arguments.questions]
        )


if __name__ == "__main__":
    main()
