"""SQL functions over vectors, for Footnote's own console and for other SQLite programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from rag.errors import UsageError
from rag.explore.codec import encode, read
from rag.interfaces import Embedder, Vectors

Value = str | bytes | int | float | None


def vector_functions() -> dict[str, Callable[..., Any]]:
    """`vector_json`, `vector_blob`, `cosine`: a vector may be a blob, JSON, hexadecimal or base64."""
    return {"vector_json": vector_json, "vector_blob": vector_blob, "cosine": cosine}


def embedding_functions(embedder: Callable[[], Embedder]) -> dict[str, Callable[..., Any]]:
    """`embed(text)`, as a question is embedded, and `embed_passage(text)`; the model loads on first use."""

    def embed(text: Value) -> bytes | None:
        return None if text is None else encode(embedder().embed_queries([str(text)], truncate=True)[0])

    def embed_passage(text: Value) -> bytes | None:
        return None if text is None else encode(embedder().embed_passages([str(text)], truncate=True)[0])

    return {"embed": embed, "embed_passage": embed_passage}


def vector_json(value: Value) -> str | None:
    """A vector as a JSON list."""
    return None if value is None else json.dumps([float(number) for number in _vector(value)])


def vector_blob(value: Value) -> bytes | None:
    """A vector as the library stores it."""
    return None if value is None else encode(_vector(value))


def cosine(first: Value, second: Value) -> float | None:
    """The cosine of two vectors; NULL where one is NULL."""
    if first is None or second is None:
        return None
    one, other = _vector(first), _vector(second)
    if len(one) != len(other):
        raise UsageError(f"cosine: vectors of {len(one)} and {len(other)} dimensions cannot be compared.")
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0


def _vector(value: Value) -> Vectors:
    if isinstance(value, bytes) and len(value) % 4 == 0:
        return np.frombuffer(value, dtype="<f4")
    return np.array(read(str(value).encode()), dtype=np.float32)
