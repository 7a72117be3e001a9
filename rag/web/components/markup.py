"""Untrusted text to safe HTML: everything is escaped, and only this module writes tags around it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from rag.text.words import is_function_word

MARKER = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
ADDRESS = re.compile(r"https?://[^\s<>\"'`\]\)}|\\]+", re.IGNORECASE)
INLINE = (
    (re.compile(r"`([^`<>\n]+)`"), r"<code>\1</code>"),
    (
        re.compile(
            r"\*\*(?=\S)((?:[^*<>\n]|<code>[^<>\n]*</code>|<mark class=\"[^\"<>]*\">|</mark>)+?)(?<=\S)\*\*"
        ),
        r"<strong>\1</strong>",
    ),
    (re.compile(r"(?<![*\w])\*(?=\S)([^*<>\n]+?)(?<=\S)\*(?![*\w])"), r"<em>\1</em>"),
    (
        re.compile(r"(?<![!\w])\[([^\[\]<>\n]+)\]\(([^()<>\s]+)\)"),
        r'<span class="fn-link" title="\2">\1</span>',
    ),
)
BOLD = re.compile(r"(\*\*)(?=\S)[^*\n]+?(?<=\S)(\*\*)")
WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
SHORTEST_WORD = 4
"""Shorter words hardly tell anything; digits and capitals are kept at any length."""

Span = tuple[int, int, str]
"""Start, end and CSS class of a stretch of text."""


def text(value: str) -> str:
    """Escaped for element content and for quoted attributes alike."""
    return escape(value, quote=True)


def icon(name: str) -> str:
    """A Material symbol (the font is Streamlit's own), hidden from screen readers."""
    return f'<span class="fn-icon" aria-hidden="true">{text(name)}</span>'


def image_source(jpeg: bytes) -> str:
    """A JPEG as the address of an image."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"


def action(kind: str, label: str, body: str, *, css: str = "", **data: object) -> str:
    """A button that `browser_events.js` reports; `body` is HTML made here, `label` is plain text."""
    attributes = "".join(f' data-{name}="{text(str(value))}"' for name, value in data.items())
    return (
        f'<button type="button" class="fn-action {css}" data-act="{kind}"{attributes} '
        f'aria-label="{text(label)}" title="{text(label)}">{body}</button>'
    )


def address(url: str) -> str:
    """A web address as a button that shows it and asks; nothing in a text is ever a live link."""
    shown = text(url)
    return f'<button type="button" class="fn-address" data-act="link" data-url="{shown}">{shown}</button>'


def spanned(value: str, spans: Iterable[Span]) -> str:
    """The text with classes on its stretches; overlapping ones are cut so that tags always nest.

    They end at the asterisks of bold words too, and go on behind them.

    >>> spanned("a<b", [(0, 2, "hot")])
    '<mark class="hot">a&lt;</mark>b'
    """
    inside = [(max(0, start), min(len(value), end), css) for start, end, css in spans]
    inside = [span for span in inside if span[0] < span[1]]
    signs = [match.span(group) for match in BOLD.finditer(value) for group in (1, 2)] if inside else []
    edges = [(start, end) for start, end, _ in inside] + signs
    cuts = sorted({0, len(value), *(cut for edge in edges for cut in edge)})
    pieces: list[str] = []
    for start, end in pairwise(cuts):
        is_sign = any(left <= start and end <= right for left, right in signs)
        classes = sorted(
            {css for left, right, css in inside if left <= start and end <= right and not is_sign}
        )
        piece = text(value[start:end])
        pieces.append(f'<mark class="{" ".join(classes)}">{piece}</mark>' if classes else piece)
    return "".join(pieces)


def emphasised(escaped: str) -> str:
    """Bold, code and the words of links as they are meant, in text that is escaped already.

    Nothing that holds a tag is touched, so that tags still nest; a link shows its words and,
    under the pointer, its address, but leads nowhere.
    """
    for pattern, shown in INLINE:
        escaped = pattern.sub(shown, escaped)
    return escaped


def whole_emphasis(value: str, start: int, end: int) -> tuple[int, int]:
    """The stretch widened to the bold words, code or link it begins or ends in: tags could not nest else."""
    for pattern, _ in INLINE:
        for match in pattern.finditer(value):
            if match.start() < end and start < match.end():
                start, end = min(start, match.start()), max(end, match.end())
    return start, end


def linked(value: str) -> str:
    """Escaped text with its emphasis, whose web addresses are buttons that ask first."""
    pieces: list[str] = []
    position = 0
    for match in ADDRESS.finditer(value):
        pieces += [emphasised(text(value[position : match.start()])), address(match.group())]
        position = match.end()
    return "".join([*pieces, emphasised(text(value[position:]))])


def question_words(question: str) -> list[str]:
    """The question's words worth marking in a passage, case-folded, longest first."""
    words: dict[str, None] = {}
    for match in WORD.finditer(question):
        word = match.group()
        if CJK.search(word):
            words.update(dict.fromkeys(word[i : i + 2] for i in range(max(1, len(word) - 1))))
        elif is_function_word(word.casefold()):
            continue
        elif len(word) >= SHORTEST_WORD or any(c.isdigit() for c in word) or word.isupper():
            words[word.casefold()] = None
    return sorted(words, key=len, reverse=True)


def word_spans(passage: str, words: Sequence[str], css: str = "fn-word") -> list[Span]:
    """Where the passage uses the words, or a word that begins like one (its plural, its past tense)."""
    spans: list[Span] = []
    for match in WORD.finditer(passage):
        word = match.group().casefold()
        if CJK.search(word):
            for piece in words:
                spans += [
                    (match.start() + m.start(), match.start() + m.end(), css) for m in find_all(word, piece)
                ]
        elif any(same_stem(word, other) for other in words):
            spans.append((match.start(), match.end(), css))
    return spans


def find_all(word: str, piece: str) -> list[re.Match[str]]:
    """Every place of a piece of CJK text."""
    return list(re.finditer(re.escape(piece), word)) if CJK.search(piece) else []


def same_stem(word: str, other: str) -> bool:
    """Equal, or alike up to an ending: 'report' and 'reported', 'policy' and 'policies'."""
    if word == other:
        return True
    shared = min(len(word), len(other)) - 1
    return shared >= SHORTEST_WORD and abs(len(word) - len(other)) <= 3 and word[:shared] == other[:shared]


MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
LINKING = re.compile(r"://|www\.|@", re.IGNORECASE)


def label(value: str) -> str:
    """Untrusted text for a widget's label, which Streamlit reads as Markdown: nothing in it acts.

    A word joiner breaks what would become a link even when escaped (`https://…`, `www.…`, `@`).
    """
    broken = re.sub(
        r"(?i)(://|www\.|@)", lambda match: match.group()[:1] + "\u2060" + match.group()[1:], value
    )
    return MARKDOWN.sub(r"\\\1", " ".join(broken.split()))
