"""Questions for a count or a list of places, answered from every passage instead of the best few."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.answer.document_kinds import KIND, called
from rag.interfaces import SearchIndex
from rag.records import Evidence, Hit
from rag.search.query import ParsedQuery, holds_phrase, matching
from rag.text.sentences import split_sentences
from rag.text.words import FUNCTION_WORDS, content_words, fold, stem, words

SweepKind = Literal["count", "list"]

# Only documents, and places in them, can be counted by sweeping. "How many days of leave", "how many pages
# does the report have" and "list the ingredients" ask for what one passage states. So a question sweeps only
# if it names documents or mentions and says, directly behind, what they hold.
_NOUN = (
    r"(?P<noun>documents?|files?|notes?|posts?|articles?|pages?|passages?|paragraphs?|sections?|places|entries"
    rf"|{KIND})"
)
_HOLDS = (
    r"(?:(?:that|which|where|in which) )?(?:do |does |we |i )?(?:(?:is|are) (?:about|mentioning|discussing)"
    r"|mention(?:s|ed|ing)?|contain(?:s|ing)?|discuss(?:es|ed|ing)?|describ(?:es?|ed|ing)"
    r"|(?:talk|speak)(?:s|ing)? (?:about|of)|refer(?:s|ring)? to|deal(?:s|ing)? with|cit(?:es?|ing)"
    r"|about|regarding|concerning)"
)
_WITH = r"(?:on|with|by|from) (?P<name>.+)"
_ARTICLE = r"(?:(?:the|das|den|le|el|la) )?"
_WORD = rf"{_ARTICLE}(?:(?:exact )?(?:words?|terms?|names?|phrases?|wort|begriff|mot|palabra) )?"
_WHAT = rf"{_WORD}(?P<what>.+)"
_INSIDE = rf"{_WORD}(?P<what>.+?)"
_OURS = r"(?:of )?(?:the |my |our )?"
_MENTIONS = rf"(?:mentions?|occurrences?|appearances?) of {_WHAT}"
_HOW_MANY = rf"^how many {_OURS}"
_HOW_OFTEN = r"^how (?:often|many times)"
_LIST = rf"^(?:please )?(?:list|name|show|find|give|enumerate) (?:me )?(?:all |every |each |any )?{_OURS}"

_NOUN_DE = rf"(?P<noun>dokumente?n?|dateien|notizen|seiten|stellen|artikeln?|beitragen?|{KIND})"
_HOLD_DE = r"(?:erwahnen|enthalten|behandeln|beschreiben|nennen|sprechen (?:von|uber)|handeln von)"
_LIST_DE = rf"^(?:liste|nenne|zeige?|finde|zahle)\w*(?: mir)?(?: alle| samtliche)?(?: auf,?)? {_NOUN_DE}"
_HELD_DE = r"(?:erwahnen|enthalten|behandeln|beschreiben|nennen|erwahnt wird|vorkomm(?:t|en)|steht)"
_NOUN_FR = rf"(?P<noun>documents|fichiers|notes|articles|pages|passages|{KIND})"
_HOLD_FR = r"(?:mentionnent|contiennent|citent|parlent d(?:e |es |u |['’])|traitent d(?:e |es |u |['’])) ?"
_LIST_FR = r"^(?:liste|enumere|cite|donne|montre|trouve)[rz]?(?:-moi)? (?:tous |toutes )?(?:les )?"
_NOUN_ES = rf"(?P<noun>documentos|archivos|notas|articulos|paginas|pasajes|{KIND})"
_HOLD_ES = r"(?:mencionan|contienen|citan|hablan de|tratan de)"
_LIST_ES = r"^(?:enumera|lista|muestra|nombra|busca)(?:me)? (?:tod[oa]s )?(?:l[oa]s )?"
_NOUN_ZH = rf"(?P<noun>文件|文档|笔记|文章|段落|页面?|{KIND})"
_HOLD_ZH = r"(?:提到|提及|包含|讨论|谈到|涉及)[过了]?"

_COUNTS = (
    rf"{_HOW_MANY}{_NOUN} {_HOLDS} {_WHAT}",
    rf"{_HOW_MANY}{_NOUN} {_WITH}",
    rf"{_HOW_MANY}{_MENTIONS}",
    rf"{_HOW_OFTEN} (?:is|are|was|were) {_INSIDE} (?:mentioned|discussed|named|cited)\b",
    rf"{_HOW_OFTEN} (?:do|does|did) {_INSIDE} (?:occur|appear|get mentioned|come up)$",
    rf"^(?:count|number of) (?:all )?{_OURS}(?:{_NOUN} {_HOLDS} {_WHAT})",
    rf"^(?:count|number of) (?:all )?{_OURS}{_MENTIONS}",
    rf"^wie ?viele {_NOUN_DE} {_HOLD_DE} {_WHAT}",
    rf"^wie (?:oft|haufig) (?:wird|werden|wurden?) {_INSIDE} (?:erwahnt|genannt)$",
    rf"^wie (?:oft|haufig) (?:kommt|kommen) {_INSIDE} vor$",
    rf"^combien d(?:e |['’]){_NOUN_FR} {_HOLD_FR}{_WHAT}",
    rf"^cuant[oa]s {_NOUN_ES} {_HOLD_ES} {_WHAT}",
    rf"^有?(?:多少|几)[个篇份页]?{_NOUN_ZH}{_HOLD_ZH}(?P<what>.+)",
    rf"^(?P<what>.+?)(?:被{_HOLD_ZH}|出现)了?(?:多少|几)次$",
)
_LISTS = (
    rf"{_LIST}{_NOUN},? {_HOLDS} {_WHAT}",
    rf"{_LIST}{_NOUN},? {_WITH}",
    rf"{_LIST}{_MENTIONS}",
    rf"^(?:all|every) {_OURS}{_NOUN},? {_HOLDS} {_WHAT}",
    rf"^(?:all|every) {_OURS}{_MENTIONS}",
    rf"^(?:which|what) {_OURS}{_NOUN} {_HOLDS} {_WHAT}",
    rf"^in (?:which|what) {_NOUN} (?:is|are|was|were) {_INSIDE} (?:mentioned|discussed|described)$",
    rf"^in (?:which|what) {_NOUN} (?:does|do) {_INSIDE} (?:occur|appear|come up)$",
    rf"{_LIST_DE}(?: auf)?,? (?:die|in denen|an denen) {_INSIDE} {_HELD_DE}(?: auf)?$",
    rf"{_LIST_DE} (?:uber|zu|mit) (?P<name>.+)",
    rf"^welche {_NOUN_DE} {_HOLD_DE} {_WHAT}",
    rf"^in welchen {_NOUN_DE} (?:wird|werden) {_INSIDE} (?:erwahnt|genannt)$",
    rf"^in welchen {_NOUN_DE} (?:kommt|kommen) {_INSIDE} vor$",
    rf"{_LIST_FR}{_NOUN_FR} qui {_HOLD_FR}{_WHAT}",
    rf"^quels {_NOUN_FR} {_HOLD_FR}{_WHAT}",
    rf"{_LIST_ES}{_NOUN_ES} que {_HOLD_ES} {_WHAT}",
    rf"^que {_NOUN_ES} {_HOLD_ES} {_WHAT}",
    rf"^(?:哪些|哪几[个篇份页])?{_NOUN_ZH}[里中]?{_HOLD_ZH}(?P<what>.+)",
    rf"^请?(?:列出|列举|找出)(?:所有|全部)?{_HOLD_ZH}(?P<what>.+?)的?(?:所有)?{_NOUN_ZH}$",
)
_PATTERNS: tuple[tuple[SweepKind, re.Pattern[str]], ...] = (
    *(("count", re.compile(pattern)) for pattern in _COUNTS),
    *(("list", re.compile(pattern)) for pattern in _LISTS),
)
_IN_THEM = (
    r"(?:in|of|among) (?:all |any of )?(?:the |my |our |these |those )(?:\w+ )?"
    r"(?:documents?|files?|notes?|collection|library)"
)
_TRAILING = re.compile(
    rf"(?:,? (?:{_IN_THEM}|are there|there are|do (?:we|i) have|have (?:we|i)|exist|in total|altogether"
    r"|anywhere|gibt es|insgesamt))+$"
)
# What follows "contracts with" is a name; a sentence with a verb, or with a choice, asks something else.
_MOST_WORDS_OF_A_NAME = 4
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|must|should|need|may)\b"
)
# A code is looked for as it is written: in its parts, KP-60 would be any KP and any 60.
_CODE = re.compile(r"(?=[a-z./:-]*\d)[a-z0-9]+(?:[-_./:][a-z0-9]+)+")
_CHOICE = re.compile(r"\b(?:or|oder|ou|nor)\b|还是|或")


@dataclass(frozen=True, slots=True)
class SweepQuestion:
    """What a question asks to be swept for: any passage that holds all of `words` and `codes` counts.

    `called` is what the documents have to be called ("invoices"), "" where any document counts.
    """

    kind: SweepKind
    words: tuple[str, ...]
    codes: tuple[str, ...] = ()
    called: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every passage that holds what was asked for: first those that hold it in one sentence.

    `searched` of `total` passages were looked at: all that pass the filters of the question.
    `documents` counts the files with a match, `close` those with one in a sentence. Where nothing holds
    all of the words, `missed` are those left out.
    """

    question: SweepQuestion
    matches: tuple[Evidence, ...]
    documents: int
    searched: int
    total: int
    close: int = 0
    missed: tuple[str, ...] = ()

    @property
    def coverage(self) -> str:
        """The proof that nothing was left out, in words."""
        return f"searched {self.searched:,} of {self.total:,} passages"

    def told(self, spelled: str) -> str:
        """What was found, by which test, in words; `spelled` is the question as typed."""
        question = self.question
        wanted = [_as_typed(word, spelled) for word in question.words if word not in self.missed]
        test = " and ".join(
            [f"“{word}”" for word in wanted]
            + [f"the code {_as_typed(code, spelled)}" for code in question.codes]
        )
        several = len(wanted) + len(question.codes) > 1
        kind = f" called “{question.called}”" if question.called else ""
        if not self.matches:
            return f"No document{kind} has {test} ({self.coverage})."
        close = f"{_documents(self.close)}{kind} with {test}{' in one sentence' if several else ''}"
        apart = self.documents - self.close
        if several and apart:
            close += f", {apart} more with them in one passage" if self.close else ""
            close = close if self.close else f"{_documents(apart)}{kind} with {test} in one passage"
        if self.missed:
            whole = " and ".join(f"“{_as_typed(word, spelled)}”" for word in question.words)
            close = f"No document{kind} has {whole} in one passage. {close}"
        return f"{close} ({self.coverage})."


