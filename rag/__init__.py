"""Footnote: ask your own documents, and see the source beside every sentence of the answer."""

import os

__version__ = "0.1.0"

# No dependency reports what it is used for or on; each reads this when it is imported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
