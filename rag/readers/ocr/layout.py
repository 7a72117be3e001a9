"""The lines read on a picture to phrases of a page, and to text: columns, paragraphs, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from rag.readers.ocr.seen import Line, Seen, straightened
from rag.readers.pdf.layout import elements, page_flows, prose_text, rows_of, spaced, table_text
from rag.readers.pdf.words import SLANTED, Phrase

_SAME_SIZE = 0.25
"""Boxes of one size of letters differ by up to this share, with the letters that a line happens to have."""
_MIN_CONFIDENCE = 0.3
_SPACE = 0.6
"""Times the height of a line: what is further apart may be another cell of a table."""
_WORD = re.compile(r"\w+(?:-\w+)*")


def phrases_of(seen: Seen, *, points_per_pixel: float = 1.0) -> list[Phrase]:
    """The lines as phrases of a page, in points from its bottom left, straight and of few sizes."""
    lines = straightened([line for line in seen.lines if line.confidence >= _MIN_CONFIDENCE])
    upright = [line for line in lines if not line.lies]
    usual = _usual_height(upright or lines)
    phrases = [_phrase(line, usual, seen.height, points_per_pixel) for line in lines]
    lying = [phrase for phrase in phrases if phrase.turn]
    rows = rows_of([phrase for phrase in phrases if not phrase.turn])
    return [phrase for row in rows for phrase in _joined(row.phrases)] + lying


def _joined(phrases: Sequence[Phrase]) -> list[Phrase]:
    """The phrases of a row, those put together that are a space apart."""
    joined: list[Phrase] = []
    for phrase in phrases:
        last = joined[-1] if joined else None
        if last is None or phrase.left - last.right > _SPACE * last.height:
            joined.append(phrase)
        else:
            joined[-1] = replace(
                last, text=spaced(last.text, phrase.text), right=max(last.right, phrase.right)
            )
    return joined


def _usual_height(lines: Sequence[Line]) -> float:
    """The height of most of the text, 0 of no lines."""
    return median([line.height for line in lines for _ in line.text] or [0.0])


def _phrase(line: Line, usual: float, page_height: int, scale: float) -> Phrase:
    height = usual if abs(line.height - usual) <= _SAME_SIZE * usual else line.height
    middle = page_height - (line.start[1] + line.end[1]) / 2
    return Phrase(
        line.text,
        line.start[0] * scale,
        max(line.start[0] + 1, line.end[0]) * scale,
        (middle - height / 2) * scale,
        (middle + height / 2) * scale,
        turn=SLANTED if line.lies else 0,
    )


def text_of(seen: Seen) -> str:
    """The text in paragraphs, with a blank line between two; tables as Markdown."""
    words = {word.lower() for line in seen.lines for word in _WORD.findall(line.text)}

    def joins(head: str, tail: str) -> bool:
        return head.lower() + tail.lower() in words or f"{head}-{tail}".lower() not in words

    columns = page_flows(phrases_of(seen))
    found = (element for column in columns for element in elements(column, lambda row: False))
    return "\n\n".join(
        table_text(element) if element.is_table else prose_text(element.rows, joins) for element in found
    )
