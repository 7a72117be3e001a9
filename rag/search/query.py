"""A query as typed, split into what is searched for and what limits the search."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import regex

from rag.errors import UsageError
from rag.records import DocumentEntry
from rag.text.dates import iso_date
from rag.text.facts.words import SCALES, UNITS
from rag.text.file_types import file_types, is_file_type
from rag.text.languages import language_code
from rag.text.words import fold

FilterKind = Literal["doc", "type", "lang", "after", "before", "meta", "scale"]


def _quoted(least: int) -> str:
    """A pattern for a quotation of at least so many characters; the quotation marks of inches are none.

    It holds no second opening mark: looking from each of many marks to the end takes quadratic time.
    """
    pairs = (
        ('(?<!\\d)"', '"', '"'),
        ("“", "“”", "”"),
        ("„", "„“”", "“”"),
        ("«", "«»", "»"),
        ("「", "「」", "」"),
    )
    return "|".join(f"{opened}[^{within}]{{{least},}}[{closed}]" for opened, within, closed in pairs)


_TAIL = ".,;:!?…。，；：！？、؟"  # punctuation that belongs to the sentence, not to the word before it
_FILTER = regex.compile(
    r"(?<!\S)(?:(?P<kind>collection)|(?P<sign>[-－])?(?P<kind>doc|type|lang|after|before|meta|scale))"
    rf"[:：](?P<gap>[ \t]?)(?P<value>{_quoted(1)}|'[^']+'|‘[^‘’]+’|[^\s?!,;:](?:\S*[^\s{_TAIL}])?+)"
    rf"(?P<tail>[{_TAIL}]*+)(?!\S)",
    regex.IGNORECASE,
)
_SIGNED = regex.compile(
    rf"(?<!\S)[-－](?P<barred>{_quoted(1)})|(?P<phrase>{_quoted(2)})"
    r"|(?<!\S)[-－](?P<word>[.#@]?[\p{L}\p{N}]\S*)"
)
_QUESTION = regex.compile(r"[?？؟\u037e]\s*$")
_NUMBER = regex.compile(r"\p{N}[\p{N}.,:/–-]*(?P<unit>[^\p{N}]*)")
_NUMBER_UNITS = frozenset({"", "c", "f", "db", *UNITS, *SCALES})
_YEAR = regex.compile(r"(?:19|20)\d\d(?:[-/.]\d{1,2}){0,2}")
_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
# C, C++ and C# are three words.
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:(?<=\p{L})[+#]+(?![\p{L}\p{N}]))?")
_GLOB = regex.compile(r"[*?\[]")
_GLOB_PART = regex.compile(r"\*\*/|\*|\?|\[!?\]?[^\]]*\]|\[|[^*?\[]+")
_PLAIN_GLOB_PART = regex.compile(r"\*\*/|\*|\?|[^*?]+")  # brackets stand for themselves
_ON_SCALE = re.compile(r"(?P<name>.+?)(?:(?P<than>[<>])=?(?P<score>-?\d*\.?\d+)|=(?P<class>.+))")
_FILE = regex.compile(r"[*/\\]|\.\w{1,8}$")


@dataclass(frozen=True, slots=True)
class Filter:
    """One `kind:value` of a query; an excluded one keeps the documents out that it would let pass."""

    kind: FilterKind
    value: str
    excluded: bool = False

    def __str__(self) -> str:
        return f"{'-' if self.excluded else ''}{self.kind}:{_typed(self.value)}"


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

    @property
    def limits(self) -> tuple[str, ...]:
        """What limits the search, as one types it: filters, the collection, what is excluded."""
        collection = [f"collection:{_typed(self.collection)}"] if self.collection else []
        words = [
            f"-{word}" if parse_query(f"-{word}").excluded == (word,) else f'-"{word}"'
            for word in self.excluded
        ]
        return (*map(str, self.filters), *collection, *words)


def _typed(value: str) -> str:
    return f'"{value}"' if " " in value else value


def parse_query(query: str) -> ParsedQuery:
    """Takes `"a phrase"`, `-word`, `doc:*.pdf`, `type:pdf`, `lang:de`, `after:2024-01`, `before:2025` apart.

    `meta:state=open` keeps rows of a table with that value in that column, and `scale:tone>0.6` or
    `scale:subject=bees` documents by their place on a scale that was saved. `collection:papers` names the
    collection to search; of several the last counts. A filter may be
    written with a capital, a blank behind its colon or a full-width one, and its value in quotation
    marks; punctuation behind the value is the sentence's. `-type:pdf` keeps PDFs out. What looks like a
    filter in a question, and has a type, language or date that there is not, is text.

    `-word` and `-"a phrase"` leave passages out. A hyphen excludes nothing when it stands by itself,
    before another one (`--all`), or before a single letter (`-r`), and before a number, with a unit or
    without: that is a negative number or a range. A year is left out (`budget -2019`), unless a number is
    before it; `-"4711"` leaves any number out. A query that ends like a question keeps its `-words`: they
    are far more often a command's options.

    A query of filters only searches for nothing: its `text` is empty.

    Raises:
        UsageError: a date that is no date.
    """
    is_question = any(_QUESTION.search(text) for text in (query, _FILTER.sub("", query)))
    text, named = _without_filters(query, is_question)
    text, phrases, excluded = _without_signs(text, is_question)
    filters = tuple(_checked(*one) for one in named if one[0] != "collection")
    collections = [value for kind, value, _ in named if kind == "collection"]
    collection = collections[-1] if collections else None
    return ParsedQuery(" ".join(text.split()), phrases, excluded, filters, collection)


def plain_query(query: str) -> ParsedQuery:
    """A query that is searched for as it stands: nothing in it is a filter, a phrase or an exclusion."""
    return ParsedQuery(" ".join(query.split()))


def matching(documents: Iterable[DocumentEntry], filters: Sequence[Filter]) -> list[DocumentEntry]:
    """The documents that pass: one filter of each kind given, all kinds, and no excluded one."""
    by_kind: dict[str, list[_Test]] = {}
    for one in filters:
        if not one.excluded:
            by_kind.setdefault(one.kind, []).append(_test(one))
    barred = [_test(one) for one in filters if one.excluded]
    return [
        document
        for document in documents
        if all(any(passes(document) for passes in same) for same in by_kind.values())
        and not any(passes(document) for passes in barred)
    ]


def holds_phrase(text: str, phrase: str) -> bool:
    """Whether the text has the phrase's words in order; case, punctuation and white space aside."""
    wanted, there = _plain(phrase), _plain(text)
    if _SPACELESS.search(wanted):
        return wanted.replace(" ", "") in there.replace(" ", "")
    return f" {wanted} " in f" {there} "


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


