"""Versions of the same document: which one is in force, and which one a question asks for."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import PurePosixPath

from rag.interfaces import SearchIndex
from rag.records import DocumentEntry, Hit, Superseded
from rag.text.dates import date_in_name
from rag.text.validity import READ, Validity, validity, version_in
from rag.text.words import content_words, fold, stem

SAYS_AS_MUCH = 7.0
"""A version whose best passage is further behind the best of another does not speak of what is asked."""
SAYS_ENOUGH = 10.0
"""The same where the question names a year: the reader may prefer the other version by 7.4."""
SAYS_THE_SAME = 2.0
"""The same for documents that only the years in their names tell apart: they may be minutes or reports."""

_YEAR = re.compile(r"(?<![\d-])(?:19|20)\d\d(?![\d-])")
_NOUN = (
    r"(?:version|polic|rule|list|agreement|handbook|guideline|edition|limit|rate|price|allowance|contract|terms|pilot"
    r"|fassung|richtlinie|regel|ordnung|preis|grenze|satz|vereinbarung"
    r"|politique|règle|prix|tarif|accord|polític|precio|tarifa|norma|acuerdo|límite)"
)
_PAST = re.compile(
    r"\b(?:old|older|previous|former|earlier|prior|superseded|outdated|alte[nrs]?|frühere[nrs]?|vorherige[nrs]?|bisherige[nrs]?"
    rf"|ancienne?s?|précédente?s?|antiguo?a?s?|anterior(?:es)?)\b(?=\W+(?:\w+\W+){{0,2}}{_NOUN})"
    rf"|(?<=\w )(?:précédente?s?|anterior(?:es)?)\b"
    r"|\b(?:previously|formerly|used to be|früher|bisher|auparavant|antes)\b|以前|之前|旧|原来",
    re.IGNORECASE,
)
_UNDER = re.compile(r"\b(?:under|according to|gemäß|laut|selon|según)\b|根据|按照", re.IGNORECASE)
"""Before the version that is asked for: "under the old rules"."""
_BOTH = re.compile(
    r"\b(?:chang\w+|differ\w*|compar\w+|versus|vs|than before|increased?|raised"
    r"|geändert|änder\w+|unterschied\w*|vergleich\w*"
    r"|chang[ée]\w*|différen\w+|cambi\w+|diferencia\w*)\b|变化|区别|比较|不同",
    re.IGNORECASE,
)
_STATUS = frozenset(
    """v ver version rev revision final draft old new alt neu archive archived current copy superseded edition
    fassung entwurf ausgabe ancien nouveau nueva antigua versión""".split()  # noqa: SIM905
)
_WORDS = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Version:
    """A document as a version; `followed_on` is when the next one began, None where that is not known."""

    entry: DocumentEntry
    said: Validity
    followed_on: str | None = None

    @property
    def begins(self) -> str:
        """From when it is in force, ISO 8601; "" where neither text nor name says so."""
        return self.said.starts or date_in_name(self.entry.doc) or ""

    @property
    def number(self) -> tuple[int, ...]:
        """The version number in the text or in the file's name; () of none."""
        return self.said.version or self.numbered

    @property
    def numbered(self) -> tuple[int, ...]:
        """The version number in the file's name; () of none."""
        return version_in(PurePosixPath(self.entry.doc).stem)

    @property
    def is_over(self) -> bool:
        """Whether it says that it has been replaced, or until when it holds."""
        return self.said.replaced or self.said.ends is not None

    def is_in_force(self, day: str) -> bool:
        """Whether it is valid on a day, as far as it says."""
        begun = self.said.starts is None or self.said.starts <= day
        return begun and not self.said.replaced and (self.said.ends is None or self.said.ends >= day)


