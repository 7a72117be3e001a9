"""Comparisons: what changed from one version of a document to another, or where two documents differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.answer.alignment import Comparison, compared, numbered
from rag.answer.named_documents import (
    Scope,
    as_asked,
    bare_name,
    documents_named,
    names_a_kind,
    points_at_scope,
    searched_document,
    several_named,
)
from rag.answer.summary import document_points
from rag.answer.versions import by_age
from rag.interfaces import Embedder, SearchIndex
from rag.records import Change, DocumentEntry
from rag.text.words import fold

# All of these meet folded text.
_PLEASE = r"(?:please |kindly |(?:can|could|would|will) you (?:please )?)?"


def _two(joint: str) -> str:
    """Two names with what joins them."""
    return rf"(?P<a>.+?){joint}(?P<b>.+)"


def _against(joint: str) -> str:
    """Two names of which the second is what the first is held against."""
    return rf"(?P<b>.+?){joint}(?P<a>.+)"


_PAIR = r"(?P<pair>.*?)"
_CHANGED = (
    r"(?:changed|is different|was changed|has changed|changes|is new|new|different|was updated"
    r"|has been changed"
    r"|differs)"
)
_ARE = r"(?:(?:what|which)(?:'s| is| are| were)?|(?:show|list|give|tell)(?: me)?)?(?: ?(?:the|all))?"
_DIFFERENCES = r" ?(?:main |key |most important )?(?:differences?|changes|comparison) (?:between|from|of) "
_GEANDERT = r" (?:geandert|verandert|anders|neu)"
_HAT_SICH = r"was (?:hat sich|ist|sind|wurde)(?: alles)? "
_IN = r"(?:in|im|bei|beim|an|am) "
_VERGLEICHE = r"(?:bitte )?(?:vergleiche?|vergleich|vergleichen sie)(?: mir)?(?: bitte)?"
_BIJIAO = "(?:请|帮我|请帮我)?(?:比较|对比|对照)(?:一下)?"
_QUBIE = "(?:区别|不同|差异|变化|变更|改变|改动)"
_PATTERNS = {
    "en": (
        rf"{_PLEASE}(?:compare|contrast|diff) " + _two(r"(?: with | to | against |,? and | vs\.? | versus )"),
        rf"{_PLEASE}(?:compare|contrast|diff)(?: {_PAIR})?",
        _PLEASE + _ARE + _DIFFERENCES + _two(r"(?: and | to | vs\.? )"),
        rf"what(?:'s| has| have| was)? {_CHANGED} (?:between|from) " + _two(r"(?: and | to | vs\.? )"),
        rf"what(?:'s| has| have| was)? {_CHANGED} in "
        + _against(r"(?:,? (?:compared (?:to|with)|since|relative to|versus|vs\.?|from|over) )"),
        rf"what(?:'s| has| have| was)? {_CHANGED}(?: (?:in|about|with|between) {_PAIR})?",
        r"how (?:do|does|did|has|have) " + _against(r" (?:differ|changed?) (?:from|since) "),
        r"how (?:do|does|did|has|have) " + _two(r" (?:and|compare (?:to|with)) ") + r"?(?: differ| compare)?",
        rf"how (?:do|does|did|has|have) {_PAIR} (?:differ|changed?|compare)",
        _two(r" (?:vs\.?|versus) "),
    ),
    "de": (
        _VERGLEICHE + " " + _two(r"(?: mit |,? und | gegen )"),
        rf"{_VERGLEICHE}(?: {_PAIR})?",
        _HAT_SICH + "(?:zwischen|von) " + _two(r"(?: und | zu[mr]? | auf )") + _GEANDERT,
        _HAT_SICH + _IN + _against(r"(?: gegenuber | im vergleich zu[mr]? | seit )") + _GEANDERT,
        _HAT_SICH + _IN + _PAIR + _GEANDERT,
        rf"was ist neu {_IN}{_PAIR}",
        r"(?:was (?:ist|sind) )?(?:der|die|alle|welche)? ?(?:unterschiede?|anderungen)(?: gibt es)?"
        r" (?:zwischen|von) " + _two(r"(?: und | zu[mr]? )"),
        r"(?:wie|worin) unterscheide[nt] sich " + _against(r" vo[nm] "),
        r"(?:wie|worin) unterscheide[nt] sich " + _two(r" und "),
        _two(r" (?:vs\.?|versus|gegen) "),
    ),
    "zh": (
        _BIJIAO + _two("(?:和|与|跟|同|、)") + f"(?:的?{_QUBIE})?",
        _BIJIAO + _PAIR,
        _two("(?:和|与|跟|同|到)")
        + f"(?:之间)?(?:有(?:什么|哪些|何)|的)?(?:主要)?{_QUBIE}(?:是什么|有哪些)?(?:之处)?",
        _PAIR + "(?:有(?:什么|哪些|何)|发生了什么|有了什么)?(?:变化|变更|改动|改变|更新)(?:了什么)?",
    ),
}
_COMPARE = re.compile(rf"(?:{_PLEASE}(?:compare|contrast|diff)|{_VERGLEICHE}|{_BIJIAO})")
_TOLD = {
    "en": (
        "From {first} to {second}: {changed} changed, {added} added, {removed} removed, {same} unchanged.",
        "{first} and {second} have little in common: {changed} statements on the same matter, then"
        " the main points"
        " that only one of them has.",
        "{first} and {second} say the same: all {same} sentences, items and rows of theirs.",
        " Compared: {share} % of their text.",
    ),
    "de": (
        "Von {first} zu {second}: {changed} geändert, {added} hinzugekommen, {removed} entfallen,"
        " {same} unverändert.",
        "{first} und {second} haben wenig gemeinsam: {changed} Aussagen zur selben Sache, dann die"
        " Hauptpunkte,"
        " die nur in einem stehen.",
        "{first} und {second} sagen dasselbe: alle {same} Sätze, Listenpunkte und Zeilen.",
        " Verglichen: {share} % ihres Textes.",
    ),
    "zh": (
        "从{first}到{second}：修改 {changed} 处，新增 {added} 处，删除 {removed} 处，未变 {same} 处。",
        "{first}和{second}相同之处很少：{changed} 处说的是同一件事，其后是各自独有的要点。",
        "{first}和{second}内容相同：全部 {same} 个句子、列表项和表格行。",
        "已比较其文本的 {share} %。",
    ),
}
_QUOTED = {"en": "“{}”", "de": "„{}“", "zh": "“{}”"}
_ALONE = {
    "en": "{name} is the only one of its name here; name another document to compare it with.",
    "de": "{name} ist hier das einzige dieses Namens; nennen Sie ein zweites Dokument zum Vergleich.",
    "zh": "这里只有一个文档叫{name}；请指明要与哪个文档比较。",
}


@dataclass(frozen=True, slots=True)
class ComparisonQuestion:
    """What is to be compared: two names, or one name of both; `plainly` where the question says "compare"."""

    first: str
    second: str
    language: str
    plainly: bool = False


@dataclass(frozen=True, slots=True)
class Differences:
    """What is told of a comparison, and where the two documents differ."""

    told: str
    changes: tuple[Change, ...] = ()


def comparison_question(question: str) -> list[ComparisonQuestion]:
    """The ways in which a question may ask what two documents differ in; [] for any other question."""
    said = as_asked(question)
    found = []
    plainly = _COMPARE.match(said) is not None
    for language, ways in _PATTERNS.items():
        for match in filter(None, (re.fullmatch(way, said) for way in ways)):
            groups = match.groupdict()
            names = (groups.get("a") or groups.get("pair") or "", groups.get("b") or "")
            first, second = map(bare_name, names)
            found.append(ComparisonQuestion(first, second, language, plainly))
    return found


def differences(
    ways: Sequence[ComparisonQuestion], scope: Scope, *, embedder: Embedder
) -> Differences | None:
    """What two documents differ in; None where a question does not name two."""
    entries = scope.entries if ways else []
    for asked in ways:
        pair = _pair(asked, entries, scope)
        if pair is not None and len(pair) == 1:
            if not (names_a_kind(asked.first) or fold(pair[0].title) == asked.first):
                continue  # "how have prices changed?" asks what the documents say
            name = _QUOTED[asked.language].format(pair[0].title)
            return Differences(_ALONE[asked.language].format(name=name))
        if pair is not None:
            meaning = embedder if _are_kin(*pair) else None
            found = compared(*pair, index=scope.index, collection=scope.collection, embedder=meaning)
            if not asked.plainly and not found.same and not found.count("changed"):
                return None  # two topics that documents are named after, rather than two documents
            return Differences(
                _told(found, asked.language), shown_changes(found, scope.index, scope.collection)
            )
    return None


def _pair(
    asked: ComparisonQuestion, entries: Sequence[DocumentEntry], scope: Scope
) -> Sequence[DocumentEntry] | None:
    """The two documents that are named, an older version first; one where its name has no second."""
    if points_at_scope(asked.first) and not asked.second:
        return by_age(entries, scope.index) if len(entries) == 2 else None
    if not asked.second:
        return _versions(asked.first, (), entries, scope)
    years = _YEAR.findall(f"{asked.first} {asked.second}")
    sides = several_named(f"{asked.first} and {asked.second}", entries, scope.index)
    if len(sides) != 2:
        side = next((name for name in (asked.first, asked.second) if not _VERSION.fullmatch(name)), "")
        apart = any(map(_VERSION.fullmatch, (asked.first, asked.second))) or len(years) > 1
        return _versions(side, years, entries, scope) if apart else None
    pair = [side.entries[0] for side in sides]
    if pair[0].id == pair[1].id:
        return _versions(asked.second, years, entries, scope)
    return by_age(pair, scope.index) if _are_kin(*pair) else pair


_YEAR = re.compile(r"(?:19|20)\d\d")
# A side that says only which version of the other's it is.
_VERSION = re.compile(
    r"(?:(?:19|20)\d\d|old|new|previous|current|last|latest|alten?|neuen?|vorigen?"
    r"|aktuellen?|letzten?|旧|新|上一)(?: (?:version|one|edition|fassung|ausgabe)|版本?|年版?)?"
)


def _versions(
    name: str, years: Sequence[str], entries: Sequence[DocumentEntry], scope: Scope
) -> Sequence[DocumentEntry] | None:
    """Two documents of a name: those of the years, or the newest and the one before it.

    Years that no document has do not count.
    """
    bare = _YEAR.sub(" ", name)
    meant = documents_named(bare, entries, scope.index, surely=True)
    if meant is None:
        meant = searched_document(" ".join([name, *years]), entries, scope.search)
    if meant is None:
        return None
    chosen = meant.entries[0]
    family = [chosen, *(one for one in entries if one.id != chosen.id and _are_kin(one, chosen))]
    kin = by_age(family, scope.index)
    of_years = [one for one in kin if one.date and one.date[:4] in years]
    found = of_years if len(of_years) == 2 else kin[-2:]
    return None if meant.guessed and len(found) == 1 else found


def _are_kin(one: DocumentEntry, other: DocumentEntry) -> bool:
    """Whether two titles, or two file names, differ in numbers alone, or in a further part of the title."""
    same = any(a == b and a for a, b in zip(_bare_names(one), _bare_names(other), strict=True))
    titles = [re.split(r"[:–—(,]", fold(entry.title))[0].strip() for entry in (one, other)]
    return same or titles[0] == titles[1]


def _bare_names(entry: DocumentEntry) -> tuple[str, str]:
    stem = entry.doc.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    bare = (re.sub(r"[\W\d_]+", " ", fold(name)).strip() for name in (entry.title, stem))
    title, file = bare
    return title, file


def shown_changes(found: Comparison, index: SearchIndex, collection: str) -> tuple[Change, ...]:
    """All changes between versions; of other documents only what concerns their main points."""
    return found.changes if found.are_versions else numbered(list(_main(found, index, collection)))


def _main(found: Comparison, index: SearchIndex, collection: str) -> Iterator[Change]:
    yield from (change for change in found.changes if change.kind == "changed")
    for kind, entry in (("removed", found.first), ("added", found.second)):
        points = document_points(index, collection, index.passage_rowids([entry.id]))
        main = {(point.hit.rowid, point.end) for point in points}
        for change in found.changes:
            quote = change.first or change.second
            if change.kind == kind and quote and (quote.hit.rowid, quote.end) in main:
                yield change


def _told(found: Comparison, language: str) -> str:
    versions, different, same, partly = _TOLD[language]
    names = (found.first.title, found.second.title)
    if names[0] == names[1]:
        names = (found.first.doc, found.second.doc)
    first, second = (_QUOTED[language].format(name) for name in names)
    template = same if not found.changes else versions if found.are_versions else different
    told = template.format(
        first=first,
        second=second,
        changed=found.count("changed"),
        added=found.count("added"),
        removed=found.count("removed"),
        same=found.same // 2,
    )
    return told if found.read == 1.0 else told + partly.format(share=round(100 * found.read))
