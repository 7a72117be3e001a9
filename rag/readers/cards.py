"""The lines of calendars and address cards (iCalendar, vCard): name, parameters, value."""

from __future__ import annotations

import quopri
import re
from dataclasses import dataclass, field

from rag.readers.decoding import decode

_FOLDED = re.compile(r"\n[ \t]")
_SOFT_BROKEN = re.compile(r"^(?=[^:\n]*QUOTED-PRINTABLE)(?:.*=\n)++.*", re.IGNORECASE | re.MULTILINE)
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
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SOFT_BROKEN.sub(lambda match: match.group().replace("=\n", ""), text)
    found = []
    for line in _FOLDED.sub("", text).split("\n"):
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
        value = _decoded(quopri.decodestring(value.encode()), parameters.get("CHARSET", "utf-8"))
    name = match[1].rpartition(".")[2].upper()
    parts = tuple(_plain(part) for part in re.split(r"(?<!\\);", value))
    return Line(name, _plain(value), parts, parameters)


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return decode(data)[0]


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


UNLABELLED = "fields without a label"
"""What of an entry or a card is counted as left out: ids, versions, and what a program adds for itself."""
