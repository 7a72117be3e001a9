"""One parsing process: jobs come in on standard input, results go out on standard output."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import IO

from rag.errors import DocumentError, UnreadableDocument
from rag.readers import office
from rag.readers.beside import reading_in
from rag.readers.messages import Job, Outcome, PageJob, Progress, Sheet, receive, send
from rag.readers.progress import listen
from rag.readers.registry import known_formats
from rag.readers.sandbox import give_up_rights
from rag.records import Document

MAX_CHARACTERS = 50_000_000
"""A document with more text than this is refused; the King James Bible has four million."""
_GRACE_SECONDS = 10


def run(job: Job | PageJob, memory_bytes: int) -> Outcome | Sheet:
    """What a job asks for; whatever goes wrong with it is its file's error."""
    if isinstance(job, Job):
        return run_job(job, memory_bytes)
    from rag.readers.page_images import draw

    try:
        return draw(Path(job.path), job.name, job.page, job.quotes)
    except DocumentError as error:
        return Outcome(None, error)
    except MemoryError:
        problem = UnreadableDocument(f"{job.name}: page {job.page} needs more memory than is allowed.")
        return Outcome(None, problem, fit_to_go_on=False)


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

    with reading_in(Path(job.path).parent):
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
    known_formats()  # once rights are given up, Python could not keep them compiled
    give_up_rights(Path(tempfile.gettempdir()), sockets=office.SOCKETS if office.soffice() else None)
    while isinstance(job := receive(jobs), Job | PageJob):
        listen(functools.partial(_get_on, results, job.timeout_seconds))
        _die_with(job.timeout_seconds)
        outcome = run(job, memory_bytes)
        send(results, outcome)
        _die_with(0)
        if isinstance(outcome, Outcome) and not outcome.fit_to_go_on:
            break
