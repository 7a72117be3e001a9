"""An answer's sentences held against the passages they cite: by code, not by a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from rag.interfaces import Embedder, Vectors
from rag.records import Citation, Hit, Sentence, Support
from rag.text.facts import facts
from rag.text.facts.fact import Fact
from rag.text.facts.match import holds
from rag.text.facts.spelled_numbers import CHINESE_NUMERALS
from rag.text.facts.words import HUNDREDS, NUMBER_WORDS, SCALES, UNITS
from rag.text.markers import Placed, without_markers
from rag.text.sentences import split_sentences
from rag.text.words import content_words, stem, words
from rag.verify.negation import contradictions
from rag.verify.substitutions import Substitution, is_among, substitutions

_LIST_NUMBER = re.compile(r"^\s*\(?\d{1,3}[.)]\s+")
_NEW_LINE = re.compile(r"\n+(?=\s*(?:[-*•+|#>]|\d+[.)]|[^\W\d_a-z]))")  # not one wrapped in a sentence
_LEAD_IN = re.compile(r":\s*$")
_LINK_TARGET = re.compile(r"(?<=\])\([^()\s]*\)|https?://\S+")  # its parts are no names

# Shares of a sentence's words that its source must hold, and cosines of E5 for the rest.
_WELL_COVERED = 0.6
_COVERED = 0.4
_NEAR_VERBATIM = 0.6
_SIMILAR = 0.86
_SAME = 0.90
# A word exchanged for another means the same when half the cosine of the words and the cosine of both
# between their neighbours make this much. Of 138 nouns exchanged at random in the sample documents'
# sentences this finds 133, and accuses 21 of 234 synonyms; 1.38 would find 110 and accuse 5.
_SAME_WORD = 1.40
_AMOUNTS = frozenset(stem(word) for word in (*NUMBER_WORDS, *HUNDREDS, *SCALES, *UNITS))
_CHINESE_AMOUNTS = re.compile(f"(?<!第)[{CHINESE_NUMERALS}]+")


@dataclass(frozen=True, slots=True)
class Grounded:
    """The checked text of an answer.

    Markers that pointed to nothing are gone from `text` and counted in `removed_markers`; sentences
    that had none carry the marker of the passage that supports them, where there is one.
    """

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    removed_markers: int


@dataclass(frozen=True, slots=True)
class Stance:
    """What a passage says to a claim, in the sentence nearest to it: `hit.passage.text[start:end]`.

    `problems` are what that sentence does not support, in plain words; `nearness` orders stances.
    """

    hit: Hit
    start: int
    end: int
    says: Literal["yes", "no", "nothing"]
    problems: tuple[str, ...]
    nearness: float


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence without its markers; `start:end` are offsets into the text without markers."""

    text: str
    start: int
    end: int
    marks: tuple[Placed, ...]

    @property
    def markers(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(mark.marker for mark in self.marks))


@dataclass(frozen=True, slots=True)
class _Source:
    """The sentence of a passage that is nearest to a claim, with those before and behind it.

    `coverage` is the share of the claim's words, amounts aside, that it has; in `told` the amounts count
    as had, since they are checked one by one.
    """

    marker: int
    hit: Hit
    start: int
    end: int
    window: str
    coverage: float
    told: float
    similarity: float = 0.0

    @property
    def quote(self) -> str:
        return self.hit.passage.text[self.start : self.end]

    @property
    def context(self) -> str:
        """All of the passage, what names it, and the caption and header of its table."""
        passage = self.hit.passage
        names = (self.hit.title, *passage.heading_path, self.hit.doc, passage.context)
        return "\n".join((*names, passage.text))

    @property
    def strength(self) -> float:
        return self.coverage + max(0.0, self.similarity - 0.75)


@dataclass(frozen=True, slots=True)
class _Verdict:
    supported: Support
    problems: tuple[str, ...]
    sources: tuple[_Source, ...] = ()


