"""Writing while the machine idles: it begins when nobody is there, and stops when somebody comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rag.errors import UsageError
from rag.web.background.idle_questions import MOST_BUSY, IdleQuestions, OtherPrograms

PATIENCE_SECONDS = 20.0


class Writer:
    """Writes without end until it is told to stop; knows when it began and when it stopped."""

    def __init__(self) -> None:
        self.began, self.stopped = threading.Event(), threading.Event()

    def __call__(self, cancelled: Callable[[], bool]) -> Iterator[object]:
        self.began.set()
        while not cancelled():
            yield "a question"
        self.stopped.set()


def started(write: Any, **options: Any) -> IdleQuestions:
    usual: dict[str, Any] = {"on": True, "others": lambda: 0.0, "quiet_seconds": 0.0, "look_seconds": 0.01}
    return IdleQuestions(write, **(usual | options))


def phase_of(idle: IdleQuestions) -> str:
    return idle.phase


def test_it_writes_while_nobody_is_there_and_stops_at_once() -> None:
    writer, busy = Writer(), threading.Event()
    idle = started(writer, at_work=busy.is_set)
    assert writer.began.wait(PATIENCE_SECONDS)
    assert phase_of(idle) == "writing"
    busy.set()
    idle.close()
    assert phase_of(idle) == "waiting"


def test_somebody_who_comes_stops_what_is_being_written() -> None:
    writer = Writer()
    idle = started(writer, quiet_seconds=0.05)
    assert writer.began.wait(PATIENCE_SECONDS)
    while not writer.stopped.is_set() and idle.phase == "writing":
        idle.touch()
    idle.close()
    assert idle.phase == "waiting"


@pytest.mark.parametrize(
    "options",
    [
        {"on": False},
        {"others": lambda: MOST_BUSY + 0.01},
        {"quiet_seconds": 3600.0},
        {"at_work": lambda: True},
    ],
    ids=["switched off", "other programs", "somebody is there", "the app at work"],
)
def test_it_waits_while_the_machine_is_wanted(options: dict[str, Any]) -> None:
    writer = Writer()
    idle = started(writer, **options)
    assert not writer.began.wait(0.1)
    idle.close()
    assert idle.phase == ("waiting" if options.get("on", True) else "off")


def test_it_is_done_when_nothing_is_left_and_says_what_failed() -> None:
    calls = threading.Semaphore(0)

    def write(cancelled: Callable[[], bool]) -> Iterator[object]:
        calls.release()
        return iter(())

    idle = started(write)
    assert all(calls.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    idle.close()
    assert idle.phase == "done"

    def fail(cancelled: Callable[[], bool]) -> Iterator[object]:
        calls.release()
        raise UsageError("The model is too weak.")

    idle = started(fail)
    assert all(calls.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    idle.close()
    assert (idle.phase, idle.problem) == ("failed", "The model is too weak.")


def test_what_other_programs_use_is_a_share_of_the_machine() -> None:
    other = OtherPrograms()
    sum(range(200_000))  # one's own work is none of it
    assert 0.0 <= other.share() <= 1.5
