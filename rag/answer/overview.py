"""Questions about the library itself, answered from its list of documents: how many there are, and which."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from rag.answer.document_kinds import KIND, called
from rag.interfaces import SearchIndex
from rag.records import DocumentEntry, Evidence
from rag.search.query import ParsedQuery, matching
from rag.text.file_types import file_types, is_file_type
from rag.text.sentences import split_sentences
from rag.text.words import fold

MOST_LISTED = 200
_TYPE = (
    r"(?:pdf|word|excel|powerpoint|markdown|html|text|csv|json|e-?mail|epub)s?"
    r"(?:[ -](?:files?|documents?|dateien|dokumente|documentos|archivos))?"
)
_EN, _DE, _FR, _ES, _ZH = (
    rf"(?P<noun>{plain}|{_TYPE}|{KIND})"
    for plain in (
        r"documents?|files?",
        r"dokumente|dateien|unterlagen",
        r"documents|fichiers",
        r"documentos|archivos|ficheros",
        r"文件|文档",
    )
)
_HERE = (
    r"(?: (?:are there|do (?:you|i|we) have|have (?:you|i|we)(?: got)?|exist|in total|altogether|do you know"
    r"|(?:are )?(?:in )?(?:here|(?:my|the|this|our) (?:library|collection|folder))"
    r"|can you (?:see|read|search)))*"
)
_HIER = (
    r"(?: (?:gibt es|hast du|haben (?:sie|wir)|habe ich|sind|liegen|insgesamt|hier|da"
    r"|in der (?:bibliothek|sammlung)))*"
)
_ICI = (
    r"(?: (?:y a-t-il|avez-vous|as-tu|avons-nous|ai-je|sont|ici|au total"
    r"|dans (?:la|ma) (?:bibliotheque|collection)))*"
)
_AQUI = r"(?: (?:hay|tienes?|tenemos|tengo|existen|aqui|en total|en (?:la|mi) (?:biblioteca|coleccion)))*"
_COUNTS = {
    "en": (rf"(?:how many|count(?: all)?|number of) (?:of )?(?:the |my |our )?{_EN}{_HERE}",),
    "de": (rf"wie ?viele {_DE}{_HIER}",),
    "fr": (rf"combien (?:de |d')(?:mes )?{_FR}{_ICI}", rf"combien y a-t-il (?:de |d'){_FR}{_ICI}"),
    "es": (rf"cuant[oa]s {_ES}{_AQUI}",),
    "zh": (rf"(?:这里|库里|库中|一共|总共)*有?(?:多少|几)[个份篇]?{_ZH}",),
}
_LISTS = {
    "en": (
        rf"(?:please )?(?:list|show|name)(?: me)? (?:(?:all|every) )?(?:of )?(?:the |my |our )?{_EN}{_HERE}",
        rf"(?:what|which) {_EN}{_HERE}",
        r"what(?: is|'s) (?:in )?(?:here|(?:my|the|this|our) (?:library|collection))",
        r"what do you (?:have|know)",
    ),
    "de": (
        rf"(?:liste|zeige?|nenne)(?: mir)?(?: alle| die)* {_DE}(?: auf)?",
        rf"welche {_DE}{_HIER}",
        r"was (?:ist|gibt es|liegt|steht)(?: hier| da)(?: drin)?",
    ),
    "fr": (
        rf"(?:liste|montre|cite)[rz]?(?:-moi)?(?: tous| toutes)?(?: les| mes)? {_FR}",
        rf"quel(?:le)?s {_FR}{_ICI}",
        r"qu'y a-t-il ici|qu'est-ce qu'il y a ici",
    ),
    "es": (
        rf"(?:lista|enumera|muestra|ensena)(?:me)?(?: tod[oa]s)?(?: l[oa]s| mis)? {_ES}",
        rf"(?:que|cuales) {_ES}{_AQUI}",
        r"que hay aqui",
    ),
    "zh": (
        rf"请?(?:列出|显示)(?:所有|全部)?(?:的)?{_ZH}",
        rf"(?:这里|库里|库中|你)*有?(?:哪些|什么){_ZH}",
        r"这里有什么|里面有什么",
    ),
}
_TOLD = {
    "en": (
        "{count} documents{kind}: {types}.",
        "1 document{kind}: {types}.",
        "No documents{kind}.",
        " called “{}”",
    ),
    "de": (
        "{count} Dokumente{kind}: {types}.",
        "1 Dokument{kind}: {types}.",
        "Keine Dokumente{kind}.",
        " namens „{}“",
    ),
    "fr": (
        "{count} documents{kind} : {types}.",
        "1 document{kind} : {types}.",
        "Aucun document{kind}.",
        " « {} »",
    ),
    "es": (
        "{count} documentos{kind}: {types}.",
        "1 documento{kind}: {types}.",
        "Ningún documento{kind}.",
        " «{}»",
    ),
    "zh": ("{count} 个文档{kind}：{types}。", "1 个文档{kind}：{types}。", "没有文档{kind}。", "（{}）"),
}
_FIRST = {
    "en": "Shown are the first {}.",
    "de": "Gezeigt werden die ersten {}.",
    "fr": "Les {} premiers sont affichés.",
    "es": "Se muestran los primeros {}.",
    "zh": "显示前 {} 个。",
}


@dataclass(frozen=True, slots=True)
class LibraryQuestion:
    """What is asked of the library: all documents, those of a type of file, or those called something."""

    lists: bool
    language: str
    type: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What is told of the library, and the listed documents, each by its beginning."""

    told: str
    evidence: tuple[Evidence, ...]