def ground(text: str, hits_by_marker: Mapping[int, Hit], *, embedder: Embedder | None = None) -> Grounded:
    """Checks every sentence of an answer against the passages its markers name.

    Numbers, dates, times, units, codes, names and quotations must be in a cited passage, negations must
    agree with it, and the rest must be near to one of its sentences: in words, or, with an embedder, in
    meaning. A claim that several passages share is looked for in all that it cites.
    """
    code = [hit.passage.text for hit in hits_by_marker.values() if "`" in hit.passage.text]
    unmarked = without_markers(text, hits_by_marker.keys(), sources=code)
    check = _Check(hits_by_marker, embedder)
    checked = [(claim, check.verdict(claim)) for claim in _claims(unmarked.text, unmarked.placed)]
    final, sentences = _with_markers(unmarked.text, checked)
    citations = tuple(citation for claim, verdict in checked for citation in _citations(claim, verdict))
    return Grounded(final, sentences, citations, unmarked.removed)


def stances(claim: str, hits: Sequence[Hit], *, embedder: Embedder | None = None) -> list[Stance]:
    """What each passage says to a claim of one sentence, in the order given; see `ground`.

    It says yes where one sentence, item or row, with its headings, has every word of the claim that matters:
    of eight passages one is always near to a claim in meaning, whatever that says. It says no where its
    sentence is on the same matter and has another number, date or party in the place of the claim's, or
    negates what the claim does not, or the reverse.
    """
    check = _Check(dict(enumerate(hits, start=1)), embedder)
    return [check.stance(_Claim(claim, 0, len(claim), ()), marker) for marker in check.markers]


def _claims(plain: str, placed: Sequence[Placed]) -> list[_Claim]:
    """The sentences, each with the markers in it or directly behind it."""
    spans = split_sentences(plain)
    owned: list[list[Placed]] = [[] for _ in spans]
    leading = bool(spans and placed and placed[0].position <= spans[0][0])
    for mark in placed:
        if spans:
            owned[_owner(mark.position, plain, spans, leading=leading)].append(mark)
    return [
        _Claim(plain[start:end], start, end, tuple(marks))
        for (start, end), marks in zip(spans, owned, strict=True)
    ]


def _owner(position: int, plain: str, spans: Sequence[tuple[int, int]], *, leading: bool) -> int:
    """The sentence a marker belongs to.

    A marker between two sentences belongs to the one before it, unless it opens a line or the answer
    sets all its markers in front.
    """
    before = max((i for i, (start, _) in enumerate(spans) if start < position), default=0)
    end = spans[before][1]
    in_gap = position > end or (leading and position == end)
    if in_gap and before + 1 < len(spans) and (leading or "\n" in plain[end:position]):
        return before + 1
    return before


