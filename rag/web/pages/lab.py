"""The lab: which way of searching finds more, how one search comes about, and which answers were bad."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from rag.errors import UsageError
from rag.search.ranking import Ranking
from rag.settings import Settings
from rag.web.background.experiments import begin_on_collection, begin_on_set, saved_runs
from rag.web.components.dialogs import REASONS
from rag.web.components.experiment_results import draw_run, run_name
from rag.web.components.markup import label, text
from rag.web.components.progress import draw_jobs
from rag.web.components.ranking_form import draw_ranking
from rag.web.components.search_details import draw_inspection
from rag.web.components.welcome import SAMPLES
from rag.web.i18n import Phrases
from rag.web.pages.history import conversation_link
from rag.web.session import App, report_of

if TYPE_CHECKING:
    from rag.evaluation.runner import Configuration

FEWEST, USUAL, MOST = 20, 100, 500
RANKING_NAMES = [field.name for field in fields(Ranking)]


def lab_page(app: App) -> None:
    """Comparing, inspecting, and what was judged bad."""
    say = app.say
    st.title(say("nav_lab"), anchor=False)
    compare, inspect, judged = st.tabs([say("lab_compare"), say("lab_inspect"), say("lab_judged")])
    with compare:
        draw_compare(app)
    with inspect:
        draw_inspection(app)
    with judged:
        draw_judged(app)


def draw_compare(app: App) -> None:
    """What to ask of which settings; what is at work; and a saved run."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("lab_lead"))}</p>')
    with st.container(border=True):
        draw_plan(app)
    for job in app.services.lab.jobs():
        if job.phase == "done":
            app.services.lab.dismiss(job)  # its run is the first one below
    draw_jobs(app.services.lab, say, user=app.visitor.user)
    runs, others = saved_runs(app)
    for path in others if app.visitor.keeper else ():
        st.warning(label(say("lab_no_run", path=path)), icon=":material/warning:")
    if not runs:
        st.caption(say("lab_none"))
        return
    chosen = st.selectbox(
        say("lab_run"), range(len(runs)), format_func=lambda place: run_name(runs[place], say), key="lab_run"
    )
    draw_run(app, runs[chosen])


def draw_plan(app: App) -> None:
    """The questions, the settings to compare, and the button that begins."""
    say = app.say
    source = st.segmented_control(
        say("lab_questions"),
        ["collection", "set"] if app.visitor.keeper else ["collection"],
        default="collection",
        required=True,
        format_func=lambda name: say(f"lab_from_{name}", collection=app.collection),
        key="lab_source",
    )
    if source == "collection":
        count = st.slider(say("lab_count"), FEWEST, MOST, USUAL, step=FEWEST, help=say("lab_count_help"))
        written = st.toggle(say("lab_written"), help=say("lab_written_help"), key="lab_written")
    else:
        folder = st.text_input(say("lab_folder"), value=str(SAMPLES), help=say("lab_folder_help"))
    answers = st.toggle(say("lab_answers"), help=say("lab_answers_help"), key="lab_answers")
    tried = draw_tried(app, with_indexing=source == "set", with_answering=answers)
    if st.button(say("lab_begin"), type="primary", icon=":material/science:"):
        if source == "set":
            begin_on_set(app, Path(folder.strip()).expanduser(), tried, answers=answers)
        elif report_of(app):
            begin_on_collection(app, tried, count=count, written=written, answers=answers)
        else:
            st.error(say("no_documents"))
            return
        st.session_state.pop("lab_run", None)
        st.rerun()


def draw_tried(app: App, *, with_indexing: bool, with_answering: bool) -> list[Configuration]:
    """The choice of settings; what is in use comes first, and the others are compared with it."""
    from rag.evaluation.runner import in_use, without_effect

    say, used = app.say, in_use(app.library.settings.ranking)
    known = {one.name: one for one in [*offered(say, used), *own_configurations()]}
    chosen = st.pills(
        say("lab_settings"),
        list(known),
        selection_mode="multi",
        default=[next(iter(known))],
        key=f"lab_chosen-{say.language}",
    )
    draw_own(app, with_indexing=with_indexing, with_answering=with_answering)
    tried = [used, *(known[name] for name in chosen)]
    if not with_answering:  # they would all find the same
        tried = [one for one in tried if not one.answering]
    if without_effect(app.library, tried):
        st.warning(say("lab_no_reranker"), icon=":material/warning:")
    return tried


