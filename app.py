"""The chat in the browser: `streamlit run app.py`."""

from __future__ import annotations

from streamlit.starlette import App

from rag.web.network import EXCEPTION_HANDLERS, NETWORK_MIDDLEWARE, SCRIPT

app = App(SCRIPT, middleware=NETWORK_MIDDLEWARE, exception_handlers=EXCEPTION_HANDLERS)
