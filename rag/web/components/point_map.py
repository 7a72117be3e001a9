"""A map of points to look into: a label under the pointer, a click to open, a loop to choose."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rag.interfaces import Vectors

HERE = Path(__file__).parent
KEY = "point_map"
TEXT_CHARACTERS = 160
MOST_LABELS = 50_000
"""More points go without labels: those of a million would be hundreds of megabytes."""
SHADES = 24  # as in point_map.js
REACH = 32_767  # what a coordinate of 1 is sent as


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Points, what they are called, and a group (a number, or -1) or a value each.

    `values`, 0 to 1, colour the points instead of their groups; `notes` say what a colour means. `hits` are
    the places of what `question` found, best first. `key` changes where the view starts over.
    """

    key: str
    coordinates: Vectors
    titles: Sequence[str]
    texts: Sequence[str]
    groups: Sequence[int]
    notes: Sequence[str]
    values: Sequence[float] | None = None
    chosen: Sequence[int] = ()
    hits: Sequence[int] = ()
    question: str = ""


@st.cache_resource(show_spinner=False)
def component() -> Any:
    """The component, registered once a server."""
    script, style = (HERE / name for name in ("point_map.js", "point_map.css"))
    return st.components.v2.component(
        "footnote_point_map", js=script.read_text(encoding="utf-8"), css=style.read_text(encoding="utf-8")
    )


def point_map(
    drawing: Drawing,
    label: str,
    *,
    lasso: str,
    opened: Callable[[int], None],
    chosen: Callable[[list[int]], None],
) -> None:
    """Draws the map; `lasso` is what the button for choosing says.

    `opened` gets the place of a point that was clicked, `chosen` those that a loop was drawn around, before
    the page is drawn again.
    """
    count = len(drawing.groups)

    def on_acted() -> None:
        found = st.session_state[KEY].get("acted")
        if isinstance(found, dict) and found.get("place") in range(count):
            opened(int(found["place"]))
        elif isinstance(found, dict) and isinstance(found.get("chosen"), list):
            chosen([place for place in found["chosen"] if place in range(count)])

    component()(key=KEY, data=sent(drawing, label, lasso), on_acted_change=on_acted)


def sent(drawing: Drawing, label: str, lasso: str) -> dict[str, Any]:
    """What the browser gets: coordinates in two bytes each, and labels as far as there is room for them."""
    across, up = (drawing.coordinates * REACH).round().astype("<i2").T
    shaded = drawing.values is not None
    kinds = np.array(drawing.values) * SHADES if shaded else np.array(drawing.groups)
    labelled = slice(0 if len(drawing.groups) > MOST_LABELS else None)
    return {
        "key": drawing.key,
        "label": label,
        "x": encoded(across),
        "y": encoded(up),
        "kinds": encoded(kinds.round()),
        "shaded": shaded,
        "titles": list(drawing.titles[labelled]),
        "texts": [" ".join(text.split())[:TEXT_CHARACTERS] for text in drawing.texts[labelled]],
        "notes": list(drawing.notes[labelled]),
        "chosen": list(drawing.chosen),
        "hits": list(drawing.hits),
        "words": {"lasso": lasso, "question": drawing.question},
    }


def encoded(numbers: NDArray[Any]) -> str:
    """Small integers in base64, two bytes each."""
    return base64.b64encode(numbers.astype("<i2").tobytes()).decode()
