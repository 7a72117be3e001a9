"""What could be asked next: about the sections that stand beside the cited ones."""

from __future__ import annotations

import re
from itertools import islice

import streamlit as st

from rag.errors import RagError
from rag.records import Hit
from rag.store import SqliteStore
from rag.web.components.turns import Turn, sources
from rag.web.i18n import Phrases
from rag.web.session import App, collection_state

NUMBERING = re.compile(r"^\d+(?:\.\d+)*\.?\s+(?=\D)")
MOST = 3
TRIED = 6
REACH = 4
"""Passages looked at before and after a cited one."""
MAX_HEADING = 70


def followups(turn: Turn, app: App) -> list[str]:
    """Up to three questions, in the order of the cited sources; none repeats a section already cited.

    Each was tried, and is answered by the document it asks about.
    """
    asked = list(candidates(turn, app.library.store, app.say).items())[:TRIED]
    collection = turn.collection or app.collection
    tried = (question for question, doc in asked if is_answered(app, question, doc, collection=collection))
    return list(islice(tried, MOST))


def is_answered(app: App, question: str, doc: str, *, collection: str = "") -> bool:
    """Whether a collection, or else the session's, answers a question, from this document among others."""
    return doc in answering_docs(app, question, collection or app.collection, collection_state(app))


@st.cache_data(show_spinner=False, max_entries=500)
def answering_docs(_app: App, question: str, collection: str, state: str) -> list[str]:
    """The documents that answer a question, found again when documents change."""
    try:
        return _app.library.answering_docs(question, collection=collection)
    except RagError:  # a suggestion that cannot be tried is not made
        return []


def candidates(turn: Turn, store: SqliteStore, say: Phrases) -> dict[str, str]:
    """Questions about the sections beside the cited ones, each with its document."""
    seen = {hit.passage.heading_path[-1] for hit in turn.hits if hit.passage.heading_path}
    found: dict[str, str] = {}
    for source in sources(turn):
        for hit in store.neighbours(source.hit.rowid, before=REACH, after=REACH):
            path = hit.passage.heading_path
            if hit.doc == source.hit.doc and path and path[-1] not in seen and len(path[-1]) <= MAX_HEADING:
                found.setdefault(about(hit, say), hit.doc)
    return found


def about(hit: Hit, say: Phrases) -> str:
    """A question about the section a passage stands in, or about its document where it has none."""
    if not hit.passage.heading_path:
        return say("ask_title", title=hit.title)
    heading = NUMBERING.sub("", hit.passage.heading_path[-1])
    return (
        say("ask_title", title=heading)
        if heading == hit.title
        else say("ask_about", heading=heading, title=hit.title)
    )
