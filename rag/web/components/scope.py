"""What is searched: the controls above the question."""

from __future__ import annotations

import streamlit as st

from rag.web.components.markup import label
from rag.web.session import App, report_of

SHOWN_DOCUMENTS = 40
"""A longer list is narrowed by typing; ten thousand checkboxes would stop any browser."""


def chosen_docs() -> tuple[str, ...] | None:
    """The documents ticked; None when all are searched."""
    docs: set[str] = st.session_state.get("docs", set())
    return tuple(sorted(docs)) or None


def draw_scope(app: App) -> None:
    """Collection and documents in one row."""
    with st.container(horizontal=True, vertical_alignment="center", key="scope", gap="small"):
        draw_collection(app)
        draw_documents(app)


def draw_collection(app: App) -> None:
    """The choice of the collection, where there is one."""
    names = [collection.name for collection in app.collections()]
    if len(names) < 2:
        return
    st.selectbox(
        app.say("collection"),
        names,
        index=names.index(app.collection) if app.collection in names else 0,
        key="collection_choice",
        label_visibility="collapsed",
        width=170,
        on_change=take_collection,
    )


def take_collection() -> None:
    """A document of another collection is no longer ticked."""
    st.session_state["collection"] = st.session_state["collection_choice"]
    st.session_state.pop("docs", None)


def draw_documents(app: App) -> None:
    """Checkboxes that narrow the search to some documents."""
    say = app.say
    chosen: set[str] = st.session_state.setdefault("docs", set())
    summary = say("some_documents", count=len(chosen)) if chosen else say("all_documents")
    with st.popover(summary, icon=":material/filter_list:", type="tertiary"):
        wanted = st.text_input(say("find_document"), key="docs_filter", placeholder=say("find_document"))
        names = dict.fromkeys(row.doc for row in report_of(app) if row.passages)
        found = [name for name in names if wanted.casefold() in name.casefold()]
        for name in found[:SHOWN_DOCUMENTS]:
            st.checkbox(
                label(name),
                value=name in chosen,
                key=f"doc-{app.collection}-{name}",
                on_change=toggle,
                args=(name,),
            )
        if len(found) > SHOWN_DOCUMENTS:
            st.caption(say("more_documents", count=len(found) - SHOWN_DOCUMENTS))
        st.button(say("all_documents"), on_click=clear, disabled=not chosen, key="docs_all")


def toggle(name: str) -> None:
    """Ticks or unticks a document."""
    st.session_state["docs"] ^= {name}


def search_only(*docs: str) -> None:
    """Ticks these documents and no others, in a new conversation."""
    clear()
    st.session_state["docs"] = set(docs)
    st.session_state.pop("conversation", None)


def clear() -> None:
    """Searches everything again."""
    for key in [str(key) for key in st.session_state if str(key).startswith("doc-")]:
        st.session_state[key] = False
    st.session_state["docs"] = set()
