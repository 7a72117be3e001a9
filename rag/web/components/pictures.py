"""Explore's pictures: a gallery, searched by words or from one picture to those that look like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.explore.pictures import PictureHit, gallery
from rag.records import Hit
from rag.web.background.ingest_jobs import begin_picture_embedding
from rag.web.components.live_search import typed
from rag.web.components.markup import action, icon, image_source, label, text
from rag.web.components.progress import draw_jobs
from rag.web.components.source import Selection, draw_source, draw_tools
from rag.web.components.turns import Source, Turn
from rag.web.session import App

if TYPE_CHECKING:
    from rag.store import PictureRow
    from rag.web.i18n import Phrases

SHOWN = 48
FOUND = 24


def draw_pictures(app: App, rows: list[PictureRow]) -> None:
    """The pictures that fit the words typed, or that look like one; before that, all of them."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("pictures_lead"))}</p>')
    draw_model_hint(app)
    similar_to = st.session_state.get("similar_to")
    if similar_to is not None and similar_to in {row.image_id for row in rows}:
        draw_similar(app, similar_to)
        return
    query = typed(say("pictures_hint"), key="picture_search")
    if query:
        found = app.library.find_pictures(
            query, collection=app.collection, count=FOUND, user=app.visitor.user
        )
        draw_gallery(app, found)
        return
    shown = gallery(rows)
    number = st.session_state.get("pictures_shown", SHOWN)
    draw_gallery(app, shown[:number])
    if len(shown) > number:
        st.button(
            say("pictures_more", count=len(shown) - number),
            key="pictures_more",
            on_click=lambda: st.session_state.update(pictures_shown=number + SHOWN),
        )


def draw_model_hint(app: App) -> None:
    """Which model would find pictures by what they show, or how many it has not seen yet."""
    say, embedder = app.say, app.library.picture_embedder
    if embedder is None:
        st.caption(say("pictures_pull", model=app.library.settings.picture_model))
        return
    draw_jobs(app.jobs, say, user=app.visitor.user)
    busy = any(job.kind == "embedding" and not job.over for job in app.jobs.jobs())
    missing = app.library.store.pictures.missing(embedder.identity)
    if missing and not busy and app.visitor.keeper:
        st.button(
            say("pictures_embed", count=missing),
            key="pictures_embed",
            icon=":material/image_search:",
            on_click=begin_picture_embedding,
            args=(app,),
        )


def draw_similar(app: App, image_id: int) -> None:
    """The pictures that look like one of the library, and the way back."""
    say = app.say
    seen = app.library.store.pictures.thumbnails([image_id])[image_id]
    title = text(say("pictures_similar_to"))
    st.html(f'<div class="fn-similar"><img src="{image_source(seen)}" alt=""><h2>{title}</h2></div>')
    st.button(
        say("pictures_back"),
        key="pictures_back",
        icon=":material/arrow_back:",
        on_click=lambda: st.session_state.pop("similar_to", None),
    )
    draw_gallery(
        app,
        app.library.similar_pictures(image_id, collection=app.collection, count=FOUND, user=app.visitor.user),
    )


def draw_gallery(app: App, found: list[PictureHit]) -> None:
    """Pictures beside each other, each with what is said of it."""
    if not found:
        st.html(f'<p class="fn-lead">{text(app.say("pictures_nothing"))}</p>')
        return
    store = app.library.store.pictures
    small = store.thumbnails([hit.picture.image_id for hit in found])
    has_vectors = store.model() is not None
    cards = "".join(
        card_html(hit, small[hit.picture.image_id], app.say, with_similar=has_vectors)
        for hit in found
        if hit.picture.image_id in small  # removed meanwhile
    )
    st.html(f'<div class="fn-pictures">{cards}</div>')


def card_html(hit: PictureHit, thumbnail: bytes, say: Phrases, *, with_similar: bool) -> str:
    """One picture: a click opens its document, another finds what looks like it."""
    one = hit.picture
    name = one.caption or one.title or one.doc
    image = f'<img src="{image_source(thumbnail)}" alt="{text(name)}" loading="lazy">'
    opening = action("picture", say("pictures_open", name=name), image, css="fn-thumb", marker=one.id)
    also = f" · {say('pictures_also', count=len(hit.others))}" if hit.others else ""
    similar = action(
        "similar",
        say("pictures_similar"),
        icon("image_search") + text(say("pictures_similar")),
        marker=one.image_id,
    )
    return (
        f'<figure class="fn-picture">{opening}<figcaption dir="auto"><span>{text(name)}</span>'
        f'<span class="fn-quiet">{text(where(one, say) + also)}</span></figcaption>'
        f"{similar if with_similar else ''}</figure>"
    )


def where(one: PictureRow, say: Phrases) -> str:
    """The document, and the page of one that is not a picture itself."""
    is_file = one.media_type.startswith("image/")
    return one.doc if one.page is None or is_file else f"{one.doc} · {say('page', page=one.page)}"


def draw_opened_picture(app: App, rows: list[PictureRow]) -> None:
    """The picture that was clicked, and its document at the place where it stands."""
    wanted = st.session_state.pop("opened_picture", None)
    one = next((row for row in rows if row.id == wanted), None)
    if one is None:
        return

    @st.dialog(label(one.caption or one.title or one.doc), width="large")
    def dialog() -> None:
        small = app.library.store.pictures.thumbnails([one.image_id]).get(one.image_id)
        if small is not None:
            st.html(
                f'<div class="fn-opened"><img src="{image_source(small)}" alt="{text(one.caption)}"></div>'
            )
        hit = passage_at(app, one)
        turn = Turn(key="picture", question="", state="done", hits=(hit,) if hit else ())
        if hit is not None:
            place = hit.passage.text.find(one.caption) if one.caption else -1
            marked = ((place, place + len(one.caption)),) if place >= 0 else ()
            draw_source(app, Selection(turn, Source(1, hit, marked), chosen=True))
        else:
            st.caption(where(one, app.say))
            stored = app.library.store.documents_named(app.collection, one.doc)
            path = next((found.file for found in stored if found.id == one.document_id), None)
            if path is not None:
                draw_tools(app, f"picture-{one.id}", one.doc, path, "")

    dialog()


def passage_at(app: App, one: PictureRow) -> Hit | None:
    """The passage that a picture stands in, or the nearest on its page; None in a document without text."""
    store = app.library.store
    hits = store.hits(store.passage_rowids([one.document_id]))
    same = [hit for hit in hits if one.page is None or hit.page == one.page]
    return min(
        same,
        key=lambda hit: max(hit.passage.start - one.start, one.start - hit.passage.end, 0),
        default=None,
    )
