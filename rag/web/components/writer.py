"""Which model writes, how freely, how much it reads, and what it heeds: beside the question."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from rag.models import NO_MODEL, installed
from rag.web.components.markup import label
from rag.web.i18n import Phrases
from rag.web.session import App, toast_errors

TEMPERATURE_STEP = 0.1
TOKEN_STEP = 100
INSTRUCTION_CHARACTERS = 1000


def models_to_write(app: App) -> list[str]:
    """The chat model of the settings, the others that are ready, and none."""
    settings = app.library.settings
    ready = [model.name for model in installed(settings.models) if model.kind == "chat"]
    return list(dict.fromkeys([settings.chat_model, *ready, NO_MODEL]))


def model_label(name: str, say: Phrases) -> str:
    """A model's name for people: of a file, its name alone."""
    return say("quotes_only") if name == NO_MODEL else PurePath(name).name if "://" not in name else name


def chosen_model(app: App) -> str | None:
    """The model chosen for this session; None for that of the settings, also once another is gone."""
    chosen = st.session_state.get("model")
    return chosen if chosen in models_to_write(app) and chosen != app.library.settings.chat_model else None


def chosen_temperature() -> float | None:
    """The temperature chosen for this session; None for that of the settings."""
    return st.session_state.get("temperature")


def draw_writer(app: App) -> None:
    """Model, temperature, token budget, and the instruction of the collection at hand."""
    say, settings = app.say, app.library.settings
    name = model_label(chosen_model(app) or settings.chat_model, say)
    with st.popover(label(name), icon=":material/neurology:", type="tertiary"):
        names = models_to_write(app)
        st.selectbox(
            say("model_writes"),
            names,
            index=names.index(chosen_model(app) or settings.chat_model),
            format_func=lambda one: model_label(one, say),
            key="model_choice",
            on_change=take_choices,
            help=say("model_writes_help"),
        )
        st.slider(
            say("temperature"),
            0.0,
            2.0,
            value=st.session_state.get("temperature", settings.temperature),
            step=TEMPERATURE_STEP,
            key="temperature_choice",
            on_change=take_choices,
            help=say("temperature_help"),
        )
        draw_budget(app)
        draw_instruction(app)


def take_choices() -> None:
    """Keeps the choices for other pages too, where these widgets are not drawn."""
    st.session_state["model"] = st.session_state["model_choice"]
    st.session_state["temperature"] = st.session_state["temperature_choice"]


def draw_budget(app: App) -> None:
    """The slider for the tokens of passages that the model reads."""
    say, settings = app.say, app.library.settings
    room = settings.context_tokens - settings.answer_tokens - TOKEN_STEP
    most = max(2 * TOKEN_STEP, room - room % TOKEN_STEP)
    chosen = st.session_state.get("passage_tokens", min(settings.passage_tokens, most))
    st.slider(
        say("passage_tokens"),
        min_value=TOKEN_STEP,
        max_value=most,
        value=chosen,
        step=TOKEN_STEP,
        key="passage_tokens",
        help=say("passage_tokens_help"),
    )


def draw_instruction(app: App) -> None:
    """What a model is told about all answers from the collection; changed by whoever may change it."""
    say = app.say
    there = {found.name: found for found in app.collections()}.get(app.collection)
    if there is None:
        return
    may_change = app.may_change(there.name)
    wish = st.text_area(
        say("instruction", collection=label(there.name)),
        value=there.instruction,
        key=f"instruction-{there.id}",
        max_chars=INSTRUCTION_CHARACTERS,
        placeholder=say("instruction_example"),
        help=say("instruction_help"),
        disabled=not may_change,
    )
    if may_change:
        changed = wish.strip() != there.instruction
        st.button(
            say("save"),
            key="save-instruction",
            disabled=not changed,
            on_click=instruct,
            args=(app, there.name, wish),
        )


@toast_errors
def instruct(app: App, collection: str, wish: str) -> None:
    """Keeps the instruction."""
    app.library.store.instruct(collection, wish)
    st.toast(app.say("instruction_kept"))
