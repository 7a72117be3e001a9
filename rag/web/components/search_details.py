"""One search with the parts of its scores, to see why something was found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from rag.web.components.live_search import typed
from rag.web.components.markup import text
from rag.web.session import App, report_of

if TYPE_CHECKING:
    from rag.records import Hit

INSPECTED = 20


def draw_inspection(app: App) -> None:
    """The passages found while one types, each with its signals."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("lab_inspect_lead"))}</p>')
    query = typed(say("search_passages"), key="lab_search")
    if not query or not report_of(app):
        return
    started = time.perf_counter()
    hits = app.library.search(query, count=INSPECTED, collection=app.collection, user=app.visitor.user)
    milliseconds = 1000 * (time.perf_counter() - started)
    st.caption(say("lab_time", milliseconds=f"{milliseconds:.0f}", count=len(hits)))
    st.dataframe([signal_row(app, rank, hit) for rank, hit in enumerate(hits, start=1)], hide_index=True)


def signal_row(app: App, rank: int, hit: Hit) -> dict[str, object]:
    """One hit with its parts."""
    return {
        "#": rank,
        app.say("column_score"): round(hit.score, 3),
        **{name: round(value, 3) for name, value in hit.signals.items()},
        app.say("column_document"): hit.doc,
        app.say("passage"): " ".join(hit.passage.text.split())[:200],
    }
