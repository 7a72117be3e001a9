"""Footnote: ask your own documents, and see the source beside every sentence of the answer.

    with rag.open_library("my-library") as library:
        library.add("my-documents")
        answer = library.answer("How long is the notice period?")

What `__all__` names is what other programs may rely on. Importing `rag` is cheap: each name loads when it is
first used, and each model when it is first needed.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.errors import RagError
    from rag.ingest import Receipt
    from rag.library import Library
    from rag.records import Answer, Citation, Evidence, Hit

__all__ = ["Answer", "Citation", "Evidence", "Hit", "Library", "RagError", "Receipt", "open_library"]
__version__ = "0.1.0"

# No dependency reports what it is used for or on; each reads this when it is imported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")

_HOMES = {
    "Answer": "records",
    "Citation": "records",
    "Evidence": "records",
    "Hit": "records",
    "Library": "library",
    "RagError": "errors",
    "Receipt": "ingest",
}


def open_library(folder: str | Path | None = None, **settings: Any) -> Library:
    """The library in a folder, made there by the first `add`; None is the one that the app opens.

    `settings` are those of `rag.settings.Settings` by name: `collection="letters"`, `chat_model="none"`.
    Nothing loads before it is needed. Close the library, or use it in a `with` statement.

    Raises:
        RagError: a setting has no such name or value; the message says which.
    """
    from rag.library import Library
    from rag.settings import load_settings

    return Library(load_settings(library=None if folder is None else Path(folder).expanduser(), **settings))


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rag.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