def _documents(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def _as_typed(folded: str, question: str) -> str:
    """A word of the question as it was typed."""
    return next((one for one in re.findall(r"\w[\w./:-]*\w|\w", question) if fold(one) == folded), folded)


def sweep_question(question: str) -> SweepQuestion | None:
    """Whether a question asks for a count or a list of places; None for any other question."""
    folded = " ".join(fold(question).strip(" ?？¿!.。").split())
    for kind, pattern in _PATTERNS:
        found = pattern.search(folded)
        what = _asked(found) if found else ""
        if found and what:
            codes = tuple(dict.fromkeys(_CODE.findall(what)))
            rest = _CODE.sub(" ", what)
            asked = tuple(word for word in content_words(rest) if word not in FUNCTION_WORDS)
            noun = found.groupdict().get("noun") or ""
            if asked or codes:
                return SweepQuestion(kind, asked, codes, noun if re.fullmatch(KIND, noun) else "")
    return None


def _asked(found: re.Match[str]) -> str:
    """What to look for; "" where the question's end shows that it asks something else."""
    groups = found.groupdict()
    what = _TRAILING.sub("", groups.get("what") or groups.get("name") or "")
    is_sentence = len(what.split()) > _MOST_WORDS_OF_A_NAME or _SENTENCE.search(what)
    if _CHOICE.search(what) or (groups.get("name") and is_sentence):
        return ""
    return what


def sweep(
    question: SweepQuestion,
    *,
    index: SearchIndex,
    collection: str,
    terms: Callable[[str], Sequence[str]],
    limits: ParsedQuery | None = None,
    docs: Sequence[str] | None = None,
) -> Sweep:
    """Looks at every passage of the collection that could match, however many there are.

    `terms` turns a word into its terms of the keyword index. The index names every passage that holds
    any form of a word, without a limit; each is then read and kept when it holds all the words. The
    quote of a match is its sentence with most of the words; those with all of them come first. Where no
    passage has all the words, the one that the fewest have is left out, and so on. `limits` are the
    filters, phrases and excluded words of the question; `docs` limits the sweep to documents of these paths.
    """
    layout = index.layout(collection)
    everywhere = searched = _searched(index, collection, limits, docs)
    for code in question.codes:  # by any of its terms: one digit alone is no term, and the text is read
        searched = np.intersect1d(
            searched, _holding(index, collection, _Wanted(code, frozenset({code})), terms)
        )
    wanted = [_Wanted.of(word) for word in question.words]
    holding = {one.word: np.intersect1d(searched, _holding(index, collection, one, terms)) for one in wanted}
    kept: list[Hit] = []
    missed: list[str] = []
    while not kept:
        rowids = searched
        for word in wanted:
            rowids = np.intersect1d(rowids, holding[word.word])
        kept = [hit for hit in index.hits(rowids.tolist()) if _passes(hit, wanted, question, limits)]
        if kept or len(wanted) < 2:
            break
        rarest = min(wanted, key=lambda one: len(holding[one.word]))
        wanted.remove(rarest)
        missed.append(rarest.word)
    found = [(hit, *_best_sentence(hit, wanted)) for hit in kept]
    found.sort(key=lambda one: (one[3] < 1.0, one[0].doc, one[0].passage.ordinal, one[0].rowid))
    matches = tuple(
        Evidence(hit, marker, hit.passage.text[start:end], start, end, score)
        for marker, (hit, start, end, score) in enumerate(found, start=1)
    )
    documents = len({match.hit.document_id for match in matches})
    close = len({match.hit.document_id for match in matches if match.score == 1.0})
    given_up = tuple(missed) if matches else ()
    return Sweep(question, matches, documents, len(everywhere), len(layout.rowids), close, given_up)


def _searched(
    index: SearchIndex, collection: str, limits: ParsedQuery | None, docs: Sequence[str] | None
) -> NDArray[np.int64]:
    """The rowids of the passages that the filters and the chosen documents leave."""
    layout = index.layout(collection)
    chosen = None if docs is None else set(docs)
    passing = {entry.id for entry in matching(layout.entries, limits.filters if limits else ())}
    passes = [entry.id in passing and (chosen is None or entry.doc in chosen) for entry in layout.entries]
    searched: NDArray[np.int64] = layout.rowids[np.array(passes, dtype=bool)[layout.documents]]
    return searched


def _holding(
    index: SearchIndex, collection: str, word: _Wanted, terms: Callable[[str], Sequence[str]]
) -> NDArray[np.int64]:
    """The passages that may hold a form of the word.

    Each term is looked up alone: of several, the index leaves out those too common to rank by.
    """
    looked_up = sorted({term for form in word.forms for term in terms(form)})
    found = [index.postings(collection, [term]).rowids for term in looked_up]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *found]))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A word with the forms that count as the word."""

    word: str
    forms: frozenset[str]

    @classmethod
    def of(cls, word: str) -> _Wanted:
        return cls(word, frozenset(_forms(word)))

    def among(self, held: set[str]) -> bool:
        """Whether a text's folded words hold it."""
        if not self.word.isascii():
            return any(stem(word) == stem(self.word) for word in held)
        return not self.forms.isdisjoint(held)


