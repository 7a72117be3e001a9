"""A guide to one document: its headings, key dates, amounts and parties, each quoted where it stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.answer.summary import document_points
from rag.interfaces import SearchIndex
from rag.records import DocumentEntry, Evidence, Hit
from rag.text.excerpts import Unit, units_of
from rag.text.facts import facts
from rag.text.facts.fact import span_of
from rag.text.words import FUNCTION_WORDS, fold

MAX_HEADINGS = 60
MAX_DATES, MAX_AMOUNTS, MAX_PARTIES = 8, 10, 8
READ_PASSAGES = 400
"""A longer document's dates, amounts and parties are those of its beginning."""

_CURRENCIES = frozenset("EUR USD GBP CHF JPY CNY SEK NOK DKK PLN CZK INR CLP AUD CAD".split())  # noqa: SIM905
_NAME = r"[A-ZÀ-ÖØ-Þ][\w&'’.-]*"
_COMPANY = re.compile(
    rf"(?:{_NAME} (?:(?:&|of|the|de) )?){{1,5}}(?:Ltd|Limited|Inc|LLC|LLP|PLC|plc|GmbH|AG|SE|KG|OHG|UG"
    rf"|B\.?V|N\.?V"
    rf"|S\.?A|S\.?L|SpA|S\.?p\.?A|SARL|Corp|Corporation|Company|AB|A/S|Oy|e\.?V|Foundation|University)\b\.?"
    r"|[\u4e00-\u9fff]{2,12}?(?:有限公司|股份公司|公司|集团|银行|大学)"
)
_PERSON = re.compile(r"\b(?:[A-ZÀ-ÖØ-Þ][a-zß-ÿ’'-]+ ){1,2}[A-ZÀ-ÖØ-Þ][a-zß-ÿ’'-]+\b")
_UNIT = re.compile(
    r"(?: ?(?:[kKmM]\b|thousand|million|billion|bn|tausend|tsd\.?|mio\.?|millionen|mrd\.?|milliarden|万|亿))?"
    r"(?: ?(?:[€$£¥]|euros?\b|eur\b|dollars?\b|usd\b|pounds?\b|gbp\b|francs?\b|chf\b|clp\b|pesos?\b"
    r"|元|欧元|美元))?",
    re.IGNORECASE,
)
_OWNED = re.compile(
    r"\b(?:owner|author|editor|edited|prepared|signed|written|reviewed|approved|contact|chair|lead|leitung|verfasst"
    r"|between|represented)\b"
)
_SAID_OF_DATES = re.compile(
    r"\b(?:in force|valid|effective|from|until|till|by|before|after|since|due|deadline|expires?|ends?"
    r"|begins?|starts?"
    r"|dated|signed|published|approved|replaces?|replaced|renewed|review|gultig|ab|bis|frist|unterzeichnet|fallig)\b"
    r"|生效|截止|起|至|到期|签署|发布"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading at its level (1 is the outermost), the page it is first met on, and its first sentence."""

    heading: str
    level: int
    page: int | None
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A date, amount or party as the document writes it, in the sentence that names it."""

    value: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Outline:
    """What a document holds, in its order; `read` of `passages` were looked at for its details.

    `points` are its main points.
    """

    document: DocumentEntry
    passages: int
    read: int
    points: tuple[Evidence, ...]
    sections: tuple[Section, ...]
    dates: tuple[Mention, ...]
    amounts: tuple[Mention, ...]
    parties: tuple[Mention, ...]


def outline(document: DocumentEntry, index: SearchIndex, collection: str) -> Outline:
    """The guide to a document of a collection, made from its stored passages."""
    rowids = index.passage_rowids([document.id])
    hits = [hit for hit in index.hits(rowids) if not hit.passage.is_hidden]
    read = hits[:READ_PASSAGES]
    said = [(hit, unit) for hit in read for unit in units_of(hit.passage, hit.title) if unit.answers]
    return Outline(
        document,
        len(rowids),
        len(read),
        tuple(document_points(index, collection, rowids)),
        tuple(_sections(hits)),
        _chosen(_dates(said), MAX_DATES),
        _chosen(_amounts(said), MAX_AMOUNTS),
        _chosen(_parties(said, document.language), MAX_PARTIES),
    )


def _sections(hits: Sequence[Hit]) -> Iterator[Section]:
    """The headings in order, each once; a document's own title is none."""
    seen: set[tuple[str, ...]] = set()
    for hit in hits:
        path = hit.passage.heading_path
        for level in range(1, len(path) + 1):
            above = path[:level]
            if above in seen or len(seen) > MAX_HEADINGS:
                continue
            seen.add(above)
            if level > 1 or fold(above[-1]) != fold(hit.title):
                own = level == len(path)
                yield Section(above[-1], level, hit.page, _first_sentence(hit) if own else None)


def _first_sentence(hit: Hit) -> Evidence | None:
    for unit in units_of(hit.passage, hit.title):
        if unit.answers and unit.kind in ("prose", "list"):
            return _quoted(hit, unit)
    return None


def _quoted(hit: Hit, unit: Unit, value: tuple[int, int] | None = None) -> Evidence:
    """A sentence, item or row, with the place of a value in it marked."""
    text = hit.passage.text[unit.start : unit.end]
    sentence = (unit.start, unit.end)
    answer = value and (unit.start + value[0], unit.start + value[1])
    return Evidence(hit, 0, text, unit.start, unit.end, 1.0, sentence, answer, unit.header)


Said = Sequence[tuple[Hit, Unit]]
Ranked = Iterator[tuple[float, object, Mention]]


def _dates(said: Said) -> Ranked:
    """Days and months; first those that a sentence says something happens on."""
    for hit, unit in said:
        text = hit.passage.text[unit.start : unit.end]
        cued = bool(_SAID_OF_DATES.search(fold(text)))
        for fact in facts(text):
            if fact.kind == "date" and fact.weight == "sure":
                span = span_of(text, fact)
                readings = [one for one in fact.readings if isinstance(one, tuple) and (one[0] or one[2])]
                if readings:  # a month alone is no date
                    mention = Mention(text[slice(*span)], _quoted(hit, unit, span))
                    yield cued + 0.5 * (None not in readings[0]), min(map(str, readings)), mention


def _amounts(said: Said) -> Ranked:
    """Sums of money; those of sentences before those of tables."""
    for hit, unit in said:
        text = hit.passage.text[unit.start : unit.end]
        for fact in facts(text):
            if fact.kind == "number" and fact.unit in _CURRENCIES:
                start, end = span_of(text, fact)
                unit_word = _UNIT.match(text, end)
                span = (start, unit_word.end() if unit_word else end)
                mention = Mention(text[slice(*span)], _quoted(hit, unit, span))
                if any(map(str.isdecimal, mention.value)):
                    yield float(unit.kind != "table"), (fact.unit, mention.value), mention


def _parties(said: Said, language: str | None) -> Ranked:
    """Companies, then people: the more often named, the earlier."""
    found: list[tuple[bool, str, Mention]] = []
    for hit, unit in said:
        text = hit.passage.text[unit.start : unit.end]
        patterns = [(True, _COMPANY), *([(False, _PERSON)] if language != "de" else [])]
        for company, pattern in patterns:
            for match in pattern.finditer(text):
                value = match.group().strip(" ,")
                opens = fold(value.split()[0]) in FUNCTION_WORDS
                if "\n" not in value and unit.kind != "code" and not opens:
                    found.append((company, value, Mention(value, _quoted(hit, unit, match.span()))))
    companies = {value for company, value, _ in found if company}
    counts = Counter(value for _, value, _ in found)
    for company, value, mention in found:
        often = counts[value] > 1 or _OWNED.search(fold(mention.evidence.quote))
        if company or (often and not any(value in other for other in companies)):
            yield 100.0 * company + counts[value], fold(value), mention


def _chosen(ranked: Ranked, most: int) -> tuple[Mention, ...]:
    """The best mention of each of the best values, in the order of the document."""
    best: dict[object, tuple[float, int, Mention]] = {}
    for place, (rank, key, mention) in enumerate(ranked):
        if key not in best or rank > best[key][0]:
            best[key] = (rank, place, mention)
    kept = sorted(best.values(), key=lambda one: (-one[0], one[1]))[:most]
    return tuple(mention for _, _, mention in sorted(kept, key=lambda one: one[1]))
