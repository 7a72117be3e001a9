"""Explore's questions: what the chat model wrote for passages, what it took, and whether it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.settings import save_settings
from rag.web.components.markup import action, label, text
from rag.web.session import App

if TYPE_CHECKING:
    from rag.store import QuestionCounts
    from rag.web.i18n import Phrases

SHOWN = 40


def draw_written_questions(app: App) -> None:
    """The switch, how far it is with time and disk, and the questions that are searched."""
    say, written = app.say, app.library.store.written
    st.html(f'<p class="fn-lead">{text(say("questions_lead"))}</p>')
    if app.visitor.keeper:
        on = st.toggle(
            say("questions_switch"), value=app.library.settings.idle_questions, key="idle_questions"
        )
        st.caption(say("questions_switch_help"))
        if on != app.library.settings.idle_questions:
            switch(app, on)
    counts = written.counts(app.collection)
    st.html(f"<p>{text(told(counts, say))}</p>")
    idle = app.services.idle
    st.caption(say(f"questions_{idle.phase}"))
    if idle.problem:
        st.warning(label(idle.problem), icon=":material/warning:")
    if not counts.asked:
        return
    if app.may_change(app.collection) and st.button(say("questions_remove"), icon=":material/delete:"):
        written.remove(app.collection)
        st.rerun()
    st.html(questions_html(app))


def switch(app: App, on: bool) -> None:
    """Keeps the choice and goes on with it."""
    save_settings(app.library.settings.library, {"idle_questions": on})
    app.reopen()
    st.rerun()


def told(counts: QuestionCounts, say: Phrases) -> str:
    """How far the collection is, and what that took."""
    line = say("questions_counts", asked=counts.asked, passages=counts.passages, kept=counts.kept)
    if counts.seconds_left is None:
        return line
    took = say(
        "questions_took",
        seconds=f"{counts.seconds / counts.asked:.1f}",
        megabytes=f"{counts.bytes / 1e6:.1f}",
        hours=f"{counts.seconds_left / 3600:.1f}",
    )
    return f"{line} {took}"


def questions_html(app: App) -> str:
    """The first questions kept, each leading to its document."""
    items = []
    for doc, title, _, _, question, *_ in app.library.store.written.listed(app.collection, SHOWN):
        link = action("from", app.say("explore_from", title=title), text(title), turn=doc)
        items.append(f'<li dir="auto">{text(question)} <span class="fn-quiet">{link}</span></li>')
    return f'<ul class="fn-questions">{"".join(items)}</ul>'
