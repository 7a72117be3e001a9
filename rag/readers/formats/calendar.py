"""Calendars (.ics): each event or task with its times, place and people."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterator
from dataclasses import replace

from rag.readers.building import DocumentBuilder
from rag.readers.cards import UNLABELLED, Line, lines_of
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import Document

_KINDS = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")
_LABELS = {
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "DURATION": "Duration",
    "FREEBUSY": "Busy",
    "RRULE": "Repeats",
    "LOCATION": "Place",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "STATUS": "Status",
    "CATEGORIES": "Categories",
    "URL": "Address",
}
_TEXTS = ("DESCRIPTION", "COMMENT")
_WHOLE_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?$")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """An entry as a heading, a line for each fact, then its description."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    title = None
    for kind, lines in _entries(lines_of(text)):
        if kind == "VCALENDAR":
            title = next((line.value for line in lines if line.name == "X-WR-CALNAME"), None)
        else:
            _add(builder, lines)
    return builder.build(title=title, name=name, media_type=FORMAT.media_type)


def _entries(lines: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    """(kind, lines) of the calendar itself and of each entry; alarms and time zones are no entries."""
    own: list[Line] = []
    stack: list[list[Line]] = []
    kinds: list[str] = []
    for line in lines:
        if line.name == "BEGIN":
            kinds.append(line.value.upper())
            stack.append([])
        elif line.name == "END" and stack:
            kind, found = kinds.pop(), stack.pop()
            if kind in _KINDS:
                yield kind, found
        elif stack:
            stack[-1].append(line)
            own += [line] if kinds == ["VCALENDAR"] else []
    yield "VCALENDAR", own


def _add(builder: DocumentBuilder, lines: list[Line]) -> None:
    values = {line.name: line.value for line in reversed(lines)}
    builder.heading(values.get("SUMMARY") or "Event", 2)
    start = values.get("DTSTART", "")
    facts = [
        f"{_LABELS[line.name]}: {_fact(line, start)}" for line in lines if line.name in _LABELS and line.value
    ]
    builder.add("list", "\n".join(facts))
    for line in lines:
        if line.name in _TEXTS:
            builder.add("paragraph", line.value)
        elif line.name not in _LABELS and line.name != "SUMMARY":
            builder.leave_out(UNLABELLED, line.value)


def _fact(line: Line, start: str) -> str:
    """A value as it is shown; whole days end before the day that is named, and are shown to the last one."""
    if line.name == "DTEND" and line.value > start and (match := _WHOLE_DAY.fullmatch(line.value)):
        with contextlib.suppress(ValueError):
            return f"{datetime.date(*map(int, match.groups())) - datetime.timedelta(days=1)}"
    if line.name == "FREEBUSY":
        return ", ".join(_period(one, line) for one in line.value.split(","))
    return _shown(line)


def _period(value: str, line: Line) -> str:
    """A span of time, by its start and its end or how long it is."""
    return " – ".join(_shown(replace(line, value=part)) for part in value.split("/"))


def _shown(line: Line) -> str:
    """A time as "2025-03-10 09:00", a person by name with the address."""
    match = _TIME.match(line.value)
    if match:
        day = "-".join(match.groups()[:3])
        clock = f" {match[4]}:{match[5]}{' UTC' if match[6] else ''}" if match[4] else ""
        zone = line.parameters.get("TZID", "")
        return f"{day}{clock}{f' ({zone})' if clock and zone else ''}"
    address = line.value.removeprefix("mailto:").removeprefix("MAILTO:")
    common = line.parameters.get("CN")
    return f"{common} ({address})" if common else address


def _recognises(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \r\n")[:15].upper() == b"BEGIN:VCALENDAR"


FORMAT = Format("Calendar", "text/calendar", (".ics", ".ical", ".ifb"), read, recognises=_recognises)
