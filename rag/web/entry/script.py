"""The pages of the app, run by Streamlit for each session; `app.py` serves it."""

from __future__ import annotations

from rag.library import Library
from rag.settings import load_settings
from rag.web.app import run


def open_library() -> Library:
    """The library of the settings."""
    return Library(load_settings())


run(open_library, name="footnote")
