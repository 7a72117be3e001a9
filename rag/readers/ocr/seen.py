"""What programs read on a picture: lines, each with its place and how sure the program is of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

HARD = 0.75
"""What is read with less confidence was hard to read."""
Point = tuple[float, float]
_LONG_LINE = 5
"""Times its height: the slope of a shorter line says little about the page's."""
_LYING = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one line of a picture without a gap between them.

    `start` and `end` are the middles of its left and right edge, in pixels from the picture's top left;
    `confidence`, from 0 to 1, is how sure the program is.
    """

    text: str
    start: Point
    end: Point
    height: float
    confidence: float

    @property
    def width(self) -> float:
        """How far it reaches from left to right."""
        return abs(self.end[0] - self.start[0])

    @property
    def lies(self) -> bool:
        """Whether it runs up or down the picture."""
        return len(self.text) > 2 and abs(self.end[1] - self.start[1]) > _LYING * self.width


@dataclass(frozen=True, slots=True)
class Seen:
    """The lines on a picture of some width and height in pixels, and the program that read them."""

    program: str
    lines: tuple[Line, ...]
    width: int
    height: int

    @property
    def confidence(self) -> float:
        """How sure the program is of a character, from 0 to 1; 0 of nothing."""
        return mean_confidence([self])

    @property
    def lies(self) -> bool:
        """Whether most of the text runs up or down the picture: it was scanned sideways."""
        return sum(len(line.text) * (1 if line.lies else -1) for line in self.lines) > 0


def mean_confidence(read: Iterable[Seen]) -> float:
    """How sure of a character the programs were on average."""
    lines = [line for seen in read for line in seen.lines]
    characters = sum(len(line.text) for line in lines)
    return sum(line.confidence * len(line.text) for line in lines) / characters if characters else 0.0


class ReadingFailed(Exception):
    """A program came to grief on a picture, which is then one that could not be read."""


class Program(Protocol):
    """A program that reads pictures.

    `turns` are the ways, in degrees, in which it is worth turning a picture that it could not read.
    """

    name: str
    turns: Sequence[int]

    def is_installed(self) -> bool:
        """Whether it can be used here."""

    def lines(self, image: Image) -> list[Line]:
        """The lines on a picture in RGB; `ReadingFailed` where it breaks down."""

    def trusts(self, seen: Seen) -> bool:
        """Whether what it read is as good as it gets."""


def straightened(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page that was scanned at a slant as they would be if it had not been."""
    slopes = [
        math.atan2(line.end[1] - line.start[1], line.end[0] - line.start[0])
        for line in lines
        if line.width > _LONG_LINE * line.height
    ]
    if not slopes:
        return list(lines)
    sine, cosine = math.sin(median(slopes)), math.cos(median(slopes))

    def turned(point: Point) -> Point:
        x, y = point
        return x * cosine + y * sine, y * cosine - x * sine

    return [replace(line, start=turned(line.start), end=turned(line.end)) for line in lines]
