"""The history: every conversation, found by its words, renamed, deleted, exported and imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.errors import UsageError
from rag.web.components.dates import clock_time
from rag.web.components.live_search import typed
from rag.web.components.markup import label
from rag.web.session import App, collection_state

if TYPE_CHECKING:
    from rag.history.conversations import Conversation

PAGE_ROWS = 20


def history_page(app: App) -> None:
    """All conversations, the newest first; or those that hold the words searched for."""
    say, conversations = app.say, app.conversations
    st.title(say("nav_history"), anchor=False)
    total = conversations.count()
    query = typed(say("search_history"), key="history_search")
    if query:
        draw_matches(app, query)
    elif not total:
        st.caption(say("no_conversations"))
    else:
        pages = -(-total // PAGE_ROWS)
        number = 1
        if pages > 1:
            number = int(
                st.number_input(say("page_number", last=pages), 1, pages, key="history_page", width=160)
            )
        for conversation in conversations.list(limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS):
            draw_row(app, conversation)
    draw_transfer(app, total)


def draw_matches(app: App, query: str) -> None:
    """The turns that hold every word."""
    matches = app.conversations.search(query)
    if not matches:
        st.caption(app.say("nothing_found"))
    for match in matches:
        with st.container(border=True):
            conversation_link(match.conversation)
            st.caption(label(match.excerpt))


def conversation_link(conversation: Conversation) -> None:
    """A link to a conversation."""
    # The address rather than the page object, which only the frame has.
    st.page_link(
        st.session_state["chat_page"],
        label=label(conversation.title),
        icon=":material/forum:",
        query_params={"c": str(conversation.id)},
    )


def draw_row(app: App, conversation: Conversation) -> None:
    """One conversation with its date, its length, a flag, and what can be done with it."""
    say = app.say
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            conversation_link(conversation)
            facts = [
                clock_time(conversation.updated),
                say("turn_count", count=conversation.turn_count),
                conversation.collection,
            ]
            st.caption(label(" · ".join(facts)))
            stale = stale_sources(app, conversation.id, conversation.updated, collection_state(app))
            if stale:
                st.markdown(f":orange[{label(say('stale_sources', count=stale))}]")
        with st.popover(
            "", icon=":material/more_horiz:", help=say("manage"), key=f"manage-{conversation.id}"
        ):
            draw_manage(app, conversation)


@st.cache_data(ttl=60, max_entries=2000, show_spinner=False)
def stale_sources(_app: App, conversation_id: int, updated: str, state: str) -> int:
    """How many cited quotes of a conversation are no longer in their documents.

    `updated` and `state` only tell versions apart.
    """
    conversations = _app.conversations
    conversation = conversations.load(conversation_id)
    return sum(
        citation.state != "unchanged"
        for turn in conversation.turns
        for citation in conversations.citations_today(turn, collection=conversation.collection)
    )


def draw_manage(app: App, conversation: Conversation) -> None:
    """Rename, export, delete."""
    say, conversations = app.say, app.conversations
    title = st.text_input(say("rename_to"), value=conversation.title, key=f"title-{conversation.id}")
    if st.button(say("rename"), key=f"rename-{conversation.id}", disabled=not title.strip()):
        conversations.rename(conversation.id, title)
        st.rerun()
    st.download_button(
        say("export_json"),
        data=lambda: conversations.export_json([conversation.id]),
        file_name=f"conversation-{conversation.id}.json",
        mime="application/json",
        on_click="ignore",
        key=f"export-{conversation.id}",
    )
    if st.button(say("delete"), key=f"delete-{conversation.id}", icon=":material/delete:"):
        conversations.delete(conversation.id)
        st.rerun()


def draw_transfer(app: App, total: int) -> None:
    """All conversations out, and back in."""
    say, conversations = app.say, app.conversations
    with st.expander(say("transfer"), icon=":material/swap_vert:"):
        if total:
            st.download_button(
                say("export_all"),
                data=conversations.export_json,
                file_name="conversations.json",
                mime="application/json",
                on_click="ignore",
            )
        file = st.file_uploader(say("import_file"), type=["json"], key="import_file")
        if file is not None and st.button(say("import")):
            try:
                added = conversations.import_json(file.getvalue().decode("utf-8", "replace"))
            except UsageError as error:
                st.error(label(str(error)))
            else:
                st.toast(say("imported", count=len(added)))
                st.rerun()
