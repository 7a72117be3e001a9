"""The frame of every page: theme, navigation, and the one place where unexpected failures are shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from rag.errors import AccessDenied, RagError
from rag.text.visible import printable
from rag.web.auth import admitted, leave
from rag.web.browser_events import conduct
from rag.web.components.answers import problem_html
from rag.web.components.locality import locality_html
from rag.web.components.markup import icon, label, text
from rag.web.i18n import Phrases, language_of, refusal
from rag.web.network import mark_session
from rag.web.pages.chat import chat_page
from rag.web.pages.explore import explore_page
from rag.web.pages.history import history_page
from rag.web.pages.lab import lab_page
from rag.web.pages.library import library_page
from rag.web.pages.models import models_page
from rag.web.pages.notes import notes_page
from rag.web.pages.settings import settings_page
from rag.web.services import OpenLibrary, Services, open_services
from rag.web.session import App, phrases

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
RECENT = 8
PAGES: dict[str, tuple[str, Callable[[App], None]]] = {
    "chat": ("forum", chat_page),
    "library": ("folder_copy", library_page),
    "history": ("history", history_page),
    "notes": ("bookmarks", notes_page),
    "explore": ("hub", explore_page),
    "lab": ("science", lab_page),
    "models": ("memory", models_page),
    "settings": ("settings", settings_page),
}
KEEPERS_PAGES = {"models", "settings"}
CONDUCTED = {"chat", "library", "notes", "explore"}
"""Pages that mount the conductor themselves, with what a click on them does."""


def run(open_library: OpenLibrary, *, name: str = "") -> None:
    """Draws the app. Sessions with the same `name` share one library and its desks."""
    st.set_page_config(page_title="Footnote", page_icon=str(HERE / "icon.svg"), layout="wide")
    st.html(HERE / "style.css")
    visitor = admitted(Phrases(language_of(st.context.locale)))
    mark_session(admitted=visitor is not None)
    if visitor is None:
        return
    try:
        services = shared_services(name, open_library)
    except RagError as error:
        st.html(f'<div class="fn-problem" role="alert">{icon("error")}<p>{text(str(error))}</p></div>')
        return
    services.idle.touch()
    app = App(services, phrases(services.library), partial(reopen, services), visitor)
    pages = {key: make_page(app, key) for key in PAGES if visitor.keeper or key not in KEEPERS_PAGES}
    st.session_state["chat_page"] = pages["chat"]
    page = st.navigation(list(pages.values()), position="hidden")
    draw_sidebar(app, pages)
    page.run()


@st.cache_resource(show_spinner=False)
def shared_services(name: str, _open_library: OpenLibrary) -> Services:
    """The library and its desks, opened once a server; models load on first use and stay."""
    return open_services(_open_library)


def reopen(services: Services) -> None:
    """Closes the services; the next drawing opens them with the settings of then."""
    shared_services.clear()
    services.close()


def make_page(app: App, key: str) -> StreamlitPage:
    """One page of the navigation."""
    symbol, draw = PAGES[key]
    return st.Page(
        partial(guarded, app, draw, conducted=key in CONDUCTED),
        title=app.say(f"nav_{key}"),
        icon=f":material/{symbol}:",
        url_path=key,
        default=key == "chat",
    )


def guarded(app: App, draw: Callable[[App], None], *, conducted: bool) -> None:
    """Draws a page; what fails is a sentence on it, and goes to the log.

    The conductor is on every page: it also tells the browser the language and the colour scheme.
    """
    if not conducted:
        conduct(lambda act: None, language=app.say.language)
    try:
        draw(app)
    except AccessDenied as error:
        st.html(problem_html(refusal(error, app.say), app.say))
    except RagError as error:
        logger.warning("%s", printable(str(error)))
        st.html(problem_html(str(error), app.say))
    except Exception:
        logger.exception("The page could not be drawn.")
        st.html(problem_html(app.say("unexpected"), app.say))


def draw_sidebar(app: App, pages: dict[str, StreamlitPage]) -> None:
    """Brand, a new conversation, the pages, and the last conversations."""
    say = app.say
    with st.sidebar:
        st.html(
            '<p class="fn-brand">Footnote<sup>1</sup></p>'
            f'<p class="fn-brand-line">{text(say("brand_line"))}</p>'
        )
        if st.button(say("new_conversation"), icon=":material/add:", width="stretch", key="new"):
            st.session_state.pop("conversation", None)
            st.switch_page(pages["chat"])
        with st.container(gap=None, key="pages"):
            for key, page in pages.items():
                if key != "chat":
                    st.page_link(page, width="stretch")
        draw_recent(app, pages["chat"])
        st.html(f'<div class="fn-local">{locality_html(app)}</div>')
        if app.visitor.signed_in or "admitted" in st.session_state:
            name = app.visitor.name
            st.button(
                say("gate_leave", name=label(name)) if app.visitor.signed_in else say("gate_sign_out"),
                key="leave",
                icon=":material/logout:",
                type="tertiary",
                on_click=leave,
            )


def draw_recent(app: App, chat: StreamlitPage) -> None:
    """Links to the last conversations."""
    recent = app.conversations.list(limit=RECENT)
    if not recent:
        return
    st.html(f'<p class="fn-side-label">{text(app.say("recent"))}</p>')
    with st.container(gap=None, key="recent"):
        for conversation in recent:
            st.page_link(
                chat,
                label=label(conversation.title),
                query_params={"c": str(conversation.id)},
                width="stretch",
            )
