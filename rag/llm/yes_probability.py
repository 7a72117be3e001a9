"""How far a model leans to one of two words, from the probability of each."""

from __future__ import annotations

LEAST_TOLD = 0.1
"""Where both words together are less likely, the model says something else: some think aloud first."""


def leaning_of(towards: float, against: float) -> float | None:
    """The share of the first, 0 to 1; None where the model most likely says neither."""
    told = towards + against
    return towards / told if told >= LEAST_TOLD else None
