"""Address cards (.vcf): each person or firm with numbers, addresses and notes."""

from __future__ import annotations

from rag.readers.building import DocumentBuilder, visible
from rag.readers.cards import UNLABELLED, Line, lines_of
from rag.readers.decoding import decode
from rag.readers.registry import Format
from rag.records import Document

_LABELS = {
    "ORG": "Organization",
    "TITLE": "Position",
    "ROLE": "Role",
    "TEL": "Telephone",
    "EMAIL": "E-mail",
    "ADR": "Address",
    "BDAY": "Birthday",
    "URL": "Web",
    "NICKNAME": "Nickname",
    "NOTE": "Note",
}
_PICTURES = ("PHOTO", "LOGO", "KEY", "SOUND")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A card as a heading with the name, and a line for each fact; photographs are left out."""
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    card: list[Line] = []
    for line in lines_of(text):
        if line.name == "BEGIN":
            card = []
        elif line.name == "END":
            _add(builder, card)
        elif line.name in _PICTURES:
            builder.leave_out("pictures", line.value)
        else:
            card.append(line)
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _add(builder: DocumentBuilder, card: list[Line]) -> None:
    builder.heading(_name(card) or "No name", 2)
    for line in card:
        if line.name not in (*_LABELS, "FN", "N", "VERSION"):
            builder.leave_out(UNLABELLED, line.value)
    builder.add(
        "list", "\n".join(_fact(line) for line in card if line.name in _LABELS and visible(line.value))
    )


def _name(card: list[Line]) -> str:
    """The name as it is written out, else given name before family name, else the firm's."""
    written = next((line.value for line in card if line.name == "FN" and line.value), "")
    parts = next((line.parts for line in card if line.name == "N"), ())
    family, given = [*parts, "", ""][:2]
    firm = next((line.parts[0] for line in card if line.name == "ORG"), "")
    return written or f"{given} {family}".strip() or firm


def _fact(line: Line) -> str:
    kind = line.parameters.get("TYPE", "").replace(",", ", ").lower()
    value = ", ".join(filter(None, line.parts)) if line.name in ("ADR", "ORG") else line.value
    return f"{_LABELS[line.name]}{f' ({kind})' if kind else ''}: {value}"


def _recognises(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \r\n")[:11].upper() == b"BEGIN:VCARD"


FORMAT = Format("Address card", "text/vcard", (".vcf", ".vcard"), read, recognises=_recognises)
