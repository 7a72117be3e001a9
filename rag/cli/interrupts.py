"""Ctrl-C while long work goes on: the first asks it to stop, the second ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rag import supervision

ENDED_BY_INTERRUPT = 130  # as shells report a program ended by Ctrl-C
_STOPPING = b"\nStopping: what is finished is kept. Press Ctrl-C again to quit at once.\n"


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether Ctrl-C was pressed.

    The work inside ends in an orderly way: no thread is left in native code when the interpreter goes,
    which can end in a segmentation fault. A second Ctrl-C quits at once, with exit code 130.
    """
    asked = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            os._exit(ENDED_BY_INTERRUPT)
        asked.set()
        os.write(2, _STOPPING)  # nothing that takes a lock: the handler may run while another line is printed

    signal_ = supervision.stop_signal()
    before = signal.signal(signal_, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal_, before)
