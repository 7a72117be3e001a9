"""What a document's report says of the text that was read on pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rag.readers.ocr.seen import HARD, Seen, mean_confidence

_MAX_LISTED = 10


def of_pages(read: Mapping[int, Seen]) -> list[str]:
    """The lines about scanned pages, by their numbers: who read them, how sure of it, and which were hard."""
    lines = []
    for program in sorted({seen.program for seen in read.values()}):
        own = {number: seen for number, seen in read.items() if seen.program == program}
        lines.append(f"Pages read from pictures with {program}: {listed(own)}. {_sure(own.values())}")
    hard = [f"{number} ({seen.confidence:.0%})" for number, seen in read.items() if seen.confidence < HARD]
    if hard:
        lines.append(f"Pages that were hard to read: {listed(hard)}. Compare them with the original.")
    return lines


def of_pictures(read: Sequence[Seen]) -> list[str]:
    """The lines about pictures in a document that have text on them."""
    lines = []
    for program in sorted({seen.program for seen in read}):
        own = [seen for seen in read if seen.program == program]
        lines.append(f"Pictures with text on them, read with {program}: {len(own)}. {_sure(own)}")
    return lines


def listed(items: Iterable[object]) -> str:
    """The first ten, with commas."""
    every = list(map(str, items))
    return ", ".join(every[:_MAX_LISTED]) + (", …" if len(every) > _MAX_LISTED else "")


def _sure(read: Iterable[Seen]) -> str:
    return f"Confidence {mean_confidence(read):.0%}: expect slips."
