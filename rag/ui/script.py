"""The pages of the app, run by Streamlit for each session; `app.py` serves it."""

from __future__ import annotations

from rag.config import load_settings
from rag.library import Library
from rag.ui.shell import run


def open_library() -> Library:
    """The library of the settings."""
    return Library(load_settings())


run(open_library, name="footnote")
