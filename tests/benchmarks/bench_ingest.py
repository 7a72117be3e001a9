"""How fast a folder becomes a searchable library, and how fast it is known to be unchanged.

    python -m tests.benchmarks.bench_ingest --library DIR FOLDER [--tiny-files 100000]

ingests FOLDER into a new collection of the library (whose model is loaded before the clock
starts), then again, then with one file changed. `memory_mb` is of this process and the workers
together (Linux). `--tiny-files` makes that many files of one
line, lists them, and compares them with a library that knows them all.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from rag.ingest.plan import ScanOptions, make_plan
from rag.library import Library
from rag.settings import load_settings
from rag.store import KnownFile, Source


class PeakMemory:
    """The most memory that this process and its workers held at once, looked at four times a second.

    Resident pages, those of shared libraries counted once for each process: no less than it takes.
    """

    def __enter__(self) -> Self:
        self.megabytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.25):
            self.megabytes = max(self.megabytes, sum(map(resident_megabytes, family())))


def family() -> list[str]:
    """The ids of this process and of those that its threads started."""
    threads = Path("/proc/self/task").glob("*/children")
    return ["self", *(child for children in threads for child in children.read_text().split())]


def resident_megabytes(process: str) -> int:
    """The memory that a process holds; 0 for one that has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) // 1024
    except (OSError, IndexError):
        return 0


def timed_ingest(library: Library, folder: Path, collection: str) -> dict[str, Any]:
    """One ingest: its receipt's counts and its rates."""
    worked = time.process_time()
    with PeakMemory() as memory:
        *_, last = library.ingest([folder], collection=collection)
    assert last.receipt is not None
    receipt = last.receipt
    return {
        **{name: number for name, number in receipt.as_json()["documents"].items() if number},
        "passages": receipt.passages,
        "embedded": receipt.embedded,
        "seconds": round(receipt.seconds, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "passages_per_second": round(receipt.passages / receipt.seconds, 1),
        "pages_per_second": round(receipt.pages / receipt.seconds, 1),
        "memory_mb": memory.megabytes,
    }


def bench_folder(library: Library, folder: Path) -> Iterator[dict[str, Any]]:
    """First ingest, the same again, and after the change of one file."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "files"
        shutil.copytree(folder, copy)
        library.embedder.embed_queries(["warm"])
        collection = f"bench-{time.time_ns()}"
        yield {"what": "first", **timed_ingest(library, copy, collection)}
        yield {"what": "unchanged", **timed_ingest(library, copy, collection)}
        changed = max(
            (path for path in copy.rglob("*.md")), key=lambda path: path.stat().st_size, default=None
        )
        if changed is not None:
            changed.write_text(changed.read_text("utf-8") + "\n\nOne paragraph more.\n", "utf-8")
            yield {"what": "one changed", **timed_ingest(library, copy, collection)}
        library.store.remove_collection(collection)


def bench_listing(count: int) -> dict[str, Any]:
    """Listing tiny files, and comparing them with what a library knows of them."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary).resolve()
        for number in range(count):
            folder = root / f"{number // 100:05}"
            folder.mkdir(exist_ok=True)
            (folder / f"{number % 100:02}.txt").write_text("x")
        first = make_plan([root], [], {}, ScanOptions())
        known = [
            KnownFile(number, task.source, "indexed", None, 1) for number, task in enumerate(first.tasks)
        ]
        assert all(isinstance(file.source, Source) for file in known)
        started = time.perf_counter()
        plan = make_plan([root], known, {str(root): True}, ScanOptions())
        assert len(plan.unchanged) == count
        return {
            "what": "listed and skipped",
            "files": count,
            "seconds": round(time.perf_counter() - started, 2),
        }


def main() -> None:
    """Prints one JSON line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--tiny-files", type=int, default=0)
    options = parser.parse_args()
    library = Library(load_settings(library=options.library))
    for line in bench_folder(library, options.folder):
        print(json.dumps(line), flush=True)
    library.close()
    if options.tiny_files:
        print(json.dumps(bench_listing(options.tiny_files)), flush=True)


if __name__ == "__main__":
    main()
