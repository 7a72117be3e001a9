"""Measures evidence, refusal and the check of answers.

    python -m tests.benchmarks.bench_grounding --library DIR SET [SET…]
    python -m tests.benchmarks.bench_grounding --swaps 80

A SET is a folder with `questions.jsonl`, its corpus ingested into the collection of its name. The first
form prints how often the best one, two and three sentences hold the answer, what is refused, and
milliseconds a question; the second how often the check is wrong on true and on
falsified answers, by kind.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rag.answer.abstain import judge
from rag.answer.evidence import read
from rag.interfaces import Embedder
from rag.library import Library
from rag.search import retrieve
from rag.settings import load_settings
from rag.text.words import words
from tests.fakes.free_answers import free_cases
from tests.fakes.swaps import rates, sampled_cases


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


def measure_swaps(per_kind: int, seed: int, embedder: Embedder) -> None:
    """Prints of how many true and falsified answers over the sample corpus the verdict was wrong."""
    names = {False: "false support", True: "false alarm"}
    for one in [*rates(sampled_cases(seed, per_kind=per_kind), embedder), *rates(free_cases(), embedder)]:
        of_total = f"{one.wrong} of {one.total} ({one.wrong / one.total:.1%})"
        print(f"{names[one.true]}, {one.kind}: {of_total}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path)
    parser.add_argument("--swaps", type=int, default=0, help="cases of each kind of answer")
    parser.add_argument("--seed", type=int, default=1, help="of the answers")
    parser.add_argument("--questions", type=int, default=200, help="most questions of a set, sampled")
    parser.add_argument("sets", type=Path, nargs="*")
    arguments = parser.parse_args()
    library = Library(load_settings(library=arguments.library))
    if arguments.swaps:
        measure_swaps(arguments.swaps, arguments.seed, library.embedder)
    for folder in arguments.sets:
        lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        questions = list(map(json.loads, lines))
        random.Random(7).shuffle(questions)
        measure_set(library, folder, questions[: arguments.questions])


if __name__ == "__main__":
    main()
