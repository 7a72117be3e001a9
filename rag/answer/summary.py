"""Summaries: the main points of a document, of several, or of a collection, each quoted in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.answer.key_sentences import key_sentences
from rag.answer.named_documents import (
    Meant,
    Scope,
    as_asked,
    bare_name,
    documents_named,
    means_all,
    names_a_kind,
    nearest_document,
    points_at_scope,
    searched_document,
    several_named,
)
from rag.interfaces import SearchIndex, Vectors
from rag.records import DocumentEntry, Evidence

MOST_TOLD_EACH = 8
"""So many documents are told one by one; of more, some stand for the others."""
SENTENCES = 12
"""Of several documents together, at least two each."""
GROUPS = 8
COMPARED_DOCUMENTS = 3_000
COMPARED_PASSAGES = 30_000

# All of these meet folded text. The first ask for a summary and nothing else; "what is X about?" asks for one
# only where X is the name of a document, and "explain X" where X says that it is one: "the leave policy".
_PLEASE = (
    r"(?:please |kindly |(?:can|could|would|will) you (?:please )?|i (?:need|want|would like) (?:you to )?)?"
)
_SHORT = r"(?:(?:very |really )?(?:short|brief|quick|concise|high-level|rough) )?"
_NAME = r"(?P<name>.*?)"
_NAMED = rf"(?: (?:(?:the )?(?:contents?|text|main points|key points) of )?{_NAME})?"
_TAIL = (
    r"(?:,? (?:please|for me|in short|briefly|in brief|quickly|as (?:a list|bullets|bullet points)"
    r"|in (?:a few|one|two|three|four|five|\d+) (?:words|sentences?|points?|bullets?|bullet points|lines)))*"
)
_SURE = {
    "en": (
        rf"{_PLEASE}(?:summari[sz]e|sum up|recap|condense){_NAMED}{_TAIL}",
        rf"{_PLEASE}(?:(?:give|show|write|make|get|have)(?: me| us)? )?(?:a |an |the )?{_SHORT}"
        rf"(?:summary|overview|outline|synopsis|gist|abstract|tl;?dr)(?: (?:of|for|on|about"
        rf"|over) {_NAME})?{_TAIL}",
        rf"(?:(?:what|which) (?:are|is|were) |what's |{_PLEASE}(?:list|give me|show me|name|tell me"
        rf"|extract) )?(?:the |some )?"
        r"(?:\d+ |three |four |five )?(?:main|key|central|most important|essential|major|core)"
        rf" (?:points?|takeaways?|ideas?|messages?|findings?|contents?|topics?|statements?|facts?"
        rf"|insights?|themes?|conclusions?|lessons?)"
        rf"(?: (?:of|in|from|to take from|made (?:in|by)) {_NAME})?{_TAIL}",
        rf"tl;?dr:? ?(?:of |for )?{_NAME}",
        r"(?P<name>.+?)(?:,|:| -)? (?:tl;?dr|in a nutshell|in short|in brief)",
        rf"what are {_NAME} (?:all )?about",
        r"what (?:is|'s) (?P<name>this|it|this (?:document|file|collection|library|all)"
        r"|everything here|all this) (?:all )?about",
    ),
    "de": (
        rf"(?:bitte )?(?:fass|fasse|fassen sie|kannst du|konnen sie)(?: mir| uns)?(?: bitte)?(?: {_NAME})?"
        r"(?: (?:kurz|bitte|knapp|in (?:wenigen|ein paar|\w+) (?:satzen|worten"
        r"|punkten)))* zusammen(?:fassen)?",
        rf"(?:bitte )?(?:(?:gib|geben sie|erstelle?|schreibe?|mach|zeig)(?: mir"
        rf"| uns)?(?: bitte)? )?(?:eine[nr]? |die |der |den )?"
        rf"(?:kurze[nr]? |knappe[nr]? )?(?:zusammenfassung|ubersicht|uberblick|inhaltsangabe|tl;?dr)"
        rf"(?: (?:von|vom|des|der|zu|zum|zur|uber) {_NAME})?",
        rf"(?:was sind |(?:nenne?|zeige?|gib)(?: mir)? )?(?:die )?(?:wichtigsten|zentralen"
        rf"|wesentlichen|haupt-?)"
        rf" ?(?:punkte|aussagen|inhalte|erkenntnisse|themen|aspekte|ergebnisse|fakten)(?: (?:von|vom"
        rf"|in|im|des|der|aus|aus dem|zu|zum) {_NAME})?",
        rf"worum (?:geht(?:'s| es)?|handelt es sich)(?: (?:in|im|bei|beim) {_NAME})?(?: hier)?",
        rf"wovon handel(?:t|n) {_NAME}",
    ),
    "zh": (
        r"(?:请|请你|帮我|请帮我|麻烦)?(?:给我)?(?:简要|简单|快速)?(?:地)?(?:总结|概括|归纳|概述|摘要|综述)(?:一下)?(?:这[个份篇])?"
        r"[:：]?(?P<name>.*?)(?:的?(?:主要)?(?:内容|要点|重点))?",
        r"(?P<name>.*?)的?(?:主要|核心|关键|重要)(?:内容|要点|观点|信息|结论)(?:是什么|有哪些|是哪些)?",
        r"(?P<name>.*?)的?(?:摘要|概要|要点|总结|概述)(?:是什么|有哪些)?",
        r"(?P<name>.*?)(?:主要)?(?:讲的?是?|讲了|说的?是?|说了|写了)(?:些)?(?:什么|哪些内容)(?:内容)?",
        r"(?P<name>.*?)是关于什么的",
        r"(?:请)?给我(?P<name>.*?)的(?:摘要|概要|总结|概述|概览)",
    ),
}
_PERHAPS = {
    "en": (
        rf"what(?: is|'s) {_NAME} (?:all )?about",
        rf"what does {_NAME} (?:say|contain|cover|deal with|describe|tell us)",
        rf"what(?: is|'s) in {_NAME}",
    ),
    "de": (
        rf"was steht (?:in|im) {_NAME}(?: drin)?",
        rf"was (?:sagt|enthalt|regelt|behandelt) {_NAME}",
    ),
    "zh": (r"(?P<name>.+?)(?:里|里面|中)(?:有|写着?)什么(?:内容)?",),
}
_OF_A_KIND = {
    "en": (
        rf"{_PLEASE}(?:explain|describe|introduce|present){_NAMED}(?: to me)?{_TAIL}",
        rf"(?:tell me|what should i know|what do i need to know) about {_NAME}",
    ),
    "de": (rf"(?:bitte )?(?:erklare?|beschreibe?|erlautere?|erklaren sie)(?: mir)?(?: bitte)? {_NAME}",),
    "zh": (r"(?:请)?(?:给我)?(?:解释|介绍|说明|描述)(?:一下)?(?P<name>.+)",),
}
_NUMBERS = {
    **{
        word: number
        for number, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight"), 1)
    },
    **{
        word: number
        for number, word in enumerate(("einem", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht"), 1)
    },
    **{word: number for number, word in enumerate("一二三四五六七八", 1)},
}
_COUNT = re.compile(
    rf"\b([1-9]\d?|{'|'.join(word for word in _NUMBERS if word.isascii())}) (?:short |main |key "
    rf"|most important )*"
    r"(?:points?|bullets?|bullet points|sentences?|lines|takeaways?|ideas?|satz(?:en)?|satze[n]?"
    r"|punkte[n]?)\b"
    r"|([1-9一二三四五六七八]) ?[个]?(?:句话|句|点|条|要点)"
)
_TOLD = {
    "en": (
        "The main points of “{title}”, quoted: {count} sentences, chosen from all {passages} passages.",
        "The main points of {documents} documents, quoted: {count} sentences, chosen from all"
        " {passages} passages.",
        "{documents} documents. Each of these {count} sentences is from a document that stands for"
        " others like it: {groups}.",
    ),
    "de": (
        "Die wichtigsten Punkte von „{title}“ im Wortlaut: {count} Sätze, ausgewählt aus allen"
        " {passages} Abschnitten.",
        "Die wichtigsten Punkte von {documents} Dokumenten im Wortlaut: {count} Sätze, ausgewählt"
        " aus allen {passages} Abschnitten.",
        "{documents} Dokumente. Jeder dieser {count} Sätze stammt aus einem Dokument, das für"
        " ähnliche steht: {groups}.",
    ),
    "zh": (
        "“{title}”的要点（原文引用）：{count} 句，选自全部 {passages} 个段落。",
        "{documents} 个文档的要点（原文引用）：{count} 句，选自全部 {passages} 个段落。",
        "共 {documents} 个文档。以下 {count} 句各出自一个有代表性的文档：{groups}。",
    ),
}
_SHORT_DOCUMENT = {
    "en": "“{title}” has nothing to quote but this.",
    "de": "„{title}“ enthält nicht mehr zum Zitieren als dies.",
    "zh": "“{title}”中可引用的只有以下内容。",
}
_GROUP = {
    "en": "“{title}” (and {others} more)",
    "de": "„{title}“ (und {others} weitere)",
    "zh": "“{title}”（另有 {others} 个类似）",
}
_ONE = {"en": "“{title}”", "de": "„{title}“", "zh": "“{title}”"}
_ALSO = {
    "en": "Also by this name: {docs}.",
    "de": "Ebenso heißt: {docs}.",
    "zh": "同名文档还有：{docs}。",
}
_GUESSED = {
    "en": "No document is called “{name}”; this is the one closest to it.",
    "de": "Kein Dokument heißt „{name}“; dieses kommt dem am nächsten.",
    "zh": "没有名为“{name}”的文档；以下是最接近的一个。",
}
_NEXT = {
    "en": "The next closest: {docs}.",
    "de": "Danach kommen: {docs}.",
    "zh": "其次接近的是：{docs}。",
}
_SAMPLED = {
    "en": "{read} of {passages} passages were compared.",
    "de": "Verglichen wurden {read} von {passages} Abschnitten.",
    "zh": "比较了 {passages} 个段落中的 {read} 个。",
}
_WHICH = {
    "en": "Which document? Name it, or choose it for the search: there are {documents}, for instance {docs}.",
    "de": (
        "Welches Dokument? Nennen Sie es, oder wählen Sie es für die Suche aus: Es gibt"
        " {documents}, zum Beispiel {docs}."
    ),
    "zh": "哪个文档？请写出它的名称，或在搜索范围中选中它：共有 {documents} 个文档，例如 {docs}。",
}
_SEPARATOR = {"en": ", ", "de": ", ", "zh": "、"}


@dataclass(frozen=True, slots=True)
class SummaryQuestion:
    """What is to be summarised, by the words of the question; `sure` where nothing else can be meant.

    `count` is how many sentences are asked for, where that is said.
    """

    name: str
    language: str
    sure: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What is told of a summary, and its sentences, document by document, each in its place.

    `rowids` are the passages that a model would read to write one.
    """

    told: str
    evidence: tuple[Evidence, ...]
    rowids: tuple[int, ...] = ()


