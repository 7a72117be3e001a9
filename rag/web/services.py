"""What all sessions of the app share: one library, and the desks where its work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from rag.access import User
from rag.library import Library
from rag.lines import Line, in_line
from rag.records import Answer, Message
from rag.web.background.backups import Backups
from rag.web.background.downloads import Downloads, Pull
from rag.web.background.folder_watch import FolderWatch, Watch
from rag.web.background.idle_questions import IdleQuestions
from rag.web.background.preload import Preload
from rag.web.background.task_queue import Task, TaskQueue
from rag.web.background.workers import Workers

if TYPE_CHECKING:
    from rag.answer import AnswerEvent
    from rag.explore.questions import WrittenQuestion
    from rag.history.conversations import Turn
    from rag.ingest import IngestEvent

OpenLibrary = Callable[[], Library]
WATCHED = "watched.json"
WATCH_WAIT_SECONDS = 3600.0
"""A watched folder waits this long for another ingest to finish."""
SPOKEN_QUOTES = 3
"""Of an answer that is quotes alone a follow-up needs the best; a list has hundreds."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all sessions share: one library, and the desks where its work is done.

    `jobs` are ingests and embeddings, `lab` evaluations, `pulls` models on their way, `tunings` chat
    models being measured, `watches` the folders that are followed, `warming` the models that are loaded
    ahead, `idle` the questions written while nothing else is done, `backups` copies made by the clock.
    """

    library: Library
    desk: TaskQueue
    jobs: Workers
    lab: Workers
    pulls: Downloads
    tunings: Downloads
    watches: FolderWatch
    warming: Preload
    idle: IdleQuestions
    backups: Backups

    def close(self) -> None:
        """Stops what is at work and frees the models."""
        desks = (self.desk, self.watches, self.jobs, self.lab, self.pulls, self.tunings, self.warming)
        for desk in (self.idle, *desks, self.backups):
            desk.close()
        self.library.close()


def open_services(open_library: OpenLibrary) -> Services:
    """Opens the library and the desks over it."""
    library = open_library()
    writing = Line(1)
    desk = TaskQueue(
        lambda task: asked(library, task, writing),
        lambda task, answer: save(library, task, answer),
        library.store.pending,
    )
    desk.take_up()
    jobs, lab = Workers("ingest"), Workers("lab")

    def at_work() -> bool:
        return desk.at_work or any(not job.over for workers in (jobs, lab) for job in workers.jobs())

    return Services(
        library,
        desk,
        jobs=jobs,
        lab=lab,
        pulls=Downloads(lambda pull: fetch(library, pull)),
        tunings=Downloads(lambda pull: tune(library, pull)),
        watches=FolderWatch(lambda watch: watched(library, watch), library.settings.library / WATCHED),
        warming=Preload(library.warm_up),
        idle=IdleQuestions(
            lambda cancelled: write_questions(library, cancelled),
            on=library.settings.idle_questions,
            at_work=at_work,
        ),
        backups=Backups(library),
    )


def write_questions(library: Library, cancelled: Callable[[], bool]) -> Iterator[WrittenQuestion]:
    """Questions for the passages of every collection, one collection after another.

    No model is loaded where every passage was asked about.
    """
    for collection in library.store.collections():
        if library.store.written.next_passages(collection.name, 1) and not cancelled():
            yield from library.write_questions(collection.name, cancelled=cancelled)


def asked(library: Library, task: Task, writing: Line) -> Iterator[AnswerEvent]:
    """The answer to a task, in the thread of its conversation; the model writes one after another."""
    from rag.answer import ConversationContext

    request = task.request
    turns = library.conversations_of(request.owner).load(request.conversation_id).turns
    if request.beside is not None:
        turns = tuple(takewhile(lambda turn: turn.id != request.beside, turns))
    last = turns[-1].answer if turns else None
    return library.ask(
        request.question,
        collection=request.collection,
        history=history(turns),
        docs=request.docs,
        passage_tokens=request.passage_tokens,
        model=request.model,
        temperature=request.temperature,
        thread=ConversationContext.after(last, conversation=str(request.conversation_id)),
        cancelled=task.cancelled.is_set,
        user=User(request.owner, is_admin=False),
        take_turns=lambda model: in_line(model, writing, request.who),
    )


def save(library: Library, task: Task, answer: Answer) -> None:
    """Keeps a finished answer in the conversation it was asked in, or beside another model's answer there."""
    request, conversations = task.request, library.conversations_of(task.request.owner)
    if request.beside is None:
        conversations.append(request.conversation_id, answer)
    else:
        conversations.add_other(request.conversation_id, request.beside, answer)


def watched(library: Library, watch: Watch) -> Iterator[IngestEvent]:
    """Ingest after ingest of a watched folder, until it is stopped."""
    options = {"collection": watch.collection, "wait_seconds": WATCH_WAIT_SECONDS}
    stop = {"stop": watch.stopped, "cancelled": watch.stopped.is_set}
    return library.watch([Path(watch.root)], **options, **stop)


def fetch(library: Library, pull: Pull) -> Path:
    """Fetches a model from its hub."""
    from rag.models import pull as pull_model

    return pull_model(
        pull.name,
        models=library.settings.models,
        progress=lambda progress: pull.advance(progress.done, progress.total),
        cancelled=pull.stopped.is_set,
    )


def tune(library: Library, pull: Pull) -> None:
    """Finds the fastest way to run the chat model here, and what it is able to do; of a server only that."""
    from rag.llm import ServerChatModel
    from rag.llm.tune import examine
    from rag.llm.tune import tune as tune_model
    from rag.models import chat_model_location

    settings = library.settings
    location = chat_model_location(pull.name, models=settings.models)

    def show(step: str, share: float) -> None:
        pull.advance(round(100 * share), 100)

    if location.startswith(("http://", "https://")):
        server = ServerChatModel(location, context_tokens=settings.context_tokens)
        examine(server, cache=settings.cache, progress=show, cancelled=pull.stopped.is_set)
    else:
        tune_model(Path(location), cache=settings.cache, progress=show, cancelled=pull.stopped.is_set)


def history(turns: Sequence[Turn]) -> list[Message]:
    """A conversation as a chat model reads it; the budget drops the oldest turns that do not fit."""
    messages: list[Message] = []
    for saved in turns:
        answer = saved.answer
        spoken = answer.text or " ".join(piece.quote for piece in answer.evidence[:SPOKEN_QUOTES])
        messages += [Message("user", answer.question), Message("assistant", spoken)]
    return messages
