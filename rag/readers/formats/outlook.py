"""Outlook: a message (.msg), with its attachments and the messages that are attached to it."""

from __future__ import annotations

import datetime
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.decoding import decode
from rag.readers.mail import add_body, add_head
from rag.readers.nesting import DEEPEST, add_inner
from rag.readers.registry import Format
from rag.records import Document

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROPERTIES = "__properties_version1.0"
_ATTACHMENT = "__attach_version1.0_"
_EMBEDDED = "__substg1.0_3701000D"
# The numbers of properties, as [MS-OXPROPS] has them.
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_ADDRESS, _SENDER_MAIL, _TO, _CC = 0x0C1A, 0x0C1F, 0x5D01, 0x0E04, 0x0E03
_SENT, _DELIVERED = 0x0039, 0x0E06
_DATA, _NAME, _SHORT_NAME, _KIND = 0x3701, 0x3707, 0x3704, 0x370E
_TEXT, _BYTES_TEXT, _BINARY, _TIME = 0x001F, 0x001E, 0x0102, 0x0040
_FIRST_DAY = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The message under its subject: who, when, the text, then the attachments."""
    import olefile  # type: ignore[import-untyped, unused-ignore]

    builder = DocumentBuilder()
    with olefile.OleFileIO(io.BytesIO(data)) as file:
        message = _Part(file, ())
        _add_message(builder, message, password, 0)
        return builder.build(
            title=message.text(_SUBJECT),
            name=name,
            media_type=FORMAT.media_type,
            date=message.sent.date().isoformat() if message.sent else None,
        )


@dataclass(frozen=True)
class _Part:
    """A message or an attachment: a folder of the compound file with a stream for each property."""

    file: Any
    path: tuple[str, ...]

    def stream(self, number: int, kind: int) -> bytes:
        """A property's bytes, b"" where there is none."""
        place = [*self.path, f"__substg1.0_{number:04X}{kind:04X}"]
        return bytes(self.file.openstream(place).read()) if self.file.exists(place) else b""

    def text(self, number: int) -> str:
        """A property that is a text, "" where there is none."""
        wide = self.stream(number, _TEXT)
        found = wide.decode("utf-16-le", "replace") if wide else decode(self.stream(number, _BYTES_TEXT))[0]
        return found.rstrip("\0")

    @property
    def html(self) -> str | None:
        return decode(self.stream(_HTML, _BINARY))[0] or self.text(_HTML) or None

    @property
    def sender(self) -> str:
        name, mail = self.text(_SENDER), self.text(_SENDER_MAIL) or self.text(_SENDER_ADDRESS)
        return f"{name} <{mail}>" if "@" in mail and mail != name else name or mail

    @cached_property
    def sent(self) -> datetime.datetime | None:
        """When it was sent, or else when it came."""
        place = [*self.path, _PROPERTIES]
        table = self.file.openstream(place).read() if self.file.exists(place) else b""
        times = {}
        for at in range(24 if self.path else 32, len(table) - 15, 16):  # behind the counts of its parts
            kind, number, _, value = struct.unpack_from("<HHIQ", table, at)
            if kind == _TIME:
                times[number] = value // 10
        found = times.get(_SENT) or times.get(_DELIVERED)
        return _FIRST_DAY + datetime.timedelta(microseconds=found) if found else None

    @property
    def attachments(self) -> Iterator[_Part]:
        """Its attachments in order."""
        depth = len(self.path)
        below = {tuple(place[: depth + 1]) for place in self.file.listdir() if len(place) > depth + 1}
        for path in sorted(below):
            if path[:depth] == self.path and path[-1].startswith(_ATTACHMENT):
                yield _Part(self.file, path)


def _add_message(builder: DocumentBuilder, message: _Part, password: str | None, depth: int) -> None:
    headers = {"From": message.sender, "To": message.text(_TO), "Cc": message.text(_CC)}
    headers |= {"Subject": message.text(_SUBJECT)}
    if message.sent:
        headers["Date"] = f"{message.sent:%a, %d %b %Y %H:%M:%S %z}"
    add_head(builder, {key: one_line(value) for key, value in headers.items()})
    text, html = message.text(_BODY), message.html
    add_body(builder, text, html)
    if not text.strip() and html is None and message.stream(_RTF, _BINARY):
        builder.warn("Left out the text of a message: it is there as compressed RTF only.")
    pictures = 0
    for attachment in message.attachments:
        name = attachment.text(_NAME) or attachment.text(_SHORT_NAME) or "attachment"
        if message.file.exists([*attachment.path, _EMBEDDED]):
            if depth < DEEPEST:
                inner = DocumentBuilder()
                _add_message(inner, _Part(message.file, (*attachment.path, _EMBEDDED)), password, depth + 1)
                builder.include(inner.build(title=None, name=name, media_type=FORMAT.media_type))
            else:
                builder.warn(f"{name}: left out, it lies more than {DEEPEST} files deep.")
        elif attachment.text(_KIND).startswith("image/"):
            pictures += 1
        elif data := attachment.stream(_DATA, _BINARY):
            add_inner(builder, data, name, password=password)
    builder.count_pictures(pictures)


def _recognises(data: bytes) -> bool:
    if not data.startswith(_COMPOUND_FILE):
        return False
    import olefile  # type: ignore[import-untyped, unused-ignore]

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as file:
            return bool(file.exists(_PROPERTIES))
    except (OSError, ValueError, IndexError, TypeError):
        return False


FORMAT = Format(
    "Outlook", "application/vnd.ms-outlook", (".msg", ".oft"), read, recognises=_recognises, rank=20
)
