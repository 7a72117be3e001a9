"""A query as typed, split into what is searched for and what limits the search."""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import regex

from rag.errors import UsageError
from rag.records import DocumentEntry

FilterKind = Literal["doc", "type", "lang", "after", "before"]

_FILTER = regex.compile(
    r'(?<!\S)(?P<kind>collection|doc|type|lang|after|before):(?:"(?P<quoted>[^"]+)"|(?P<bare>\S+))'
)
_PHRASE = regex.compile(r'"([^"]{2,})"|“([^”]{2,})”|„([^“”]{2,})[“”]|«([^»]{2,})»|「([^」]{2,})」')
_EXCLUDED = regex.compile(r"(?<!\S)-(\p{L}[\p{L}\p{M}\p{N}_-]+)(?=\s|$)")
_QUESTION = regex.compile(r"[?？؟\u037e]\s*$")
_DATE = regex.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_GLOB = regex.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Filter:
    """One `kind:value` of a query."""

    kind: FilterKind
    value: str


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`text` is what is searched for, quoted phrases without their quotation marks included.

    `collection` is the one the query names, None where it names none.
    """

    text: str
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    collection: str | None = None


def parse_query(query: str) -> ParsedQuery:
    """Takes `"a phrase"`, `-word`, `doc:*.pdf`, `type:pdf`, `lang:de`, `after:2024-01`, `before:2025` apart.

    `collection:papers` names the collection to search; of several the last counts.

    A query that ends like a question keeps its `-words`: they are far more often a command's options.
    A query of filters only searches for nothing: its `text` is empty.

    Raises:
        UsageError: a date that is no date.
    """
    named = [(match["kind"], match["quoted"] or match["bare"]) for match in _FILTER.finditer(query)]
    filters = tuple(_checked(cast(FilterKind, kind), value) for kind, value in named if kind != "collection")
    collections = [value for kind, value in named if kind == "collection"]
    text = _FILTER.sub(" ", query)
    excluded: tuple[str, ...] = ()
    if not _QUESTION.search(text):
        unquoted = _PHRASE.sub(" ", text)
        excluded = tuple(_EXCLUDED.findall(unquoted))
        for word in excluded:
            text = regex.sub(rf"(?<!\S)-{regex.escape(word)}(?=\s|$)", " ", text)
    phrases = tuple(next(filter(None, groups)).strip() for groups in _PHRASE.findall(text))
    text = _PHRASE.sub(lambda match: f" {next(filter(None, match.groups()))} ", text)
    collection = collections[-1] if collections else None
    return ParsedQuery(" ".join(text.split()), tuple(filter(None, phrases)), excluded, filters, collection)


def plain_query(query: str) -> ParsedQuery:
    """A query that is searched for as it stands: nothing in it is a filter, a phrase or an exclusion."""
    return ParsedQuery(" ".join(query.split()))


def matching(documents: Iterable[DocumentEntry], filters: Sequence[Filter]) -> list[DocumentEntry]:
    """The documents that pass: one filter of each kind given, and all kinds."""
    by_kind: dict[str, list[Filter]] = {}
    for one in filters:
        by_kind.setdefault(one.kind, []).append(one)
    return [
        document
        for document in documents
        if all(any(_passes(document, one) for one in same) for same in by_kind.values())
    ]


def holds_phrase(text: str, phrase: str) -> bool:
    """Whether the text has the phrase's words in order; case, punctuation and white space aside."""
    wanted, there = _plain(phrase), _plain(text)
    if _SPACELESS.search(wanted):
        return wanted.replace(" ", "") in there.replace(" ", "")
    return f" {wanted} " in f" {there} "


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(regex.findall(r"[\p{L}\p{M}\p{N}]+", folded))


def _checked(kind: FilterKind, value: str) -> Filter:
    if kind in ("after", "before") and not _DATE.fullmatch(value):
        raise UsageError(
            f"{kind}:{value} is not a date; write {kind}:2024, {kind}:2024-01 or {kind}:2024-01-31."
        )
    return Filter(kind, value)


def _passes(document: DocumentEntry, one: Filter) -> bool:
    match one.kind:
        case "doc":
            return _named(document.doc, one.value)
        case "type":
            wanted = one.value.casefold().lstrip(".")
            return document.doc.casefold().endswith("." + wanted) or wanted in document.media_type.casefold()
        case "lang":
            return (document.language or "").casefold().split("-")[0] == one.value.casefold()
        case "after":
            return document.date is not None and _day(document.date) >= _day(one.value)
        case "before":
            return document.date is not None and _day(document.date) < _day(one.value)


def _named(doc: str, pattern: str) -> bool:
    """A glob over the path or the file's name; a plain value is a path, a folder or a name."""
    path, wanted = doc.casefold(), pattern.casefold().removeprefix("./")
    name = path.rsplit("/", 1)[-1]
    if _GLOB.search(wanted):
        return fnmatch.fnmatchcase(path, wanted) or fnmatch.fnmatchcase(name, wanted)
    stem = name.rsplit(".", 1)[0]
    return wanted in (path, name, stem) or path.startswith(wanted.rstrip("/") + "/")


def _day(date: str) -> str:
    """The first day that a date, or a year or month, stands for."""
    return (date + "-01-01")[:10] if len(date) < 10 else date[:10]
