"""What every page gets: the library, the desks, and the language of this session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import streamlit as st

from rag.errors import RagError
from rag.library import Library
from rag.web.auth import Visitor
from rag.web.background.task_queue import TaskQueue
from rag.web.background.workers import Workers
from rag.web.components.markup import label
from rag.web.i18n import Phrases, language_of
from rag.web.services import Services

if TYPE_CHECKING:
    from rag.history.conversations import Conversations
    from rag.history.notes import Notes
    from rag.store import Collection, ReportRow

P = ParamSpec("P")
REPORT_SECONDS = 5.0
"""A file that could not be read changes no collection: it shows after this long at most."""


@dataclass(frozen=True, slots=True)
class App:
    """The services, and how this session wants to be spoken to.

    `reopen` closes the services, so that changed settings take effect with the next drawing.
    """

    services: Services
    say: Phrases
    reopen: Callable[[], None]
    visitor: Visitor

    @property
    def library(self) -> Library:
        """The library that is open."""
        return self.services.library

    @property
    def desk(self) -> TaskQueue:
        """Where questions are answered."""
        return self.services.desk

    @property
    def jobs(self) -> Workers:
        """Where documents are ingested and embedded."""
        return self.services.jobs

    @property
    def conversations(self) -> Conversations:
        """The visitor's conversations."""
        return self.library.conversations_of(self.visitor.name)

    @property
    def notes(self) -> Notes:
        """The visitor's notes."""
        return self.library.notes_of(self.visitor.name)

    def collections(self) -> list[Collection]:
        """The collections that the visitor may see, by name."""
        return self.library.collections_seen_by(self.visitor.user)

    def owner_of(self, collection: str) -> str:
        """Who alone may see a collection; "" is everybody."""
        return self.library.owner_of(collection)

    def is_open(self, collection: str) -> bool:
        """Whether nobody else has the collection to themselves; one that is not there yet is open."""
        return self.visitor.user.may_see(self.owner_of(collection))

    def may_change(self, collection: str) -> bool:
        """Whether the visitor may rename, remove or share a collection."""
        return self.visitor.user.may_change(self.owner_of(collection))

    @property
    def collection(self) -> str:
        """The collection this session searches.

        Chosen by the person; else the settings', or the first with documents where that has none.
        """
        chosen = st.session_state.get("collection")
        if chosen and self.is_open(str(chosen)):
            return str(chosen)
        filled = [found.name for found in self.collections() if found.passages]
        usual = self.library.settings.collection
        if filled and usual not in filled:
            return filled[0]
        return usual if self.is_open(usual) else self.visitor.name


def phrases(library: Library) -> Phrases:
    """The interface in the language of the settings, or of the browser."""
    chosen = library.settings.language
    return Phrases(language_of(st.context.locale) if chosen == "auto" else chosen)


def toast_errors(action: Callable[P, None]) -> Callable[P, None]:
    """A callback whose failures are told in a corner of the page: there is no page yet to put them on."""

    @wraps(action)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            action(*args, **kwargs)
        except RagError as error:
            st.toast(label(str(error)), icon=":material/error:", duration="long")

    return told


def collection_state(app: App) -> str:
    """Differs between libraries, and changes whenever documents do."""
    every = app.library.store.collections(attached=True)
    states = (f"{collection.id}:{collection.generation}" for collection in every)
    return " ".join([str(app.library.store.path), *states])


def report_of(app: App) -> Sequence[ReportRow]:
    """The receipts of the session's collection, by path; [] before there is one."""
    found = {found.name: found for found in app.collections()}.get(app.collection)
    if found is None:
        return []
    state = (app.library.store.path, found.id, found.generation)
    return cached_report(app.library, found.name, state)


@st.cache_resource(show_spinner=False, max_entries=8, ttl=REPORT_SECONDS)
def cached_report(_library: Library, collection: str, state: object) -> Sequence[ReportRow]:
    """The receipts, read again when the collection changes: ten thousand take a tenth of a second."""
    return _library.store.report(collection)
