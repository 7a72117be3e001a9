"""Explore's map: documents or passages in two dimensions, in groups with names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st

from rag.explore.clusters import Cluster, cluster
from rag.explore.collection import CollectionMap, map_of, similarities_to, words_of
from rag.web.components.live_search import typed
from rag.web.components.markup import action, text
from rag.web.components.point_map import Drawing, point_map
from rag.web.session import App, collection_state

if TYPE_CHECKING:
    from rag.explore.projection import Method
    from rag.store import Kind
    from rag.web.i18n import Phrases

KINDS: tuple[Kind, ...] = ("documents", "passages")
METHODS: tuple[Method, ...] = ("tsne", "pca")
COLOURS = ("cluster", "folder", "language", "similarity")
MOST_POINTS = 5_000
"""t-SNE of more takes over a minute: such a collection is drawn by its main axes."""
SHOWN_MEMBERS = 6
GOLDEN_ANGLE = 137.508  # between the hues of two groups, as in point_map.js
T = TypeVar("T", bound=str)


def draw_map(app: App) -> None:
    """The map with what it is drawn by, and the groups below it."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("map_lead"))}</p>')
    with st.container(horizontal=True, key="map_controls"):
        kind = chosen("map_kind", KINDS, say, lambda option: say(f"map_kind_{option}"))
        method = chosen("map_method", METHODS, say, lambda option: say(f"map_method_{option}"))
        colour = chosen("map_colour", COLOURS, say, lambda option: say(f"map_colour_{option}"))
    if kind == "passages" and app.library.store.passage_count(app.collection) > MOST_POINTS:
        method = "pca"
    near = typed(say("map_near_hint"), key="map_near") if colour == "similarity" else ""
    state = collection_state(app)
    with st.spinner(say("map_drawing")):
        found = drawn_map(app, app.collection, kind, method, state)
        groups = found_groups(app, app.collection, kind, state) if colour == "cluster" else []
    label = say("map_label", count=len(found.points))
    point_map(coloured(app, found, groups, colour, near), label, lambda id_: open_point(app, found, id_))
    st.caption(say("map_help"))
    if colour == "cluster":
        st.html(groups_html(found, groups, say))


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
    """The points with the colours asked for."""
    labels = found.points.labels
    values = None
    if colour == "cluster":
        named = [one for one in groups if one.name]
        legend = [one.name for one in named]
        place_of = {place: number for number, one in enumerate(named) for place in one.members}
        numbers = [place_of.get(place, -1) for place in range(len(labels))]
    else:
        names = [
            label.language or "–" if colour == "language" else PurePosixPath(label.doc).parent.as_posix()
            for label in labels
        ]
        legend = sorted(set(names))
        place_in = {name: number for number, name in enumerate(legend)}
        numbers = [place_in[name] for name in names]
    if near:
        close = similarities_to(found.points, near, app.library.embedder_of(app.collection))
        low, high = np.quantile(close, [0.05, 1.0]) if len(close) else (0.0, 1.0)
        values = np.clip((close - low) / max(float(high - low), 1e-9), 0, 1).tolist()
    passages = found.points.kind == "passages"
    return Drawing(
        f"{app.collection} {found.points.kind} {len(labels)}",
        found.coordinates,
        [label.id for label in labels],
        [label.title or label.doc for label in labels],
        [label.text if passages else label.doc for label in labels],
        numbers,
        legend,
        values,
    )


def open_point(app: App, found: CollectionMap, id_: int) -> None:
    """Shows a passage, or the first one of a document, in its place."""
    store = app.library.store
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