_Named = tuple[str, str, bool]
_Test = Callable[[DocumentEntry], bool]
_Part = str | re.Pattern[str]


def _without_filters(query: str, is_question: bool) -> tuple[str, list[_Named]]:
    """The rest of the query, and (kind, value, excluded) of each filter in it."""
    text, end = "", 0
    named = []
    for match in _FILTER.finditer(query):
        kind, value, gap = match["kind"].lower(), match["value"], bool(match["gap"])
        quoted = value[0] in "\"“„«「'‘" and len(value) > 2
        value = value[1:-1] if quoted else value
        if not _is_filter(kind, value, gap=gap and not quoted, is_question=is_question):
            continue
        text += query[end : match.start()]
        if text.strip() and _QUESTION.search(match["tail"]):
            text = text.rstrip() + match["tail"][-1]
        named.append((kind, value, bool(match["sign"])))
        end = match.end()
    return text + query[end:], named


def _is_filter(kind: str, value: str, *, gap: bool, is_question: bool) -> bool:
    """Whether `kind:value` is meant as a filter, since prose has colons too; `gap` is a blank between."""
    if kind == "collection":
        return not gap
    if kind == "doc":
        return not gap or _FILE.search(value) is not None
    if kind == "meta":
        return not gap and "=" in value[1:]
    if kind == "scale":
        return not gap and _ON_SCALE.fullmatch(value) is not None
    if kind == "type":
        known = is_file_type(value)
    elif kind == "lang":
        known = language_code(value) is not None
    else:
        known = iso_date(value) is not None or (not gap and value[0].isdigit())
    return known and not is_question if gap else known or not is_question


