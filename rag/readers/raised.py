"""Small figures set above or below the line, as part of the text."""

from __future__ import annotations

import re

_NOTED = re.compile(r"(?:[^\W\d_]{3,}|\d{3,}|[.,;:!?)”»\"])\xad?$")


def raised(text: str, before: str, *, is_low: bool = False) -> str:
    """A small figure: part of a formula or unit it is joined, "CO2"; a note's apart; a power has a ^.

    After a word of three letters and more, or after a sign, a raised number is a note's.
    """
    if not text or is_low or text[0] in "[(" or not before or before[-1].isspace():
        return text
    if not (text.lstrip("-−–+")[:1].isdigit() or text[0] in "*†‡§"):
        return text
    if _NOTED.search(before) and text[0] not in "-−–":
        return f" {text}"
    return f"^{text}" if before[-1].isdigit() else text
