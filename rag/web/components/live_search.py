"""A search field that answers while one types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def component() -> Any:
    """The component, registered once a server."""
    script, style = (HERE / name for name in ("live_search.js", "live_search.css"))
    return st.components.v2.component(
        "footnote_typing", js=script.read_text(encoding="utf-8"), css=style.read_text(encoding="utf-8")
    )


def typed(label: str, *, key: str) -> str:
    """What has been typed so far, without the white space around it."""
    state = st.session_state.get(key) or {}
    value = str(state.get("text") or "")
    result = component()(
        key=key, data={"label": label, "value": value}, default={"text": value}, on_text_change=lambda: None
    )
    return str(result.get("text") or "").strip()
