"""Mounts `browser_events.js`, which reports clicks on our own buttons, and acts on what it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

SCRIPT = Path(__file__).with_name("browser_events.js")
KEY = "conductor"


@dataclass(frozen=True, slots=True)
class Act:
    """One click: what was asked for, and on which turn, citation or address."""

    kind: str
    turn: str = ""
    marker: int = 0
    url: str = ""


def act_of(value: Any) -> Act | None:
    """The click as the browser reported it; None for anything that is not one of ours."""
    if not isinstance(value, dict) or not isinstance(value.get("act"), str):
        return None
    marker = value.get("marker")
    return Act(
        kind=value["act"],
        turn=str(value.get("turn") or ""),
        marker=marker if isinstance(marker, int) else 0,
        url=str(value.get("url") or ""),
    )


@st.cache_resource(show_spinner=False)
def component() -> Any:
    """The component, registered once a server."""
    return st.components.v2.component("footnote_conductor", js=SCRIPT.read_text(encoding="utf-8"))


def conduct(handle: Callable[[Act], None], *, language: str, reveal: str = "", mark: str = "") -> None:
    """Mounts the script; `handle` runs before the page is drawn again.

    `reveal` is the id of the element to bring to the top of the view, once; `mark` changes
    whenever the pane shows another quote, which is then brought into view.
    """

    def on_act() -> None:
        act = act_of(st.session_state[KEY].get("act"))
        if act is not None:
            handle(act)

    component()(
        key=KEY,
        data={"language": language, "reveal": reveal, "mark": mark},
        on_act_change=on_act,
        height="content",
    )
