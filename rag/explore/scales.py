"""Scoring by average locations: examples of each end of a scale, and how near to which a text lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.errors import UsageError
from rag.explore.points import unit
from rag.interfaces import Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Two ends, or more classes, by the vectors of their examples.

    `accuracy` is the share of the examples that the others put into the right class (leave one out); None
    where a class has only one.
    """

    classes: tuple[str, ...]
    centres: Vectors
    accuracy: float | None


def make_scale(examples: Mapping[str, Vectors]) -> Scale:
    """A scale from the vectors of each class's examples, shape (examples, dimensions).

    Raises:
        UsageError: fewer than two classes, or one without an example.
    """
    if len(examples) < 2 or any(not len(vectors) for vectors in examples.values()):
        raise UsageError("A scale needs two ends or more, with an example of each.")
    centres = np.array([vectors.mean(axis=0) for vectors in examples.values()])
    return Scale(tuple(examples), centres, _accuracy(examples))


def scores(scale: Scale, vectors: Vectors) -> NDArray[np.float64]:
    """How far each text lies towards each class, shape (texts, classes).

    Of two ends: the place on the line from one centre to the other, 0 to 1 between them. Of more classes: the
    cosine to each centre once their common mean is taken off.
    """
    first = scale.centres[0]
    if len(scale.classes) == 2:
        line = scale.centres[1] - first
        along = (vectors - first) @ line / max(float(line @ line), 1e-12)
        return np.stack([1.0 - along, along], axis=1)
    mean = scale.centres.mean(axis=0)
    return (unit(vectors - mean) @ unit(scale.centres - mean).T).astype(np.float64)


def _accuracy(examples: Mapping[str, Vectors]) -> float | None:
    """Each example judged by a scale made without it, and without one of every other class.

    The mean of more examples is nearer to everything: leaving out of one class alone would tell against it.
    """
    sizes = [len(vectors) for vectors in examples.values()]
    if min(sizes) < 2:
        return None
    right = 0
    for turn in range(max(sizes)):
        left_out = [turn % size for size in sizes]
        pairs = list(zip(examples.values(), left_out, strict=True))
        centres = np.array([np.delete(vectors, place, axis=0).mean(axis=0) for vectors, place in pairs])
        judged = scores(Scale(tuple(examples), centres, None), np.array([v[place] for v, place in pairs]))
        right += sum(int(judged[i].argmax()) == i for i, size in enumerate(sizes) if turn < size)
    return right / sum(sizes)


def parse_examples(ends: Sequence[str]) -> dict[str, list[str]]:
    """ "formal=Dear Sir|Yours faithfully" → the name of a class and its examples.

    An end without a name is called by its first example.

    Raises:
        UsageError: two ends of the same name, or one without an example.
    """
    found: dict[str, list[str]] = {}
    for end in ends:
        name, equals, texts = end.partition("=")
        examples = [text.strip() for text in (texts if equals else end).split("|") if text.strip()]
        name = name.strip() if equals else (examples[0] if examples else "")
        if not examples or not name or name in found:
            raise UsageError(f"{end!r} is not an end of a scale; write NAME=example|example, each name once.")
        found[name] = examples
    return found
