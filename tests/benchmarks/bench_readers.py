"""Files, pages and characters read a second, in worker processes.

    python tests/benchmarks/bench_readers.py FOLDER [WORKERS]

`pages/s of CPU` divides by the workers' own time, so that it holds on a busy machine too.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from rag.readers import ReaderPool


def main(folder: Path, workers: int) -> None:
    """Reads every file below the folder once and prints one line."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = pages = characters = failed = 0
    started = time.perf_counter()
    with ReaderPool(workers=workers) as pool:
        for result in pool.read(paths):
            if result.document is None:
                failed += 1
                print(result.error, file=sys.stderr)
                continue
            files += 1
            pages += result.document.page_count or 0
            characters += len(result.document.text)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(
        f"{files} files ({failed} failed), {pages} pages, {characters:,} characters in {seconds:.1f} s:"
        f" {files / seconds:.1f} files/s, {pages / seconds:.1f} pages/s,"
        f" {workers * pages / cpu:.1f} pages/s of CPU on {workers} cores, largest worker"
        f" {used.ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2)
