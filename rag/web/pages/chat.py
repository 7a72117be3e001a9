"""The chat: questions and answers on the left, the source of what is said on the right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag.errors import Busy, UsageError
from rag.history.conversations import Conversation, Conversations
from rag.history.conversations import Turn as SavedTurn
from rag.web.background.task_queue import Request, Task
from rag.web.browser_events import Act, conduct
from rag.web.components.answers import turn_html
from rag.web.components.attachments import draw_attachments, searches_attached
from rag.web.components.beside import branch, keep_note
from rag.web.components.cited_pictures import pictures_of
from rag.web.components.dialogs import draw_dialog, open_dialog
from rag.web.components.export import draw_export
from rag.web.components.followups import followups
from rag.web.components.markup import label
from rag.web.components.scope import chosen_docs, draw_scope
from rag.web.components.source import Selection, current_selection, draw_pane, select
from rag.web.components.turns import Place, Turn, saved_turn, with_others
from rag.web.components.welcome import draw_counts, draw_examples, draw_first_run
from rag.web.components.writer import chosen_model, chosen_temperature, draw_writer
from rag.web.session import App, collection_state, toast_errors

FOLLOW_SECONDS = 1.0
"""A page that was left is noticed this often while nothing moves."""
TICK_SECONDS = 0.06
"""Streaming text is redrawn this often: it looks fluent, and costs a page nothing."""
EVIDENCE_SECONDS = 20.0
"""The pane waits this long for the first evidence; the search itself takes well under one."""


def chat_page(app: App) -> None:
    """The page of one conversation; without one in the address, the start of a new one."""
    app.services.warming.start()
    conversation = open_conversation(app)
    tasks = [] if conversation is None else app.desk.open_tasks(conversation.id)
    turns = [] if conversation is None else saved_turns(app, conversation)
    draw_dialog(app, lambda question: ask(app, question))
    # The start has a place of its own, emptied at once: what is left over from it would otherwise
    # stay on the page, faded, for as long as an answer is written.
    start = st.empty()
    if turns or tasks:
        draw_conversation(app, conversation, turns, tasks)
        return
    with start.container():
        if any(collection.passages for collection in app.collections()):
            draw_start(app, conversation)
        else:
            draw_first_run(app)
            conduct(lambda act: None, language=app.say.language)


def open_conversation(app: App) -> Conversation | None:
    """The conversation named in the address; None for a new one, or one that is gone."""
    named = st.query_params.get("c", "")
    if not named:
        return None
    try:
        conversation = app.conversations.load(int(named) if named.isdecimal() else 0)
    except UsageError as error:
        st.query_params.clear()
        st.toast(label(str(error)))
        return None
    if st.session_state.get("conversation") != conversation.id:
        st.session_state["conversation"] = conversation.id
        st.session_state["collection"] = conversation.collection
    return conversation


def saved_turns(app: App, conversation: Conversation) -> list[Turn]:
    """The conversation's answers as they were saved, flagged where a source has changed since."""
    state = collection_state(app)
    turns = []
    for saved in conversation.turns:
        stale = stale_markers(app.conversations, saved, conversation.collection, saved.id, state)
        thumb = {1: "up", -1: "down"}.get(saved.rating or 0, "")
        turn = saved_turn(saved.answer, key=f"saved-{saved.id}", stale=stale, thumb=thumb)
        turns.append(replace(turn, pictures=pictures_of(app, turn, state)))
    return turns


@st.cache_data(show_spinner=False, max_entries=2000)
def stale_markers(
    _conversations: Conversations, _saved: SavedTurn, collection: str, turn_id: int, state: str
) -> dict[int, Place]:
    """What became of the sources of a saved answer that are not as they were, by marker.

    Looking them up takes some 10 ms a turn; `turn_id` and `state` tell when to look again.
    """
    today = _conversations.citations_today(_saved, collection=collection)
    return {c.citation.marker: c.state for c in today if c.state != "unchanged"}


def draw_start(app: App, conversation: Conversation | None) -> None:
    """A new conversation: what can be asked, and where to ask it."""
    with st.container(key="welcome"):
        draw_counts(app)
        examples = st.container()
        draw_composer(app, conversation, [])
    conduct(lambda act: handle(app, [], act), language=app.say.language)
    with examples:  # last: each is tried before it is shown, and nobody has to wait for that to type
        draw_examples(app, lambda question: ask(app, question))


