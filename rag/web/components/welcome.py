"""What somebody sees first: with an empty library, how to begin; with a full one, what to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag.settings import PROJECT
from rag.web.background.ingest_jobs import begin_ingest
from rag.web.components.followups import MAX_HEADING, about
from rag.web.components.locality import locality_html
from rag.web.components.markup import label, text
from rag.web.components.progress import draw_jobs
from rag.web.pages.models import draw_better
from rag.web.session import App, report_of

if TYPE_CHECKING:
    from rag.records import Hit

SAMPLES = PROJECT / "corpora"
SAMPLE_COLLECTION = "sample"
EXAMPLES = 4
LOOKED_AT = 12


def draw_first_run(app: App) -> None:
    """An empty library: what this is, and two ways to begin."""
    say = app.say
    with st.container(key="welcome"):
        st.title(say("first_title"), anchor=False)
        st.html(f'<p class="fn-lead">{text(say("first_lead"))}</p>')
        st.html(f'<p class="fn-lead">{locality_html(app)}</p>')
        draw_jobs(app.jobs, app.say, user=app.visitor.user)
        if any(not job.over for job in app.jobs.seen_by(app.visitor.name)):
            return
        sample, folder = st.columns(2, gap="medium")
        with sample, st.container(border=True, height="stretch"):
            st.subheader(say("sample_title"), anchor=False)
            st.text(say("sample_text"))
            st.button(
                say("sample_button"),
                type="primary",
                icon=":material/auto_stories:",
                on_click=add_sample,
                args=(app,),
            )
        with folder, st.container(border=True, height="stretch"):
            st.subheader(say("folder_title"), anchor=False)
            if app.visitor.keeper:
                draw_folder_form(app)
            else:
                st.text(say("first_upload"))
        st.caption(say("starter_model", model=label(app.library.settings.chat_model)))
        if app.visitor.keeper:
            draw_better(app)


def add_sample(app: App) -> None:
    """Ingests the sample corpus that comes with the project."""
    begin_ingest(app, [SAMPLES], collection=SAMPLE_COLLECTION)


def draw_folder_form(app: App) -> None:
    """A path to a folder or file, checked before anything starts."""
    say = app.say
    with st.form("folder", border=False):
        typed = st.text_input(say("folder_path"), placeholder=say("folder_placeholder"))
        if st.form_submit_button(say("folder_button"), icon=":material/folder_open:"):
            path = Path(typed.strip()).expanduser()
            if not typed.strip() or not path.exists():
                st.error(label(say("folder_missing", path=typed.strip() or "…")))
            else:
                begin_ingest(app, [path.resolve()])
                st.rerun()


def draw_examples(app: App, ask: Callable[[str], None]) -> None:
    """A full library: how much it holds, and questions about some of its sections."""
    say = app.say
    collections = {collection.name: collection for collection in app.collections()}
    collection = collections.get(app.collection)
    documents, passages = (collection.documents, collection.passages) if collection else (0, 0)
    st.title(say("start_title"), anchor=False)
    counts = say("holds", documents=f"{documents:,}", passages=f"{passages:,}")
    st.html(f'<p class="fn-lead">{text(counts)}</p>')
    with st.container(key="suggestions", gap="small"):
        for number, question in enumerate(example_questions(app, documents)):
            st.button(
                label(question),
                key=f"example-{number}",
                icon=":material/subdirectory_arrow_right:",
                type="tertiary",
                on_click=ask,
                args=(question,),
            )


def example_questions(app: App, documents: int) -> list[str]:
    """Questions about documents spread over the whole collection, the same ones each time."""
    if not documents:
        return []
    rows = [row for row in report_of(app) if row.passages and row.title]
    spoken = [row for row in rows if row.language == app.say.language]
    rows = spoken if len(spoken) >= EXAMPLES else rows
    step = max(1, len(rows) // EXAMPLES)
    stretches = [rows[start : start + step] for start in range(0, len(rows), step)][:EXAMPLES]
    return [about(telling_passage(app, [row.id for row in stretch]), app.say) for stretch in stretches]


def telling_passage(app: App, document_ids: Sequence[int]) -> Hit:
    """A passage of the first document that has one under a heading of its own; else any of the first's.

    A question about a section is answered better than one about a whole document.
    """
    store = app.library.store
    looked_at = [
        hit
        for document_id in document_ids[:LOOKED_AT]
        for hit in store.hits(store.passage_rowids([document_id])[:LOOKED_AT])
    ]
    return next(filter(has_own_heading, looked_at), looked_at[0])


def has_own_heading(hit: Hit) -> bool:
    """Whether the passage stands under a heading that is neither its document's title nor a sentence."""
    path = hit.passage.heading_path
    return bool(path) and path[-1] != hit.title and len(path[-1]) <= MAX_HEADING
