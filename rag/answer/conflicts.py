"""Quoted sentences of different documents that state the same with another number or date."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import combinations

from rag.records import Disagreement, Evidence, Hit
from rag.text.facts import facts
from rag.text.facts.fact import Fact
from rag.text.facts.match import holds
from rag.text.words import content_words, stem
from rag.verify.substitutions import substitutions

_SAME_STATEMENT = 0.6
_YEAR = re.compile(r"(?:19|20)\d\d|fy.*|.*year.*")
_CODE = re.compile(
    r"(?<![\w-])(?!v(?:er)?(?:sion)?\d)[a-z]+[-_]?\d[\w-]*|\b(?:invoice|rechnung|factura|facture) \d+"
)
_FEWEST_WORDS = 2
"""Shared words that make a statement: "date:" alone, as a front matter has it, is none."""


def disagreements(
    evidence: Sequence[Evidence], *, date_of: Callable[[int], str | None] = lambda document_id: None
) -> list[Disagreement]:
    """Every pair of quotes from different documents that disagree, in the order given.

    `date_of` gives a document's date by its id; it is asked only where there is a disagreement.

    Two quotes state the same when they share three fifths of their words, and two at least, numbers
    aside, and speak of the same names, codes, places in a document and order, and years; they disagree when
    each then has a number or date, of the same kind and unit, that the other lacks.
    """
    found = []
    for one, other in combinations(evidence, 2):
        if _are_of_other_things(one.hit, other.hit) or one.superseded or other.superseded:
            continue  # of a later version it is known which holds
        if one.hit.document_id != other.hit.document_id and _same_statement(one.quote, other.quote):
            values = _differing(one.quote, other.quote)
            if values:
                dates = date_of(one.hit.document_id), date_of(other.hit.document_id)
                found.append(Disagreement(one, other, values[0].text, values[1].text, *dates))
    return found


def _are_of_other_things(one: Hit, other: Hit) -> bool:
    """Whether each document is named by a code that the other's names lack: two invoices, two models.

    Versions and dates are no such code: of those, one may have replaced the other.
    """
    mine, theirs = _codes(one), _codes(other)
    return bool(mine - theirs) and bool(theirs - mine)


def _codes(hit: Hit) -> set[str]:
    names = "\n".join(
        (hit.doc.rsplit("/", 1)[-1].rsplit(".", 1)[0], hit.title, *hit.passage.heading_path[:1])
    )
    codes = {re.sub(r"[\W_]", "", code) for code in _CODE.findall(names.casefold())}
    return {code for code in codes if not re.fullmatch(r"[a-z]*(?:19|20)\d\d", code)}


def _same_statement(one: str, other: str) -> bool:
    mine, theirs = _subject(one), _subject(other)
    most = max(len(mine), len(theirs))
    return len(mine & theirs) >= max(_FEWEST_WORDS, _SAME_STATEMENT * most)


def _subject(text: str) -> set[str]:
    return {stem(word) for word in content_words(text) if not any(map(str.isdigit, word))}


def _differing(one: str, other: str) -> tuple[Fact, Fact] | None:
    """The first number or date of each that the other does not hold; None where their subjects differ."""
    mine, theirs = _lacking(one, other), _lacking(other, one)
    values = [
        (fact, rival)
        for fact in mine
        for rival in theirs
        if fact.kind == rival.kind and fact.unit == rival.unit and _is_value(fact) and _is_value(rival)
    ]
    times_differ = any(map(_is_time, mine)) and any(map(_is_time, theirs))
    only_times = all(map(_is_time, (*mine, *theirs)))
    if not values or _on_other_subjects(one, other, mine, theirs) or (times_differ and not only_times):
        return None
    return values[0]


def _lacking(text: str, other: str) -> list[Fact]:
    """The facts of a text that another does not hold."""
    held = facts(other)
    return [fact for fact in facts(text) if fact.weight != "held" and not holds(other, held, fact)]


def _on_other_subjects(one: str, other: str, mine: list[Fact], theirs: list[Fact]) -> bool:
    """Whether each speaks of a name, code, place or party that the other does not."""
    if not all(map(_is_value, mine)) and not all(map(_is_value, theirs)):
        return True
    exchanged = [pair for pair in substitutions(one, other) if pair.is_plain]
    return any(
        pair.names_another_party or (pair.capitalised and not pair.names_the_same_party) for pair in exchanged
    )


def _is_value(fact: Fact) -> bool:
    """Whether a fact is what a statement gives, rather than what it speaks of."""
    return fact.kind in ("number", "date", "time") and fact.unit not in ("ordinal", "label", "rate")


def _is_time(fact: Fact) -> bool:
    """A date, or a number that is written as years are."""
    return fact.kind == "date" or (
        fact.kind == "number" and not fact.unit and bool(_YEAR.fullmatch(fact.text))
    )
