"""Ingests that go on in the background while the app is used: paused, resumed and stopped between files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from rag.errors import RagError

if TYPE_CHECKING:
    from rag.indexing import IngestEvent

logger = logging.getLogger(__name__)

Phase = Literal["waiting", "running", "paused", "stopped", "done", "failed"]
Ingester = Callable[["Ingest"], Iterable["IngestEvent"]]


@dataclass(slots=True, eq=False)
class Ingest:
    """One ingest and how far it is. `event` is the last one seen; the final one carries the receipt."""

    id: int
    paths: tuple[Path, ...]
    collection: str
    phase: Phase = "waiting"
    event: IngestEvent | None = None
    problem: str = ""
    going: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in ("stopped", "done", "failed")


class IngestDesk:
    """Runs one ingest after another in its own thread, so that pages never wait for it.

    Stopping loses nothing: a document is in the library whole or not at all, and the next
    ingest of the same folder goes on where this one stopped. `ingest` has to watch `stopped`.
    """

    def __init__(self, ingest: Ingester) -> None:
        self._ingest = ingest
        self._queue: SimpleQueue[Ingest | None] = SimpleQueue()
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._jobs: dict[int, Ingest] = {}
        self._thread = threading.Thread(target=self._work, name="footnote-ingest", daemon=True)
        self._thread.start()

    def start(self, paths: Iterable[Path], collection: str) -> Ingest:
        """Puts an ingest in the queue."""
        with self._lock:
            job = Ingest(next(self._numbers), tuple(paths), collection)
            job.going.set()
            self._jobs[job.id] = job
        self._queue.put(job)
        return job

    def jobs(self) -> list[Ingest]:
        """All ingests that have not been dismissed, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def pause(self, job: Ingest) -> None:
        """Holds the ingest after the file at hand."""
        job.going.clear()
        if job.phase == "running":
            job.phase = "paused"

    def resume(self, job: Ingest) -> None:
        """Lets a held ingest go on."""
        if job.phase == "paused":
            job.phase = "running"
        job.going.set()

    def stop(self, job: Ingest) -> None:
        """Ends the ingest after the file at hand."""
        job.stopped.set()
        job.going.set()

    def dismiss(self, job: Ingest) -> None:
        """Forgets an ingest that is over."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def close(self) -> None:
        """Stops every ingest and ends the thread."""
        for job in self.jobs():
            self.stop(job)
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            self._run(job)

    def _run(self, job: Ingest) -> None:
        job.phase = "running"
        try:
            for event in self._ingest(job):
                job.event = event
                job.going.wait()
            job.phase = "stopped" if job.stopped.is_set() else "done"
        except RagError as error:
            job.phase, job.problem = "failed", str(error)
        except Exception:
            logger.exception("Ingesting failed: %s", job.paths)
            job.phase = "failed"
