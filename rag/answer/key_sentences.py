"""The sentences that say most of a document: near to the whole of it, spread over its sections, each new."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.interfaces import Vectors
from rag.records import Evidence, Hit
from rag.text.excerpts import Unit, excerpt, size, units_of, without_markup
from rag.text.words import content_words, fold, stem

MIN_WORDS, MAX_WORDS = 6, 42
FEWEST, MOST = 3, 10
# How much each sign of a telling sentence counts, beside its nearness to the whole in standard deviations.
_TERMS, _PASSAGE = 0.5, 0.35
_OPENS_DOCUMENT, _OPENS_SECTION, _OWN_WORDS = 1.0, 0.7, 0.6
_ALONE = 2.0  # a document told in one sentence says best itself what it is
_SELF, _SUMS_UP, _CUE, _VALUE = 0.9, 0.65, 0.35, 0.25
_LEANS, _FRAGMENT, _SIZE, _QUESTION, _ASIDE, _BESIDE = -1.2, -1.1, -0.8, -1.5, -0.6, -1.0
_REPEATS, _SAME_SECTION, _SAME_HEADING = 1.6, 0.45, 0.5

_MARKER = re.compile(
    r"(?:[-*+•‣▪◦–—]\s+|\(?\d{1,3}[.)]\s+|\(?[a-zA-Z][.)]\s+|\[[ xX]\]\s+|\{%[^%]*%\}\s*|</?\w[^<>\n]*>\s*)+"
)
_ENDS = re.compile(r"[.!?…。！？][\"'”’»)\]」』）*_`]*$")
_LETTERS = re.compile(r"[^\W\d_]")
_VALUED = re.compile(r"\d|[%€$£¥]")
# All of these meet folded text.
_LEANING = re.compile(
    r"(?:this|these|that|those|it|its|it's|they|they're|them|he|she|his|her|their|such|however|but|and|or|so"
    r"|also|then|thus|therefore|hence|otherwise|instead|both|neither|nor|else|likewise|similarly|moreover"
    r"|furthermore|finally|afterwards|here|there|one|another|the (?:former|latter|same|other|first|second)"
    r"|for (?:example|instance)|in (?:addition|that|this|both)|as (?:such|a result)|after that|if so|if not"
    r"|yes|no|again|still"
    r"|dies\w*|das|er|es|deren|dessen|dazu|dabei|dafur|damit|daher|deshalb|deswegen|darum|aber|und|oder|auch"
    r"|dann|sonst|trotzdem|jedoch|allerdings|ausserdem|zudem|hier|dort|so|beide|zum beispiel"
    r"|cela|ceci|ce|ces|cette|il|elle|ils|elles|mais|et|donc|aussi|ainsi|esto|eso|este|esta|ello|pero|y|tambien)"
    r"\b|[这那它他她其但而]|因此|所以|此外|不过|然而|例如|另外"
)
_OF_ITSELF = re.compile(
    r"(?:in )?(?:this|the present) (?:[\w-]+ ){0,2}?(?:document|page|book|guide|handbook|manual|policy|report"
    r"|article|post|note|agreement|amendment|contract|section|schedule|plan|study|paper|letter|checklist|chapter)\b"
    r"|(?:in )?diese[rsm]? (?:\w+ )?(?:dokument|seite|handbuch|leitfaden|richtlinie|bericht|artikel"
    r"|beitrag|vertrag"
    r"|vereinbarung|text|kapitel)\b|(?:本|这[份篇本])(?:文|手册|指南|政策|报告|协议|合同|文档)"
    r"|(?:ce|cette|este|esta) (?:document|page|guide|politique|lettre|documento|pagina|guia|politica)\b"
)
_CUES = re.compile(
    r"\b(?:in short|in summary|to sum up|overall|in conclusion|the (?:result|lesson|upshot|point"
    r"|reason|goal|aim"
    r"|purpose|main|most important)|we (?:found|decided|agreed|recommend|conclude)|was (?:decided|agreed)"
    r"|must|has to|have to|required|at least|at most|no more than|never|always|needs?|may not|applies to"
    r"|muss|mussen|durfen|mindestens|hochstens|immer|ziel|zweck|ergebnis|beschlossen|gilt"
    r"|doit|doivent|debe|deben|obligatoire)\b|必须|应当|不得|至少|最多|目的|结论|总之"
)
_SUMMARY_SECTION = re.compile(
    r"\b(?:summary|abstract|overview|in short|conclusions?|results?|lessons?|key (?:points|findings)"
    r"|takeaways?"
    r"|tl;?dr|purpose|scope|decisions?|what (?:i|we) (?:do|did|learned|decided)(?: now)?"
    r"|zusammenfassung|fazit"
    r"|ergebnis(?:se)?|zweck|uberblick|beschlusse?|resume|conclusion|resumen|objetivo)\b|摘要|总结|结论|概述|目的"
)
_SIDE_SECTION = re.compile(
    r"\b(?:references?|see also|further reading|changelog|change log|history|acknowledge?ments?"
    r"|appendix|contents"
    r"|table of contents|related|links?|quellen|literatur|anhang|inhalt|footnotes?|contacts?)\b"
)
_POINTS_ELSEWHERE = re.compile(
    r"(?:see|for (?:more|further|details)|read|click|visit|contact|siehe|please (?:see|read|contact))"
)
_ROLL_CALL = re.compile(
    r"\W*(?:present|attendees|participants|apologies|in the room|author|anwesend|teilnehmer(?:innen)?"
    r"|entschuldigt|presents?|asistentes|出席|与会者)\W*[:：]"
)
_LINK = re.compile(r"\[[^\]]*\]\W*")
_PAIRS = (("(", ")"), ("（", "）"), ("[", "]"))


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A sentence that could stand for a part of its document; `start:end` is in its passage."""

    hit: Hit
    unit: Unit
    start: int
    opens: bool
    text: str
    terms: Counter[str]
    score: float = 0.0

    @property
    def section(self) -> tuple[str, ...]:
        return self.hit.passage.heading_path


