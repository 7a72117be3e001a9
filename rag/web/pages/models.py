"""The models: what is here, what there is, and which one writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from rag.web.background.downloads import Pull
from rag.web.background.ingest_jobs import begin_embedding
from rag.web.components.markup import icon, label, text
from rag.web.components.model_tuning import draw_answer_mode, draw_tuning
from rag.web.components.progress import REFRESH_SECONDS, clock, draw_jobs, size_text
from rag.web.i18n import Phrases
from rag.web.session import App, toast_errors

if TYPE_CHECKING:
    from rag.models import Kind, Model

QUOTES_ONLY = "none"
BETTER = "llama-3.2-1b-instruct"
KINDS: tuple[Kind, ...] = ("chat", "embedding", "reranker", "image")


def models_page(app: App) -> None:
    """The model in use, and the catalogue by kind."""
    from rag.models import CATALOGUE

    say = app.say
    st.title(say("nav_models"), anchor=False)
    draw_current(app)
    tabs = st.tabs([say(f"kind_{kind}") for kind in KINDS])
    for tab, kind in zip(tabs, KINDS, strict=True):
        with tab:
            st.html(f'<p class="fn-lead">{text(say(f"kind_{kind}_lead"))}</p>')
            if kind == "embedding":
                draw_jobs(app.jobs, say, user=app.visitor.user)
                draw_own_embedder(app)
            if kind == "reranker" and app.library.settings.reranker != QUOTES_ONLY:
                st.button(app.say("use_no_reranker"), on_click=use, args=(app, QUOTES_ONLY, kind))
            listed = [model for model in CATALOGUE if model.kind == kind]
            draw_models(app, [*listed, *unlisted(app, kind)])


def unlisted(app: App, kind: Kind) -> list[Model]:
    """What was pulled though the catalogue does not have it."""
    from rag.models import CATALOGUE, HubSource, Model, installed

    known = {model.name for model in CATALOGUE}
    return [
        Model(one.name, kind, HubSource(one.source.removeprefix("hub ")), one.size, one.size, one.licence, "")
        for one in installed(app.library.settings.models)
        if one.kind == kind and one.name not in known
    ]


def draw_better(app: App) -> None:
    """The smallest model that writes well, offered to whoever begins with the starter."""
    from rag.models import CATALOGUE

    draw_models(app, [model for model in CATALOGUE if model.name == BETTER])


def draw_models(app: App, models: Sequence[Model]) -> None:
    """Some entries of the catalogue, redrawn by themselves while one is being fetched."""
    busy = app.services.pulls.busy()

    @st.fragment(run_every=REFRESH_SECONDS if busy else None)
    def draw() -> None:
        for model in models:
            draw_model(app, model)
        if busy and not app.services.pulls.busy():
            st.rerun()

    draw()


def draw_current(app: App) -> None:
    """Which model writes, and any other by path or address."""
    say, settings = app.say, app.library.settings
    quotes_only = settings.chat_model == QUOTES_ONLY
    current = say("quotes_only") if quotes_only else settings.chat_model
    st.html(f'<p class="fn-lead">{icon("edit_note")} {text(say("writes_now", model=current))}</p>')
    with st.expander(say("other_model"), icon=":material/link:"):
        typed = st.text_input(say("other_model_label"), help=say("other_model_help"))
        st.button(
            say("use"), key="use-other", disabled=not typed.strip(), on_click=use, args=(app, typed.strip())
        )
        if not quotes_only:
            st.button(say("use_none"), key="use-none", type="tertiary", on_click=use, args=(app, QUOTES_ONLY))
    if not quotes_only:
        draw_answer_mode(app)
        draw_tuning(app)


def draw_own_embedder(app: App) -> None:
    """A Sentence Transformers folder of one's own to search with."""
    say = app.say
    with st.expander(say("other_model"), icon=":material/folder_open:"):
        typed = st.text_input(say("other_embedder"), help=say("other_embedder_help")).strip()
        if typed and not Path(typed).expanduser().is_dir():
            st.error(label(say("folder_missing", path=typed)))
        elif typed:
            draw_embed(app, str(Path(typed).expanduser()))


def is_here(app: App, model: Model) -> bool:
    """Whether the model is on this computer, ready or in an installed package."""
    from rag.models.folders import read_manifest

    return model.always_there or read_manifest(app.library.settings.models / model.folder) is not None


def is_used(app: App, model: Model) -> bool:
    """Whether the model is the one that writes, searches or ranks."""
    settings = app.library.settings
    used = (settings.chat_model, settings.embedding_model, settings.reranker, settings.picture_model)
    return model.name in map(str.lower, used)


