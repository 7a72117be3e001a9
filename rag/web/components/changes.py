"""What became of a passage in today's text of its document: the words gone and the words that came."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from rag.web.components.markup import text

WORD = re.compile(r"\s*(?:[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\S+)")
ANCHOR_WORDS = 3
"""A shorter run of the same words is found anywhere; CJK signs are words of their own."""


def changed_html(before: str, today: str) -> str | None:
    """The passage with what was struck out and what was put in; None where nothing of it is left."""
    old, new = WORD.findall(before), WORD.findall(today)
    matcher = SequenceMatcher(None, keys(old), keys(new), autojunk=False)
    anchors = [block for block in matcher.get_matching_blocks() if block.size >= min(ANCHOR_WORDS, len(old))]
    if not anchors or not old:
        return None
    first, last = anchors[0], anchors[-1]
    start = max(0, first.b - first.a)
    end = min(len(new), last.b + len(old) - last.a)
    stretch = new[start : max(end, last.b + last.size)]
    parts = SequenceMatcher(None, keys(old), keys(stretch), autojunk=False).get_opcodes()
    return "".join(part_html(kind, old[a:b], stretch[c:d]) for kind, a, b, c, d in parts).lstrip()


def keys(words: list[str]) -> list[str]:
    """Words without the white space before them."""
    return [word.strip() for word in words]


def part_html(kind: str, gone: list[str], come: list[str]) -> str:
    """One stretch that is the same, was struck out, was put in, or both."""
    if kind == "equal":
        return text("".join(come))
    struck = f"<del>{text(''.join(gone))}</del>" if gone else ""
    put_in = f"<ins>{text(''.join(come))}</ins>" if come else ""
    return struck + put_in
