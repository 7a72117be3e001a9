"""The settings, written to the library's `settings.toml`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from rag.errors import UsageError
from rag.search.ranking import DEFAULT_RANKING
from rag.settings import Settings, save_settings
from rag.web.background.backups import UNEXPECTED
from rag.web.components.dates import clock_time
from rag.web.components.markup import label, text
from rag.web.components.ranking_form import draw_ranking
from rag.web.i18n import LANGUAGES, Phrases
from rag.web.pages.prompts import draw_prompts
from rag.web.session import App


def settings_page(app: App) -> None:
    """The settings, and the prompts."""
    st.title(app.say("nav_settings"), anchor=False)
    general, prompts = st.tabs([app.say("settings_general"), app.say("settings_prompts")])
    with general:
        draw_settings(app)
    with prompts:
        draw_prompts(app)


def draw_settings(app: App) -> None:
    """One form; what is saved takes effect at once."""
    say, settings = app.say, app.library.settings
    with st.form("settings", border=False, width=640):
        changes = {
            "language": choose_language(say, settings),
            **choose_answers(say, settings),
            "backup_days": choose_backups(say, settings),
            "ranking": choose_ranking(say, settings),
        }
        with st.container(horizontal=True):
            if st.form_submit_button(say("save"), type="primary"):
                save(app, changes)
            if settings.ranking != DEFAULT_RANKING and st.form_submit_button(say("settings_ranking_shipped")):
                save(app, {"ranking": {}})
    draw_backups(app)
    st.subheader(say("settings_place"), anchor=False)
    st.code(str(settings.library), language=None)
    st.html(f'<p class="fn-lead">{text(say("settings_place_help"))}</p>')


def save(app: App, changes: dict[str, Any]) -> None:
    """Writes changed settings and goes on with them; what they would not take is said."""
    try:
        save_settings(app.library.settings.library, changes)
    except UsageError as error:
        st.error(label(str(error)))
        return
    st.session_state.pop("passage_tokens", None)
    app.reopen()
    st.toast(app.say("saved"))
    st.rerun()


def choose_language(say: Phrases, settings: Settings) -> str:
    """The language of the pages."""
    st.subheader(say("settings_look"), anchor=False)
    languages = ["auto", *LANGUAGES]
    chosen = st.selectbox(
        say("settings_language"),
        languages,
        index=languages.index(settings.language),
        format_func=lambda code: LANGUAGES.get(code, say("settings_auto")),
    )
    st.caption(say("settings_theme"))
    return chosen


def choose_backups(say: Phrases, settings: Settings) -> int:
    """How often the app copies the library, in days."""
    st.subheader(say("settings_backups"), anchor=False)
    return st.number_input(
        say("settings_backup_days"), 0, 365, settings.backup_days, help=say("settings_backup_help")
    )


def draw_backups(app: App) -> None:
    """When the last backup was made, where it is, and one more."""
    say, backups = app.say, app.services.backups
    newest = backups.newest()
    if backups.problem:
        problem = say("unexpected") if backups.problem == UNEXPECTED else backups.problem
        st.error(label(say("backup_failed", problem=problem)))
    when = clock_time(newest) if newest else say("backup_none")
    where = text(str(app.library.settings.backups))
    st.html(f'<p class="fn-lead">{text(say("backup_last", when=when))}<br>{where}</p>')
    if st.button(say("backup_now"), icon=":material/save:"):
        with st.spinner(say("backup_running")):
            backups.make()
        st.rerun()


def choose_ranking(say: Phrases, settings: Settings) -> dict[str, Any]:
    """What decides the order of the passages; what is as shipped is left out, so that it stays so."""
    st.subheader(say("settings_ranking"), anchor=False)
    with st.expander(say("settings_ranking_fields"), icon=":material/tune:"):
        st.caption(say("settings_ranking_help"))
        with st.container(horizontal=True, key="ranking_fields"):
            values = draw_ranking(settings.ranking)
    shipped = asdict(DEFAULT_RANKING)
    return {name: value for name, value in values.items() if value != shipped[name]}


def choose_answers(say: Phrases, settings: Settings) -> dict[str, int | float]:
    """What an answer may take and how it is written, by the settings' names."""
    st.subheader(say("settings_answers"), anchor=False)
    return {
        "evidence_sentences": st.slider(say("settings_quotes"), 1, 10, settings.evidence_sentences),
        "top_k": st.slider(say("settings_top_k"), 5, 100, min(100, max(5, settings.top_k))),
        "passage_tokens": st.number_input(
            say("passage_tokens"), 50, 100_000, settings.passage_tokens, step=100
        ),
        "answer_tokens": st.number_input(
            say("settings_answer_tokens"), 16, 8192, settings.answer_tokens, step=32
        ),
        "context_tokens": st.number_input(
            say("settings_context_tokens"), 512, 131_072, settings.context_tokens, step=512
        ),
        "temperature": st.slider(
            say("settings_temperature"),
            0.0,
            2.0,
            settings.temperature,
            step=0.1,
            help=say("settings_temperature_help"),
        ),
    }
