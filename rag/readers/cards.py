"""The lines of calendars and address cards (iCalendar, vCard): name, parameters, value."""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass, field

_FOLDED = re.compile(r"\r?\n[ \t]")
_SOFT_BREAK = re.compile(r"(ENCODING=QUOTED-PRINTABLE[^\r\n]*)=\r?\n", re.IGNORECASE)
_LINE = re.compile(r'((?:[\w-]+\.)?[\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)', re.DOTALL)
_ESCAPED = re.compile(r"\\([\\;,nN])")


@dataclass(frozen=True, slots=True)
class Line:
    """One property; `parts` are those between semicolons, as in an address."""

    name: str
    value: str
    parts: tuple[str, ...]
    parameters: dict[str, str] = field(default_factory=dict)


def lines_of(text: str) -> list[Line]:
    """The properties of a text, with folded lines put together and escapes undone."""
    while _SOFT_BREAK.search(text):
        text = _SOFT_BREAK.sub(r"\1", text)
    found = []
    for line in _FOLDED.sub("", text).splitlines():
        match = _LINE.fullmatch(line)
        if match:
            found.append(_line(match))
    return found


def _line(match: re.Match[str]) -> Line:
    parameters = {}
    for one in match[2].split(";")[1:]:
        key, _, value = one.partition("=")
        parameters[key.upper()] = value.strip('"')
    value = match[3]
    coded = "QUOTED-PRINTABLE" in parameters.get("ENCODING", "").upper() or "QUOTED-PRINTABLE" in parameters
    if coded:
        value = quopri.decodestring(value.encode()).decode(parameters.get("CHARSET", "utf-8"), "replace")
    name = match[1].rpartition(".")[2].upper()
    parts = tuple(_plain(part) for part in re.split(r"(?<!\\);", value))
    return Line(name, _plain(value), parts, parameters)


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()
