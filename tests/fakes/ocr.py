"""A program that reads pictures: it says what it is told to, whatever the picture."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL.Image import Image

from rag.readers import ocr
from rag.readers.ocr.seen import Line, ReadingFailed, Seen

LINE_HEIGHT = 20


def lines(*texts: str, sure: float = 0.97, left: float = 50.0, top: float = 50.0) -> list[Line]:
    """Lines under each other, each as wide as half its height a character."""
    found = []
    for number, text in enumerate(texts):
        y = top + 1.3 * LINE_HEIGHT * number
        end = left + LINE_HEIGHT / 2 * len(text)
        found.append(Line(text, (left, y), (end, y), LINE_HEIGHT, sure))
    return found


class FakeProgram:
    """Gives its readings one after the other, the last for ever; None breaks down. `looks` counts them."""

    def __init__(
        self, *readings: list[Line] | None, name: str = "Spyglass", turns: Sequence[int] = ()
    ) -> None:
        self.name, self.turns, self.looks = name, turns, 0
        self._readings = readings

    def is_installed(self) -> bool:
        return True

    def lines(self, image: Image) -> list[Line]:
        reading = self._readings[min(self.looks, len(self._readings) - 1)]
        self.looks += 1
        if reading is None:
            raise ReadingFailed("out of ink")
        return reading

    def trusts(self, seen: Seen) -> bool:
        return not seen.lies and seen.confidence >= 0.9


def install(monkeypatch: pytest.MonkeyPatch, *programs: FakeProgram) -> None:
    """Makes these the programs that are installed."""
    monkeypatch.setattr(ocr, "programs", lambda: list(programs))
