"""Questions written for passages while nobody uses the app and the machine has nothing else to do."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from rag.errors import RagError

logger = logging.getLogger(__name__)

QUIET_SECONDS = 120.0
"""So long nobody has used a page before writing begins."""
LOOK_SECONDS = 15.0
RESTS = 40  # looks that are left out after a failure: a model that is too weak will be so again
MOST_BUSY = 0.2
"""Other programs may use so much of the processors."""
PROCESSORS = Path("/proc/stat")

Phase = Literal["off", "waiting", "writing", "done", "failed"]
Write = Callable[[Callable[[], bool]], Iterable[object]]


class IdleQuestions:
    """Writes while the machine idles, in a thread of its own, and stops within a word when somebody comes.

    `write` gives one thing after another until there is nothing left, or what it is given says to stop;
    `at_work` says whether the app itself is busy, `others` how much other programs use, 0 to 1.
    """

    def __init__(
        self,
        write: Write,
        *,
        on: bool,
        at_work: Callable[[], bool] = lambda: False,
        others: Callable[[], float] | None = None,
        quiet_seconds: float = QUIET_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self.phase: Phase = "waiting" if on else "off"
        self.problem = ""
        self._write, self._at_work = write, at_work
        self._others = others or OtherPrograms().share
        self._quiet_seconds, self._look_seconds = quiet_seconds, look_seconds
        self._used = time.monotonic()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="footnote-idle", daemon=True)
        if on:
            self._thread.start()

    def touch(self) -> None:
        """Somebody uses the app: what is being written stops."""
        self._used = time.monotonic()

    def close(self) -> None:
        """Stops writing and ends the thread."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._look_seconds * (RESTS if self.phase == "failed" else 1)):
            if self._is_idle():
                self._write_on()

    def _is_idle(self) -> bool:
        others = self._others()
        return not self._is_used() and others <= MOST_BUSY

    def _is_used(self) -> bool:
        quiet = time.monotonic() - self._used >= self._quiet_seconds
        return self._closed.is_set() or not quiet or self._at_work()

    def _write_on(self) -> None:
        """Writes until there is nothing left or the machine is wanted for something else."""
        self.phase, self.problem = "writing", ""
        try:
            for _ in self._write(self._is_used):
                if not self._is_idle():
                    break
            self.phase = "waiting" if self._is_used() or self._others() > MOST_BUSY else "done"
        except RagError as error:
            self.phase, self.problem = "failed", str(error)
        except Exception:  # the app goes on, and so does the next look
            logger.exception("Questions could not be written.")
            self.phase = "failed"


class OtherPrograms:
    """How much of the processors other programs have used since it was last asked for."""

    def __init__(self) -> None:
        self._before = self._read()

    def share(self) -> float:
        """0 to 1. Where the system does not say, its load counts; where it has none, nothing does."""
        before, self._before = self._before, self._read()
        wall, busy, own = (now - then for now, then in zip(self._before, before, strict=True))
        room = max(wall, 1e-3) * (os.cpu_count() or 1)
        if PROCESSORS.exists():
            return max(0.0, busy - own) / room
        if hasattr(os, "getloadavg"):
            return max(0.0, os.getloadavg()[0] / (os.cpu_count() or 1) - own / room)
        return 0.0

    @staticmethod
    def _read() -> tuple[float, float, float]:
        """The time, and the seconds that all processors and this process have worked."""
        busy = 0.0
        if PROCESSORS.exists():
            ticks = [int(number) for number in PROCESSORS.read_text().split("\n", 1)[0].split()[1:]]
            busy = (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")
        own = os.times()
        return time.monotonic(), busy, own.user + own.system
