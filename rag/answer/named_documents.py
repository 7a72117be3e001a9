"""Which documents a question means: by name, however loosely, by what is chosen, or all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from rag.answer.document_kinds import KIND, called
from rag.answer.versions import by_age
from rag.interfaces import SearchIndex
from rag.records import DocumentEntry, Hit
from rag.search.query import ParsedQuery, matching
from rag.text.words import content_words, fold, stem, words

Search = Callable[[str], Sequence[Hit]]

MOST_TIED = 6
"""So many documents of one name are all meant; of more, the name says too little."""
_HALF = 0.5

# All of these meet folded text.
_NOUN = (
    r"(?:documents?|files?|pdfs?|texts?|pages?|papers?|articles?|dokumente?s?|dateien?|datei"
    r"|texte?s?|unterlagen)"
)
_POINTING = re.compile(
    rf"(?:(?:this|that|these|those|the|it|them|my|our|all|both|dies\w*|das|den|dem|der|die|es|mein\w*"
    rf"|unser\w*) ?)*"
    rf"(?:(?:whole|entire|selected|chosen|current|open|ganze[nrs]?|gewahlten?) )?(?:{_NOUN})?"
    r"|(?:这[个份篇些]?|本|该|它们?|以上)?(?:文件|文档|文章|资料|内容)?"
)
_ALL = re.compile(
    rf"(?:(?:all|every) (?:(?:of )?(?:the|my|our|these|this|your) )?{_NOUN}?|everything(?: (?:here"
    rf"|in here))?|all(?: of (?:it|them))?"
    rf"|(?:the|this|my|our|these|your|whole|entire)(?: (?:the|whole|entire))*"
    rf" (?:collection|library|folder|corpus|knowledge base|documents|files)|my {_NOUN}|here"
    rf"|alle[nrs]?(?: (?:meine|unsere|diese)[nr]?)? ?{_NOUN}?|alles(?: hier)?"
    r"|(?:die|diese[rn]?|der|meine[rn]?) (?:ganze )?(?:sammlung|bibliothek|dokumente|dateien|unterlagen)|hier"
    r"|(?:所有|全部)的?(?:文件|文档|资料|内容)?|(?:这个|本)?(?:文档库|文件夹|资料库|合集)|这里的?(?:文件|文档|内容)?)"
)
_ANY = frozenset(
    stem(word)
    for word in """document file page post article text blog note pdf doc entry paper book guide manual policy
    report memo story folder directory ordner 文件夹 dokument datei seite text artikel beitrag notiz
    bericht richtlinie handbuch 文件 文档 文章
    latest current newest recent old previous new version aktuelle neue alte
    md txt html htm docx xlsx pptx csv eml""".split()  # noqa: SIM905
)
_KIND = re.compile(
    rf"{KIND}|{_NOUN}|\w*(?:richtlinie|handbuch|bericht|vertrag|protokoll|leitfaden|ordnung|liste|plan)"
    r"|list|plan|handbook|guide|post"
)
_KIND_IN_CHINESE = re.compile(r"政策|手册|合同|报告|协议|文件|文档|指南|规定|纪要|价目表|文章")
_ARTICLE = re.compile(r"^(?:the|a|an|our|my|der|die|das|dem|den|des|unsere[rnms]?|le|la|les|el|los|las)\s+")
_JOINING = re.compile(
    r"^(?:(?:and|und|ok(?:ay)?|so|then|now|also|dann|auch|jetzt)[,\s]+|(?:那么?|还有|好的?)[，,\s]*)+"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_JOINED = re.compile(r"\s*(?:,|、|，|\band\b|\bund\b|\bwith\b|\bmit\b|\bvs\.?|\bversus\b|和|与|跟)\s*")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a question looks: a collection, or the documents of it that filters and paths leave.

    `search` finds the passages nearest to a name that no document has. `spoken_of` is a follow-up made to
    stand alone: what "it" is, "" where nothing was said before.
    """

    index: SearchIndex
    collection: str
    search: Search
    limits: ParsedQuery | None = None
    docs: Sequence[str] | None = None
    spoken_of: str = ""

    @property
    def entries(self) -> list[DocumentEntry]:
        """The documents in it."""
        passing = matching(self.index.documents(self.collection), self.limits.filters if self.limits else ())
        return [entry for entry in passing if self.docs is None or entry.doc in self.docs]

    @property
    def is_narrowed(self) -> bool:
        """Whether it was chosen."""
        return self.docs is not None or bool(self.limits and self.limits.filters)


@dataclass(frozen=True, slots=True)
class Meant:
    """The documents that are meant, and others that go by the same name.

    `guessed` is set where no name fits and the search chose.
    """

    entries: tuple[DocumentEntry, ...]
    others: tuple[DocumentEntry, ...] = ()
    guessed: bool = False


def as_asked(question: str) -> str:
    """A question in folded text, without the marks at its end and the words that only join it to the last."""
    said = " ".join(fold(question).replace("’", "'").strip(" ?？¿¡!.。").split())
    return _JOINING.sub("", said)


def bare_name(words_: str) -> str:
    """A name without the article and the quotation marks around it, in folded text."""
    return _ARTICLE.sub("", words_.strip(" \"'“”„«»:：《》")).strip(" \"'“”„«»《》")


def points_at_scope(name: str) -> bool:
    """Whether words only point: "this document", "it", ""."""
    return _POINTING.fullmatch(name.strip()) is not None


def means_all(name: str) -> bool:
    """Whether words mean every document: "everything", "my library"."""
    return _ALL.fullmatch(name.strip()) is not None


def names_a_kind(name: str) -> bool:
    """Whether a name says that it is one of a document: "the leave policy", "Reisehandbuch"."""
    kinds = (_KIND.fullmatch(word) for word in fold(name).split())
    return any(kinds) or _KIND_IN_CHINESE.search(name) is not None


