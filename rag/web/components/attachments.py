"""Files of one conversation: searched in it alone, and gone with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.errors import RagError
from rag.web.components.markup import label
from rag.web.session import App

if TYPE_CHECKING:
    from rag.history.conversations import Conversation


def searches_attached(conversation: Conversation | None) -> bool:
    """Whether the conversation's own files are searched, and not the collection."""
    return bool(
        conversation
        and conversation.attached
        and st.session_state.get(f"only-attached-{conversation.id}", True)
    )


def draw_attachments(app: App, conversation: Conversation | None) -> None:
    """The files attached, and a place to drop more."""
    say = app.say
    docs = attached_docs(app, conversation)
    title = say("attached", count=len(docs)) if docs else ""
    with st.popover(
        title, icon=":material/attach_file:", type="tertiary", help=say("attach"), key="attachments"
    ):
        st.text(say("attach_help"))
        for doc in docs:
            st.markdown(f"- {label(doc)}")
        if conversation is not None and docs:
            st.toggle(say("only_attached"), value=True, key=f"only-attached-{conversation.id}")
        number = st.session_state.setdefault("attach_number", 0)
        files = st.file_uploader(say("attach"), accept_multiple_files=True, key=f"attach-{number}")
        if files and st.button(say("attach_files", count=len(files)), type="primary", key="attach-now"):
            attach(app, conversation, {file.name: file.getvalue() for file in files})


def attached_docs(app: App, conversation: Conversation | None) -> list[str]:
    """The documents attached to the conversation."""
    if conversation is None or not conversation.attached:
        return []
    names = {found.name for found in app.library.store.collections(attached=True)}
    if conversation.attached not in names:
        return []
    return [entry.doc for entry in app.library.store.documents(conversation.attached)]


def attach(app: App, conversation: Conversation | None, files: dict[str, bytes]) -> None:
    """Reads the files into the conversation, a new one where there is none yet."""
    owner = app.visitor.name
    if conversation is None:
        id_ = app.conversations.start(", ".join(files), collection=app.collection)
        st.query_params["c"] = str(id_)
    else:
        id_ = conversation.id
    try:
        with st.spinner(app.say("attaching")):
            failed = app.library.attach(id_, files, owner=owner)
    except RagError as error:
        st.error(label(str(error)))
        return
    for told in failed:
        st.toast(label(told), icon=":material/error:", duration="long")
    st.session_state["attach_number"] += 1
    st.rerun()
