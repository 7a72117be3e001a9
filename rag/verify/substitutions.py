"""Single words that a sentence has in the place of others of its source, which it otherwise repeats."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from rag.text.facts import facts
from rag.text.facts.fact import Fact
from rag.text.facts.match import holds
from rag.text.facts.words import ARTICLES, MONTHS, NUMBER_WORDS, ORDINALS, PARTIES, UNITS
from rag.text.inflection import same_word
from rag.text.words import FUNCTION_WORDS, fold, words

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d[\d.,]*\d|\d")
_PASSED_OVER = (frozenset(map(fold, FUNCTION_WORDS)) - ARTICLES) | frozenset(
    "a an over under above below between during within per until since each every".split()  # noqa: SIM905
)
_COUNTED = frozenset({*NUMBER_WORDS, *ORDINALS, *MONTHS})
_NEIGHBOURS = 2
_MOST_WORDS = 2


@dataclass(frozen=True, slots=True)
class Substitution:
    """The claim's word and its source's, one or two, as written, and both between the claim's words."""

    claimed: str
    found: str
    claimed_in_place: str
    found_in_place: str

    @property
    def capitalised(self) -> bool:
        """Whether both may be names: a sentence's first word too."""
        return self.claimed[0].isupper() and self.found[0].isupper()

    @property
    def names_another_party(self) -> bool:
        """Whether both name a party to something, and not the same: the landlord, the tenant."""
        claimed, found = _party(self.claimed), _party(self.found)
        return bool(claimed and found and claimed != found)

    @property
    def names_the_same_party(self) -> bool:
        claimed, found = _party(self.claimed), _party(self.found)
        return bool(claimed and claimed == found)

    @property
    def is_miscounted(self) -> bool:
        """Whether both are numbers or dates, and not the same."""
        ours = _amount(self.claimed_in_place, self.claimed)
        theirs = _amount(self.found_in_place, self.found)
        if ours is None or theirs is None or "part" in (ours.unit, theirs.unit):
            return False
        return not holds(self.found_in_place, [theirs], ours)

    @property
    def is_plain(self) -> bool:
        """Whether neither is a number, month or unit, which are facts, and they are not forms of one word."""
        claimed, found = fold(self.claimed), fold(self.found)
        if any(word[0].isdigit() or word in _COUNTED for word in (claimed, found)):
            return False
        return not (claimed in UNITS and found in UNITS) and not is_among(self.claimed, words(self.found))


def substitutions(claim: str, quote: str) -> Iterator[Substitution]:
    """The words put in the place of one or two others, articles and the like aside, in what is else the same.

    What the claim only moved to another place of the sentence is none: a word that both have as often
    counts where its neighbour is the same ("closed in 1950", where the source closed in 1958), and not where
    the claim has turned the sentence round.
    """
    mine, theirs = _WORD.findall(claim), _WORD.findall(quote)
    matcher = SequenceMatcher(None, [*map(_key, mine)], [*map(_key, theirs)], autojunk=False)
    for operation, start, end, there, until in matcher.get_opcodes():
        if operation != "replace" or max(end - start, until - there) > _MOST_WORDS:
            continue
        claimed, found = _content(mine[start:end]), _content(theirs[there:until])
        left_out = [word for word in found if _count(word, theirs) > _count(word, mine)]
        moved = len(claimed) == 1 and _count(claimed[0], theirs) >= _count(claimed[0], mine)
        if moved and not _between_the_same(mine, start, end, theirs, there, until):
            continue
        if len(claimed) == 1 and left_out and len(left_out) == len(found):
            before, behind = mine[max(0, start - _NEIGHBOURS) : start], mine[end : end + _NEIGHBOURS]
            yield Substitution(
                claimed[0],
                " ".join(found),
                " ".join([*before, *mine[start:end], *behind]),
                " ".join([*before, *theirs[there:until], *behind]),
            )


def _between_the_same(
    mine: list[str], start: int, end: int, theirs: list[str], there: int, until: int
) -> bool:
    """Whether the next word that tells something, before both places or behind both, is the same."""
    sides = ((mine[:start][::-1], theirs[:there][::-1]), (mine[end:], theirs[until:]))
    nearest = ((_content(ours)[:1], _content(others)[:1]) for ours, others in sides)
    return any(a and b and same_word(fold(a[0]), fold(b[0])) for a, b in nearest)


def is_among(word: str, held: Collection[str]) -> bool:
    """Whether all parts of a word are there in some form."""
    return all(any(same_word(part, other) for other in held) for part in words(word))


def _key(word: str) -> str:
    """A word without its plural's ending."""
    return re.sub(r"(?<=\w{3})s$", "", fold(word))


def _content(written: list[str]) -> list[str]:
    return [word for word in written if fold(word) not in _PASSED_OVER]


def _count(word: str, written: list[str]) -> int:
    return sum(same_word(fold(word), fold(other)) for other in written)


def _party(written: str) -> str | None:
    bare = (re.sub(r"['’]s?$", "", fold(word)) for word in written.split())
    return next((PARTIES[word] for word in bare if word in PARTIES), None)


def _amount(text: str, word: str) -> Fact | None:
    """The number or date that a word of a text begins."""
    amounts = (fact for fact in facts(text) if fact.kind in ("number", "date"))
    return next((fact for fact in amounts if fact.text.startswith(fold(word))), None)
