"""Explore and Lab: how documents hang together, and how a search comes about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from rag.ui.context import App, report_of
from rag.ui.markup import text
from rag.ui.typed import typed

if TYPE_CHECKING:
    from rag.records import Hit
    from rag.store import Related
    from rag.ui.strings import Phrases

RELATED = 12
INSPECTED = 20


def explore_page(app: App) -> None:
    """The documents nearest to a document."""
    say = app.say
    st.title(say("nav_explore"), anchor=False)
    rows = [row for row in report_of(app) if row.passages]
    if len(rows) < 2:
        st.html(f'<p class="fn-lead">{text(say("explore_empty"))}</p>')
        return
    st.html(f'<p class="fn-lead">{text(say("explore_lead"))}</p>')
    titles = {row.doc: row.title or row.doc for row in rows}
    doc = st.selectbox(say("column_document"), list(titles), format_func=lambda doc: f"{titles[doc]} ({doc})")
    found = app.library.store.related(app.collection, doc, RELATED)
    best = max((row.score for row in found), default=1.0)
    items = "".join(related_html(row, row.score / best, say) for row in found)
    st.html(f'<ol class="fn-related">{items}</ol>')


def related_html(row: Related, nearness: float, say: Phrases) -> str:
    """One related document; `nearness` is its share of the nearest one's."""
    name = text(say("nearness"))
    meter = f'<meter min="0" max="1" value="{max(0.0, nearness):.3f}" aria-label="{name}"></meter>'
    title = f'<b>{text(row.title)}</b> <span class="fn-quiet">{text(row.doc)}</span>'
    return f'<li>{meter}<span dir="auto">{title}</span></li>'


def lab_page(app: App) -> None:
    """A search with its signals, to see why something was found."""
    say = app.say
    st.title(say("nav_lab"), anchor=False)
    st.html(f'<p class="fn-lead">{text(say("lab_lead"))}</p>')
    query = typed(say("search_passages"), key="lab_search")
    if not query or not report_of(app):
        return
    started = time.perf_counter()
    hits = app.library.search(query, count=INSPECTED, collection=app.collection)
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
