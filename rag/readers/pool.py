"""Files to documents in processes of their own, so that a hostile file costs only itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Self

from rag.errors import DocumentError, UnreadableDocument
from rag.readers import office
from rag.readers.messages import Job, Outcome, PageJob, Progress, Sheet, receive, send
from rag.records import Document

_PROJECT = Path(__file__).resolve().parents[2]
_FILES_A_WORKER = 250
_WORKER = "import sys; from rag.readers.worker import main; main(int(sys.argv[1]))"
_AHEAD = 4
_PASSED_ON = (
    "PATH",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TESSDATA_PREFIX",
    "SYSTEMROOT",
)
"""All that a worker sees of the environment, which may hold passwords and keys."""
_CANCEL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ReadResult:
    """One file's document or the error it ended with, never both.

    `sha256`, `size` and `mtime_ns` are of the bytes that were read ("" and 0 after an error);
    `seconds` is the time in the worker.
    """

    path: Path
    name: str
    document: Document | None
    error: DocumentError | None
    sha256: str
    size: int
    mtime_ns: int
    seconds: float


class ReaderPool:
    """Worker processes that parse files, each within a time and a memory limit.

        with ReaderPool(workers=2) as pool:
            for result in pool.read([Path("a.pdf"), Path("b.docx")]):
                ...  # in the order of the paths, each as soon as it and those before it are ready

    A worker that hangs, outgrows its memory or dies is replaced, and its file's result carries the
    reason; the other files are not touched. The time limit counts from the last word of progress, so
    that 5,000 pages, or a hundred scanned ones, may take their time. Workers start with the first file,
    import only what the formats at hand need, and end with the `with` block (or on `close`). The limit
    on memory is the operating system's and holds on Linux; the limit on time holds everywhere. A pool
    belongs to one thread at a time.
    """

    def __init__(
        self, *, workers: int = 2, timeout_seconds: float = 120.0, memory_bytes: int = 2_000_000_000
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._memory_bytes = memory_bytes
        self._workers = max(1, workers)
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._all = [_Worker(memory_bytes) for _ in range(self._workers)]
        for worker in self._all:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="reader")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def read(
        self,
        paths: Iterable[Path | tuple[Path, str]],
        *,
        password: str | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[ReadResult]:
        """Reads files, a few ahead of what is taken, and yields their results in the order given.

        A path may come with the name that messages shall call it by, `(path, "notes/a.md")`; else it is
        the file's own name. `password` opens encrypted files. Once cancelled it ends, also in the middle
        of a file.
        """
        pending: deque[Future[ReadResult]] = deque()
        try:
            for item in paths:
                path, name = item if isinstance(item, tuple) else (item, item.name)
                pending.append(self._threads.submit(self._one, path, name, password))
                while len(pending) > self._workers * _AHEAD or (pending and pending[0].done()):
                    if _ends_first(pending[0], cancelled):
                        return
                    yield pending.popleft().result()
            while pending:
                if _ends_first(pending[0], cancelled):
                    return
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def close(self) -> None:
        """Ends the workers, also in the middle of a file."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.stop()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.end()

    def _one(self, path: Path, name: str, password: str | None) -> ReadResult:
        worker = self._idle.get()
        try:
            outcome = worker.run(Job(str(path), name, password, self._timeout_seconds))
        finally:
            self._idle.put(worker)
        assert isinstance(outcome, Outcome)
        return ReadResult(
            path,
            name,
            outcome.document,
            outcome.error,
            outcome.sha256,
            outcome.size,
            outcome.mtime_ns,
            outcome.seconds,
        )


class PagePictures:
    """Draws pages in a process of its own, since a page of 587 bytes can be 800,000 pixels high.

    Any thread may use it; one page is drawn at a time.
    """

    def __init__(self, *, timeout_seconds: float = 30.0, memory_bytes: int = 2_000_000_000) -> None:
        self._timeout_seconds = timeout_seconds
        self._worker = _Worker(memory_bytes)
        self._lock = threading.Lock()

    def draw(self, path: Path, page: int, quotes: Iterable[str] = ()) -> Sheet:
        """A page (1-based) and where on it the quotes stand; of page 0 only how many pages there are.

        Raises:
            UnreadableDocument: the file or the page is not there, or cannot be drawn within the limits.
        """
        with self._lock:
            job = PageJob(str(path), path.name, page, tuple(quotes), self._timeout_seconds)
            sheet = self._worker.run(job)
        if isinstance(sheet, Sheet):
            return sheet
        raise sheet.error or UnreadableDocument(f"{path.name}: page {page} cannot be shown.")

    def close(self) -> None:
        """Ends the process."""
        self._worker.stop()
        self._worker.end()