_NO_PLURAL = frozenset({"news", "series", "species"})
_SIBILANT = ("s", "x", "z", "ch", "sh")
_SHORTEST_WITH_ENDINGS = 3
_SHORTEST_WITH_GERMAN_ENDINGS = 5  # shorter, an ending makes another word: plan and plane


def _forms(word: str) -> Iterator[str]:
    """The word, its singular and plural, and the regular verb forms of English.

    A stem would not do: under one, "contrast" counts as a contract, and "plan" as a plane.
    """
    yield word
    if not word.isascii() or not word.isalpha() or len(word) < _SHORTEST_WITH_ENDINGS:
        return
    for base in _bases(word):
        yield base
        yield base + ("es" if base.endswith(_SIBILANT) else "s")
        if base.endswith("y"):
            yield from (base[:-1] + "ies", base[:-1] + "ied")
        bare = base.removesuffix("e")
        yield from (bare + "ed", bare + "ing")
        if base.endswith("e"):
            yield base + "n"
        elif len(base) >= _SHORTEST_WITH_GERMAN_ENDINGS:
            yield from (base + "e", base + "en")


def _bases(word: str) -> Iterator[str]:
    """What the word may be a form of, itself first."""
    yield word
    if word.endswith("ies") and len(word) > len("ties"):
        yield word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in _NO_PLURAL:
        yield word[:-1]
        if word.endswith("es") and word[:-2].endswith(_SIBILANT):
            yield word[:-2]
    for ending in ("ing", "ed", "en"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= _SHORTEST_WITH_ENDINGS:
            yield from (base, base + "e")


def _place(hit: Hit) -> str:
    """What stands above a passage: the names it goes by."""
    return "\n".join((hit.title, *hit.passage.heading_path, hit.passage.context))


def _passes(hit: Hit, wanted: Sequence[_Wanted], question: SweepQuestion, limits: ParsedQuery | None) -> bool:
    """Whether a passage, its headings or its title hold all the words, and the text what else is asked."""
    text = hit.passage.text
    whole = f"{_place(hit)}\n{text}"
    held = set(words(whole))
    return (
        all(word.among(held) for word in wanted)
        and all(holds_phrase(whole, code) for code in question.codes)
        and (
            not question.called or called(question.called, hit.doc, hit.title, *hit.passage.heading_path[:1])
        )
        and all(holds_phrase(text, phrase) for phrase in (limits.phrases if limits else ()))
        and not any(holds_phrase(text, word) for word in (limits.excluded if limits else ()))
    )


def _best_sentence(hit: Hit, wanted: Sequence[_Wanted]) -> tuple[int, int, float]:
    """The sentence of a passage that holds most of the words, and their share; the first of equals.

    What the headings above hold, the sentence need not repeat.
    """
    text = hit.passage.text
    above = set(words(_place(hit)))
    counts = []
    for start, end in split_sentences(text):
        held = set(words(text[start:end]))
        own = sum(word.among(held) for word in wanted)
        both = sum(word.among(held | above) for word in wanted)
        counts.append((own, both, -start, start, end))
    _, both, _, start, end = max(counts, default=(0, len(wanted), 0, 0, len(text)))
    return start, end, both / len(wanted) if wanted else 1.0
