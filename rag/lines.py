"""Waiting lines: those who ask take turns, and who would wait too long is told so at once."""

from __future__ import annotations

import math
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from rag.errors import Busy
from rag.interfaces import ChatModel
from rag.records import Usage

LOOK_SECONDS = 0.5
"""How often whoever waits is asked whether they still want to."""
USUAL_SECONDS = 1.0
RECENT = 0.2
"""The weight of the last piece of work in the mean of how long one takes."""


class Withdrawn(Exception):
    """Whoever waited has left."""


@dataclass(slots=True, eq=False)
class Place:
    """One who waits, until it is their turn."""

    caller: str
    has_turn: bool = False


@dataclass(slots=True)
class FairQueue:
    """Serves callers in turn: whoever asks much waits behind their own questions, and holds up nobody else.

    Start-time fair queueing (Goyal, Vin and Cheng 1996) with requests of one size.
    """

    _waiting: list[tuple[int, int, Place]] = field(default_factory=list)
    _round: int = 0
    _last: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def put(self, place: Place) -> None:
        """Behind the caller's own, and whoever else is to be served in the same round."""
        turn = max(self._round, self._last.get(place.caller, -1) + 1)
        self._last[place.caller] = turn
        insort(self._waiting, (turn, next(self._numbers), place))

    def take(self) -> Place | None:
        """Who is next; None where nobody waits."""
        if not self._waiting:
            self._last.clear()
            return None
        self._round, _, place = self._waiting.pop(0)
        return place

    def remove(self, place: Place) -> None:
        """Lets somebody leave the queue."""
        self._waiting = [entry for entry in self._waiting if entry[2] is not place]

    def ahead_of(self, place: Place) -> int:
        """How many are served before."""
        return next(
            (before for before, (_, _, other) in enumerate(self._waiting) if other is place),
            len(self._waiting),
        )

    def __len__(self) -> int:
        return len(self._waiting)


class Line:
    """Lets `workers` pieces of work go on at once, those of each caller in turn. Any thread may wait in it.

    `patience_seconds` is how long anybody waits: whoever would wait longer, as far as the last pieces of work
    tell, is refused at once, so that a client need not find out by waiting.
    """

    def __init__(self, workers: int, *, patience_seconds: float = math.inf) -> None:
        self._workers = workers
        self._patience_seconds = patience_seconds
        self._busy = 0
        self._mean_seconds = USUAL_SECONDS
        self._queue = FairQueue()
        self._changed = threading.Condition()

    @contextmanager
    def turn(
        self,
        caller: str,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        waiting: Callable[[int], None] = lambda ahead: None,
    ) -> Iterator[None]:
        """Waits for a turn and has it until the block ends. `waiting` is told how many come first.

        Raises:
            Busy: it would take, or has taken, too long.
            Withdrawn: `cancelled` became true meanwhile.
        """
        self._wait(caller, cancelled, waiting)
        began = time.monotonic()
        try:
            yield
        finally:
            self._leave(time.monotonic() - began)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    def _wait(self, caller: str, cancelled: Callable[[], bool], waiting: Callable[[int], None]) -> None:
        place, until = Place(caller), time.monotonic() + self._patience_seconds
        with self._changed:
            self._queue.put(place)
            self._let_in()
            try:
                self._require_soon(place)
                while not place.has_turn:
                    waiting(self._before(place))
                    self._changed.wait(LOOK_SECONDS)
                    if cancelled():
                        raise Withdrawn
                    if not place.has_turn and time.monotonic() > until:
                        raise self._refusal(place)
            except BaseException:
                self._queue.remove(place)
                self._busy -= place.has_turn
                self._let_in()
                raise

    def _leave(self, seconds: float) -> None:
        with self._changed:
            self._mean_seconds += RECENT * (seconds - self._mean_seconds)
            self._busy -= 1
            self._let_in()

    def _let_in(self) -> None:
        """Gives free turns to those who are next."""
        while self._busy < self._workers and (place := self._queue.take()):
            place.has_turn = True
            self._busy += 1
        self._changed.notify_all()

    def _before(self, place: Place) -> int:
        return self._queue.ahead_of(place) + self._busy

    def _seconds_until(self, place: Place) -> float:
        """About how long somebody waits: those who are at work are half done on average."""
        return (self._queue.ahead_of(place) + self._busy / 2) / self._workers * self._mean_seconds

    def _require_soon(self, place: Place) -> None:
        if not place.has_turn and self._seconds_until(place) > self._patience_seconds:
            raise self._refusal(place)

    def _refusal(self, place: Place) -> Busy:
        """Says how many come first, and when it is worth another try."""
        seconds = math.ceil(self._seconds_until(place))
        before = self._before(place)
        again = max(1, seconds // 2)
        return Busy(
            f"Footnote is busy. Questions that come first: {before}, which takes about {seconds} seconds. "
            f"Try again in {again} seconds.",
            seconds=again,
        )


class ModelInLine:
    """A chat model that writes for one caller after another.

    Where that takes too long it raises `Busy`, and the answer stands without its text: the quotes are there.
    """

    def __init__(self, model: ChatModel, line: Line, caller: str) -> None:
        self._model = model
        self._line = line
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def stream(self, *given: Any, **options: Any) -> Iterator[str | Usage]:
        """As the model's own, once it is the caller's turn."""
        try:
            with self._line.turn(self._caller, cancelled=options.get("cancelled", _never)):
                yield from self._model.stream(*given, **options)
        except Withdrawn:
            yield Usage(0, 0, 0, 0.0, 0.0, "cancelled")

    def leaning(self, *given: Any, **options: Any) -> float | None:
        """As the model's own, once it is the caller's turn."""
        try:
            with self._line.turn(self._caller, cancelled=options.get("cancelled", _never)):
                return self._model.leaning(*given, **options)
        except Withdrawn:
            return None


def _never() -> bool:
    return False


def in_line(model: ChatModel | None, line: Line, caller: str) -> ChatModel | None:
    """The model, for which the caller waits in line."""
    return None if model is None else cast(ChatModel, ModelInLine(model, line, caller))
