"""Explore's map: documents or passages in two dimensions, in groups with names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from rag.explore.clusters import Cluster, cluster
from rag.explore.collection import CollectionMap, map_of, similarities_to, words_of
from rag.web.components.live_search import typed
from rag.web.components.markup import action, text
from rag.web.components.point_map import Drawing, point_map
from rag.web.components.scales import named
from rag.web.components.scope import search_only
from rag.web.session import App, collection_state

if TYPE_CHECKING:
    from rag.explore.projection import Method
    from rag.records import Hit
    from rag.store import Kind
    from rag.web.i18n import Phrases

KINDS: tuple[Kind, ...] = ("documents", "passages")
METHODS: tuple[Method, ...] = ("tsne", "pca")
COLOURS = ("cluster", "folder", "language", "date", "similarity")
SHOWN_MEMBERS = 6
SHOWN_CHOSEN = 12
HITS = 10
RECENT = 5
CHOSEN = "map_chosen"
GOLDEN_ANGLE = 137.508  # between the hues of two groups, as in point_map.js
T = TypeVar("T", bound=str)


def draw_map(app: App) -> None:
    """The map with what it is drawn by, what was chosen on it, and the groups below it."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("map_lead"))}</p>')
    with st.container(horizontal=True, key="map_controls"):
        kind = chosen("map_kind", KINDS, say, lambda option: say(f"map_kind_{option}"))
        method = chosen("map_method", METHODS, say, lambda option: say(f"map_method_{option}"))
        colour = st.pills(  # which wrap on a phone
            say("map_colour"),
            COLOURS,
            default=COLOURS[0],
            required=True,
            format_func=lambda option: say(f"map_colour_{option}"),
            key="map_colour",
        )
        question, found_by_it = last_question(app)
        with_hits = bool(question) and st.toggle(say("map_last_question"), key="map_last_question")
    near = typed(say("map_near_hint"), key="map_near") if colour == "similarity" else ""
    state = collection_state(app)
    with st.spinner(say("map_drawing")):
        found = drawn_map(app, app.collection, kind, method, state)
        groups = found_groups(app, app.collection, kind, state) if colour == "cluster" else []
    drawing = coloured(app, found, groups, colour, near)
    if with_hits:
        drawing = replace(drawing, question=question, hits=places_of(found, found_by_it))
    point_map(
        replace(drawing, chosen=chosen_places(found)),
        say("map_label", count=len(found.points)),
        lasso=say("map_lasso"),
        opened=lambda place: open_point(app, found, place),
        chosen=lambda places: choose(found, places),
    )
    st.caption(say("map_help"))
    draw_chosen(app, found)
    if colour == "cluster":
        st.html(groups_html(found, groups, say))


def last_question(app: App) -> tuple[str, Sequence[Hit]]:
    """What was last asked of this collection, and the passages found for it; ("", ()) where nothing was."""
    for conversation in app.conversations.list(limit=RECENT):
        turns = app.conversations.load(conversation.id).turns
        if conversation.collection == app.collection and turns:
            return turns[-1].answer.question, turns[-1].answer.hits
    return "", ()


def places_of(found: CollectionMap, hits: Sequence[Hit]) -> list[int]:
    """The points of some passages, or of their documents, each once, in the order given."""
    passages = found.points.kind == "passages"
    place_of = {id_: place for place, id_ in enumerate(found.points.ids.tolist())}
    ids = dict.fromkeys(hit.rowid if passages else hit.document_id for hit in hits)
    return [place_of[id_] for id_ in ids if id_ in place_of][:HITS]


def choose(found: CollectionMap, places: Sequence[int]) -> None:
    """Takes note of the points that a loop was drawn around; of none, where it was around nothing."""
    st.session_state[CHOSEN] = (found.points.kind, [int(found.points.ids[place]) for place in places])


def chosen_places(found: CollectionMap) -> list[int]:
    """The places of the points that were chosen, as far as they are on this map."""
    kind, ids = st.session_state.get(CHOSEN, ("", []))
    return np.flatnonzero(np.isin(found.points.ids, ids)).tolist() if kind == found.points.kind else []


def draw_chosen(app: App, found: CollectionMap) -> None:
    """The documents of the points that were chosen, and what can be done with them."""
    say, places = app.say, chosen_places(found)
    if not places:
        return
    labels = [found.points.labels[place] for place in places]
    titles = {label.doc: label.title or label.doc for label in labels}
    st.html(f'<h2 class="fn-section">{text(say("map_chosen", count=len(places)))}</h2>')
    with st.container(horizontal=True, key="map_chosen_actions"):
        if st.button(say("map_ask_chosen"), icon=":material/forum:", type="primary"):
            search_only(*titles)
            st.switch_page(st.session_state["chat_page"])
        if st.button(say("map_unchoose"), icon=":material/close:"):
            st.session_state.pop(CHOSEN)
            st.rerun()
    items = "".join(
        f"<li>{action('from', say('explore_from', title=title), named(title, doc), turn=doc)}</li>"
        for doc, title in list(titles.items())[:SHOWN_CHOSEN]
    )
    more = len(titles) - SHOWN_CHOSEN
    rest = f'<p class="fn-quiet">{text(say("more_failures", count=more))}</p>' if more > 0 else ""
    st.html(f'<ol class="fn-related">{items}</ol>{rest}')


