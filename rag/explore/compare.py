"""How near two texts are, by several measures."""

from __future__ import annotations

import numpy as np

from rag.interfaces import Vectors


def distances(first: Vectors, second: Vectors, mean: Vectors | None = None) -> dict[str, float]:
    """Cosine, dot product, Euclidean and Manhattan distance; `centred`: the cosine minus that mean."""
    found = {
        "cosine": _cosine(first, second),
        "dot": float(first @ second),
        "euclidean": float(np.linalg.norm(first - second)),
        "manhattan": float(np.abs(first - second).sum()),
    }
    return found if mean is None else found | {"centred": _cosine(first - mean, second - mean)}


def _cosine(first: Vectors, second: Vectors) -> float:
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / max(lengths, 1e-12)