def draw_conversation(
    app: App, conversation: Conversation | None, turns: Sequence[Turn], tasks: Sequence[Task]
) -> None:
    """Both columns; then the answer being written is followed until it is there."""
    left, right = st.columns([0.56, 0.44], gap="large")
    with left:
        with st.container(key="turns"):
            with st.container():
                draw_toolbar(app, turns)
            shown = current_selection([*turns, *(task.turn for task in tasks)])
            for turn in turns:
                # In an `st.empty`, as a running task: a saved answer takes the place of the streamed one.
                draw_turn(st.empty(), turn, app, shown)
            places = [draw_task(app, task) for task in tasks]
            next_questions = st.container()
        draw_composer(app, conversation, tasks)
    if tasks:
        first_evidence(app, tasks[0], places[0])
    current = [*turns, *(task.turn for task in tasks)]
    selection = current_selection(current)
    with right:
        draw_pane(app, selection)
    conduct(
        lambda act: handle(app, current, act),
        language=app.say.language,
        reveal=f"turn-{current[-1].key}",
        mark=mark_of(selection),
    )
    if tasks:
        follow(app, tasks[0], places[0], selection)
    else:
        with next_questions:
            draw_followups(app, turns[-1])


def mark_of(selection: Selection | None) -> str:
    """Changes whenever the pane shows something else, or opens as a sheet."""
    if selection is None:
        return ""
    return f"{selection.token}-{selection.chosen}-{st.session_state.get('pane_view', '')}"


def draw_turn(place: DeltaGenerator, turn: Turn, app: App, shown: Selection | None) -> None:
    """Draws a turn: saved, streaming, waiting or failed. `shown` is the source in the pane."""
    selected = shown.source.marker if shown is not None and shown.turn.key == turn.key else None
    with place.container(gap=None):
        for part in turn_html(turn, app.say, selected=selected):
            st.html(part)


def draw_task(app: App, task: Task) -> DeltaGenerator:
    """A turn that is not finished, in a place of its own, and what can be done with it."""
    place = st.empty()
    draw_turn(place, task.turn, app, None)
    if task.turn.state == "failed":
        with st.container(horizontal=True):
            st.button(
                app.say("try_again"),
                key=f"retry-{task.id}",
                icon=":material/refresh:",
                on_click=retry,
                args=(app, task),
            )
            st.button(
                app.say("dismiss"),
                key=f"dismiss-{task.id}",
                type="tertiary",
                on_click=app.desk.dismiss,
                args=(task,),
            )
    elif task.turn.state == "waiting":
        st.button(
            app.say("drop_question"),
            key=f"drop-{task.id}",
            icon=":material/close:",
            type="tertiary",
            on_click=app.desk.cancel,
            args=(task,),
        )
    return place


@toast_errors
def retry(app: App, task: Task) -> None:
    """Asks a failed question once more."""
    app.desk.dismiss(task)
    submit(app, task.request)


def first_evidence(app: App, task: Task, place: DeltaGenerator) -> None:
    """Waits for the first evidence, which is there at once, so that the pane can show its source."""
    version, until = -1, time.monotonic() + EVIDENCE_SECONDS
    while task.turn.state == "searching" and not task.turn.evidence and time.monotonic() < until:
        version = task.wait(version, TICK_SECONDS)
    draw_turn(place, task.turn, app, current_selection([task.turn]))


def follow(app: App, task: Task, place: DeltaGenerator, shown: Selection | None) -> None:
    """Redraws the turn as it grows; the whole page once it is finished, or can first show a source."""
    version, state = -1, task.turn.state
    while not task.over:
        version = task.wait(version, FOLLOW_SECONDS)
        if task.over:
            break
        draw_turn(place, task.turn, app, shown)
        if (state == "waiting" and task.turn.state != "waiting") or (shown is None and task.turn.evidence):
            break
        time.sleep(TICK_SECONDS)
    st.rerun()


def draw_toolbar(app: App, turns: Sequence[Turn]) -> None:
    """What can be done with the whole conversation."""
    if turns:
        with st.container(horizontal=True, horizontal_alignment="right", key="toolbar"):
            draw_export(app, st.session_state["conversation"])