def _without_signs(text: str, is_question: bool) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The text without quotation marks and exclusions, the phrases, and what is excluded."""
    kept, end = "", 0
    phrases, excluded = [], []
    for match in _SIGNED.finditer(text):
        kept += text[end : match.start()]
        end = match.end()
        if match["phrase"]:
            phrases.append(match["phrase"][1:-1].strip())
            kept += f" {phrases[-1]} "
        elif barred := _excluded(match, kept, is_question):
            excluded.append(barred)
            kept += " "
        else:
            kept += match[0]
    return kept + text[end:], tuple(filter(None, phrases)), tuple(excluded)


def _excluded(match: regex.Match[str], before: str, is_question: bool) -> str | None:
    """What a hyphen excludes, None where it means something else (see `parse_query`)."""
    if match["barred"]:
        return match["barred"][1:-1].strip()
    word = match["word"].rstrip(_TAIL)
    if is_question or (len(word) == 1 and word.upper() != word.lower()):
        return None
    number = _NUMBER.fullmatch(word)
    if number and fold(number["unit"]) in _NUMBER_UNITS:
        follows_number = before.rstrip()[-1:].isdigit()
        return word if _YEAR.fullmatch(word) and not follows_number else None
    return word


def _checked(kind: str, value: str, excluded: bool) -> Filter:
    if kind in ("after", "before"):
        date = iso_date(value)
        if date is None:
            raise UsageError(
                f"{kind}:{value} is not a date; write {kind}:2024, {kind}:2024-01 or {kind}:2024-01-31."
            )
        value = date
    return Filter(cast(FilterKind, kind), value, excluded)


def _test(one: Filter) -> _Test:
    """Whether a document passes one filter, whether that is an excluded one or not."""
    match one.kind:
        case "doc":
            names = _names(one.value)
            return lambda document: names(_name(document.doc))
        case "type":
            types = file_types(one.value)
            return lambda document: not types.isdisjoint(_types_of(document))
        case "lang":
            code = language_code(one.value)
            return lambda document: document.language is not None and document.language == code
        case "meta":
            return _holds(*map(str.strip, one.value.split("=", 1)))
        case "scale":
            return _lies(one.value)
        case "after":
            first = _day(one.value)
            return lambda document: document.date is not None and _day(document.date) >= first
        case "before":
            end = _day(one.value)
            return lambda document: document.date is not None and _day(document.date) < end


def _holds(column: str, value: str) -> _Test:
    """Whether a column of the row a document is made of has a value: case aside, with `*` and `?` in it."""
    wanted = re.compile(fnmatch.translate(value.casefold()))

    def test(document: DocumentEntry) -> bool:
        held = document.metadata.get(column)
        values = held if isinstance(held, list) else [held]
        return column in document.metadata and any(
            wanted.match(str("" if each is None else each).casefold()) for each in values
        )

    return test


def _lies(value: str) -> _Test:
    """Whether a document's score on a saved scale is above or below a number, or its class is that one."""
    match = _ON_SCALE.fullmatch(value)
    assert match is not None  # else it is no filter
    name = match["name"].strip().casefold()

    def test(document: DocumentEntry) -> bool:
        if name not in document.scales:
            return False
        class_, score = document.scales[name]
        if match["class"]:
            return class_ == match["class"].strip().casefold()
        return score > float(match["score"]) if match["than"] == ">" else score < float(match["score"])

    return test


def _names(value: str) -> Callable[[str], bool]:
    """Whether it names a path: the path, its end, a folder on it, or a name with its ending or without.

    It may hold `*`, `?`, `[…]` and `**/`. Brackets stand for themselves too: "[2024] report.pdf" is a name.
    """
    wanted = _name(value).removeprefix("./").strip("/")
    plain = re.compile(rf"(?:^|/){re.escape(wanted)}(?:$|/|\.[^./]*$)")
    if not _GLOB.search(wanted):
        return lambda name: plain.search(name) is not None
    globs: list[list[_Part]] = [
        [_class(part) or part for part in _GLOB_PART.findall(wanted)],
        _PLAIN_GLOB_PART.findall(wanted),
    ]
    return lambda name: plain.search(name) is not None or any(_fits(glob, name) for glob in globs)


def _class(part: str) -> re.Pattern[str] | None:
    """What `[…]` stands for; None for another part of a glob."""
    return re.compile(fnmatch.translate(part)) if part[0] == "[" and len(part) > 2 else None


def _fits(glob: Sequence[_Part], name: str) -> bool:
    """Whether a glob's parts fit the end of a path, from the beginning of one of its names.

    Bit n of `reached` says that what was looked at so far fits up to character n. All ways are followed
    at once, so the time grows with the lengths alone: a regular expression tries each `**/` after another.
    """
    everywhere = (1 << len(name) + 1) - 1
    behind_slashes = _places("/", name) << 1
    reached = 1 | behind_slashes
    for part in glob:
        onwards = everywhere & -(reached & -reached)
        if isinstance(part, re.Pattern):
            reached = (reached & _places_of_class(part, name)) << 1
        elif part == "**/":
            reached |= onwards & behind_slashes
        elif part == "*":
            reached = onwards
        elif part == "?":
            reached = reached << 1 & everywhere
        else:
            reached = (reached & _places(part, name)) << len(part)
    return bool(reached >> len(name))


def _places(text: str, name: str) -> int:
    """Where a path has this text, as bits."""
    found, place = 0, name.find(text)
    while place >= 0:
        found |= 1 << place
        place = name.find(text, place + 1)
    return found


def _places_of_class(part: re.Pattern[str], name: str) -> int:
    """Where a path has a character of a class, as bits."""
    return sum(1 << place for place, character in enumerate(name) if part.match(character))


def _name(path: str) -> str:
    """A path as it is compared: macOS stores decomposed letters, Windows writes backslashes."""
    return unicodedata.normalize("NFC", path.casefold()).replace("\\", "/")


def _types_of(document: DocumentEntry) -> tuple[str, str, str]:
    """The ending of its name, its media type, and that without what is before the slash."""
    media_type = document.media_type.casefold()
    return _name(document.doc).rsplit(".", 1)[-1], media_type, media_type.rsplit("/", 1)[-1]


def _day(date: str) -> str:
    """The first day that a date, or a year or month, stands for."""
    return (date + "-01-01")[:10] if len(date) < 10 else date[:10]
