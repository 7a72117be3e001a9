"""Sums of meanings: "king - man + woman" as a vector."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from rag.errors import UsageError
from rag.explore.points import unit
from rag.interfaces import Vectors

_SIGN = re.compile(r"\s([+−-])(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Term:
    """A text that is added or, with sign -1, taken away."""

    sign: int
    text: str


def parse_sum(expression: str) -> list[Term]:
    """The terms of `A - B + C`; a sign stands between blanks, so that hyphens stay in words.

    Raises:
        UsageError: there is nothing between two signs.
    """
    first, *rest = _SIGN.split(f" {expression.strip()}")
    parts = ["+", first, *rest] if first.strip() else rest
    terms = [
        Term(-1 if sign != "+" else 1, text.strip().strip('"'))
        for sign, text in zip(parts[::2], parts[1::2], strict=True)
    ]
    if not terms or not all(term.text for term in terms):
        raise UsageError(f"{expression!r} is not a sum; write texts with + or - between them.")
    return terms


def added(terms: list[Term], vectors: Vectors) -> Vectors:
    """The unit vector of the sum; `vectors` are the terms' own, centred, shape (terms, dimensions)."""
    return unit(np.array([term.sign for term in terms], dtype=np.float32) @ vectors)
