"""Pictures to lines of text, with Tesseract where it is sure of them, else with RapidOCR.

RapidOCR takes five times as long. But it reads languages whose data Tesseract lacks (of a German page with
English data 88 % of the words come out right, with RapidOCR all), and Chinese better (0.996 of the characters
of a noisy page, not 0.942). `docs/benchmarks.md` has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.readers import progress
from rag.readers.ocr import rapid, tesseract
from rag.readers.ocr.seen import Program, ReadingFailed, Seen

if TYPE_CHECKING:
    from PIL.Image import Image

DOTS_PER_INCH = 200
REMEDY = f"To read scanned pages, install Tesseract, or RapidOCR: pip install {' '.join(rapid.PINS)}."


def programs() -> list[Program]:
    """The programs that are installed, the quicker one first."""
    known: tuple[Program, ...] = (tesseract.PROGRAM, rapid.PROGRAM)
    return [program for program in known if program.is_installed()]


def read_page(page: Any) -> Seen | None:
    """What stands on a pypdfium2 page."""
    return read_image(page.render(scale=DOTS_PER_INCH / 72, grayscale=True).to_pil())


def read_image(image: Image, *, quick: bool = False) -> Seen | None:
    """What stands on a picture, whichever way up it is; None if nothing does, or nothing can read it.

    A quick look is only that of the quicker program, at the picture as it is.
    """
    found = []
    for program, seen in _attempts(image, programs()):
        if program.trusts(seen):
            return seen
        found.append(seen)
        if quick:
            break
    upright = [seen for seen in found if seen.lines and not seen.lies]
    return max(upright, key=lambda seen: seen.confidence, default=None)


def _attempts(image: Image, installed: list[Program]) -> Iterator[tuple[Program, Seen]]:
    """What each program reads; then, if there is text that none is sure of, what the last reads turned."""
    has_text = False
    for program in installed:
        seen = _seen(program, image)
        has_text = has_text or bool(seen.lines)
        yield program, seen
    if has_text:
        for turn in (90, 270) if seen.lies else program.turns:
            yield program, _seen(program, image.rotate(turn, expand=True))


def _seen(program: Program, image: Image) -> Seen:
    try:
        lines = program.lines(image.convert("RGB"))
    except ReadingFailed:
        lines = []
    progress.tell()
    return Seen(program.name, tuple(lines), *image.size)
