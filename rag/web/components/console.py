"""Explore's console: SQL over the library for its keeper, and sums of meanings for everybody."""

from __future__ import annotations

import streamlit as st

from rag.errors import UsageError
from rag.explore.collection import nearest_to_sum
from rag.explore.functions import embedding_functions, vector_functions
from rag.store.console import run_sql
from rag.web.components.answers import problem_html
from rag.web.components.markup import text
from rag.web.pages.library import hit_html
from rag.web.session import App

FOUND = 8
ROWS = 1_000
SECONDS = 20.0
EXAMPLE = (
    "SELECT p.doc, p.page, p.text, cosine(v.blob, embed('how are files backed up?')) AS score\n"
    "FROM v_vectors AS v JOIN v_passages AS p ON p.id = v.passage_id\nORDER BY score DESC LIMIT 10"
)


def draw_sum(app: App) -> None:
    """A sum of texts, and the passages nearest to it."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("sum_lead"))}</p>')
    expression = st.text_input(say("sum_hint"), key="sum", placeholder=say("sum_example"))
    if not expression.strip():
        return
    store = app.library.store
    try:
        points, found = nearest_to_sum(
            store, app.collection, expression, app.library.embedder_of(app.collection), FOUND
        )
    except UsageError as error:
        st.html(problem_html(str(error), say))
        return
    hits = store.hits([int(points.ids[place]) for place, _ in found])
    st.session_state["hits"] = (hits, expression)
    st.html("".join(hit_html(hit, expression, say) for hit in hits))


def draw_sql(app: App) -> None:
    """A query and its rows: for who may see every collection."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("sql_lead"))}</p>')
    with st.form("sql_form"):
        query = st.text_area("SQL", value=EXAMPLE, key="sql", height=130)
        asked = st.form_submit_button(say("sql_run"), icon=":material/play_arrow:")
    if not asked:
        return
    functions = vector_functions() | embedding_functions(lambda: app.library.embedder)
    try:
        with run_sql(app.library.store.file, query, functions, seconds=SECONDS) as (columns, rows):
            kept = [row for _, row in zip(range(ROWS), rows, strict=False)]
    except UsageError as error:
        st.html(problem_html(str(error), say))
        return
    shown = [[f"<{len(v)} bytes>" if isinstance(v, bytes) else v for v in row] for row in kept]
    st.dataframe([dict(zip(columns, row, strict=True)) for row in shown], hide_index=True, width="stretch")
    st.caption(say("sql_rows", count=len(kept)))
