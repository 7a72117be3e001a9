"""Footnote's SQL functions in Datasette and sqlite-utils, where they are installed beside it.

Both load this module by its entry point; pluggy comes with them.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from inspect import signature

import pluggy

from rag.explore.functions import embedding_functions, vector_functions
from rag.interfaces import Embedder
from rag.library import Library
from rag.settings import load_settings


@cache
def _library() -> Library:
    return Library(load_settings())


def _embedder() -> Embedder:
    return _library().embedder


@pluggy.HookimplMarker("datasette")
@pluggy.HookimplMarker("sqlite_utils")
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Adds `embed`, `embed_passage`, `cosine`, `vector_json` and `vector_blob` to a connection."""
    for name, function in (vector_functions() | embedding_functions(_embedder)).items():
        conn.create_function(name, len(signature(function).parameters), function, deterministic=True)
