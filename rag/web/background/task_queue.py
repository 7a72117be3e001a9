"""The desk where questions are answered one after another, whoever asks and whether they stay or go."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import count
from queue import SimpleQueue
from typing import Any, Protocol

from rag.answer import AnswerDone, AnswerEvent, EvidenceReady, PromptReady, SearchDone, TokenDelta
from rag.errors import RagError
from rag.records import Answer
from rag.web.components.turns import State, Turn

logger = logging.getLogger(__name__)

EVIDENCED = ("evidence", "abstained", "reason", "disagreements", "changes", "computation")
"""What a turn takes over from the evidence."""

MAX_ATTEMPTS = 2

Asker = Callable[["Task"], Iterable[AnswerEvent]]
Saver = Callable[["Task", Answer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked, and what to search: everything an answer depends on."""

    conversation_id: int
    question: str
    collection: str
    owner: str = ""
    docs: tuple[str, ...] | None = None
    passage_tokens: int | None = None
    model: str | None = None
    temperature: float | None = None
    beside: int | None = None
    """The saved turn that the answer is to stand beside, as another model's."""


@dataclass(slots=True, eq=False)
class Task:
    """One request and how far it has come. Written by the desk's thread only; read by any.

    `pending` is its id among the questions that are kept until they are answered.
    """

    id: int
    request: Request
    turn: Turn
    pending: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    moved: threading.Condition = field(default_factory=threading.Condition)
    version: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.turn.state in ("done", "failed")

    def wait(self, version: int, timeout_seconds: float) -> int:
        """Blocks until the task has moved on from the version seen, or the time is up."""
        with self.moved:
            self.moved.wait_for(lambda: self.version != version, timeout_seconds)
            return self.version


class Pending(Protocol):
    """Where questions are kept until they are answered, in case the app does not live so long."""

    def add(self, conversation_id: int, request: str) -> int: ...
    def remove(self, pending_id: int) -> None: ...
    def taken_up(self) -> list[tuple[int, str, int]]: ...


def _request_of(record: dict[str, Any]) -> Request:
    known = {one.name for one in fields(Request)}
    values = {name: value for name, value in record.items() if name in known}
    return Request(**values | {"docs": None if values["docs"] is None else tuple(values["docs"])})


class TaskQueue:
    """Answers requests in the order they came, in one thread: a local model does one thing at a time.

    A page that is closed or reloaded loses nothing, because the task goes on here and its answer
    is saved by `save`. `ask` gives a task's events; both are called in the desk's thread. A question that
    has no answer when the app ends, in whatever way, is asked again by `take_up`.
    """

    def __init__(self, ask: Asker, save: Saver, pending: Pending) -> None:
        self._ask = ask
        self._save = save
        self._pending = pending
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._tasks: dict[int, Task] = {}
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._thread = threading.Thread(target=self._work, name="footnote-desk", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Task:
        """Puts a request at the end of the queue."""
        return self._put(request, self._pending.add(request.conversation_id, json.dumps(asdict(request))))

    def take_up(self) -> None:
        """Asks again what had no answer when the app last ended.

        A question that has ended the app twice waits, as failed, until somebody asks it again.
        """
        for pending, record, attempts in self._pending.taken_up():
            request = _request_of(json.loads(record))
            if attempts < MAX_ATTEMPTS:
                self._put(request, pending)
            else:
                self._add(request, pending, "failed")

    def _put(self, request: Request, pending: int) -> Task:
        task = self._add(request, pending, "waiting")
        self._queue.put(task)
        return task

    def _add(self, request: Request, pending: int, state: State) -> Task:
        with self._lock:
            number = next(self._numbers)
            turn = Turn(f"task-{number}", request.question, state, collection=request.collection)
            task = Task(number, request, turn, pending)
            self._tasks[number] = task
        return task

    def open_tasks(self, conversation_id: int) -> list[Task]:
        """The conversation's tasks that are waiting, at work, or failed and not yet dismissed."""
        with self._lock:
            tasks = [task for task in self._tasks.values() if task.request.conversation_id == conversation_id]
        for task in tasks:
            if task.turn.state == "waiting":
                self._move(task, ahead=self.ahead_of(task))
        return tasks

    def ahead_of(self, task: Task) -> int:
        """How many unfinished tasks come before this one."""
        with self._lock:
            return sum(not other.over for number, other in self._tasks.items() if number < task.id)

    def cancel(self, task: Task) -> None:
        """Stops the task: a waiting one is dropped, one at work keeps what it has written."""
        task.cancelled.set()
        if task.turn.state == "waiting":
            self.dismiss(task)

    def dismiss(self, task: Task) -> None:
        """Forgets a finished, failed or dropped task."""
        with self._lock:
            self._tasks.pop(task.id, None)
        self._pending.remove(task.pending)

    def close(self) -> None:
        """Stops what is at work and ends the thread; what waits is taken up when the app is there again."""
        with self._lock:
            tasks = list(self._tasks.values())
        for task in tasks:
            task.cancelled.set()
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            if not task.cancelled.is_set():
                self._answer(task)

    def _answer(self, task: Task) -> None:
        self._move(task, state="searching")
        try:
            for event in self._ask(task):
                self._take(task, event)
        except RagError as error:
            self._move(task, state="failed", problem=str(error))
        except Exception:  # a face shows, logs and goes on with the next question
            logger.exception("Answering failed in conversation %s.", task.request.conversation_id)
            self._move(task, state="failed", problem="")

    def _take(self, task: Task, event: AnswerEvent) -> None:
        match event:
            case SearchDone(query=query, hits=hits):
                self._move(task, query=query, hits=hits)
            case EvidenceReady():
                state: State = "searching" if event.abstained else "writing"
                found = {name: getattr(event, name) for name in EVIDENCED}
                self._move(task, state=state, **found)
            case PromptReady(budget=budget):
                self._move(task, budget=budget, state="writing")
            case TokenDelta(piece=piece):
                # An able model may find an answer where the search doubted.
                reason = "" if task.turn.abstained else task.turn.reason
                self._move(task, text=task.turn.text + piece, abstained=False, reason=reason)
            case AnswerDone(answer=answer):
                self._save(task, answer)
                self._move(task, state="done")
                self.dismiss(task)

    def _move(self, task: Task, **changes: Any) -> None:
        with task.moved:
            task.turn = replace(task.turn, **changes)
            task.version += 1
            task.moved.notify_all()
