"""What somebody sees first: with an empty library, how to begin; with a full one, what to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag.settings import PROJECT
from rag.web.background.ingest_jobs import begin_ingest
from rag.web.components.followups import MAX_HEADING, about, is_answered
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
TRIED = 3


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


def draw_counts(app: App) -> None:
    """A full library: how much it holds."""
    say = app.say
    collections = {collection.name: collection for collection in app.collections()}
    collection = collections.get(app.collection)
    documents, passages = (collection.documents, collection.passages) if collection else (0, 0)
    st.title(say("start_title"), anchor=False)
    counts = say("holds", documents=f"{documents:,}", passages=f"{passages:,}")
    st.html(f'<p class="fn-lead">{text(counts)}</p>')


def draw_examples(app: App, ask: Callable[[str], None]) -> None:
    """Questions about some of the documents, each of which was tried and is answered."""
    with st.container(key="suggestions", gap="small"):
        for number, question in enumerate(example_questions(app)):
            st.button(
                label(question),
                key=f"example-{number}",
                icon=":material/subdirectory_arrow_right:",
                type="tertiary",
                on_click=ask,
                args=(question,),
            )


def example_questions(app: App) -> Iterator[str]:
    """Questions about documents spread over the whole collection, the same ones each time.

    Those that a chat model wrote for passages, where it has; else the first asks for a document's main
    points, and the others about sections.
    """
    written = app.library.store.written.examples(app.collection, EXAMPLES * TRIED)
    tried = [question for question, doc in written if is_answered(app, question, doc)][:EXAMPLES]
    if len(tried) == EXAMPLES:
        yield from tried
        return
    rows = [row for row in report_of(app) if row.passages and row.title]
    spoken = [row for row in rows if row.language == app.say.language]
    rows = spoken if len(spoken) >= EXAMPLES else rows
    step = max(1, len(rows) // EXAMPLES)
    for start in range(0, min(len(rows), step * EXAMPLES), step):
        stretch = rows[start : start + step]
        hits = telling_passages(app, [row.id for row in stretch]) if start else []
        asked = [(about(hit, app.say), hit.doc) for hit in hits[:TRIED]]
        asked.append((app.say("ask_title", title=stretch[0].title), stretch[0].doc))
        found = next((question for question, doc in asked if is_answered(app, question, doc)), "")
        if found:
            yield found


def telling_passages(app: App, document_ids: Sequence[int]) -> list[Hit]:
    """The passages of the first documents that stand under a heading of their own, one a heading.

    A question about a section is answered better than one about a whole document.
    """
    store = app.library.store
    found: dict[tuple[str, ...], Hit] = {}
    for document_id in document_ids[:LOOKED_AT]:
        for hit in store.hits(store.passage_rowids([document_id])[:LOOKED_AT]):
            if has_own_heading(hit):
                found.setdefault((hit.doc, hit.passage.heading_path[-1]), hit)
    return list(found.values())


def has_own_heading(hit: Hit) -> bool:
    """Whether the passage stands under a heading that is neither its document's title nor a sentence."""
    path = hit.passage.heading_path
    return bool(path) and path[-1] != hit.title and len(path[-1]) <= MAX_HEADING
