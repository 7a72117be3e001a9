"""Subtitles (SubRip, WebVTT, ASS): what is said, in paragraphs that open with their time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import Document

_PAUSE_MILLISECONDS = 4_000
_LONGEST_MILLISECONDS = 45_000


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A paragraph ends at a pause of 4 s, or with a sentence after 45 s; each opens with [h:mm:ss]."""
    import pysubs2

    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    events = [event for event in pysubs2.SSAFile.from_string(text) if one_line(event.plaintext)]
    for said in _paragraphs(events):
        words = one_line(" ".join(event.plaintext for event in said))
        builder.add("paragraph", f"[{_clock(said[0].start)}] {words}")
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _paragraphs(events: Sequence[Any]) -> Iterator[list[Any]]:
    said: list[Any] = []
    for event in events:
        if said:
            long = event.start - said[0].start > _LONGEST_MILLISECONDS
            ended = said[-1].plaintext.rstrip().endswith((".", "!", "?", "…", "。", "！", "？"))
            if event.start - said[-1].end > _PAUSE_MILLISECONDS or (long and ended):
                yield said
                said = []
        said.append(event)
    if said:
        yield said


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


FORMAT = Format("Subtitles", "application/x-subrip", (".srt", ".vtt", ".ass", ".ssa"), read)