def draw_composer(app: App, conversation: Conversation | None, tasks: Sequence[Task]) -> None:
    """What is searched and who writes, the stop button while an answer is written, and the question."""
    with st.container(key="composer", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if not searches_attached(conversation):
                draw_scope(app)
            draw_writer(app)
            draw_attachments(app, conversation)
            if tasks and tasks[0].turn.state in ("searching", "writing"):
                st.button(
                    app.say("stop"),
                    key="stop",
                    icon=":material/stop_circle:",
                    on_click=app.desk.cancel,
                    args=(tasks[0],),
                )
        st.chat_input(
            app.say("ask_placeholder"),
            key="question",
            max_chars=4000,
            on_submit=lambda: ask(app, st.session_state["question"]),
        )


@toast_errors
def ask(app: App, question: str) -> None:
    """Sends a question to the desk, in the conversation of the address or a new one."""
    if not question.strip():
        return
    conversation = open_conversation(app)
    if conversation is None:
        conversation_id = app.conversations.start(question, collection=app.collection)
        st.session_state["conversation"] = conversation_id
        st.query_params["c"] = str(conversation_id)
    else:
        conversation_id = conversation.id
    own_files = searches_attached(conversation)
    st.session_state.pop("source", None)
    submit(
        app,
        Request(
            conversation_id=conversation_id,
            question=question,
            collection=conversation.attached if conversation and own_files else app.collection,
            owner=app.visitor.name,
            docs=None if own_files else chosen_docs(),
            passage_tokens=st.session_state.get("passage_tokens"),
            model=chosen_model(app),
            temperature=chosen_temperature(),
        ),
    )


def submit(app: App, request: Request) -> None:
    """Sends a request to the desk; where there is no room, that is said."""
    try:
        app.desk.submit(request)
    except Busy as error:
        st.toast(label(app.say.message(str(error))), icon=":material/hourglass_empty:", duration="long")


def draw_followups(app: App, turn: Turn) -> None:
    """Questions about what stands next to the cited passages, once each was tried."""
    questions = followups(turn, app)
    if questions:
        with st.container(key="suggestions", gap="small"):
            st.caption(app.say("ask_next"))
            for number, question in enumerate(questions):
                st.button(
                    label(question),
                    key=f"followup-{turn.key}-{number}",
                    icon=":material/subdirectory_arrow_right:",
                    type="tertiary",
                    on_click=ask,
                    args=(app, question),
                )


@toast_errors
def handle(app: App, turns: Sequence[Turn], act: Act) -> None:
    """Acts on a click in an answer."""
    turn = next((turn for turn in with_others(turns) if turn.key == act.turn), None)
    if act.kind == "link":
        open_dialog("link", act.url)
    elif turn is None:
        return
    elif act.kind == "cite":
        select(turn.key, act.marker)
    elif act.kind == "again":
        ask(app, turn.question)
    elif act.kind == "edit":
        open_dialog("edit", turn.question, saved_id(turn), st.session_state.get("conversation", 0))
    elif act.kind == "receipt" and turn.answer is not None:
        open_dialog("receipt", turn.answer)
    elif act.kind == "note" and turn.answer is not None:
        keep_note(app, turn.answer)
    elif act.kind in ("beside", "branch"):
        go_on(app, turn, act.kind)
    elif act.kind in ("up", "down"):
        give_thumb(app, turn, act.kind)


def go_on(app: App, turn: Turn, kind: str) -> None:
    """Has another model answer, or begins a conversation of its own behind a saved answer."""
    turn_id, conversation_id = saved_id(turn), st.session_state.get("conversation", 0)
    if turn_id is None or turn.answer is None:
        return
    if kind == "branch":
        branch(app, conversation_id, turn_id)
    else:
        open_dialog("beside", conversation_id, turn_id, turn.answer)


def saved_id(turn: Turn) -> int | None:
    """The id of a saved answer; None while it is being written."""
    number = turn.key.removeprefix("saved-")
    return int(number) if number.isdecimal() else None


def give_thumb(app: App, turn: Turn, thumb: str) -> None:
    """Keeps a verdict on an answer, or takes it back; a bad one is asked for its reason."""
    turn_id = saved_id(turn)
    if turn_id is None:
        return
    if turn.thumb == thumb:
        app.conversations.rate(turn_id, None)
        return
    app.conversations.rate(turn_id, 1 if thumb == "up" else -1)
    if thumb == "down":
        open_dialog("reason", turn_id)
    else:
        st.toast(app.say("thanks"))