def library_question(question: str) -> LibraryQuestion | None:
    """Whether a question asks for the documents of the library as such; None for any other question."""
    said = " ".join(fold(question).replace("’", "'").strip(" ?？¿¡!.。").split())
    for lists, patterns in ((False, _COUNTS), (True, _LISTS)):
        for language, found in _matches(patterns, said):
            if found:
                noun = found.groupdict().get("noun") or ""
                type_ = _type_of(noun)
                kind = noun if type_ is None and re.fullmatch(KIND, noun) else None
                return LibraryQuestion(lists, language, type_, kind)
    return None


def _matches(patterns: Mapping[str, Sequence[str]], said: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    for language, ways in patterns.items():
        for way in ways:
            yield language, re.fullmatch(way, said)


def _type_of(noun: str) -> str | None:
    """The type of file that a noun names: "pdfs", "word documents"."""
    first = re.split(r"[ -]", noun)[0] if re.fullmatch(_TYPE, noun) else ""
    first = first.removesuffix("s") if not is_file_type(first) else first
    return first if first and is_file_type(first) else None


def overview(
    asked: LibraryQuestion,
    *,
    index: SearchIndex,
    collection: str,
    limits: ParsedQuery | None = None,
    docs: Sequence[str] | None = None,
) -> Overview:
    """The count of the documents by type, and their beginnings where a list is asked for.

    `limits` are the filters of the question; `docs` limits it to documents of these paths.
    """
    entries = [
        entry
        for entry in matching(index.documents(collection), limits.filters if limits else ())
        if (docs is None or entry.doc in docs) and _counts(asked, entry)
    ]
    entries.sort(key=lambda entry: entry.doc)
    many, one, none, called_ = _TOLD[asked.language]
    types = Counter(_ending(entry) for entry in entries)
    told = (none if not entries else one if len(entries) == 1 else many).format(
        count=f"{len(entries):,}",
        kind=called_.format(asked.kind) if asked.kind else f" ({asked.type})" if asked.type else "",
        types=", ".join(f"{count} {ending}" for ending, count in types.most_common()),
    )
    if not asked.lists:
        return Overview(told, ())
    if len(entries) > MOST_LISTED:
        told += f" {_FIRST[asked.language].format(MOST_LISTED)}"
    return Overview(told, _beginnings(index, collection, entries[:MOST_LISTED]))


def _counts(asked: LibraryQuestion, entry: DocumentEntry) -> bool:
    if asked.type:
        return _ending(entry).casefold() in file_types(asked.type)
    return asked.kind is None or called(asked.kind, entry.doc, entry.title)


def _ending(entry: DocumentEntry) -> str:
    return PurePosixPath(entry.doc).suffix.lstrip(".") or entry.media_type


def _beginnings(
    index: SearchIndex, collection: str, entries: Sequence[DocumentEntry]
) -> tuple[Evidence, ...]:
    """The first sentence of each document."""
    layout = index.layout(collection)
    places, first = np.unique(layout.documents, return_index=True)
    rowid_of = {
        layout.entries[place].id: int(layout.rowids[i]) for place, i in zip(places, first, strict=True)
    }
    hits = index.hits([rowid_of[entry.id] for entry in entries if entry.id in rowid_of])
    found = []
    for marker, hit in enumerate(hits, start=1):
        text = hit.passage.text
        start, end = next(iter(split_sentences(text)), (0, len(text)))
        found.append(Evidence(hit, marker, text[start:end], start, end, 1.0))
    return tuple(found)
