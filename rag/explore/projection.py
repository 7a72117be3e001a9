"""A map of a collection: points in two dimensions, where what is alike lies together."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Vectors

Method = Literal["pca", "tsne"]
SEED = 0
PERPLEXITY = 30.0
COMPONENTS = 30
"""t-SNE reads the main axes alone: 4,755 passages take 33 s so, and a minute longer in 384 dimensions."""


MAX_LAID_OUT = 5_000
"""t-SNE lays out so many points, for its time grows faster than they do; the others join their nearest."""
NEAREST, BLOCK = 5, 2_000


def flattened(vectors: Vectors, method: Method, *, perplexity: float = PERPLEXITY) -> Vectors:
    """Coordinates between -1 and 1, shape (points, 2); the same vectors give the same map."""
    if len(vectors) < 3 or not np.ptp(vectors, axis=0).any():
        return np.array([[float(place), 0.0] for place in range(len(vectors))], np.float32).reshape(-1, 2)
    # scikit-learn takes 3 s to import.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    parts = min(COMPONENTS, *vectors.shape)
    axes = PCA(parts if method == "tsne" else 2, random_state=SEED).fit_transform(vectors)
    if method == "tsne":
        perplexity = min(perplexity, (len(vectors) - 1) / 3)
        some = np.unique(np.linspace(0, len(axes) - 1, MAX_LAID_OUT).astype(int))
        drawn = TSNE(2, perplexity=perplexity, init="pca", random_state=SEED).fit_transform(axes[some])
        axes = drawn if len(some) == len(axes) else _between(axes, some, drawn)
    middle = (axes.max(axis=0) + axes.min(axis=0)) / 2
    found: Vectors = (axes - middle) / max(float(np.abs(axes - middle).max()), 1e-12)
    return found.astype(np.float32)


def _between(axes: Vectors, some: NDArray[np.int64], drawn: Vectors) -> Vectors:
    """Every point among the nearest of those that are laid out already, the nearer the closer to it."""
    found = np.empty((len(axes), 2), dtype=np.float32)
    sizes = (axes[some] ** 2).sum(axis=1)
    for start in range(0, len(axes), BLOCK):
        block = axes[start : start + BLOCK]
        distances = (block**2).sum(axis=1)[:, None] + sizes - 2 * block @ axes[some].T
        near = np.argpartition(distances, NEAREST, axis=1)[:, :NEAREST]
        weights = 1 / (np.take_along_axis(distances, near, axis=1).clip(0) + 1e-6)
        found[start : start + BLOCK] = np.einsum("ij,ijk->ik", weights, drawn[near]) / weights.sum(
            axis=1, keepdims=True
        )
    found[some] = drawn
    return found
