"""The pictures that stand in the passages an answer cites."""

from __future__ import annotations

import streamlit as st

from rag.web.components.turns import ShownPicture, Turn, sources
from rag.web.session import App

MAX_PICTURES = 4
MIN_PIXELS = 64
"""Smaller pictures are icons and rules."""


def pictures_of(app: App, turn: Turn, state: str) -> tuple[ShownPicture, ...]:
    """The first pictures of the cited passages, in the order of the markers; none of a refusal."""
    if turn.abstained or not app.library.store.pictures.any():
        return ()
    return cached_pictures(app, turn, turn.key, state)


@st.cache_data(show_spinner=False, max_entries=500)
def cached_pictures(_app: App, _turn: Turn, key: str, state: str) -> tuple[ShownPicture, ...]:
    """The pictures, looked up again when documents change; `key` and `state` tell when."""
    pictures = _app.library.store.pictures
    found: dict[int, ShownPicture] = {}
    for source in sources(_turn):
        if source.marker in _turn.stale:
            continue
        passage = source.hit.passage
        for row in pictures.beside(source.hit.document_id, passage.start, passage.end):
            if min(row.width, row.height) >= MIN_PIXELS and row.image_id not in found:
                (thumbnail,) = pictures.thumbnails([row.image_id]).values()
                found[row.image_id] = ShownPicture(thumbnail, row.caption, source.marker)
            if len(found) == MAX_PICTURES:
                return tuple(found.values())
    return tuple(found.values())