def key_sentences(hits: Sequence[Hit], vectors: Vectors, *, most: int | None = None) -> list[Evidence]:
    """The most telling sentences of one document's passages, in the document's order, numbered from 1.

    `vectors`, shape (hits, dimensions), are the passages' own; nothing is embedded. A document of nothing but
    tables is told by the beginnings of these. `most` is by the document's length where it is not given.
    """
    candidates = _scored(_candidates(hits), hits, vectors, alone=most == 1)
    wanted = most or _count(candidates)
    chosen = _spread(candidates, wanted)
    found = [_quoted(one) for one in chosen] if chosen else _tables(hits, wanted)
    found.sort(key=lambda one: (one.hit.passage.ordinal, one.start))
    return [replace(one, marker=marker) for marker, one in enumerate(found, start=1)]


def _count(candidates: Sequence[_Candidate]) -> int:
    """How many sentences a document is told in: by its length, and one a section where these are few."""
    sections = len({one.section for one in candidates})
    by_length = round(0.9 * math.sqrt(len(candidates)))
    return min(MOST, max(FEWEST, by_length, sections if sections <= MOST else 0))


def _candidates(hits: Sequence[Hit]) -> list[_Candidate]:
    """The sentences and list items, without their markers; of a text without full stops its lines."""
    every = list(_pieces(hits))
    return [one for one in every if one.unit.kind == "list" or _is_whole(one.text)] or every


def _is_whole(text: str) -> bool:
    """Whether a sentence begins and ends as one, and closes what it opens: "(e.g." does not."""
    closed = all(text.count(opening) == text.count(closing) for opening, closing in _PAIRS)
    return closed and bool(_ENDS.search(text.rstrip())) and not text[:1].islower()


def _pieces(hits: Sequence[Hit]) -> Iterator[_Candidate]:
    opened: set[tuple[object, ...]] = set()
    for hit in hits:
        passage = hit.passage
        for unit in units_of(passage, hit.title):
            if not unit.answers or unit.kind not in ("prose", "list"):
                continue
            piece = passage.text[unit.start : unit.end]
            marker = _MARKER.match(piece)
            start = unit.start + (marker.end() if marker else 0)
            text = without_markup(passage.text[start : unit.end])
            if not _LETTERS.search(text) or _LINK.fullmatch(text) or _ROLL_CALL.match(fold(text)):
                continue
            if piece.rstrip("*_ ").endswith((":", "：")):
                continue
            terms = Counter(stem(word) for word in content_words(text))
            # A bold line of its own is a heading too, which the path does not have.
            place = (*passage.heading_path, hit.rowid if unit.section else 0, unit.section)
            if terms:
                yield _Candidate(hit, unit, start, place not in opened, text, terms)
                opened.add(place)