class _Check:
    """The passages an answer may cite, with their sentences and vectors kept between its claims."""

    def __init__(self, hits: Mapping[int, Hit], embedder: Embedder | None) -> None:
        self._hits = hits
        self._embedder = embedder
        self._spans = {marker: split_sentences(hit.passage.text) for marker, hit in hits.items()}
        self._facts: dict[str, list[Fact]] = {}
        self._vectors: dict[int, Vectors] = {}
        self._claims: dict[str, Vectors] = {}

    @property
    def markers(self) -> Iterable[int]:
        return self._hits.keys()

    def stance(self, claim: _Claim, marker: int) -> Stance:
        """What one passage says to a claim."""
        source = self._source(claim, marker)
        if source.quote.startswith("|"):  # the header has more of the claim's words than any row
            rows = [replace(source, start=start, end=end) for start, end in self._spans[marker]]
            rows = [row for row in rows if row.quote.startswith("|")]
            source = min(rows, key=lambda row: len(_unsaid(claim.text, row)))
        verdict = self._judge(claim, [source])
        says: Literal["yes", "no", "nothing"] = "yes" if verdict.supported == "true" else "nothing"
        if says == "nothing" and self._denies(source, claim):
            says = "no"
        problems = tuple(problem.removesuffix(f" [{marker}]") for problem in verdict.problems)
        unsaid = _unsaid(claim.text, source) if says == "yes" else []
        if unsaid:
            says, problems = "nothing", tuple(f"“{word}” is not in" for word in unsaid)
        return Stance(source.hit, source.start, source.end, says, problems, source.strength)

    def _denies(self, source: _Source, claim: _Claim) -> bool:
        """Whether a sentence near to verbatim has something else in the place of a part of the claim."""
        if source.coverage < _NEAR_VERBATIM:
            return False
        if contradictions(claim.text, source.quote, source.window):
            return True
        if any(
            one.is_miscounted or one.names_another_party for one in substitutions(claim.text, source.quote)
        ):
            return True
        stated = (
            fact for fact in self._facts_of(claim.text) if fact.kind != "name" and fact.weight == "sure"
        )
        return any(
            self._missing(fact, claim, [source]) and _rivals(fact, claim.text, source.quote)
            for fact in stated
        )

    def verdict(self, claim: _Claim) -> _Verdict:
        """What the cited passages, or without markers the best of all passages, say to a claim."""
        if _LEAD_IN.search(claim.text) or not any(character.isalnum() for character in claim.text):
            return self._unchecked(claim)
        if claim.markers:
            cited = self._judge(claim, [self._source(claim, marker) for marker in claim.markers])
            return cited if cited.supported == "true" else self._with_hint(claim, cited)
        sources = sorted((self._source(claim, m) for m in self._hits), key=lambda s: (-s.strength, s.marker))
        verdicts = [self._judge(claim, [source]) for source in sources[:3]]
        order = {"true": 0, "partly": 1, "false": 2}
        best = min(verdicts, key=lambda verdict: order[verdict.supported], default=_Verdict("false", ()))
        if best.supported == "false":
            return _Verdict("false", ("no passage supports this",))
        return best

    def _unchecked(self, claim: _Claim) -> _Verdict:
        """A lead-in ("The steps are:") states nothing of its own; markers it has are still listed."""
        return _Verdict("true", (), tuple(self._source(claim, marker) for marker in claim.markers))

    def _with_hint(self, claim: _Claim, verdict: _Verdict) -> _Verdict:
        """Names another passage that does support the claim."""
        for marker in self._hits.keys() - set(claim.markers):
            if self._judge(claim, [self._source(claim, marker)]).supported == "true":
                return _Verdict(
                    verdict.supported, (*verdict.problems, f"[{marker}] says it"), verdict.sources
                )
        return verdict

    def _source(self, claim: _Claim, marker: int) -> _Source:
        """The sentence of one passage that the claim is nearest to.

        Numbers and units hardly count for it: a swapped one must not lead to the sentence it came from.
        """
        hit, spans = self._hits[marker], self._spans[marker]
        text = hit.passage.text
        asked = _stems(content_words(_CHINESE_AMOUNTS.sub(" ", claim.text)))
        subject = {word for word in asked if not word.isdigit()} - _AMOUNTS or asked
        if not spans:
            return _Source(marker, hit, 0, 0, "", 0.0, 0.0)
        coverages = [_coverage(subject, text[start:end]) for start, end in spans]
        similarities = [0.0] * len(spans)
        if self._embedder is not None and max(coverages) < _WELL_COVERED:
            similarities = self._similar(claim.text, marker, self._embedder)
        figures = [0.05 * _coverage(asked, text[start:end]) for start, end in spans]
        best = max(range(len(spans)), key=lambda i: (coverages[i] + figures[i] + 2 * similarities[i], -i))
        left, right = spans[max(0, best - 1)][0], spans[min(len(spans) - 1, best + 1)][1]
        window = text[left:right]
        coverage = max(coverages[best], _coverage(subject, window))
        told = 1 - len(subject) * (1 - coverage) / max(1, len(asked))
        return _Source(marker, hit, *spans[best], window, coverage, told, similarities[best])

    def _similar(self, claim: str, marker: int, embedder: Embedder) -> list[float]:
        """The cosine of the claim to each sentence of a passage."""
        if marker not in self._vectors:
            text = self._hits[marker].passage.text
            self._vectors[marker] = embedder.embed_passages([text[a:b] for a, b in self._spans[marker]])
        if claim not in self._claims:
            self._claims[claim] = embedder.embed_queries([claim], truncate=True)[0]
        return [float(value) for value in self._vectors[marker] @ self._claims[claim]]

    def _judge(self, claim: _Claim, sources: Sequence[_Source]) -> _Verdict:
        """The verdict over all cited passages together."""
        named = ", ".join(f"[{source.marker}]" for source in sources)
        best = max(sources, key=lambda source: source.strength)
        hard, soft = self._wrong_facts(claim, sources)
        if best.coverage >= _COVERED:
            told = "\n".join(self._told(claim, best))
            exchanged = list(substitutions(claim.text, told))
            if not hard and len(sources) == 1:
                hard += [
                    f"{one.claimed} (it is {one.found}) is not in" for one in exchanged if one.is_miscounted
                ]
            soft += [f"“{word}” is not in" for word in self._exchanged(exchanged, sources)]
            hard += contradictions(claim.text, told, f"{best.window}\n{told}")
        wording = _wording(best)
        problems = tuple(f"{problem} {named}" for problem in (*hard, *soft))
        if hard or wording == "false" or (soft and wording != "true"):
            return _Verdict("false", problems or (f"no sentence of {named} says this",), tuple(sources))
        if soft or wording == "partly":
            return _Verdict("partly", problems or (f"only a part of this is in {named}",), tuple(sources))
        return _Verdict("true", (), tuple(sources))

    def _wrong_facts(self, claim: _Claim, sources: Sequence[_Source]) -> tuple[list[str], list[str]]:
        """What is wrong with the claim's facts; names, which may be paraphrased, apart."""
        hard: list[str] = []
        soft: list[str] = []
        for fact in self._facts_of(_LIST_NUMBER.sub("", claim.text)):
            problem = self._missing(fact, claim, sources) if fact.weight != "held" else ""
            if problem:
                (soft if fact.kind == "name" else hard).append(problem)
        return hard, soft

    def _exchanged(self, exchanged: Sequence[Substitution], sources: Sequence[_Source]) -> list[str]:
        """The words put in the place of others that mean something else, and that no source has."""
        held = {word for source in sources for word in words(source.context)}
        return [
            one.claimed
            for one in exchanged
            if one.is_plain
            and (one.names_another_party or (not is_among(one.claimed, held) and self._means_another(one)))
        ]

    def _means_another(self, one: Substitution) -> bool:
        """By meaning; without an embedder only where both may be names."""
        if one.names_the_same_party:
            return False
        if self._embedder is None:
            return one.capitalised
        texts = [one.claimed, one.found, one.claimed_in_place, one.found_in_place]
        word, other, in_place, other_in_place = self._embedder.embed_queries(texts, truncate=True)
        return float(word @ other) / 2 + float(in_place @ other_in_place) < _SAME_WORD

    def _missing(self, fact: Fact, claim: _Claim, sources: Sequence[_Source]) -> str:
        """Why a fact is not held by the sources; "" when it is."""
        shown = f"“{fact.text}”" if fact.kind == "quotation" else fact.text
        held = (holds(source.context, self._facts_of(source.context), fact) for source in sources)
        if fact.weight == "sure" and not any(held):
            return f"{shown} is not in"
        nearest = max(sources, key=lambda source: source.strength)
        if len(sources) > 1 or self._is_told(fact, claim, nearest):
            return ""
        if nearest.coverage < _NEAR_VERBATIM:
            return ""
        rivals = _rivals(fact, claim.text, nearest.quote)
        return f"{shown} stands for something else (here it is {rivals[0].text}) in" if rivals else ""

    def _is_told(self, fact: Fact, claim: _Claim, nearest: _Source) -> bool:
        """Whether a fact is in the nearest sentence, its table's header, or another that the claim tells."""
        header = nearest.hit.passage.context
        scaled = f"{header}\n{nearest.quote}" if fact.kind == "number" else nearest.quote
        return (
            holds(scaled, self._facts_of(nearest.quote), fact)
            or holds(header, self._facts_of(header), fact)
            or any(holds(told, self._facts_of(told), fact) for told in self._told(claim, nearest, least=1))
        )

    def _told(self, claim: _Claim, nearest: _Source, *, least: int = 2) -> list[str]:
        """The sentence nearest to a claim, and those of which the claim tells what is not in that one.

        It tells a sentence with three fifths of its own words, and with so many of them at least; with
        `least` of 1, one will do.
        """
        text, stated, told = nearest.hit.passage.text, _stems(words(claim.text)), _stems(words(nearest.quote))
        return [
            text[start:end]
            for start, end in self._spans[nearest.marker]
            if start == nearest.start or _tells(stated, _stems(content_words(text[start:end])) - told, least)
        ]

    def _facts_of(self, text: str) -> list[Fact]:
        if text not in self._facts:
            self._facts[text] = facts(text)
        return self._facts[text]


