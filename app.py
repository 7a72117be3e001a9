"""The chat in the browser: `streamlit run app.py`."""

from __future__ import annotations

import os

from streamlit.starlette import App

from rag.web.network import EXCEPTION_HANDLERS, NETWORK_MIDDLEWARE, SCRIPT

os.umask(0o077)  # uploads and whatever else the library is made of are its owner's alone
app = App(SCRIPT, middleware=NETWORK_MIDDLEWARE, exception_handlers=EXCEPTION_HANDLERS)
