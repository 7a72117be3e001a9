"""One parsing process: jobs come in on standard input, results go out on standard output."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import signal
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rag.errors import DocumentError, UnreadableDocument
from rag.readers.progress import listen
from rag.records import Document

LENGTH = struct.Struct(">Q")
MAX_CHARACTERS = 50_000_000
"""A document with more text than this is refused; the King James Bible has four million."""
_GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read."""

    path: str
    name: str
    password: str | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Word that a slow job gets on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job, with the state of the file that was read."""

    document: Document | None
    error: DocumentError | None
    sha256: str = ""
    size: int = 0
    mtime_ns: int = 0
    seconds: float = 0.0
    fit_to_go_on: bool = True


def send(stream: IO[bytes], message: object) -> None:
    """Writes one message with its length in front."""
    data = pickle.dumps(message)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> object | None:
    """The next message, or None when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return pickle.loads(data) if len(data) == length else None


def run_job(job: Job, memory_bytes: int) -> Outcome:
    """Reads one file; whatever goes wrong with it is this file's error."""
    started = time.perf_counter()
    try:
        with Path(job.path).open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_size > memory_bytes // 2:
                raise _too_large(job.name, state.st_size, memory_bytes)
            data = file.read()
        document = _read(data, job)
        digest = hashlib.sha256(data).hexdigest()
        return Outcome(
            document, None, digest, len(data), state.st_mtime_ns, seconds=time.perf_counter() - started
        )
    except DocumentError as error:
        fit = not isinstance(error.__cause__, MemoryError)
        return Outcome(None, error, seconds=time.perf_counter() - started, fit_to_go_on=fit)
    except OSError as error:
        reason = UnreadableDocument(
            f"{job.name}: cannot be opened ({error.strerror}). Check its permissions."
        )
        return Outcome(None, reason, seconds=time.perf_counter() - started)


def _read(data: bytes, job: Job) -> Document:
    from rag.readers.reading import read_document

    document = read_document(data, job.name, password=job.password)
    if len(document.text) > MAX_CHARACTERS:
        raise UnreadableDocument(
            f"{job.name}: holds {len(document.text):,} characters of text; {MAX_CHARACTERS:,} are read at"
            " most. Split the file."
        )
    return document


def _too_large(name: str, size: int, memory_bytes: int) -> DocumentError:
    return UnreadableDocument(
        f"{name}: {size / 1e9:.1f} GB is too large to be read with {memory_bytes / 1e9:.1f} GB of memory."
        " Split the file."
    )


def _limit_memory(memory_bytes: int) -> None:
    """A hard limit on this process's address space; Windows has none, macOS does not enforce it."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with(timeout_seconds: float) -> None:
    """Ends this process some seconds after the pool should have done so, in case the pool was killed."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(timeout_seconds) + _GRACE_SECONDS if timeout_seconds else 0)


def _get_on(results: IO[bytes], timeout_seconds: float) -> None:
    send(results, Progress())
    _die_with(timeout_seconds)


def main(memory_bytes: int) -> None:
    """Serves jobs until standard input is closed; what libraries print goes nowhere."""
    jobs, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    _limit_memory(memory_bytes)
    while isinstance(job := receive(jobs), Job):
        listen(functools.partial(_get_on, results, job.timeout_seconds))
        _die_with(job.timeout_seconds)
        outcome = run_job(job, memory_bytes)
        send(results, outcome)
        _die_with(0)
        if not outcome.fit_to_go_on:
            break
