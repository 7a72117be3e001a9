"""The words that name a group of texts: as written, without function words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import regex

from rag.store import PointLabel
from rag.text.words import fold, is_function_word, words

_ADDRESS = re.compile(r"https?://\S+|\S+@\S+|!?\[|\]\([^)]*\)|<[^>]+>")
_NAME_JOINT = re.compile(r"[-_/. ]+")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}]*(?:[-_.][\p{L}\p{N}]+)*")
_CONTRACTED = re.compile(r"['’](?:s|t|ll|re|ve|d|m)\b", re.IGNORECASE)
_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{2,}")
MIN_LETTERS = 3
_FILLERS = frozenset(
    """see use used using uses get got make made one two new like just need way want work works example here
    can don doesn didn isn won out up only how all more most other each then them also now wanted first last
    following add added here there them very much many well back time through instead few run running create
    https http www com org html true false none null self def var let const print return import""".split()  # noqa: SIM905
)


def telling_words(text: str) -> list[str]:
    """The words of a text that may name it, in lower case, repeated as often as they occur.

    Scripts without spaces give pairs of letters.
    """
    text = _CONTRACTED.sub("", _ADDRESS.sub(" ", text))
    found = [
        match.group().casefold() for match in _WORD.finditer(text) if not _SPACELESS.search(match.group())
    ]
    pairs = [pair for run in _SPACELESS.findall(text) for pair in words(run)]
    return [word for word in found if _tells(word)] + pairs


def _tells(word: str) -> bool:
    return len(word) >= MIN_LETTERS and word not in _FILLERS and not is_function_word(fold(word))


def naming_words(label: PointLabel) -> list[list[str]]:
    """The words of a document's title, in a row, and each of its path by itself."""
    name = " ".join(_NAME_JOINT.split(str(PurePosixPath(label.doc).with_suffix(""))))
    return [telling_words(label.title), *([word] for word in telling_words(name))]


def as_written(term: str, titles: Sequence[str]) -> str:
    """A term as most titles write it; a capital that only begins titles is none of its own."""
    pattern = re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
    forms: Counter[str] = Counter()
    for title in titles:
        for match in pattern.finditer(title):
            form = match.group()
            forms[form.lower() if not match.start() and form == form.capitalize() else form] += 1
    return max(forms, key=lambda form: (forms[form], form), default=term)


def distinct(terms: list[str], count: int) -> list[str]:
    """The first terms of which none is a form or a part of another: "plugin" stands for "plugins" too."""
    kept: list[str] = []
    for term in terms:
        there = [part for other in kept for part in other.split()]
        if not any(
            part.startswith(other[:-1]) or other.startswith(part[:-1])
            for part in term.split()
            for other in there
        ):
            kept.append(term)
        if len(kept) == count:
            break
    return kept