def _unsaid(claim: str, source: _Source) -> list[str]:
    """What of the claim the best line of the quote lacks: content words, numbers, dates and codes.

    A line is read with the document's title and its headings, and of a row only the cells that the claim
    speaks of, each under the name of its column.
    """
    passage = source.hit.passage
    around = "\n".join((source.hit.title, *passage.heading_path))
    asked = {word: stem(word) for word in content_words(_CHINESE_AMOUNTS.sub(" ", claim))}
    asked = {word: key for word, key in asked.items() if not word.isdigit() and key not in _AMOUNTS}
    stated = [fact for fact in facts(claim) if fact.kind != "name"]
    lacking = []
    for line in _NEW_LINE.split(source.quote):
        told = _told_cells(line, _header(source), set(asked.values())) if line.startswith("|") else line
        held = _stems(words(f"{around}\n{told}"))
        unsaid = [word for word, key in asked.items() if key not in held]
        lacking.append(unsaid + [fact.text for fact in stated if not _has(told, around, fact)])
    return min(lacking, key=len)


def _has(line: str, around: str, fact: Fact) -> bool:
    """Whether a line has a fact; a year may stand in the headings."""
    if set(words(fact.text)) <= set(words(line)):
        return True
    text = f"{around}\n{line}" if fact.kind == "date" or _is_year(fact) else line
    return holds(text, facts(text), fact)


