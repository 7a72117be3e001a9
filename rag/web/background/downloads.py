"""Models being fetched or measured in the background, with the rate and the time left."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from rag.errors import RagError

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Pull:
    """One model on its way: bytes done of the total, 0 until it is known; of a tuning, hundredths."""

    name: str
    started: float
    done: int = 0
    total: int = 0
    phase: Literal["running", "stopped", "done", "failed"] = "running"
    problem: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    def advance(self, done: int, total: int) -> None:
        """Takes note of how far it is."""
        self.done, self.total = done, total

    def rate(self, now: float) -> float:
        """Bytes a second since the start."""
        return self.done / max(1e-3, now - self.started)

    def seconds_left(self, now: float) -> float | None:
        """An estimate from the rate so far; None before there is one."""
        rate = self.rate(now)
        return (self.total - self.done) / rate if self.done and self.total else None


class PullDesk:
    """Fetches models (or tunes them) in threads of their own; one model at most once at a time.

    `pull` fetches and calls `advance`; it has to watch `stopped`.
    """

    def __init__(self, pull: Callable[[Pull], object]) -> None:
        self._pull = pull
        self._pulls: dict[str, Pull] = {}
        self._threads: list[threading.Thread] = []

    def start(self, name: str) -> Pull:
        """Begins to fetch a model, or gives the pull that is at it already."""
        known = self._pulls.get(name)
        if known is not None and known.phase == "running":
            return known
        pull = self._pulls[name] = Pull(name, time.monotonic())
        thread = threading.Thread(target=self._run, args=(pull,), name=f"footnote-pull-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()
        return pull

    def of(self, name: str) -> Pull | None:
        """The last pull of a model."""
        return self._pulls.get(name)

    def dismiss(self, name: str) -> None:
        """Forgets the last pull of a model."""
        self._pulls.pop(name, None)

    def busy(self) -> bool:
        """Whether anything is being fetched."""
        return any(pull.phase == "running" for pull in list(self._pulls.values()))

    def close(self) -> None:
        """Stops every pull; what is fetched already stays, and the next pull goes on from there."""
        for pull in self._pulls.values():
            pull.stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, pull: Pull) -> None:
        try:
            self._pull(pull)
            pull.phase = "stopped" if pull.stopped.is_set() else "done"
        except RagError as error:
            pull.phase = "stopped" if pull.stopped.is_set() else "failed"
            pull.problem = str(error)
        except Exception:
            logger.exception("The model %s could not be fetched.", pull.name)
            pull.phase = "failed"
