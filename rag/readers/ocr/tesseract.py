"""Tesseract, where it is installed, in all the languages that it has."""

from __future__ import annotations

import csv
import functools
import io
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rag.readers.ocr.seen import Line, ReadingFailed, Seen
from rag.text.languages import language_code, language_of_text

if TYPE_CHECKING:
    from PIL.Image import Image

_WORD_LEVEL = "5"
_SURE = 0.9
"""Pages in a language that it knows come with 0.94 to 0.96, German ones with English data with 0.87."""


class Tesseract:
    """Reads the languages whose data is installed beside it."""

    name = "Tesseract"
    turns: Sequence[int] = (90, 180, 270)

    def is_installed(self) -> bool:
        """Whether the program is there."""
        return _program() is not None

    def lines(self, image: Image) -> list[Line]:
        """The lines that it finds, cut where words are further apart than a line is high."""
        grey = image.convert("L")
        header = f"P5 {grey.width} {grey.height} 255\n".encode()
        table = csv.DictReader(
            io.StringIO(_run(header + grey.tobytes())), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        words = [word for word in table if word["level"] == _WORD_LEVEL and (word["text"] or "").strip()]
        lines = groupby(words, key=lambda word: [word[part] for part in ("block_num", "par_num", "line_num")])
        return [_line(words) for _, line in lines for words in _cut(line)]

    def trusts(self, seen: Seen) -> bool:
        """Whether it is sure, and has the data of the language: without, it is sure of the wrong letters."""
        language = language_of_text(" ".join(line.text for line in seen.lines))
        return seen.confidence >= _SURE and (language is None or language in _languages().values())


def _cut(words: Iterable[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """The words of a line in runs without a wide gap."""
    run: list[dict[str, str]] = []
    for word in words:
        if run:
            end = int(run[-1]["left"]) + int(run[-1]["width"])
            if int(word["left"]) - end > max(int(one["height"]) for one in (*run, word)):
                yield run
                run = []
        run.append(word)
    yield run


def _line(words: Sequence[dict[str, str]]) -> Line:
    first, last = words[0], words[-1]
    text = " ".join(word["text"] for word in words)
    height = max(float(word["height"]) for word in words)
    sure = sum(float(word["conf"]) * len(word["text"]) for word in words)
    confidence = sure / 100 / sum(len(word["text"]) for word in words)
    end = float(last["left"]) + float(last["width"]), _middle(last)
    return Line(text, (float(first["left"]), _middle(first)), end, height, confidence)


def _middle(word: dict[str, str]) -> float:
    return float(word["top"]) + float(word["height"]) / 2


def _program() -> str | None:
    return shutil.which("tesseract")


def _run(image: bytes) -> str:
    """The table that Tesseract makes of a picture."""
    program = _program()
    assert program
    done = subprocess.run(
        [program, "stdin", "stdout", "-l", "+".join(_languages()), "--psm", "3", "tsv"],
        input=image,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ReadingFailed(done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="replace")


@functools.cache
def _languages() -> dict[str, str | None]:
    """The languages whose data is installed, English first, with their codes in ISO 639-1."""
    program = _program()
    assert program
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False).stdout
    installed = {line.strip() for line in listed.splitlines()[1:]} - {"", "osd"} or {"eng"}
    ordered = sorted(installed, key=lambda language: (language != "eng", language))
    return {language: language_code(language) for language in ordered}


PROGRAM = Tesseract()
