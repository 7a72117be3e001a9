"""The models: what is here, what there is, and which one writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.config import save_settings
from rag.ui.context import App
from rag.ui.library import size_text
from rag.ui.markup import icon, label, text

if TYPE_CHECKING:
    from rag.models import Model

QUOTES_ONLY = "none"
KINDS = ("chat", "embedding", "reranker", "image")


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
            for model in CATALOGUE:
                if model.kind == kind:
                    draw_model(app, model)


def draw_current(app: App) -> None:
    """Which model writes, and any other by path or address."""
    say, settings = app.say, app.library.settings
    quotes_only = settings.chat_model == QUOTES_ONLY
    current = say("quotes_only") if quotes_only else settings.chat_model
    st.html(f'<p class="fn-lead">{icon("edit_note")} {text(say("writes_now", model=current))}</p>')
    with st.expander(say("other_model"), icon=":material/link:"):
        typed = st.text_input(say("other_model_label"), help=say("other_model_help"))
        if st.button(say("use"), key="use-other", disabled=not typed.strip()):
            use(app, typed.strip())
        if not quotes_only and st.button(say("use_none"), key="use-none", type="tertiary"):
            use(app, QUOTES_ONLY)


def is_here(app: App, model: Model) -> bool:
    """Whether the model is on this computer, ready or in an installed package."""
    from rag.models import PackageSource
    from rag.models.folders import read_manifest

    if isinstance(model.source, PackageSource):
        return True
    return read_manifest(app.library.settings.models / model.name) is not None


def draw_model(app: App, model: Model) -> None:
    """One entry of the catalogue."""
    say, settings = app.say, app.library.settings
    here = is_here(app, model)
    used = model.name in (settings.chat_model, settings.embedding_model)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"model-{model.name}"):
        st.html(card_html(app, model, here=here, used=used))
        if here and not used and model.kind == "chat":
            st.button(say("use"), key=f"use-{model.name}", on_click=use, args=(app, model.name))


def card_html(app: App, model: Model, *, here: bool, used: bool) -> str:
    """Name, size, memory, licence and state of a model."""
    say = app.say
    about = "≈ " if model.approximate else ""
    facts = [
        say("model_disk", size=about + size_text(model.disk)),
        say("model_memory", size=about + size_text(model.memory)),
        model.licence,
        str(model.source),
    ]
    state = "model_used" if used else "model_here" if here else "model_not_here"
    pull = "" if here else f"<code>python -m rag models pull {text(model.name)}</code>"
    return (
        f'<div class="fn-model-card"><p><b>{text(model.name)}</b> <span class="fn-state fn-{state}">'
        f"{text(say(state))}</span></p><p>{text(model.about)}</p>"
        f'<p class="fn-quiet">{text(" · ".join(facts))}</p>{pull}</div>'
    )


def use(app: App, name: str) -> None:
    """Makes a model the one that writes, from the next question on."""
    save_settings(app.library.settings.library, {"chat_model": name})
    app.reopen()
    st.toast(label(app.say("writes_now", model=name)))
