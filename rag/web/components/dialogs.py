"""The small windows of the chat: edit a question, follow a link, say what was wrong, take a receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from rag.web.components.beside import show_beside
from rag.web.components.export import show_receipt
from rag.web.components.markup import label
from rag.web.i18n import Phrases
from rag.web.session import App

REASONS = ("reason_wrong", "reason_missed", "reason_source", "reason_unclear")


def open_dialog(kind: str, *values: Any) -> None:
    """Asks for a dialog in the next drawing of the page."""
    st.session_state["dialog"] = (kind, values)


def draw_dialog(app: App, ask: Callable[[str], None]) -> None:
    """Draws the dialog that was asked for, once."""
    kind, values = st.session_state.pop("dialog", ("", ()))
    if kind == "link":
        show_link(app.say, *values)
    elif kind == "edit":
        show_edit(app, ask, *values)
    elif kind == "receipt":
        show_receipt(app.say, *values)
    elif kind == "page":
        show_page(*values)
    elif kind == "beside":
        show_beside(app, *values)
    elif kind == "reason":
        show_reason(app, *values)


def show_link(say: Phrases, url: str) -> None:
    """Shows where an address leads before anything is opened."""

    @st.dialog(say("link_title"))
    def dialog() -> None:
        st.text(say("link_warning"))
        st.code(url, language=None, wrap_lines=True)
        st.link_button(say("link_open"), url, icon=":material/open_in_new:")

    if url.startswith(("http://", "https://")):
        dialog()


def show_edit(
    app: App, ask: Callable[[str], None], question: str, turn_id: int | None, conversation_id: int
) -> None:
    """The question again, to be changed and asked: at the end, or in place of what followed from it."""
    say = app.say

    @st.dialog(say("edit_question"), width="medium")
    def dialog() -> None:
        edited = st.text_area(say("question"), value=question, label_visibility="collapsed")
        with st.container(horizontal=True):
            asked = st.button(say("ask"), type="primary", disabled=not edited.strip())
            replaced = turn_id is not None and st.button(
                say("replace_from_here"), help=say("replace_help"), disabled=not edited.strip()
            )
        if replaced and turn_id is not None:
            take_back(app, conversation_id, turn_id)
        if asked or replaced:
            ask(edited)
            st.rerun()

    dialog()


def take_back(app: App, conversation_id: int, turn_id: int) -> None:
    """Removes an answer and those after it."""
    conversations = app.conversations
    for turn in conversations.load(conversation_id).turns:
        if turn.id == turn_id:
            conversations.delete_from(conversation_id, turn.ordinal)
            return


def show_page(doc: str, sheet: str) -> None:
    """A page as wide as the window; `sheet` is HTML made by the pane."""

    @st.dialog(label(doc), width="large")
    def dialog() -> None:
        st.html(f'<div class="fn-enlarged">{sheet}</div>')

    dialog()


def show_reason(app: App, turn_id: int) -> None:
    """What was wrong with an answer."""
    say = app.say

    @st.dialog(say("reason_title"))
    def dialog() -> None:
        chosen = st.pills(say("reason_title"), REASONS, format_func=say, label_visibility="collapsed")
        words = st.text_area(say("reason_words"))
        if st.button(say("send"), type="primary"):
            reason = " ".join(part for part in (chosen or "", words.strip()) if part)
            app.conversations.rate(turn_id, -1, reason=reason)
            st.rerun()

    dialog()
