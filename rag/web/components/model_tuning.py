"""The chat model in use, measured: how fast it runs here, and what it is able to do."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from rag.errors import RagError
from rag.settings import save_settings
from rag.web.components.markup import label, text
from rag.web.components.progress import REFRESH_SECONDS
from rag.web.session import App, telling

ANSWER_MODES = ("auto", "quoting", "phrasing")


def draw_answer_mode(app: App) -> None:
    """Whether the model may write answers of its own, or only choose quotations."""
    say, settings = app.say, app.library.settings
    st.selectbox(
        say("answer_mode"),
        ANSWER_MODES,
        index=ANSWER_MODES.index(settings.answer_mode),
        format_func=lambda mode: say(f"answer_mode_{mode}"),
        help=say("answer_mode_help"),
        key="answer_mode",
        on_change=choose_answer_mode,
        args=(app,),
    )


@telling
def choose_answer_mode(app: App) -> None:
    """Keeps what was chosen, from the next question on."""
    save_settings(app.library.settings.library, {"answer_mode": st.session_state["answer_mode"]})
    app.reopen()
    st.toast(app.say("saved"))


def draw_tuning(app: App) -> None:
    """What was measured, a button that measures, and how far it is."""
    name, tunings = app.library.settings.chat_model, app.services.tunings
    tuning = tunings.of(name)
    busy = tuning is not None and tuning.phase == "running"

    @st.fragment(run_every=REFRESH_SECONDS if busy else None)
    def draw() -> None:
        if tuning is None or not busy:
            draw_measured(app, name)
        elif tuning.phase == "running":
            st.progress(tuning.done / 100, text=label(app.say("tuning_now", model=name)))
            st.button(app.say("stop"), key="stop-tuning", on_click=tuning.stopped.set)
        else:
            st.rerun()

    if tuning is not None and tuning.phase == "failed":
        st.error(label(tuning.problem or app.say("unexpected")))
    if tuning is not None and tuning.phase == "done":
        tunings.dismiss(name)
        app.reopen()  # the model is loaded again as it was found to be fastest
        st.rerun()
    draw()


def draw_measured(app: App, name: str) -> None:
    """The record of the last tuning, and the button for the next one."""
    say = app.say
    st.html(f'<p class="fn-quiet">{text(measured_line(app, name))}</p>')
    st.button(
        say("tune"),
        key="tune",
        icon=":material/speed:",
        help=say("tune_help"),
        on_click=tune,
        args=(app, name),
    )


def tune(app: App, name: str) -> None:
    """Begins to measure a model."""
    app.services.tunings.start(name)


def measured_line(app: App, name: str) -> str:
    """How fast the model was found to be, and what it scored; that nothing was measured yet."""
    from rag.llm import load_tuned
    from rag.models import chat_model_location

    say, settings = app.say, app.library.settings
    try:
        location = chat_model_location(name, models=settings.models)
    except RagError as error:
        return str(error)
    if location.startswith(("http://", "https://")):
        return say("tune_server")
    tuned = load_tuned(Path(location), cache=settings.cache)
    if tuned is None:
        return say("tuned_never")
    return say(
        "tuned",
        rate=round(tuned.prefill_rate),
        times=round(tuned.prefill_rate / tuned.shipped_prefill_rate, 1),
        right=round(tuned.exam * tuned.exam_questions),
        asked=tuned.exam_questions,
    )
