"""Explore's list of conflicts: what two documents say differently, side by side."""

from __future__ import annotations

import streamlit as st

from rag.records import Conflict, ConflictSide
from rag.web.components.markup import action, spanned, text
from rag.web.i18n import Phrases
from rag.web.session import App

SHOWN = 100
EVERY = 50
"""Passages read between two drawings of the progress: each costs a message to the browser."""


def draw_conflicts(app: App) -> None:
    """All conflicts of the collection; found now where it has changed, with the progress."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("conflicts_lead"))}</p>')
    bar = st.empty()

    def progress(done: int, of: int) -> None:
        if done % EVERY == 0:
            bar.progress(done / max(of, 1), text=say("conflicts_searching", done=done, total=of))

    found = app.library.conflicts(collection=app.collection, progress=progress, user=app.visitor.user)
    bar.empty()
    st.caption(say("conflicts_found", count=len(found)) if found else say("conflicts_none"))
    shown = found[:SHOWN]
    rowids = dict.fromkeys(side.rowid for one in shown for side in (one.first, one.second))
    st.session_state["hits"] = (app.library.store.hits(list(rowids)), "")
    st.html("".join(conflict_html(one, say) for one in shown))
    if len(found) > SHOWN:
        st.caption(say("more_failures", count=len(found) - SHOWN))


def conflict_html(found: Conflict, say: Phrases) -> str:
    """Two sides beside each other."""
    sides = "".join(side_html(side, say) for side in (found.first, found.second))
    return f'<article class="fn-conflict"><div class="fn-sides">{sides}</div></article>'


def side_html(side: ConflictSide, say: Phrases) -> str:
    """One side: its value, its words with the value marked, and the place, which opens."""
    start = side.value_start - side.start
    quote = spanned(side.quote, [(start, start + len(side.value), "")])
    where = [side.doc, *([say("page", page=side.page)] if side.page else []), side.date or say("no_date")]
    place = action(
        "open", say("open_passage"), text(" · ".join(where)), css="fn-hit-where", marker=side.rowid
    )
    return (
        f'<div><span class="fn-value" dir="auto">{text(side.value)}</span>'
        f'<span class="fn-side-quote" dir="auto">{quote}</span>{place}</div>'
    )
