"""Measures which conflicts are found between the sample's documents.

    python -m tests.benchmarks.bench_conflicts --library DIR [--collection sample]

Prints what was found and is not among the conflicts of `sample_conflicts.jsonl`, what is missing,
precision, recall and seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path

from rag.answer.collection_conflicts import find_conflicts
from rag.library import Library
from rag.settings import load_settings

PLANTED = Path(__file__).with_name("sample_conflicts.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--collection", default="sample")
    options = parser.parse_args()
    lines = [json.loads(line) for line in PLANTED.read_text("utf-8").splitlines()]
    planted = {frozenset(zip(line["docs"], line["values"], strict=True)) for line in lines}
    with Library(load_settings(library=options.library)) as library:
        start = time.perf_counter()
        every = find_conflicts(library.store, options.collection, today=date.today().isoformat())
        seconds = time.perf_counter() - start
    found = {frozenset((side.doc, side.value) for side in (one.first, one.second)) for one in every}
    for name, pairs in (("besides", found - planted), ("missing", planted - found)):
        for pair in sorted(map(sorted, pairs)):
            print(f"{name}: {pair}")
    right = len(found & planted)
    print(
        f"precision {right / max(len(found), 1):.3f}, recall {right / len(planted):.3f}, "
        f"{len(every)} found in {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