@dataclass(frozen=True, slots=True)
class Preferred:
    """Hits, best first, once a version has been chosen.

    `others` are the ids of documents of which another version is asked for. `question` is what is asked
    of the hits: without the year or the "old" that has chosen the version, which no passage need say again.
    """

    hits: list[Hit]
    question: str
    others: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions among the documents of some hits: families in order, oldest first."""

    families: tuple[tuple[Version, ...], ...] = ()
    today: str = field(default_factory=lambda: date.today().isoformat())

    @classmethod
    def among(cls, hits: Sequence[Hit], index: SearchIndex, collection: str) -> Versions:
        """Finds documents of one name, years and version numbers aside, and those that name one another."""
        found = {hit.document_id for hit in hits}
        entries = index.layout(collection).entries
        names = {_name(entry.doc, entry.title) for entry in entries if entry.id in found} - {
            ("", frozenset())
        }
        near = [entry for entry in entries if entry.id in found or _name(entry.doc, entry.title) in names]
        openings = index.openings([entry.id for entry in near], READ)
        every = [Version(entry, validity(openings.get(entry.id, ""))) for entry in near]
        return cls(tuple(_families(every)))

    @classmethod
    def of(cls, every: Sequence[Version], today: str) -> Versions:
        """The families among documents that were read already."""
        return cls(tuple(_families(every)), today)

    def superseded(self) -> dict[int, Superseded]:
        """What follows each document that is no longer in force, by the document's id."""
        found = {}
        for family in filter(_are_declared, self.families):
            current = self._in_force(family, self.today)
            for one in family[: family.index(current)]:
                found[one.entry.id] = Superseded(current.entry.doc, one.followed_on)
        return found

    def preferred(self, question: str, hits: Sequence[Hit], *, most: int | None = None) -> Preferred:
        """The `most` first hits with those of the version that suits the question's time before its others.

        A version that does not speak of what is asked is not preferred. Of copies of a passage one is left.
        """
        years = set(_YEAR.findall(question))
        if _BOTH.search(question) or len(years) > 1:
            return Preferred(_without_copies(hits)[:most], question)
        others: dict[int, float] = {}
        for family in self.families:
            wanted = _named_in(question, family) or self._wanted(
                family, years, past=bool(_PAST.search(question))
            )
            best = {wants: _best(hits, family, wanted, wants) for wants in (True, False)}
            far = (SAYS_ENOUGH if years else SAYS_AS_MUCH) if _are_declared(family) else SAYS_THE_SAME
            if best[True] >= best[False] - far:
                others |= {one.entry.id: best[True] for one in family if one not in wanted}
        lowered = [replace(hit, score=min(hit.score, others.get(hit.document_id, math.inf))) for hit in hits]
        # Of equal scores the version asked for comes first.
        lowered.sort(key=lambda hit: (-hit.score, hit.document_id in others))
        said = _UNDER.sub(" ", _PAST.sub(" ", _YEAR.sub(" ", question))) if others else question
        return Preferred(_without_copies(lowered, others)[:most], " ".join(said.split()), frozenset(others))

    def _wanted(self, family: Sequence[Version], years: set[str], *, past: bool) -> list[Version]:
        current = self._in_force(family, self.today)
        if years and not all(one.begins for one in family):
            return list(family)  # which of them held then is not known
        if years:
            return [self._in_force(family, f"{min(years)}-12-31")]
        return [one for one in family if (one is current) is not past]

    @staticmethod
    def _in_force(family: Sequence[Version], day: str) -> Version:
        """The last version that has begun by that day; the first where none has."""
        begun = [one for one in family if one.begins <= day]
        return begun[-1] if begun else family[0]


def _named_in(question: str, family: Sequence[Version]) -> list[Version]:
    """The versions that a question names by a word which no other version is called: "the pilot"."""
    asked = _stems(question)
    called = [
        _stems_without_version(f"{PurePosixPath(one.entry.doc).stem} {one.entry.title}") for one in family
    ]
    spread = Counter(word for words in called for word in words)
    own = [{word for word in words if spread[word] == 1} & asked for words in called]
    found = [one for one, named in zip(family, own, strict=True) if named]
    return found if len(found) < len(family) else []


def by_age(entries: Sequence[DocumentEntry], index: SearchIndex) -> list[DocumentEntry]:
    """Documents, oldest first: by from when they say they hold, the date of their own, or their number.

    The time of a file is that of its copying, and does not count.
    """
    openings = index.openings([entry.id for entry in entries], READ)

    def age(entry: DocumentEntry) -> tuple[bool, str, tuple[int, ...], str]:
        version = Version(entry, validity(openings.get(entry.id, "")))
        own = None if entry.undated else entry.date
        return not version.is_over, version.begins or own or "", version.number, entry.doc

    return sorted(entries, key=age)


def same_but_for_version(one: DocumentEntry, other: DocumentEntry) -> bool:
    """Whether two documents are called the same, years and version numbers aside, and not just the same."""
    names = _name(one.doc, one.title), _name(other.doc, other.title)
    titles = [_stems_without_version(entry.title) for entry in (one, other)]
    alike = (names[0] == names[1] and names[0][1]) or (titles[0] == titles[1] and len(titles[0]) > 1)
    written = [(PurePosixPath(entry.doc).stem, entry.title) for entry in (one, other)]
    return bool(alike) and written[0] != written[1]


