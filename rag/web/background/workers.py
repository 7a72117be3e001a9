"""Long work that goes on in the background while the app is used: paused, resumed and stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from rag.errors import RagError

if TYPE_CHECKING:
    from rag.ingest import IngestEvent

logger = logging.getLogger(__name__)

Phase = Literal["waiting", "running", "paused", "stopped", "done", "failed"]
Kind = Literal["ingest", "embedding", "evaluation"]
Unit = Literal["files", "passages", "pictures", "questions", "searches"]
Work = Callable[["Job"], None]


class Stopped(Exception):
    """Ends the work of a job that was stopped."""


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work and how far it is: `done` of `total` units, 0 until that is known.

    `title` names it for people; `owner` alone sees it, everybody where that is "".
    `started_by` may pause, stop and dismiss it, as an admin may; `roots` are the folders it reads, which
    only an admin is told.
    `begun` is when the units at hand were, by `time.monotonic`. `event` is the last one seen of an
    ingest; its final one carries the receipt.
    """

    id: int
    kind: Kind
    title: str
    work: Work
    owner: str = ""
    started_by: str = ""
    roots: tuple[str, ...] = ()
    phase: Phase = "waiting"
    unit: Unit = "files"
    done: int = 0
    total: int = 0
    begun: float | None = None
    event: IngestEvent | None = None
    problem: str = ""
    going: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in ("stopped", "done", "failed")

    def follow(self, events: Iterable[IngestEvent]) -> None:
        """Runs an ingest that watches `stopped` itself, holding between two files while paused."""
        for event in events:
            self.take(event)
            self.going.wait()

    def take(self, event: IngestEvent) -> None:
        """Takes note of how far an ingest is."""
        self.event = event
        self.unit, self.done, self.total = "files", event.files_done, event.files_total

    def advance(self, unit: Unit, done: int, total: int) -> None:
        """Takes note of how far it is; holds while paused, and raises `Stopped` once stopped."""
        if self.begun is None or unit != self.unit:
            self.begun = time.monotonic()
        self.unit, self.done, self.total = unit, done, total
        self.hold()

    def seconds_left(self, now: float) -> float | None:
        """How long the units at hand still take at the rate so far; None before that is known."""
        if self.begun is None or not self.done:
            return None
        return (now - self.begun) / self.done * (self.total - self.done)

    def hold(self) -> None:
        """Waits while paused; raises `Stopped` once stopped."""
        self.going.wait()
        if self.stopped.is_set():
            raise Stopped


class Workers:
    """Does one job after another in its own thread, so that pages never wait for it."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._thread = threading.Thread(target=self._run_all, name=f"footnote-{name}", daemon=True)
        self._thread.start()

    def start(
        self,
        kind: Kind,
        title: str,
        work: Work,
        *,
        owner: str = "",
        started_by: str = "",
        roots: Sequence[str] = (),
    ) -> Job:
        """Puts work in the queue."""
        with self._lock:
            job = Job(next(self._numbers), kind, title, work, owner, started_by, tuple(roots))
            job.going.set()
            self._jobs[job.id] = job
        self._queue.put(job)
        return job

    def jobs(self) -> list[Job]:
        """All jobs that have not been dismissed, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def seen_by(self, visitor: str) -> list[Job]:
        """The jobs that a visitor may see."""
        return [job for job in self.jobs() if job.owner in ("", visitor)]

    def pause(self, job: Job) -> None:
        """Holds the job after the step at hand."""
        job.going.clear()
        if job.phase == "running":
            job.phase = "paused"

    def resume(self, job: Job) -> None:
        """Lets a held job go on."""
        if job.phase == "paused":
            job.phase = "running"
        job.going.set()

    def stop(self, job: Job) -> None:
        """Ends the job after the step at hand."""
        job.stopped.set()
        job.going.set()

    def dismiss(self, job: Job) -> None:
        """Forgets a job that is over."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def close(self) -> None:
        """Stops every job and ends the thread."""
        for job in self.jobs():
            self.stop(job)
        self._queue.put(None)
        self._thread.join()

    def _run_all(self) -> None:
        while (job := self._queue.get()) is not None:
            self._run(job)

    def _run(self, job: Job) -> None:
        if job.stopped.is_set():
            job.phase = "stopped"
            return
        job.phase = "running"
        try:
            job.work(job)
            job.phase = "stopped" if job.stopped.is_set() else "done"
        except Stopped:
            job.phase = "stopped"
        except RagError as error:
            job.phase, job.problem = "failed", str(error)
        except Exception:  # a face shows, logs and goes on with the next job
            logger.exception("A job failed: %s", job.title)
            job.phase = "failed"