def _ends_first(future: Future[ReadResult], cancelled: Callable[[], bool]) -> bool:
    """Waits for a result; True if the reading was cancelled before it was there."""
    while not cancelled():
        if wait([future], _CANCEL_SECONDS).done:
            return False
    return True


class _Worker:
    """One process, started when there is work and again after it ended."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._stopped = False

    def run(self, job: Job | PageJob) -> Outcome | Sheet:
        """The outcome of a job; when the process ends before it has one, that is the file's error."""
        process = self._started()
        deadline = _Deadline(process, job.timeout_seconds)
        try:
            outcome = _exchange(process, job, deadline)
        finally:
            deadline.cancel()
        self._files += 1
        if isinstance(outcome, Outcome if isinstance(job, Job) else Outcome | Sheet):
            spent = isinstance(outcome, Outcome) and not outcome.fit_to_go_on
            if spent or self._files >= _FILES_A_WORKER:
                self.end()
            return outcome
        code = self.end()
        return Outcome(None, _why(job, code, timed_out=deadline.passed, stopped=self._stopped))

    def stop(self) -> None:
        """Ends the process in the middle of its file; its thread then sees it gone."""
        self._stopped = True
        if self._process:
            _kill(self._process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._scratch = TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True)
            passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
            paths = [str(_PROJECT), *filter(None, [passed_on.get("PYTHONPATH")])]
            self._process = subprocess.Popen(
                # -P: else a yaml.py among the documents of the current folder would be imported.
                [sys.executable, "-P", "-c", _WORKER, str(self._memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=passed_on
                | {"PYTHONPATH": os.pathsep.join(paths), "OMP_THREAD_LIMIT": "1"}
                | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._scratch.name),
                start_new_session=True,  # so that its own children end with it
            )
            self._files = 0
        return self._process

    def end(self) -> int:
        """Ends the process, closes its pipes and gives its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            return self._ended(process)
        finally:
            office.remove_sockets(Path(self._scratch.name))
            self._scratch.cleanup()

    @staticmethod
    def _ended(process: subprocess.Popen[bytes]) -> int:
        code = process.poll()
        if code is None:
            try:
                code = process.wait(timeout=1)  # it may be on its way out, with a signal worth telling
            except subprocess.TimeoutExpired:
                _kill(process)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                _close(pipe)
        return process.wait() if code is None else code


class _Deadline:
    """Ends a process that shows no progress for some seconds."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self.passed = False
        self._start()

    def extend(self) -> None:
        """Gives the process its seconds again."""
        self._timer.cancel()
        self._start()

    def cancel(self) -> None:
        """Lets the process be."""
        self._timer.cancel()

    def _start(self) -> None:
        self._timer = threading.Timer(self._seconds, self._end)
        self._timer.start()

    def _end(self) -> None:
        self.passed = True
        _kill(self._process)


def _exchange(process: subprocess.Popen[bytes], job: Job | PageJob, deadline: _Deadline) -> object | None:
    """Sends the job and waits for its outcome; None if the process ends before."""
    assert process.stdin and process.stdout
    try:
        send(process.stdin, job)
    except BrokenPipeError:
        return None
    while isinstance(message := receive(process.stdout), Progress):
        deadline.extend()
    return message


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # it died before it read what was still buffered
        pipe.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a worker and whatever it started."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.poll()


def _why(job: Job | PageJob, code: int, *, timed_out: bool, stopped: bool) -> DocumentError:
    """The error of a file whose worker ended without an outcome."""
    if timed_out:
        return UnreadableDocument(
            f"{job.name}: reading it got nowhere for {job.timeout_seconds:g} s and was stopped."
            " Split the file or raise the limit."
        )
    if stopped:
        return UnreadableDocument(f"{job.name}: not read, reading was stopped. Run it again.")
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return UnreadableDocument(
        f"{job.name}: the parser crashed on it ({how}). The file is damaged or hostile; open it and save it"
        " again."
    )