def summary_question(question: str) -> SummaryQuestion | None:
    """Whether a question asks for the main points of something; None for any other question."""
    said = as_asked(question)
    for sure, patterns in ((True, _SURE), (False, _PERHAPS), (False, _OF_A_KIND)):
        for language, ways in patterns.items():
            for found in filter(None, (re.fullmatch(way, said) for way in ways)):
                name = bare_name(found["name"] or "")
                if patterns is not _OF_A_KIND or names_a_kind(name):
                    return SummaryQuestion(name, language, sure, _asked_count(said))
    return None


def _asked_count(said: str) -> int | None:
    """How many points or sentences a question asks for."""
    found = _COUNT.search(said)
    written = found and (found[1] or found[2])
    if not written:
        return None
    return int(written) if written.isdecimal() else _NUMBERS.get(written)


def summary(asked: SummaryQuestion, scope: Scope) -> Summary | None:
    """The main points of what the question names; None where that is not a document but a topic."""
    entries = scope.entries
    meant = _meant(asked, entries, scope)
    if meant is None:
        return None
    if not meant.entries:
        return Summary(_which(asked.language, entries), ())
    if len(meant.entries) > MOST_TOLD_EACH:
        return _of_many(meant, asked.language, scope.index, scope.collection)
    return _of_each(meant, asked, scope.index, scope.collection)