def draw_model(app: App, model: Model) -> None:
    """One entry of the catalogue."""
    here, used = is_here(app, model), is_used(app, model)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"model-{model.name}"):
        st.html(card_html(app, model, here=here, used=used))
        if not here:
            draw_pull(app, model)
        elif not used:
            draw_choice(app, model)


def draw_choice(app: App, model: Model) -> None:
    """What can be done with a model that is here and not in use."""
    from rag.models import PICTURE_TEXTS

    say = app.say
    if model.kind in ("chat", "reranker") or (
        model.kind == "image" and model.name not in PICTURE_TEXTS.values()
    ):
        st.button(say("use"), key=f"use-{model.name}", on_click=use, args=(app, model.name, model.kind))
    elif model.kind == "embedding":
        draw_embed(app, model.name)
    if not model.always_there:
        with st.popover(say("remove"), key=f"remove-{model.name}"):
            st.text(say("remove_model_sure", size=size_text(model.disk)))
            st.button(
                say("remove_model"), key=f"removed-{model.name}", on_click=remove, args=(app, model.name)
            )


def draw_embed(app: App, name: str) -> None:
    """The button that embeds everything with another model, after saying what that takes."""
    say = app.say
    passages = sum(collection.passages for collection in app.library.store.collections())
    busy = any(job.kind == "embedding" and not job.over for job in app.jobs.jobs())
    with st.popover(say("use"), key=f"embed-{name}", disabled=busy):
        st.text(say("embed_help", count=passages))
        st.button(
            say("embed_begin"),
            key=f"begin-{name}",
            type="primary",
            on_click=begin_embedding,
            args=(app, name),
        )


def draw_pull(app: App, model: Model) -> None:
    """The button that fetches a model; while it is on its way, how far it is and a button that stops it."""
    say, pull = app.say, app.services.pulls.of(model.name)
    if pull is not None and pull.phase == "running":
        st.progress(min(1.0, pull.done / pull.total) if pull.total else 0.0, text=pull_line(pull, say))
        st.button(say("stop"), key=f"stop-{model.name}", on_click=pull.stopped.set)
        return
    if pull is not None and pull.phase == "failed":
        st.error(label(pull.problem or say("unexpected")))
    st.button(
        say("fetch"),
        key=f"fetch-{model.name}",
        icon=":material/download:",
        help=say("fetch_help", size=size_text(model.disk)),
        on_click=fetch,
        args=(app, model.name),
    )


def pull_line(pull: Pull, say: Phrases) -> str:
    """Bytes done, bytes a second, time left."""
    now = time.monotonic()
    left = pull.seconds_left(now)
    parts = [f"{size_text(pull.done)} / {size_text(pull.total)}", f"{size_text(pull.rate(now))}/s"]
    return " · ".join([*parts, *([say("time_left", time=clock(left))] if left is not None else [])])


def card_html(app: App, model: Model, *, here: bool, used: bool) -> str:
    """Name, size, memory, licence and state of a model."""
    say = app.say
    about = "≈ " if model.approximate else ""
    facts = [
        say("model_disk", size=about + size_text(model.disk)),
        memory_text(app, model, about),
        model.licence,
        str(model.source),
    ]
    state = "model_not_here" if not here else "model_used" if used else "model_here"
    return (
        f'<div class="fn-model-card"><p><b>{text(model.name)}</b> <span class="fn-state fn-{state}">'
        f"{text(say(state))}</span></p><p>{text(model.about)}</p>"
        f'<p class="fn-quiet">{text(" · ".join(facts))}</p></div>'
    )


def memory_text(app: App, model: Model, about: str) -> str:
    """The memory a model needs beside what this computer has."""
    from rag.models import total_memory

    there, needed = total_memory(), about + size_text(model.memory)
    if there is None:
        return app.say("model_memory", size=needed)
    key = "model_memory_of" if model.memory <= there else "model_memory_short"
    return app.say(key, size=needed, there=size_text(there))


@toast_errors
def use(app: App, name: str, kind: Literal["chat", "reranker", "image"] = "chat") -> None:
    """Makes a model the one that writes, or ranks, from the next question on; "none" takes it away."""
    import rag.models

    library = app.library
    rag.models.use(name, library=library.settings.library, kind=kind, attempt=library.try_model)
    app.reopen()
    st.toast(label(app.say("writes_now", model=name) if kind == "chat" else app.say("saved")))


@toast_errors
def remove(app: App, name: str) -> None:
    """Deletes a model's files."""
    import rag.models

    rag.models.remove(name, models=app.library.settings.models)
    app.services.pulls.dismiss(name)
    st.toast(label(app.say("model_removed", model=name)))


def fetch(app: App, name: str) -> None:
    """Begins to fetch a model."""
    app.services.pulls.start(name)