def _header(source: _Source) -> str:
    """The row of column names above a row: in the passage, or in its context where the table was cut."""
    above = source.hit.passage.text[: source.end].splitlines()
    rows = list(takewhile(lambda line: line.startswith("|"), reversed(above)))[::-1]
    if len(rows) > 1 and not rows[1].strip("|-: "):
        return rows[0]
    named = [line for line in source.hit.passage.context.splitlines() if line.startswith("|")]
    return named[0] if named else ""


def _told_cells(row: str, header: str, asked: set[str]) -> str:
    names, cells = (line.strip().strip("|").split("|") for line in (header, row))
    if len(names) != len(cells):
        return row
    named = [f"{name} {cell}" for name, cell in zip(names, cells, strict=True)]
    return "\n".join(cell for cell in named if asked & _stems(words(cell)))


def _rivals(fact: Fact, claim: str, quote: str) -> list[Fact]:
    """Facts of the source sentence in whose place the claim may have put its own.

    They are of the same kind and left out by the claim, are the same value in another unit, or are a
    date whose year the claim changed.
    """
    stated = facts(claim)
    rivals = []
    for other in (other for other in facts(_LINK_TARGET.sub(" ", quote)) if other.weight != "held"):
        same_value = other.kind == fact.kind and bool(other.readings & fact.readings)
        alike = other.kind == fact.kind and other.unit == fact.unit and _is_year(other) == _is_year(fact)
        changed = alike and not holds(claim, stated, other)
        years = [reading[0] for reading in other.readings if isinstance(reading, tuple)]
        other_year = fact.kind == "number" and any(year and str(year) not in claim for year in years)
        if same_value or changed or other_year:
            rivals.append(other)
    return rivals