def _scored(
    candidates: Sequence[_Candidate], hits: Sequence[Hit], vectors: Vectors, *, alone: bool
) -> list[_Candidate]:
    """The candidates with how much each says of the whole, or would say `alone`."""
    if not candidates:
        return []
    whole = sum((one.terms for one in candidates), Counter[str]())
    weights = {term: math.log(1 + count) for term, count in whole.items()}
    by_terms = _standardised([_share(one.terms, weights) for one in candidates])
    central = dict(zip([hit.rowid for hit in hits], _standardised(_centrality(vectors)), strict=True))
    signs = [_signs(one) for one in candidates]
    fit = [one >= 0 and size(each.text) >= MIN_WORDS for one, each in zip(signs, candidates, strict=True)]
    lead = [number for number, one in enumerate(fit) if one][: 1 if alone else 2]
    opening = _ALONE if alone else _OPENS_DOCUMENT
    return [
        replace(
            one,
            score=_TERMS * by_terms[number]
            + _PASSAGE * central[one.hit.rowid]
            + signs[number]
            + (opening if number in lead else 0.0),
        )
        for number, one in enumerate(candidates)
    ]


def _share(terms: Counter[str], weights: dict[str, float]) -> float:
    """The cosine of a sentence's terms with all of the document's."""
    held = sum(weights[term] ** 2 for term in terms)
    return sum(weights[term] for term in terms) / math.sqrt(len(terms)) if held else 0.0


def _centrality(vectors: Vectors) -> list[float]:
    """The cosine of each passage with the mean of all."""
    mean = vectors.mean(axis=0)
    return [float(one) for one in vectors @ mean / max(float(np.linalg.norm(mean)), 1e-9)]


def _standardised(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    scores: NDArray[np.float64] = np.clip((array - array.mean()) / max(float(array.std()), 1e-9), -2, 2)
    return scores


def _signs(one: _Candidate) -> float:
    """What a sentence's place and form tell of it."""
    folded = fold(one.text).lstrip("\"'“„«(*_")
    words = size(one.text)
    heading = fold(one.section[-1]) if one.section else ""
    own = {stem(word) for word in content_words(" ".join([one.hit.title, *one.section[-1:]]))}
    of_itself = bool(_OF_ITSELF.match(folded))
    signs = {
        _OPENS_SECTION: one.opens,
        _SELF: of_itself,
        _CUE: bool(_CUES.search(folded)),
        _VALUE: bool(_VALUED.search(one.text)),
        _LEANS: not of_itself and bool(_LEANING.match(folded)),
        _FRAGMENT: not _is_whole(one.text),
        _SUMS_UP: bool(_SUMMARY_SECTION.search(heading)),
        _BESIDE: bool(_SIDE_SECTION.search(heading)),
        _SIZE: not MIN_WORDS <= words <= MAX_WORDS,
        _QUESTION: one.text.rstrip("*_\"' ").endswith(("?", "？")),
        _ASIDE: one.text.startswith(("(", "（")) or bool(_POINTS_ELSEWHERE.match(folded)),
    }
    score = sum(weight for weight, has in signs.items() if has)
    score += _OWN_WORDS * len(own.intersection(one.terms)) / len(own) if own else 0.0
    return score


def _spread(candidates: Sequence[_Candidate], wanted: int) -> list[_Candidate]:
    """The best sentences, each taken for what it adds to those before it."""
    chosen: list[_Candidate] = []
    left = list(candidates)
    while left and len(chosen) < wanted:
        best = max(left, key=lambda one: _added(one, chosen))
        left.remove(best)
        chosen.append(best)
    return chosen


def _added(one: _Candidate, chosen: Sequence[_Candidate]) -> float:
    repeated = max((_overlap(one.terms, other.terms) for other in chosen), default=0.0)
    near = sum(one.section[:2] == other.section[:2] for other in chosen)
    same = sum(one.section == other.section for other in chosen)
    return one.score - _REPEATS * repeated - _SAME_SECTION * near - _SAME_HEADING * same


def _overlap(terms: Counter[str], others: Counter[str]) -> float:
    return len(terms.keys() & others.keys()) / math.sqrt(len(terms) * len(others))


def _quoted(one: _Candidate) -> Evidence:
    text = one.hit.passage.text[one.start : one.unit.end]
    return Evidence(one.hit, 0, text, one.start, one.unit.end, one.score, header=one.unit.header)


def _tables(hits: Sequence[Hit], wanted: int) -> list[Evidence]:
    """The beginning of each of the first passages that hold anything but front matter."""
    found: list[Evidence] = []
    for hit in hits:
        every = units_of(hit.passage, hit.title)
        first = next(
            (number for number, unit in enumerate(every) if unit.answers and unit.kind != "properties"), None
        )
        if first is not None and len(found) < wanted:
            start, end = excerpt(hit.passage.text, every, first)
            found.append(Evidence(hit, 0, hit.passage.text[start:end], start, end, 0.0))
    return found
