"""The pool costs a hostile file only itself, and keeps order."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rag.errors import UnreadableDocument, UnsupportedFormat
from rag.readers import ReaderPool, ReadResult
from rag.readers import worker as worker_module

# Loaded by the workers in place of a parser that misbehaves.
HOSTILE = '''
"""A format whose parser does what its file says."""
import os, signal, sys, time
from rag.readers import progress
from rag.readers.building import DocumentBuilder
from rag.readers.registry import Format

def read(data, name, *, password=None):
    order = data.decode().split()
    if order[0] == "hang":
        time.sleep(600)
    if order[0] == "slow":
        for _ in range(14):
            time.sleep(0.3)
            progress.tell()
    if order[0] == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order[0] == "eat":
        hoard = [bytearray(10_000_000) for _ in range(10_000)]
    if order[0] == "print":
        print("noise on standard output", flush=True)
        print(sys.stdin.read())
    builder = DocumentBuilder()
    builder.add("paragraph", " ".join(order))
    return builder.build(title=None, name=name, media_type="text/hostile")

FORMAT = Format("Hostile", "text/hostile", (".hostile",), read)
'''


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files; workers find one format more, which obeys the file."""
    package = tmp_path / "more"
    package.mkdir()
    (package / "hostile.py").write_text(HOSTILE)
    (package / "sitecustomize.py").write_text(
        f"import rag.readers.formats as formats; formats.__path__.append({str(package)!r})"
    )
    monkeypatch.setenv("PYTHONPATH", str(package))
    files = tmp_path / "files"
    files.mkdir()
    return files


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def text_of(result: ReadResult) -> str:
    return result.document.text if result.document else f"{result.error}"


def test_results_come_in_the_order_of_the_paths(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{n}.txt", f"text {n} " * (3000 if n % 7 == 0 else 1)) for n in range(40)]
    with ReaderPool(workers=2) as pool:
        results = list(pool.read(paths))
    assert [result.path for result in results] == paths
    assert [text_of(result).split()[1] for result in results] == [str(n) for n in range(40)]
    assert results[1].sha256 == hashlib.sha256(b"text 1 ").hexdigest()
    assert (results[1].size, results[1].mtime_ns) == (7, paths[1].stat().st_mtime_ns)


def test_a_file_that_hangs_crashes_or_eats_memory_costs_only_itself(hostile: Path) -> None:
    orders = ["fine", "hang", "fine again", "die", "print", "eat", "fine at last"]
    paths = [write(hostile, f"{n}.hostile", order) for n, order in enumerate(orders)]
    with ReaderPool(workers=1, timeout_seconds=3, memory_bytes=500_000_000) as pool:
        results = list(pool.read(paths))
    found = [text_of(result) for result in results]
    assert [found[index] for index in (0, 2, 4, 6)] == ["fine", "fine again", "print", "fine at last"]
    assert found[1].startswith("1.hostile: reading it got nowhere for 3 s")
    assert found[3].startswith("3.hostile: the parser crashed on it (signal 11)")
    assert found[5].startswith("5.hostile: it needs more memory than is allowed")
    assert all(isinstance(results[index].error, UnreadableDocument) for index in (1, 3, 5))


def test_a_slow_file_that_gets_on_is_not_stopped(hostile: Path) -> None:
    path = write(hostile, "slow.hostile", "slow")
    with ReaderPool(workers=1, timeout_seconds=2) as pool:
        (result,) = pool.read([path])
    assert text_of(result) == "slow"
    assert result.seconds > 4


def test_a_missing_file_and_an_unknown_format_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "blob.bin"
    binary.write_bytes(bytes(range(256)) * 4)
    with ReaderPool(workers=1) as pool:
        missing, unknown = pool.read([(tmp_path / "no.txt", "notes/no.txt"), binary])
    assert str(missing.error).startswith("notes/no.txt: cannot be opened (No such file")
    assert isinstance(unknown.error, UnsupportedFormat)


def test_a_file_too_large_for_the_memory_is_not_even_opened(tmp_path: Path) -> None:
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(2_000_000_000)  # sparse: takes no room on disk
    with ReaderPool(workers=1, memory_bytes=500_000_000) as pool:
        (result,) = pool.read([huge])
    assert str(result.error).startswith("huge.txt: 2.0 GB is too large")


def test_leaving_the_block_early_ends_the_workers(hostile: Path) -> None:
    paths = [write(hostile, "0.txt", "fine"), *(write(hostile, f"{n}.hostile", "hang") for n in range(5))]
    with ReaderPool(workers=2) as pool:
        first = next(pool.read(paths))
        processes = [member._process for member in pool._all]
    assert text_of(first) == "fine"
    assert all(process is None or process.poll() is not None for process in processes)


def test_text_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "MOST_CHARACTERS", 10)
    path = write(tmp_path, "long.txt", "eleven chars")
    outcome = worker_module.run_job(worker_module.Job(str(path), "long.txt", None, 1.0), 10**9)
    assert str(outcome.error) == "long.txt: holds 12 characters of text; 10 are read at most. Split the file."