def _without_copies(hits: Sequence[Hit], others: Container[int] = ()) -> list[Hit]:
    """The hits with each text once, where it is found first: that of no other version, if there is one."""
    found: dict[str, Hit] = {}
    for hit in hits:
        text = fold(hit.passage.text)
        if text not in found or (found[text].document_id in others and hit.document_id not in others):
            found[text] = hit
    return list(found.values())


def _are_declared(family: Sequence[Version]) -> bool:
    """Whether one says from when it is in force or what it replaces, or the names have version numbers."""
    return any(one.said for one in family) or all(one.numbered for one in family)


def _best(hits: Sequence[Hit], family: Sequence[Version], wanted: Sequence[Version], wants: bool) -> float:
    """The best score of a family's versions: those wanted, or the others."""
    ids = {one.entry.id for one in family if (one in wanted) is wants}
    return max((hit.score for hit in hits if hit.document_id in ids), default=-math.inf)


def _families(every: Sequence[Version]) -> list[tuple[Version, ...]]:
    """Versions of one document together, oldest first, each with its successor."""
    groups = [list(group) for _, group in groupby(sorted(every, key=_key), key=_key)]
    for group in list(groups):
        if len(group) == 1:
            _join(group, groups)
    return [tuple(_linked(ordered)) for group in groups if (ordered := _in_order(group))]


def _in_order(group: Sequence[Version]) -> list[Version]:
    """Versions, oldest first; [] where what they say and are called does not tell their order.

    A document that tells nothing is the current one if all others are over; else it has no place.
    """
    over = {one.entry.id for one in group if one.is_over or any(_names(other, one) for other in group)}
    telling = [one for one in group if one.entry.id in over or one.begins or one.number or one.said.replaces]
    if len(group) - len(telling) == 1 and len(over) == len(telling):
        telling = list(group)
    dated, numbered = all(one.begins for one in telling), all(one.number for one in telling)

    def place(one: Version) -> tuple[bool, str, tuple[int, ...]]:
        return one.entry.id not in over, one.begins if dated else "", one.number if dated or numbered else ()

    return sorted(telling, key=place) if len(set(map(place, telling))) == len(telling) > 1 else []


def _key(one: Version) -> tuple[str, list[str], int]:
    folder, words = _name(one.entry.doc, one.entry.title)
    return folder, sorted(words), 0 if words else one.entry.id


def _join(lone: list[Version], groups: list[list[Version]]) -> None:
    """Adds a document to the group that it, or that group, names as its successor or predecessor."""
    (one,) = lone
    for group in groups:
        if group is not lone and any(_names(one, other) or _names(other, one) for other in group):
            group.append(one)
            groups.remove(lone)
            return


def _names(later: Version, earlier: Version) -> bool:
    """Whether one says that it follows the other, or the other that it is followed by it.

    A name is two words at least of a document's title and file name.
    """
    return _is_called(earlier, later.said.replaces) or _is_called(later, earlier.said.replaced_by)


def _is_called(one: Version, name: str) -> bool:
    words = _stems(name) if name else set()
    return len(words) > 1 and words <= _stems(f"{PurePosixPath(one.entry.doc).stem} {one.entry.title}")


def _linked(ordered: Sequence[Version]) -> list[Version]:
    followers: list[Version | None] = [*ordered[1:], None]
    return [
        replace(one, followed_on=next_.said.starts or one.said.ends) if next_ else one
        for one, next_ in zip(ordered, followers, strict=True)
    ]


@lru_cache(maxsize=20_000)
def _name(doc: str, title: str) -> tuple[str, frozenset[str]]:
    """A document's folder and the stems of its name, or of its title where that is a date alone."""
    path = PurePosixPath(doc)
    folder = "/".join(part for part in path.parts[:-1] if _stems_without_version(part))
    return folder, _stems_without_version(path.stem) or _stems_without_version(title)


def _stems_without_version(text: str) -> frozenset[str]:
    """The stems of a name, without years, version numbers and words such as "final"."""
    words = _WORDS.findall(
        re.sub(r"(?<![^\W_])v(?:er|ersion)?[._ ]?\d+(?:\.\d+)*(?![^\W_])|(?:19|20)\d\d", " ", fold(text))
    )
    return frozenset(stem(word) for word in words if word not in _STATUS)


def _stems(text: str) -> set[str]:
    return {stem(word) for word in content_words(text)}
