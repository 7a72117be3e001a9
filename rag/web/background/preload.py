"""The models loaded once in the background, so that the first question finds them ready."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Warming:
    """Runs `load` in a thread of its own, once, whichever session asks first."""

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to load; nothing where that was begun before."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="footnote-warming", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Waits for what is being loaded; nothing is begun any more."""
        with self._lock:
            thread, self._thread = self._thread, threading.current_thread()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            self._load()
        except Exception:  # the first question meets the same failure, and shows it
            logger.info("A model could not be loaded ahead.", exc_info=True)
