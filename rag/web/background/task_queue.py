"""The desk where questions are answered in turn, whoever asks and whether they stay or go."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import count
from typing import Any, Protocol

from rag.answer import (
    AnswerDone,
    AnswerEvent,
    EvidenceReady,
    PromptReady,
    SearchDone,
    TokenDelta,
    until_evidence,
)
from rag.errors import Busy, RagError
from rag.lines import Line, Withdrawn
from rag.records import Answer
from rag.web.components.turns import State, Turn

logger = logging.getLogger(__name__)

EVIDENCED = ("evidence", "abstained", "reason", "disagreements", "changes", "computation")
"""What a turn takes over from the evidence."""

WORKERS = max(2, os.cpu_count() or 1)
"""Searches at work at once: more would not be done sooner."""
MAX_OPEN_OF_ONE = 8
MAX_OPEN = 200
"""Questions that one person, and all of them, may have open."""
AGAIN_SECONDS = 10
MAX_ATTEMPTS = 2

Asker = Callable[["Task"], Iterator[AnswerEvent]]
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

    @property
    def who(self) -> str:
        """Who takes turns with others: who signed in, else whoever has this conversation."""
        return self.owner or f"conversation {self.conversation_id}"


@dataclass(slots=True, eq=False)
class Task:
    """One request and how far it has come. Written by its conversation's thread only; read by any.

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
    """Answers requests: those of a conversation in order, those of different people in turn.

    A page that is closed or reloaded loses nothing, because the task goes on here and its answer
    is saved by `save`. `ask` gives a task's events; both are called in the conversation's thread. Only the
    search for evidence waits in line here: what a chat model writes has a line of its own. A question that
    has no answer when the app ends, in whatever way, is asked again by `take_up`.
    """

    def __init__(self, ask: Asker, save: Saver, pending: Pending, *, workers: int = WORKERS) -> None:
        self._ask = ask
        self._save = save
        self._pending = pending
        self._line = Line(workers)
        self._tasks: dict[int, Task] = {}
        self._threads: dict[int, threading.Thread] = {}
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._closing = False

    def submit(self, request: Request) -> Task:
        """Takes a request, which waits behind the earlier ones of its conversation.

        Raises:
            Busy: this person, or everybody together, has too many questions open.
        """
        with self._lock:
            self._require_room(request)
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
                with self._lock:
                    self._add(request, pending, "failed")

    def _put(self, request: Request, pending: int) -> Task:
        with self._lock:
            task = self._add(request, pending, "waiting")
            conversation = request.conversation_id
            if conversation not in self._threads:
                thread = threading.Thread(
                    target=self._work, args=(conversation,), name="footnote-desk", daemon=True
                )
                self._threads[conversation] = thread
                thread.start()
        return task

    def _add(self, request: Request, pending: int, state: State) -> Task:
        number = next(self._numbers)
        turn = Turn(f"task-{number}", request.question, state, collection=request.collection)
        task = self._tasks[number] = Task(number, request, turn, pending)
        return task

    def open_tasks(self, conversation_id: int) -> list[Task]:
        """The conversation's tasks that are waiting, at work, or failed and not yet dismissed."""
        with self._lock:
            tasks = [task for task in self._tasks.values() if task.request.conversation_id == conversation_id]
        unfinished = [task for task in tasks if not task.over]
        for before, task in enumerate(unfinished[1:], start=1):
            self._move(task, ahead=unfinished[0].turn.ahead + before)
        return tasks

    @property
    def at_work(self) -> bool:
        """Whether a question waits for its answer."""
        with self._lock:
            return any(not task.over for task in self._tasks.values())

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
        """Stops what is at work and ends the threads; what waits is taken up when the app is there again."""
        with self._lock:
            self._closing = True
            tasks, threads = list(self._tasks.values()), list(self._threads.values())
        for task in tasks:
            task.cancelled.set()
        for thread in threads:
            thread.join()

    def _require_room(self, request: Request) -> None:
        unfinished = [task for task in self._tasks.values() if not task.over]
        if sum(task.request.who == request.who for task in unfinished) >= MAX_OPEN_OF_ONE:
            raise Busy(
                f"You have {MAX_OPEN_OF_ONE} questions waiting, and no more at once: "
                "wait for an answer first.",
                seconds=AGAIN_SECONDS,
            )
        if len(unfinished) >= MAX_OPEN:
            raise Busy(
                f"Footnote is busy: {len(unfinished)} questions are waiting. Try again in a minute.",
                seconds=AGAIN_SECONDS,
            )

    def _work(self, conversation: int) -> None:
        """Answers a conversation's tasks one after another, and ends when there are none."""
        while (task := self._next(conversation)) is not None:
            self._answer(task)

    def _next(self, conversation: int) -> Task | None:
        with self._lock:
            for task in () if self._closing else self._tasks.values():
                if task.request.conversation_id == conversation and task.turn.state == "waiting":
                    return task
            del self._threads[conversation]
            return None

    def _answer(self, task: Task) -> None:
        try:
            with self._line.turn(
                task.request.who,
                cancelled=task.cancelled.is_set,
                waiting=lambda ahead: self._move(task, ahead=ahead),
            ):
                self._move(task, state="searching", ahead=0)
                events = self._ask(task)
                for event in until_evidence(events):
                    self._take(task, event)
            for event in events:
                self._take(task, event)
        except Withdrawn:
            if not self._closing:
                self.dismiss(task)
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
