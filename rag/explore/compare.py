"""How near two texts are, by several measures."""

from __future__ import annotations

import numpy as np

from rag.interfaces import Vectors


def distances(first: Vectors, second: Vectors) -> dict[str, float]:
    """Cosine, dot product, Euclidean and Manhattan distance."""
    return {
        "cosine": _cosine(first, second),
        "dot": float(first @ second),
        "euclidean": float(np.linalg.norm(first - second)),
        "manhattan": float(np.abs(first - second).sum()),
    }


def _cosine(first: Vectors, second: Vectors) -> float:
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / max(lengths, 1e-12)
