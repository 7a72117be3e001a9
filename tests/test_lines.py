"""Many ask at once: each in turn, nobody held up by whoever asks much, and nobody kept waiting for ever."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import Busy
from rag.lines import FairQueue, Line, Place, Withdrawn, in_line
from tests.fakes.web import QueuedModel


def served(queue: FairQueue) -> list[str]:
    """The callers in the order they are served."""
    return [place.caller for place in iter(queue.take, None)]


def test_whoever_asks_much_is_served_in_turn_with_others() -> None:
    queue = FairQueue()
    for caller in ["greedy"] * 5 + ["ann", "ben", "ann"]:
        queue.put(Place(caller))
    assert served(queue) == ["greedy", "ann", "ben", "greedy", "ann", "greedy", "greedy", "greedy"]


def test_whoever_comes_later_is_served_before_those_served_already() -> None:
    queue = FairQueue()
    for _ in range(20):
        queue.put(Place("greedy"))
    for _ in range(10):
        queue.take()
    late = Place("late")
    queue.put(late)
    assert queue.ahead_of(late) == 0


@settings(max_examples=40)
@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_those_who_wait_have_been_served_equally_often_give_or_take_one(callers: Sequence[str]) -> None:
    queue = FairQueue()
    places = [Place(caller) for caller in callers]
    for place in places:
        queue.put(place)
    assert [queue.ahead_of(place) for place in sorted(places, key=queue.ahead_of)] == list(range(len(places)))
    order, asked = served(queue), Counter(callers)
    assert Counter(order) == asked
    for end in range(len(order)):
        so_far = Counter(order[:end])
        waiting = [so_far[caller] for caller in asked if so_far[caller] < asked[caller]]
        assert max(waiting) - min(waiting) <= 1


class Hall:
    """Threads that wait in a line until the test lets them go."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.order: list[str] = []
        self.errors: list[Exception] = []
        self.go = threading.Semaphore(0)
        self.threads: list[threading.Thread] = []

    def ask(self, caller: str, **options: Any) -> None:
        """Another one comes; returns once they wait or work."""

        def work() -> None:
            try:
                with self.line.turn(caller, **options):
                    self.order.append(caller)
                    self.go.acquire(timeout=10)
            except (Busy, Withdrawn) as error:
                self.errors.append(error)

        before = self.line.waiting + len(self.order) + len(self.errors)
        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()
        wait_for(lambda: self.line.waiting + len(self.order) + len(self.errors) > before)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall(Line(1, patience_seconds=5.0))
    yield made
    made.go.release(100)
    for thread in made.threads:
        thread.join(10)


def test_one_works_and_the_others_have_their_turn_each(hall: Hall) -> None:
    for caller in ("greedy", "greedy", "greedy", "ann"):
        hall.ask(caller)
    assert (hall.order, hall.line.waiting) == (["greedy"], 3)
    hall.go.release(4)
    wait_for(lambda: len(hall.order) == 4)
    assert hall.order == ["greedy", "ann", "greedy", "greedy"]


def test_who_would_wait_too_long_is_told_how_many_come_first(hall: Hall) -> None:
    for number in range(6):
        hall.ask(f"caller {number}")
    hall.ask("late")
    (refused,) = hall.errors
    assert isinstance(refused, Busy)
    assert "come first: 6, which takes about 6 seconds" in str(refused)
    assert (refused.seconds, hall.line.waiting) == (3, 5)


def test_who_has_waited_too_long_is_told_so_as_well() -> None:
    hall = Hall(Line(1, patience_seconds=0.6))
    hall.ask("first")
    hall.ask("second")
    wait_for(lambda: bool(hall.errors))
    assert isinstance(hall.errors[0], Busy)
    hall.go.release()
    hall.threads[0].join(10)
    with hall.line.turn("third"):
        pass


def test_who_leaves_is_not_waited_for(hall: Hall) -> None:
    left = threading.Event()
    hall.ask("first")
    hall.ask("leaving", cancelled=left.is_set)
    hall.ask("staying")
    left.set()
    wait_for(lambda: bool(hall.errors))
    assert isinstance(hall.errors[0], Withdrawn)
    hall.go.release()
    wait_for(lambda: hall.order == ["first", "staying"])


def test_an_error_at_work_gives_the_turn_back() -> None:
    line = Line(1)
    with pytest.raises(ZeroDivisionError), line.turn("a"):
        raise ZeroDivisionError
    with line.turn("b"):
        pass


def test_a_model_writes_for_one_after_another_and_says_nothing_for_whoever_left() -> None:
    line, model = Line(1, patience_seconds=0.0), QueuedModel(["It sails at nine."])
    waiting = in_line(model, line, "ann")
    assert waiting is not None and waiting.name == model.name
    assert in_line(None, line, "ann") is None
    with ExitStack() as stack:
        stack.enter_context(line.turn("ben"))
        with pytest.raises(Busy):
            list(waiting.stream([], max_tokens=9))
    assert next(iter(waiting.stream([], max_tokens=9))) == "It "
    patient = in_line(model, Line(1), "ann")
    assert patient is not None
    with patient._line.turn("ben"):  # type: ignore[attr-defined]
        (usage,) = patient.stream([], max_tokens=9, cancelled=lambda: True)
        assert not isinstance(usage, str) and usage.finish == "cancelled"
        assert patient.leaning([], "yes", "no", cancelled=lambda: True) is None
