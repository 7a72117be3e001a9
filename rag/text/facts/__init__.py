"""Text to the facts code can compare: numbers with units, dates, times, codes, names, quotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.text.facts.dates import dates, times
from rag.text.facts.fact import Fact, Taken, plain_text
from rag.text.facts.numbers import fiscal_years, numbers
from rag.text.facts.words import MONTHS, SCALES, UNITS
from rag.text.words import FUNCTION_WORDS, fold

_NO_NAMES = frozenset({*UNITS, *SCALES, *MONTHS, "fy"})
_CODE = re.compile(
    r"(?<![\w.])(?=[\w./-]{0,80}\d)(?=[\w./-]{0,80}[a-z_])[a-z0-9]+(?:[-_./][a-z0-9]+)*(?![\w])|(?<![\w.])\d+(?:\.\d+){2,}(?![\w.]*\w)"
)
_NO_CODE = re.compile(
    r"\d{3}0(?:s|er|ern)"  # a decade
    r"|\d+(?:[.,]\d+)?(?:st|nd|rd|th|[a-z]{1,3})"
    r"|\d{1,3}(?:\.\d{3})+"
    r"|\d+(?:\.\d+)?-(?:[a-z]{4,}|day|tag|jahr)(?:-[a-z]+)*"
)
_QUOTED = re.compile(r"[\"“„«「『《‹]([^\"“”„«»「」『』《》‹›]{2,300})[\"”“»」』》›]")
NAME_WORD = re.compile(r"[^\W\d_][\w'’]*(?:-[\w'’]+)*")


def facts(text: str) -> list[Fact]:
    """Every fact of a sentence or passage, by kind.

    Names are the capitalised words that do not merely open a sentence; German nouns are among them.
    """
    plain = plain_text(text)
    taken = Taken()
    found = [*dates(text, plain, taken), *times(text, plain, taken)]
    found += [*fiscal_years(plain, taken), *_codes(plain, taken)]
    found += numbers(plain, taken)
    found += _quotations(text)
    found += _names(text)
    return found


def _codes(plain: str, taken: Taken) -> Iterator[Fact]:
    """Versions and identifiers that mix letters with digits: they match letter by letter."""
    for match in _CODE.finditer(plain):
        if not _NO_CODE.fullmatch(match.group()) and taken.take(match):
            yield Fact(
                "code", match.group(), match.start(), frozenset({re.sub(r"[-_./]", "", match.group())})
            )


def _quotations(text: str) -> Iterator[Fact]:
    for match in _QUOTED.finditer(text):
        if len(match[1].strip()) >= 2:
            yield Fact("quotation", match[1].strip(), match.start(), frozenset({squeezed(match[1])}))


def squeezed(text: str) -> str:
    """Folded letters and digits only: quotations compare without spacing and punctuation."""
    return re.sub(r"[\W_]+", "", fold(text))


def _names(text: str) -> Iterator[Fact]:
    """Capitalised words that a sentence does not merely begin with."""
    previous_end = 0
    for match in NAME_WORD.finditer(text):
        word, before = match.group(), text[previous_end : match.start()]
        previous_end = match.end()
        if not word[0].isupper():
            continue
        opens = not text[: match.start()].strip(" \n\"'“„«([*_-–—•#|1234567890.") or bool(
            re.search(r"[.!?:|\n]\W*$", before)
        )
        inner_capital = any(character.isupper() for character in word[1:])
        if opens and not inner_capital and not _surely_a_name(text, match):
            continue
        bare = re.sub(r"['’]s?$", "", word)
        if len(bare) < 2 or fold(bare) in _NO_NAMES or (fold(bare) in FUNCTION_WORDS and not bare.isupper()):
            continue
        if not any(character.isdigit() for character in bare):
            yield Fact("name", bare, match.start(), frozenset({fold(bare)}))


def _surely_a_name(text: str, match: re.Match[str]) -> bool:
    """A sentence's first word is a name when a capitalised word follows it directly."""
    following = NAME_WORD.match(text, match.end() + 1) if text[match.end() : match.end() + 1] == " " else None
    is_function_word = fold(match.group()) in FUNCTION_WORDS
    return bool(following and following.group()[0].isupper() and not is_function_word)
