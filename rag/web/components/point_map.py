"""A map of documents or passages to look into: what is under the pointer, and a click to open it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from rag.interfaces import Vectors

HERE = Path(__file__).parent
KEY = "point_map"
TEXT_CHARACTERS = 160


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Points with their ids, what they are called, and a group (a place in `legend`, or -1) or a value each.

    `values`, 0 to 1, colour the points instead of their groups. `key` changes where the view starts over.
    """

    key: str
    coordinates: Vectors
    ids: Sequence[int]
    titles: Sequence[str]
    texts: Sequence[str]
    groups: Sequence[int]
    legend: Sequence[str]
    values: Sequence[float] | None = None


@st.cache_resource(show_spinner=False)
def component() -> Any:
    """The component, registered once a server."""
    script, style = (HERE / name for name in ("point_map.js", "point_map.css"))
    return st.components.v2.component(
        "footnote_point_map", js=script.read_text(encoding="utf-8"), css=style.read_text(encoding="utf-8")
    )


def point_map(drawing: Drawing, label: str, chosen: Callable[[int], None]) -> None:
    """Draws the map; `chosen` gets the id of a point that was clicked, before the page is drawn again."""

    def on_chosen() -> None:
        found = st.session_state[KEY].get("chosen")
        if isinstance(found, dict) and found.get("id") in drawing.ids:
            chosen(int(found["id"]))

    rounded = drawing.coordinates.round(4)
    component()(
        key=KEY,
        data={
            "key": drawing.key,
            "label": label,
            "x": rounded[:, 0].tolist(),
            "y": rounded[:, 1].tolist(),
            "ids": list(drawing.ids),
            "titles": list(drawing.titles),
            "texts": [" ".join(text.split())[:TEXT_CHARACTERS] for text in drawing.texts],
            "groups": list(drawing.groups),
            "legend": list(drawing.legend),
            "values": None if drawing.values is None else [round(value, 3) for value in drawing.values],
        },
        on_chosen_change=on_chosen,
    )
