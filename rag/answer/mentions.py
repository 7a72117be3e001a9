"""What a question names with an @: documents, folders, or a collection."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

import regex

from rag.records import DocumentEntry

_SIGN = regex.compile(r"(?<![\w.@＠])[@＠](?=\S)")
_OPENED, _CLOSED = "\"“„«'‘", "\"”“»'’"
_SPACED = regex.compile(r"[\p{L}\p{N}_--[\p{Han}\p{Hiragana}\p{Katakana}]]", regex.VERSION1)
"""A letter that goes on with a word: scripts without spaces end one anywhere."""

Named = TypeVar("Named")


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A question without the signs; None where it names no collection, or no document."""

    text: str
    collection: str | None = None
    docs: tuple[str, ...] | None = None


def mentioned(
    question: str,
    *,
    collections: Iterable[str],
    entries_of: Callable[[str | None], Sequence[DocumentEntry]],
) -> Mentioned:
    """Takes what an @ names apart: a path, file name, title, folder or collection. The longest name counts.

    A name may stand in quotation marks, and needs none for its spaces. What nothing is called after stays as
    it is (`@dataclass`, a mail address). `entries_of` gives the documents of a collection, None being the one
    that is asked anyway.
    """
    if not _SIGN.search(question):
        return Mentioned(question)
    text, chosen = _without_signs(question, {_folded(name): name for name in collections})
    collection = chosen[-1] if chosen else None
    text, found = _without_signs(text, _names(entries_of(collection)))
    docs = tuple(dict.fromkeys(doc for docs in found for doc in docs))
    return Mentioned(text, collection, docs or None)


def _names(entries: Iterable[DocumentEntry]) -> Mapping[str, tuple[str, ...]]:
    """The documents that go by each name."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in entries:
        path = PurePosixPath(entry.doc)
        folders = (f"{folder}/" for folder in path.parents if folder.name)
        for name in (entry.doc, path.name, path.stem, entry.title, *folders):
            if name.strip():
                names[_folded(name)][entry.doc] = None
    return {name: tuple(docs) for name, docs in names.items()}


def _without_signs(text: str, names: Mapping[str, Named]) -> tuple[str, list[Named]]:
    """The text with the bare name where one was named, and what the names stand for, in order."""
    longest_first = sorted(names, key=len, reverse=True)
    kept, end = "", 0
    found = []
    for sign in _SIGN.finditer(text):
        start = sign.end() + (text[sign.end()] in _OPENED)
        rest = _folded(text[start:])
        name = next((one for one in longest_first if _begins(rest, one)), None)
        if sign.start() < end or name is None or len(rest) != len(text) - start:
            continue
        kept += text[end : sign.start()] + text[start : start + len(name)]
        end = start + len(name)
        end += start > sign.end() and text[end : end + 1] in tuple(_CLOSED)
        found.append(names[name])
    return kept + text[end:], found


def _begins(text: str, name: str) -> bool:
    """Whether a text begins with a name as a whole."""
    goes_on = text[len(name) : len(name) + 1]
    return text.startswith(name) and not (_SPACED.match(goes_on) and _SPACED.match(name[-1]))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()
