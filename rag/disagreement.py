"""Quoted sentences of different documents that state the same with another number or date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from rag.records import Disagreement, Evidence
from rag.text.fact_matching import holds
from rag.text.fact import Fact
from rag.text.facts import facts
from rag.text.wording import content_words, stem

_SAME_STATEMENT = 0.6
_FEWEST_WORDS = 2
"""Shared words that make a statement: "date:" alone, as a front matter has it, is none."""


def disagreements(
    evidence: Sequence[Evidence], *, date_of: Callable[[int], str | None] = lambda document_id: None
) -> list[Disagreement]:
    """Every pair of quotes from different documents that disagree, in the order given.

    `date_of` gives a document's date by its id; it is asked only where there is a disagreement.

    Two quotes state the same when they share three fifths of their words, and two at least, numbers
    aside; they disagree when each then has a number or date, of the same kind and unit, that the other
    lacks.
    """
    found = []
    for one, other in combinations(evidence, 2):
        if one.hit.document_id != other.hit.document_id and _same_statement(one.quote, other.quote):
            values = _differing(one.quote, other.quote)
            if values:
                dates = date_of(one.hit.document_id), date_of(other.hit.document_id)
                found.append(Disagreement(one, other, values[0].text, values[1].text, *dates))
    return found


def _same_statement(one: str, other: str) -> bool:
    mine, theirs = _subject(one), _subject(other)
    most = max(len(mine), len(theirs))
    return len(mine & theirs) >= max(_FEWEST_WORDS, _SAME_STATEMENT * most)


def _subject(text: str) -> set[str]:
    return {stem(word) for word in content_words(text) if not any(map(str.isdigit, word))}


def _differing(one: str, other: str) -> tuple[Fact, Fact] | None:
    """The first number or date of each that the other does not hold."""
    mine, theirs = facts(one), facts(other)
    for fact in mine:
        if fact.kind not in ("number", "date", "time") or holds(other, theirs, fact):
            continue
        for rival in theirs:
            if rival.kind == fact.kind and rival.unit == fact.unit and not holds(one, mine, rival):
                return fact, rival
    return None