def documents_named(
    name: str, entries: Sequence[DocumentEntry], index: SearchIndex, *, surely: bool = False
) -> Meant | None:
    """The documents that a name fits; None where none has all its words.

    Of several that differ in their year or version alone, that is the latest; files of the same name under
    other titles are all meant, unless the name is the whole path of one. A folder's name means its
    documents. With `surely`, a name has to make up half of a document's title or file name.
    """
    bare = fold(name).strip("\"'“”„ ")
    exact = [entry for entry in entries if bare in _whole_names(entry)]
    exact = [entry for entry in exact if bare == fold(entry.doc)] or exact
    if exact:
        return _latest(exact, index) if len(set(map(_family, exact))) == 1 else Meant(tuple(exact))
    asked = content_words(name)
    found = [(fit, entry) for entry in entries if (fit := _fit(asked, entry)) is not None]
    in_folder = _folder_of(asked, entries)
    best = max((fit for fit, _ in found), default=0.0)
    if in_folder and best < 1.0:
        return Meant(in_folder)
    if not found or (surely and best < _HALF):
        return None
    tied = [entry for fit, entry in found if fit == best]
    if _is_plural(asked, tied) or len(tied) == 1:
        return Meant(tuple(tied))
    families = {_family(entry) for entry in tied}
    if len(families) == 1:
        return _latest(tied, index)
    return Meant(tuple(tied)) if len(tied) <= MOST_TIED else None


def several_named(name: str, entries: Sequence[DocumentEntry], index: SearchIndex) -> list[Meant]:
    """The documents of each part of a name: "the travel and the expenses policy"; [] where a part has none.

    A part takes the words it lacks from the last one: "the 2023 and 2025 travel policy".
    """
    parts = [part for part in _JOINED.split(fold(name)) if part.strip()]
    if len(parts) < 2:
        return []
    found = []
    for part in parts:
        meant = documents_named(f"{part} {_without_years(parts[-1])}", entries, index) or documents_named(
            f"{part} {_without_years(parts[0])}", entries, index
        )
        if not _YEAR.fullmatch(part.strip()):
            meant = documents_named(part, entries, index) or meant
        if meant is None:
            return []
        found.append(meant)
    return found


def searched_document(name: str, entries: Sequence[DocumentEntry], search: Search) -> Meant | None:
    """The document of the best passage for a name, where it names a kind of document."""
    return nearest_document(name, entries, search) if names_a_kind(name) else None


def nearest_document(name: str, entries: Sequence[DocumentEntry], search: Search) -> Meant | None:
    """The document of the best passage for some words, and the next ones."""
    scores: dict[int, float] = {}
    for hit in search(name):
        scores.setdefault(hit.document_id, hit.score)
    known = [entry for entry in entries if entry.id in scores]
    if not known:
        return None
    best, *others = sorted(known, key=lambda entry: (-scores[entry.id], entry.id))
    return Meant((best,), tuple(others[:2]), guessed=True)


def _whole_names(entry: DocumentEntry) -> set[str]:
    path = PurePosixPath(entry.doc)
    return {fold(one) for one in (entry.doc, path.name, path.stem)}


def _fit(asked: Sequence[str], entry: DocumentEntry) -> float | None:
    """How much of a document's own name the words are, 0 to 1; None where it does not go by one of them."""
    path = PurePosixPath(entry.doc)
    own = [_stems(path.stem), _stems(entry.title)]
    dated = {entry.date[:4]} if entry.date else set()
    held = own[0] | own[1]
    beside = _stems(" ".join(path.parts[:-1])) | dated
    fits = [stem(word) for word in asked]
    named = [one for one in fits if one in held]
    for word, one in zip(asked, fits, strict=True):
        known = one in held or one in beside or _is_called(word, entry)
        if not known and one not in _ANY:
            return None
    if not [one for one in named if not one.isdigit()]:
        return None
    whole = [{one for one in names if not one.isdigit()} for names in own]
    return max(len(names.intersection(named)) / len(names) for names in whole if names)


def _is_called(word: str, entry: DocumentEntry) -> bool:
    return re.fullmatch(KIND, word) is not None and called(word, entry.doc, entry.title)


@lru_cache(maxsize=50_000)
def _stems(name: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(re.sub(r"[_.\W]+", " ", name)))


def _folder_of(asked: Sequence[str], entries: Sequence[DocumentEntry]) -> tuple[DocumentEntry, ...]:
    """The documents of the folder that goes by exactly these words."""
    wanted = {stem(word) for word in asked}
    left = wanted - _ANY or wanted
    return tuple(
        entry
        for entry in entries
        if any(
            _stems(part) and _stems(part) in (wanted, left) for part in PurePosixPath(entry.doc).parts[:-1]
        )
    )


def _is_plural(asked: Sequence[str], tied: Sequence[DocumentEntry]) -> bool:
    """Whether a word stands in the plural that the documents' names have in the singular."""
    held = {word for entry in tied for word in words(f"{entry.doc} {entry.title}".replace("_", " "))}
    return any(
        word not in held and word.endswith(("s", "en", "e")) and stem(word) in map(stem, held)
        for word in asked
    )


def _family(entry: DocumentEntry) -> frozenset[str]:
    """A document's title without what tells its versions apart."""
    return frozenset(one for one in _stems(entry.title) if not one.isdigit())


def _latest(entries: Sequence[DocumentEntry], index: SearchIndex) -> Meant:
    *others, latest = by_age(entries, index)
    return Meant((latest,), tuple(reversed(others)))


def _without_years(name: str) -> str:
    return _YEAR.sub(" ", name)