def offered(say: Phrases, used: Configuration) -> list[Configuration]:
    """Ways of searching that others ship, to compare with, and what is shipped where that is not in use."""
    from rag.evaluation.runner import BASELINES, SHIPPED, Configuration

    labels = ("lab_vectors", "lab_keywords", "lab_ranks", "lab_sum")
    baselines = [
        Configuration(say(label), ranking) for label, ranking in zip(labels, BASELINES.values(), strict=True)
    ]
    return baselines if used.name == SHIPPED else [Configuration(SHIPPED), *baselines]


def own_configurations() -> list[Configuration]:
    """The settings that this session has made up."""
    return list(st.session_state.setdefault("lab_own", []))


def draw_own(app: App, *, with_indexing: bool, with_answering: bool) -> None:
    """A setting of one's own: what differs from what is in use. The names are those of the command line."""
    from rag.evaluation.runner import ANSWERING_FIELDS, INDEXING_FIELDS, configured

    say, settings = app.say, app.library.settings
    with st.expander(say("lab_own"), icon=":material/tune:"):
        st.caption(say("lab_own_help"))
        used = {name: getattr(settings.ranking, name) for name in RANKING_NAMES}
        with st.container(horizontal=True, key="lab_fields"):
            values = draw_ranking(settings.ranking)
            if with_indexing:
                used |= {name: getattr(settings, name) for name in INDEXING_FIELDS}
                values |= draw_indexing(settings)
            if with_answering:
                used |= {name: getattr(settings, name) for name in ANSWERING_FIELDS}
                values |= draw_answering(settings)
        changed = {name: value for name, value in values.items() if used[name] != value}
        if st.button(say("lab_add"), disabled=not changed, icon=":material/add:"):
            try:
                made = configured(changed, base=settings.ranking)
            except UsageError as error:
                st.error(label(str(error)))
                return
            st.session_state["lab_own"] = [*own_configurations(), made]
            st.rerun()


def draw_indexing(settings: Settings) -> dict[str, Any]:
    """What needs an index of its own: the size of a passage and the embedding model."""
    size = settings.chunk_tokens
    model = settings.embedding_model
    return {
        "chunk_tokens": st.number_input("chunk_tokens", 32, 510, size, step=20, width=150),
        "embedding_model": st.text_input("embedding_model", model, width=250).strip() or model,
    }


def draw_answering(settings: Settings) -> dict[str, Any]:
    """What changes the answer and not the search: how much is read, by which model, under which prompts."""
    modes = ("auto", "quoting", "phrasing")
    folder = st.text_input("prompts", str(settings.prompts), width=250).strip()
    return {
        "top_k": st.number_input("top_k", 1, 1000, settings.top_k, width=150),
        "passage_tokens": st.number_input(
            "passage_tokens", 50, None, settings.passage_tokens, step=100, width=150
        ),
        "evidence_sentences": st.number_input(
            "evidence_sentences", 1, 10, settings.evidence_sentences, width=150
        ),
        "compress": st.checkbox("compress", settings.compress),
        "chat_model": st.text_input("chat_model", settings.chat_model, width=250).strip()
        or settings.chat_model,
        "answer_mode": st.selectbox("answer_mode", modes, modes.index(settings.answer_mode), width=150),
        "prompts": Path(folder).expanduser() if folder else settings.prompts,
    }


def draw_judged(app: App) -> None:
    """The answers that were judged bad, with their reasons."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("lab_judged_lead"))}</p>')
    judged = app.conversations.rated(-1)
    if not judged:
        st.caption(say("lab_judged_none"))
    for one in judged:
        with st.container(border=True, gap="small"):
            if one.question != one.conversation.title:
                st.markdown(f"**{label(one.question)}**")
            if one.reason:
                st.caption(label(reason_text(one.reason, say)))
            conversation_link(one.conversation)


def reason_text(reason: str, say: Phrases) -> str:
    """A reason as it was given: one of ours in the language of now, and the person's own words."""
    first, _, words = reason.partition(" ")
    return " · ".join(filter(None, [say(first), words])) if first in REASONS else reason
