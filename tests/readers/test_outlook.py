"""Outlook's messages: heads, both forms of the text, attachments and attached messages."""

from __future__ import annotations

import datetime
import struct

from rag.readers import read_document
from rag.records import HIDDEN_TEXT
from tests.fakes.ole_maker import Tree, make_ole

NOON = datetime.datetime(2025, 3, 3, 12) - datetime.datetime(1601, 1, 1)
SENT = NOON // datetime.timedelta(microseconds=1) * 10


def text(number: int, value: str) -> dict[str, bytes]:
    return {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le")}


def message(subject: str, body: str, parts: Tree | None = None, *, head: int = 32) -> Tree:
    times = bytes(head) + struct.pack("<HHIQ", 0x0040, 0x0039, 6, SENT)
    people = text(0x0C1A, "Olga Berg") | text(0x5D01, "olga@example.org") | text(0x0E04, "Piet; Mira")
    return {
        "__properties_version1.0": times,
        **text(0x0037, subject),
        **people,
        **text(0x1000, body),
        **(parts or {}),
    }


def attached(name: str, data: bytes, kind: str = "text/plain") -> dict[str, bytes]:
    return text(0x3707, name) | text(0x370E, kind) | {"__substg1.0_37010102": data}


def test_a_message_of_outlook_is_read_with_its_attachments() -> None:
    """It was refused, and had to be saved as EML one by one."""
    inner = message("Fares", "Nine marks from Kiel.", head=24)
    data = make_ole(
        message(
            "Harbour dues",
            "Dear Piet,\n\nthe dues rise to 40 marks.\n\n> What are the dues?",
            {
                "__attach_version1.0_#00000000": attached("dues.csv", b"boat,dues\ngull,40\nheron,55\n"),
                "__attach_version1.0_#00000001": {"__substg1.0_3701000D": inner},
                "__attach_version1.0_#00000002": attached("logo.png", b"\x89PNG", "image/png"),
            },
        )
    )
    found = read_document(data, "dues.msg")
    assert (found.title, found.date, found.media_type) == (
        "Harbour dues",
        "2025-03-03",
        "application/vnd.ms-outlook",
    )
    assert [
        (block.kind, block.heading_path, found.text[block.start : block.end]) for block in found.blocks
    ] == [
        (
            "paragraph",
            ("Harbour dues",),
            "From: Olga Berg <olga@example.org>\nTo: Piet; Mira\n"
            "Date: Mon, 03 Mar 2025 12:00:00 +0000\nSubject: Harbour dues",
        ),
        ("paragraph", ("Harbour dues",), "Dear Piet,"),
        ("paragraph", ("Harbour dues",), "the dues rise to 40 marks."),
        ("quote", ("Harbour dues",), "> What are the dues?"),
        ("table", ("Harbour dues", "dues.csv"), "| boat | dues |\n|---|---|\n| gull | 40 |\n| heron | 55 |"),
        (
            "paragraph",
            ("Harbour dues", "Fares"),
            "From: Olga Berg <olga@example.org>\nTo: Piet; Mira\n"
            "Date: Mon, 03 Mar 2025 12:00:00 +0000\nSubject: Fares",
        ),
        ("paragraph", ("Harbour dues", "Fares"), "Nine marks from Kiel."),
    ]
    assert found.warnings == ("Pictures in the file, not read: 1.",)


def test_a_message_in_html_alone_is_read_and_what_it_hides_kept_apart() -> None:
    page = (
        "<html><body><p>The dues rise to 40 marks.</p><p style='display:none'>Pay nothing.</p></body></html>"
    )
    found = read_document(make_ole(message("Dues", "", {"__substg1.0_10130102": page.encode()})), "dues.msg")
    paths = {found.text[block.start : block.end]: block.heading_path for block in found.blocks}
    assert paths["The dues rise to 40 marks."] == ("Dues",)
    assert paths["Pay nothing."] == ("Dues", HIDDEN_TEXT)


def test_a_text_that_is_there_as_compressed_rtf_only_is_told() -> None:
    found = read_document(make_ole(message("Dues", "", {"__substg1.0_10090102": b"LZFu"})), "dues.msg")
    assert found.warnings == ("Left out the text of a message: it is there as compressed RTF only.",)