def _is_year(fact: Fact) -> bool:
    return bool(re.fullmatch(r"(?:1[89]|20)\d\d", fact.text))


def _coverage(asked: set[str], text: str) -> float:
    """The share of the claim's content words, by stem, that a text holds."""
    return len(asked & _stems(words(_CHINESE_AMOUNTS.sub(" ", text)))) / len(asked) if asked else 0.0


def _stems(those: Iterable[str]) -> set[str]:
    return {stem(word) for word in those}


def _tells(stated: set[str], own: set[str], least: int) -> bool:
    """Whether enough of a sentence's own words, amounts aside, are stated."""
    shared = {word for word in own & stated if not word.isdigit()} - _AMOUNTS
    return len(shared) >= least and (least == 1 or len(shared) >= _NEAR_VERBATIM * len(own))


def _wording(source: _Source) -> Support:
    """How near the source sentence is to the claim, in words or in meaning."""
    told = source.told if source.coverage else 0.0
    if told >= _WELL_COVERED or source.similarity >= _SAME:
        return "true"
    if told >= _COVERED and source.similarity >= _SIMILAR:
        return "true"
    return "partly" if told >= _COVERED or source.similarity >= _SIMILAR else "false"


def _added(claim: _Claim, verdict: _Verdict) -> tuple[int, ...]:
    """The markers a sentence without any gets: those of the passage that supports it."""
    if claim.marks or verdict.supported == "false":
        return ()
    return tuple(source.marker for source in verdict.sources)


def _with_markers(plain: str, checked: Sequence[tuple[_Claim, _Verdict]]) -> tuple[str, tuple[Sentence, ...]]:
    """The text with valid markers where they were and found ones at their sentences' ends."""
    text, position = "", 0
    sentences = []
    for claim, verdict in checked:
        text += plain[position : claim.start]
        start = len(text)
        added = _added(claim, verdict)
        text += _woven(claim, added)
        position = claim.end
        markers = tuple(dict.fromkeys((*claim.markers, *added)))
        sentences.append(Sentence(start, len(text), markers, verdict.supported, verdict.problems))
    return text + plain[position:], tuple(sentences)


def _woven(claim: _Claim, added: Iterable[int]) -> str:
    """A claim's text with its markers."""
    pieces, position = [], claim.start
    for mark in claim.marks:
        place = min(max(mark.position, claim.start), claim.end)
        pieces.append(claim.text[position - claim.start : place - claim.start])
        leads = place == claim.start
        joins = not pieces[-1] and len(pieces) > 1
        pieces.append(f"[{mark.marker}] " if leads else f"{'' if joins else ' '}[{mark.marker}]")
        position = place
    pieces.append(claim.text[position - claim.start :])
    pieces += [f" [{marker}]" for marker in added]
    return "".join(pieces)


def _citations(claim: _Claim, verdict: _Verdict) -> Iterator[Citation]:
    """One citation for each passage a claim cites, quoting the sentence nearest to it."""
    markers = claim.markers or _added(claim, verdict)
    for source in verdict.sources:
        if source.marker in markers and source.quote:
            passage = source.hit.passage
            yield Citation(
                marker=source.marker,
                doc=source.hit.doc,
                page=source.hit.page,
                quote=source.quote,
                start=passage.start + source.start,
                end=passage.start + source.end,
                passage_id=passage.id,
                content_hash=passage.content_hash,
                supported=verdict.supported,
            )
