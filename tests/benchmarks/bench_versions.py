"""Measures whether questions are answered from the version in force, or from the one that they ask for.

    python -m tests.benchmarks.bench_versions --library DIR [--collection sample]

Asks the questions of `version_questions.jsonl` about old and new policies and price lists of the sample,
without a chat model. Prints each that is not answered right, and the shares whose first excerpt is of the
right
version, and has the right value.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rag.library import Library
from rag.settings import load_settings

QUESTIONS = Path(__file__).with_name("version_questions.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--collection", default="sample")
    options = parser.parse_args()
    asked = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    versions = values = 0
    with Library(load_settings(library=options.library, collection=options.collection)) as library:
        for one in asked:
            answer = library.answer(one["question"], without_model=True)
            first = answer.evidence[0] if answer.evidence and not answer.abstained else None
            right = first is not None and first.hit.doc == one["doc"]
            holds = first is not None and right and one["answer"] in first.quote
            versions, values = versions + right, values + holds
            if not holds:
                shown = f"{first.hit.doc}: {' '.join(first.quote.split())[:160]}" if first else answer.reason
                print(
                    f"{one['question']}\n  wanted {one['answer']} of {one['doc']}\n  found {shown}",
                    flush=True,
                )
    count = len(asked)
    print(f"right version {versions / count:.3f}, with the value {values / count:.3f}, of {count}")


if __name__ == "__main__":
    main()