def _meant(asked: SummaryQuestion, entries: Sequence[DocumentEntry], scope: Scope) -> Meant | None:
    if not entries:
        return None
    if scope.is_narrowed or len(entries) == 1:
        if points_at_scope(asked.name) or means_all(asked.name):
            return Meant(tuple(entries))
    elif means_all(asked.name):
        return Meant(tuple(entries))
    elif points_at_scope(asked.name):
        if scope.spoken_of:
            meant = nearest_document(scope.spoken_of, entries, scope.search)
            return meant and Meant(meant.entries)
        return Meant(()) if asked.sure else None
    named = documents_named(asked.name, entries, scope.index, surely=not asked.sure)
    if named is None and asked.sure:
        several = several_named(asked.name, entries, scope.index)
        if several:
            return Meant(tuple(dict.fromkeys(entry for one in several for entry in one.entries)))
        named = searched_document(asked.name, entries, scope.search)
    return named


def _which(language: str, entries: Sequence[DocumentEntry]) -> str:
    names = _SEPARATOR[language].join(_ONE[language].format(title=entry.title) for entry in entries[:3])
    return _WHICH[language].format(documents=f"{len(entries):,}", docs=names)


def _of_each(meant: Meant, asked: SummaryQuestion, index: SearchIndex, collection: str) -> Summary:
    """Every document by its own main points."""
    entries, language = meant.entries, asked.language
    whole = asked.count or (None if len(entries) == 1 else SENTENCES)
    most = whole and max(1 if asked.count else 2, whole // len(entries))
    found: list[Evidence] = []
    read: list[int] = []
    for entry in entries:
        rowids = index.passage_rowids([entry.id])
        read += rowids
        found += document_points(index, collection, rowids, most=most)
    one, several, _ = _TOLD[language]
    parts = []
    if meant.guessed:
        parts.append(_GUESSED[language].format(name=asked.name))
    told = one if len(entries) == 1 else several
    if len(entries) == 1 and len(found) < 2:
        told = _SHORT_DOCUMENT[language]
    parts.append(
        told.format(
            title=entries[0].title, documents=len(entries), count=len(found), passages=f"{len(read):,}"
        )
    )
    if meant.others:
        others = _SEPARATOR[language].join(entry.doc for entry in meant.others[:3])
        parts.append((_NEXT if meant.guessed else _ALSO)[language].format(docs=others))
    return Summary(" ".join(parts), _numbered(found), tuple(read))


def document_points(
    index: SearchIndex, collection: str, rowids: Sequence[int], *, most: int | None = None
) -> list[Evidence]:
    """The main points of the document that has these passages, of what it shows."""
    if not rowids:
        return []
    known, vectors = index.vectors_of(collection, rowids)
    hits = index.hits(known.tolist())
    shown = [place for place, hit in enumerate(hits) if not hit.passage.is_hidden]
    return key_sentences([hits[place] for place in shown], vectors[shown], most=most) if shown else []


def _of_many(meant: Meant, language: str, index: SearchIndex, collection: str) -> Summary:
    """A collection by the documents that stand for the others, the largest group first."""
    means, entries, read, passages = _document_means(index, collection, meant.entries)
    groups = _groups(means, GROUPS)
    found: list[Evidence] = []
    named = []
    for place, size in groups:
        points = document_points(index, collection, index.passage_rowids([entries[place].id]), most=1)
        found += points
        template = _GROUP if size > 1 else _ONE
        named.append(template[language].format(title=entries[place].title, others=size - 1))
    told = _TOLD[language][2].format(
        documents=f"{len(meant.entries):,}",
        count=len(found),
        groups=_SEPARATOR[language].join(named),
    )
    if read < passages:
        told += " " + _SAMPLED[language].format(read=f"{read:,}", passages=f"{passages:,}")
    return Summary(told, _numbered(found), tuple(one.hit.rowid for one in found))


def _document_means(
    index: SearchIndex, collection: str, entries: Sequence[DocumentEntry]
) -> tuple[Vectors, list[DocumentEntry], int, int]:
    """The mean vector of each document, those documents, and how many of their passages were read.

    A very large collection is sampled evenly.
    """
    layout = index.layout(collection)
    wanted = {entry.id for entry in entries[:: -(-len(entries) // COMPARED_DOCUMENTS)]}
    passages = sum(int(layout.sizes[i]) for i, entry in enumerate(layout.entries) if entry in entries)
    among = np.array([entry.id in wanted for entry in layout.entries], dtype=bool)[layout.documents]
    rowids = layout.rowids[among]
    rowids = rowids[:: max(1, -(-len(rowids) // COMPARED_PASSAGES))]
    known, vectors = index.vectors_of(collection, rowids.tolist())
    places, owners = np.unique(layout.documents[layout.places(known)], return_inverse=True)
    means = np.zeros((len(places), vectors.shape[1]), dtype=np.float32)
    np.add.at(means, owners, vectors)
    means /= np.bincount(owners)[:, None]
    return means, [layout.entries[place] for place in places], len(known), passages


def _groups(means: Vectors, most: int) -> list[tuple[int, int]]:
    """The documents nearest to all others together, and how many are nearest to each; largest group first.

    Greedy facility location: each is taken for how much nearer it brings the others to one that is taken.
    """
    centred = means - means.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    nearness: NDArray[np.float32] = np.einsum("ik,jk->ij", centred, centred)
    best = np.full(len(means), -1.0, dtype=np.float32)
    chosen: list[int] = []
    for _ in range(min(most, len(means))):
        gains = np.maximum(nearness, best[:, None]).sum(axis=0)
        gains[chosen] = -np.inf
        chosen.append(int(np.argmax(gains)))
        best = np.maximum(best, nearness[:, chosen[-1]])
    sizes = np.bincount(np.argmax(nearness[:, chosen], axis=1), minlength=len(chosen))
    return sorted(zip(chosen, map(int, sizes), strict=True), key=lambda one: (-one[1], one[0]))


def _numbered(found: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(replace(one, marker=marker) for marker, one in enumerate(found, start=1))