def chosen(name: str, options: tuple[T, ...], say: Phrases, named: Callable[[T], str]) -> T:
    """One of a few, the first unless another was chosen."""
    return st.segmented_control(
        say(name),
        options,
        default=options[0],
        required=True,
        format_func=named,
        key=name,
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def drawn_map(_app: App, collection: str, kind: Kind, method: Method, state: str) -> CollectionMap:
    """The map of a collection; `state` only tells versions apart."""
    return map_of(_app.library.store, collection, kind=kind, method=method)


@st.cache_resource(show_spinner=False, max_entries=8)
def found_groups(_app: App, collection: str, kind: Kind, state: str) -> list[Cluster]:
    """The clusters of a collection; `state` only tells versions apart."""
    from rag.explore import load_points

    points = load_points(_app.library.store, collection, kind)
    if len(points) < 4:
        return []
    return cluster(points, words_of(_app.library.store, collection, points), None)


def coloured(app: App, found: CollectionMap, groups: list[Cluster], colour: str, near: str) -> Drawing:
    """The points with the colours asked for, and what each colour means."""
    labels = found.points.labels
    passages = found.points.kind == "passages"
    numbers, notes, values = [-1] * len(labels), [""] * len(labels), None
    if colour == "cluster":
        for number, one in enumerate(groups):
            for place in one.members if one.name else ():
                numbers[place], notes[place] = number, one.name
    elif colour == "date":
        notes = [label.date or "" for label in labels]
        values = ranked_shares(notes)
    elif colour == "similarity" and near:
        close = similarities_to(found.points, near, app.library.embedder_of(app.collection))
        low, high = np.quantile(close, [0.05, 1.0]) if len(close) else (0.0, 1.0)
        values = np.clip((close - low) / max(float(high - low), 1e-9), 0, 1).tolist()
        notes = [f"{value:.2f}" for value in close]
    elif colour in ("folder", "language"):
        notes = [label.language or "–" if colour == "language" else folder_of(label.doc) for label in labels]
        place_in = {name: number for number, name in enumerate(sorted(set(notes)))}
        numbers = [place_in[name] for name in notes]
    return Drawing(
        f"{app.collection} {found.points.kind} {len(labels)}",
        found.coordinates,
        [label.title or label.doc for label in labels],
        [label.text if passages else label.doc for label in labels],
        numbers,
        notes,
        values,
    )


def folder_of(doc: str) -> str:
    """The folder of a document's path."""
    return PurePosixPath(doc).parent.as_posix()


def ranked_shares(dates: Sequence[str]) -> list[float]:
    """How many of the different dates come before each, 0 to 1; 0 too where there is none."""
    known = sorted(set(filter(None, dates)))
    step = 1 / max(len(known) - 1, 1)
    place_in = {date: place * step for place, date in enumerate(known)}
    return [place_in.get(date, 0.0) for date in dates]


def open_point(app: App, found: CollectionMap, place: int) -> None:
    """Shows a passage, or the first one of a document, in its place."""
    store, id_ = app.library.store, int(found.points.ids[place])
    rowids = [id_] if found.points.kind == "passages" else store.passage_rowids([id_])[:1]
    hits = store.hits(rowids)
    if hits:
        st.session_state["opened"] = (hits[0], "")


def groups_html(found: CollectionMap, groups: list[Cluster], say: Phrases) -> str:
    """The groups by name, each with the documents nearest to its middle."""
    if not groups:
        return ""
    parts = []
    titles = {label.doc: label.title or label.doc for label in found.points.labels}
    for number, one in enumerate(groups):
        docs = list(dict.fromkeys(found.points.labels[place].doc for place in one.members))
        items = "".join(
            f"<li>{action('from', say('explore_from', title=titles[doc]), text(titles[doc]), turn=doc)}</li>"
            for doc in docs[:SHOWN_MEMBERS]
        )
        hue = f"--fn-hue: {(14 + number * GOLDEN_ANGLE) % 360:.0f}"
        name = text(one.name or say("map_rest"))
        parts.append(
            f'<section class="fn-group{"" if one.name else " fn-rest"}" style="{hue}"><h3 dir="auto">{name}'
            f' <span class="fn-quiet">{len(one.members)}</span></h3><ul>{items}</ul></section>'
        )
    return f'<div class="fn-groups">{"".join(parts)}</div>'
