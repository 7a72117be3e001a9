"""A saved answer to continue from: as a note, as a conversation of its own, or by another model."""

from __future__ import annotations

import streamlit as st

from rag.models import NO_MODEL
from rag.records import Answer
from rag.web.background.task_queue import Request
from rag.web.components.writer import chosen_temperature, model_label, models_to_write
from rag.web.session import App


def keep_note(app: App, answer: Answer) -> None:
    """Keeps an answer as a note."""
    app.notes.keep_answer(answer, collection=app.collection)
    st.toast(app.say("note_kept"), icon=":material/bookmark_added:")


def branch(app: App, conversation_id: int, turn_id: int) -> None:
    """Goes on in a new conversation that has the turns up to this one."""
    conversation = app.conversations.load(conversation_id)
    ordinal = next(turn.ordinal for turn in conversation.turns if turn.id == turn_id)
    title = app.say("branch_title", title=conversation.title)
    st.query_params["c"] = str(app.conversations.branch(conversation_id, ordinal, title=title))
    st.toast(app.say("branched"), icon=":material/call_split:")


def show_beside(app: App, conversation_id: int, turn_id: int, answer: Answer) -> None:
    """The choice of another model for the same question; both answers stand side by side then."""
    say = app.say

    @st.dialog(say("beside"))
    def dialog() -> None:
        names = [name for name in models_to_write(app) if name != NO_MODEL]
        others = [name for name in names if name != answer.model] or names
        st.text(say("beside_help"))
        if len(names) < 2:
            st.caption(say("beside_none"))
        chosen = st.selectbox(say("model_writes"), others, format_func=lambda name: model_label(name, say))
        if st.button(say("ask"), type="primary", disabled=chosen is None):
            app.desk.submit(
                Request(
                    conversation_id=conversation_id,
                    question=answer.question,
                    collection=answer.collection or app.collection,
                    owner=app.visitor.name,
                    passage_tokens=st.session_state.get("passage_tokens"),
                    model=chosen,
                    temperature=chosen_temperature(),
                    beside=turn_id,
                )
            )
            st.rerun()

    dialog()
