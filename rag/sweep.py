"""Questions for a count or a list, answered from every passage instead of the best few."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.protocols import SearchIndex
from rag.records import Evidence, Hit
from rag.text.sentences import split_sentences
from rag.text.wording import content_words, fold, stem, words

SweepKind = Literal["count", "list"]

_COUNT = re.compile(
    r"\bhow many (?P<en>[^?]+)|\b(?:count|number of|wie ?viele|anzahl (?:der|von)|combien (?:de|d['’])"
    r"|(?:le )?nombre d[e'’]s?|cuant[oa]s|numero de)\b|有多少|共有几|多少(?:个|篇|份|次|人)"
)
_LIST = re.compile(
    r"^(?:please )?(?:list|enumerate|name all|(?:show|give|find) (?:me )?(?:all|every))\b"
    r"|\b(?:list|name|show|find) (?:me )?(?:all|every|each)\b"
    r"|^which (?:of|documents|files|notes|posts|passages)\b|\bin which (?:documents|files|notes)\b"
    r"|^what are all\b|^(?:all|every) (?:documents|files|notes|mentions)\b"
    r"|\bevery (?:time|mention|occurrence)\b"
    r"|^(?:liste|zahle|nenne|zeige?)\b.*\b(?:alle|jede[nrs]?|auf)\b|^welche (?:dokumente|dateien|der)\b"
    r"|^(?:liste|enumere|cite|donne|montre)[rz]?\b.*\b(?:tou(?:te)?s|chaque)\b|^quels documents\b"
    r"|^(?:enumera|lista|muestra|nombra|haz una lista)\b|\btod[oa]s l[oa]s\b.*\b(?:que|donde)\b"
    r"|列出|列举|所有(?:的)?(?:文件|文档|笔记|提到)|哪些(?:文件|文档|笔记)|每一个"
)
# "How many days of leave" asks for a figure that one passage states; only things that are documents
# or that the documents mention one by one can be counted by sweeping.
_COUNTABLE = re.compile(
    r"\b(?:documents?|files?|notes?|posts?|articles?|pages?|passages?|paragraphs?|mentions?|times|places|reports?"
    r"|meetings?|incidents?|entries|contracts?|invoices?|policies|dokumente?n?|dateien|notizen|seiten|stellen"
    r"|artikeln?|beitrage?n?|vertrage?n?|rechnungen|fichiers?|notes|articles|passages|contrats?|factures?"
    r"|documentos?|archivos|notas|articulos|paginas|contratos|facturas)\b|文件|文档|笔记|文章|段落|次"
)
_ASKING = frozenset(
    fold(
        """list name all every each show find give count number many much documents document files file notes
        note posts post passages passage paragraphs mention mentions mentioned mentioning contain contains
        times enumerate please tell talk talks speak about there occur occurs
        liste nenne zeige zähle alle jede jeden dokumente dateien notizen stellen erwähnen erwähnt enthalten
        auf wie viele viel anzahl tous toutes chaque documents fichiers citez donnez montrez mentionnent
        combien nombre todos todas cada documentos archivos notas mencionan enumera lista muestra cuántos"""
    ).split()
)


@dataclass(frozen=True, slots=True)
class SweepQuestion:
    """What a question asks to be swept for: any passage that holds all of `words` counts."""

    kind: SweepKind
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every passage that holds what was asked for, in the order of the documents.

    `searched` of `total` passages were looked at; `documents` counts the files with a match.
    """

    question: SweepQuestion
    matches: tuple[Evidence, ...]
    documents: int
    searched: int
    total: int

    @property
    def coverage(self) -> str:
        """The proof that nothing was left out, in words."""
        return f"searched {self.searched:,} of {self.total:,} passages"


def sweep_question(question: str) -> SweepQuestion | None:
    """Whether a question asks for a count or a list of places; None for any other question."""
    folded = fold(question).strip(" ?¿!.")
    if _LIST.search(folded):
        kind: SweepKind = "list"
    elif _COUNT.search(folded) and _COUNTABLE.search(folded):
        kind = "count"
    else:
        return None
    asked = tuple(word for word in content_words(question) if word not in _ASKING and len(word) > 1)
    return SweepQuestion(kind, asked) if asked else None


def sweep(
    question: SweepQuestion,
    *,
    index: SearchIndex,
    collection: str,
    terms: Callable[[str], Sequence[str]],
) -> Sweep:
    """Looks at every passage of the collection that could match, however many there are.

    `terms` turns a word into its terms of the keyword index. The index names every passage that holds
    any of them, so no limit applies; each is then read and kept when it holds all the words, inflected
    forms included. The quote of a match is its sentence with most of the words.
    """
    total = index.passage_count(collection)
    rowids: set[int] | None = None
    for word in question.words:
        found = index.keyword_matches(collection, list(terms(word)), total) if total else []
        held = {rowid for rowid, _ in found}
        rowids = held if rowids is None else rowids & held
    hits = index.hits(sorted(rowids or ()))
    matched = sorted(
        _matching(hits, question.words), key=lambda hit: (hit.doc, hit.passage.ordinal, hit.rowid)
    )
    matches = tuple(_evidence(hit, marker, question.words) for marker, hit in enumerate(matched, start=1))
    return Sweep(question, matches, len({hit.document_id for hit in matched}), total, total)


def _matching(hits: Sequence[Hit], wanted: Sequence[str]) -> list[Hit]:
    """The hits whose passage, headings or title hold all the words."""
    kept = []
    for hit in hits:
        held = words("\n".join((hit.title, *hit.passage.heading_path, hit.passage.text)))
        stems = {stem(word) for word in held}
        if all(stem(word) in stems for word in wanted):
            kept.append(hit)
    return kept


def _evidence(hit: Hit, marker: int, wanted: Sequence[str]) -> Evidence:
    """The sentence of a passage that holds most of the words, the first of equals."""
    text = hit.passage.text
    sought = {stem(word) for word in wanted}
    counts = [
        (len(sought & {stem(word) for word in words(text[start:end])}), -start, start, end)
        for start, end in split_sentences(text)
    ]
    held, _, start, end = max(counts, default=(0, 0, 0, len(text)))
    return Evidence(hit, marker, text[start:end], start, end, held / len(sought))
