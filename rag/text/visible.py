"""Text of others, made safe to print on a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

# ESC and the other control characters can move the cursor and set the title, those of C1 do the same in one
# byte, and bidirectional marks reorder what is read. Lone surrogates cannot be written at all.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with `\\x1b` in the place of an escape character, and so on; line feeds and tabs stay."""
    return UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def safe_json(value: Any) -> str:
    """JSON on one line, in which such characters are escaped: the values are exact, and safe to print."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
