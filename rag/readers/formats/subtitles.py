"""Subtitles (SubRip, WebVTT, ASS): what is said, in paragraphs that open with their time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import Document

_PAUSE_MILLISECONDS = 4_000
_LONGEST_MILLISECONDS = 45_000
_VOICE = re.compile(r"<v(?:\.[\w.]+)*[ \t]+([^>\n]+)>")  # WebVTT names who speaks
_SPEAKER = "\ue000"
_CUE_NAME = re.compile(r"(?<=\n\n)[^\n]*\n(?=[\d:.]+[ \t]+-->)")
_NOT_SAID = re.compile(r"(?<=\n\n)(?:NOTE|STYLE|REGION)\b.*?(?=\n\n|\Z)", re.DOTALL)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A paragraph ends at a pause of 4 s, or with a sentence after 45 s; each opens with [h:mm:ss]."""
    import pysubs2

    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    if text.startswith("WEBVTT"):
        text = _CUE_NAME.sub("", _NOT_SAID.sub("", text.replace("\r\n", "\n")))
    text = _VOICE.sub(lambda match: f"{_SPEAKER}{one_line(match[1])}{_SPEAKER} ", text)
    events = [event for event in pysubs2.SSAFile.from_string(text) if one_line(event.plaintext)]
    for said in _paragraphs(events):
        words = _spoken(" ".join(event.plaintext for event in said))
        builder.add("paragraph", f"[{_clock(said[0].start)}] {words}")
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _spoken(text: str) -> str:
    """What is said, each speaker named where another one begins."""
    pieces = text.split(_SPEAKER)
    words, last = one_line(pieces[0]), ""
    for speaker, said in zip(pieces[1::2], pieces[2::2], strict=False):
        words += f" {said}" if speaker == last else f" {speaker}: {said}"
        last = speaker
    return one_line(words)


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
