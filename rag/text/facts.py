"""Text to the facts code can compare: numbers with units, dates, times, codes, names, quotations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rag.text.fact_words import AMBIGUOUS_WORDS, MONTHS, NUMBER_WORDS, SCALES, UNITS
from rag.text.wording import FUNCTION_WORDS, fold

FactKind = Literal["number", "date", "time", "code", "name", "quotation"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One checkable detail, as written (`text`), at `start` of the text it was found in.

    `readings` are its possible meanings, any of which may match: "1.500" is 1500 or 1.5, "03/05/2024"
    two dates. `unit` is canonical ("EUR", "day"), "" where none was recognised.
    """

    kind: FactKind
    text: str
    start: int
    readings: frozenset[object]
    unit: str = ""
    rounded: bool = False


_NO_NAMES = frozenset({*UNITS, *SCALES, *MONTHS, "fy"})
_MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)|(\d{4})年(\d{1,2})月(?:(\d{1,2})日)?")
_DIGIT_DATE = re.compile(r"(?<![\d.])(\d{1,2})([./])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_DAY_MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?: de| of)? ({_MONTH})\b\.?(?:,? (?:de )?(\d{{4}})\b)?"
)
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?![\d.:])(?:,? (\d{{4}})\b)?")
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\.?,?(?: de)? (\d{{4}})\b")
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})(?::(\d\d)(?!\d|:))?\s?(a\.?m\b\.?|p\.?m\b\.?|uhr\b)|(?<![\d:.])(\d{1,2}):(\d\d)(?![\d:])"
)
_FISCAL = re.compile(r"\b(?:fy|fiscal(?: year)?|geschaftsjahr|exercice)\s?'?(\d{4}|\d{2})\b")
_CODE = re.compile(
    r"(?<![\w.])(?=[\w./-]*\d)(?=[\w./-]*[a-z_])[a-z0-9]+(?:[-_./][a-z0-9]+)*(?![\w])|(?<![\w.])\d+(?:\.\d+){2,}(?![\w.])"
)
_NUMBER = re.compile(
    r"(?<![a-z0-9_.,])(?:(?P<symbol>us\$|[$€£¥])\s?)?"
    r"(?P<digits>\d{1,3}(?:[ '’.,]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?)(?P<half>½)?"
    r"(?:[\s-]?(?P<after>%|％|[€$£¥°]c?|[^\W\d_]+\.?))?(?:[\s-](?P<second>[^\W\d_]+))?"
)
_ROUNDING = re.compile(
    r"(?:about|around|roughly|nearly|almost|approximately|over|more than|some|circa|ca\.?|rund|etwa|fast"
    r"|knapp|uber|environ|presque|casi|unos|unas|~|≈|约|大约|近)\s*$"
)
_QUOTED = re.compile(r"[\"“„«「『《‹]([^\"“”„«»「」『』《》‹›]{2,300})[\"”“»」』》›]")
NAME_WORD = re.compile(r"[^\W\d_][\w'’]*(?:-[\w'’]+)*")
_DECADE = re.compile(r"(\d{3}0)(?:s|er|ern)$")


def facts(text: str) -> list[Fact]:
    """Every fact of a sentence or passage, by kind.

    Names are the capitalised words that do not merely open a sentence; German nouns are among them.
    """
    plain = plain_text(text)
    taken: list[tuple[int, int]] = []
    found = [*_dates(plain, taken), *_fiscal_years(plain, taken), *_times(plain, taken)]
    found += _codes(plain, taken)
    found += _numbers(plain, taken)
    found += _number_words(plain, taken)
    found += _quotations(text)
    found += _names(text)
    return found


def plain_text(text: str) -> str:
    """Lower case without accents and with ASCII digits, every character at its old place."""
    return "".join(_plain_character(character) for character in text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character.lower()
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if character in "\u00a0\u202f\u2009":
        return " "
    folded = fold(character)
    return folded if len(folded) == 1 else (folded[:1] if folded[:1].isalpha() else character)


def _free(match: re.Match[str], taken: list[tuple[int, int]]) -> bool:
    """Claims the span of a match, unless an earlier pattern has a part of it."""
    start, end = match.span()
    if any(start < right and left < end for left, right in taken):
        return False
    taken.append((start, end))
    return True


def _dates(plain: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    """Dates as (year or None, month, day or None)."""
    for pattern, read in (
        (_ISO_DATE, _read_iso),
        (_DIGIT_DATE, _read_digits),
        (_DAY_MONTH, lambda m: {(_year(m[3]), MONTHS[m[2]], int(m[1]))}),
        (_MONTH_YEAR, lambda m: {(int(m[2]), MONTHS[m[1]], None)}),
        (_MONTH_DAY, lambda m: {(_year(m[3]), MONTHS[m[1]], int(m[2]))}),
    ):
        for match in pattern.finditer(plain):
            readings = {date for date in read(match) if 1 <= date[1] <= 12 and (date[2] or 1) <= 31}
            if readings and _free(match, taken):
                yield Fact("date", match.group().strip(), match.start(), frozenset(readings))


Date = tuple[int | None, int, int | None]


def _read_iso(match: re.Match[str]) -> set[Date]:
    if match[1]:
        return {(int(match[1]), int(match[2]), int(match[3]))}
    return {(int(match[4]), int(match[5]), int(match[6]) if match[6] else None)}


def _read_digits(match: re.Match[str]) -> set[Date]:
    """Day and month in either order with slashes, day first with dots."""
    first, second, year = int(match[1]), int(match[3]), _year(match[4])
    return {(year, second, first)} if match[2] == "." else {(year, second, first), (year, first, second)}


def _year(digits: str | None) -> int | None:
    if not digits:
        return None
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def _fiscal_years(plain: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    for match in _FISCAL.finditer(plain):
        year = _year(match[1])
        if year is not None and _free(match, taken):
            yield Fact("number", match.group(), match.start(), frozenset({Decimal(year)}))


def _times(plain: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    """Times of day as minutes after midnight."""
    for match in _TIME.finditer(plain):
        hour, minute = int(match[1] or match[4]), int(match[2] or match[5] or 0)
        if hour > 24 or minute > 59 or not _free(match, taken):
            continue
        half = (match[3] or "")[:1]
        if half in ("a", "p"):
            hour = hour % 12 + (12 if half == "p" else 0)
        yield Fact("time", match.group().strip(), match.start(), frozenset({hour * 60 + minute}))


def _codes(plain: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    """Versions and identifiers that mix letters with digits: they match letter by letter."""
    for match in _CODE.finditer(plain):
        code = match.group()
        if (
            _DECADE.match(code)
            or re.fullmatch(r"\d+(?:st|nd|rd|th|[a-z]{1,3})", code)
            or re.fullmatch(r"\d{1,3}(?:\.\d{3})+", code)
        ):
            continue
        if _free(match, taken):
            yield Fact("code", code, match.start(), frozenset({re.sub(r"[-_./]", "", code)}))


def _numbers(plain: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    for match in _NUMBER.finditer(re.sub(r"(?<=\d)(?=[^\W\d_])", "", plain)):
        start, end = match.span("digits")
        if any(start < right and left < end for left, right in taken):
            continue
        after, second = _word(match["after"]), _word(match["second"])
        scale = _scale(match["after"], plain[match.end("digits") :])
        unit = UNITS.get(match["symbol"] or "", "") or _unit(second if scale > 1 else after, second)
        values = {value * scale for value in _values(match["digits"])}
        if match["half"]:
            values = {value + Decimal("0.5") for value in values}
        rounded = bool(_ROUNDING.search(plain[: match.start()]))
        yield Fact("number", match.group()[: end - match.start()], start, frozenset(values), unit, rounded)


def _word(group: str | None) -> str:
    return (group or "").rstrip(".")


def _scale(after: str | None, rest: str) -> int:
    """The multiplier of "million" and the like; a bare "m" must touch the number, as in "5m"."""
    if not after:
        return 1
    word = after.rstrip(".")
    if word in ("m", "k") and not rest.startswith(word):
        return 1
    if word[:1] in ("万", "萬", "亿", "億", "千"):
        return SCALES[word[:1]]
    return SCALES.get(word, 1)


def _unit(after: str, second: str) -> str:
    """The unit among the two words behind a number; of "30 working days" it is the day."""
    for word in (after, second):
        if word in UNITS:
            return UNITS[word]
        for length in (3, 2, 1):
            if word and not word.isascii() and word[:length] in UNITS:
                return UNITS[word[:length]]
    return ""


def _values(digits: str) -> set[Decimal]:
    """What a run of digits and separators can mean, in any country's notation."""
    compact = re.sub(r"[ '’]", "", digits)
    marks = re.findall(r"[.,]", compact)
    if not marks:
        return {Decimal(compact)}
    last = max(compact.rfind("."), compact.rfind(","))
    whole, fraction = re.sub(r"[.,]", "", compact[:last]), compact[last + 1 :]
    as_decimal, as_whole = Decimal(f"{whole}.{fraction}"), Decimal(whole + fraction)
    if len(fraction) != 3:
        return {as_decimal}
    if len(marks) > 1 and len(set(marks)) == 1:
        return {as_whole}
    return {as_decimal} if len(marks) > 1 else {as_decimal, as_whole}


def _number_words(plain: str, taken: list[tuple[int, int]]) -> Iterator[Fact]:
    """Spelled numbers; "twenty-five" is one, "one" is left out as an article."""
    pieces = [(m.group(), m.start()) for m in re.finditer(r"[^\W\d_]+", plain)]
    skip = False
    for i, (word, start) in enumerate(pieces):
        value = NUMBER_WORDS.get(word)
        if value is None or skip or any(left <= start < right for left, right in taken):
            skip = False
            continue
        following = pieces[i + 1][0] if i + 1 < len(pieces) else ""
        ones = NUMBER_WORDS.get(following, 1 if following == "one" else 0)
        if value >= 20 and value % 10 == 0 and value < 100 and 0 < ones < 10:
            value, skip = value + ones, True
            following = pieces[i + 2][0] if i + 2 < len(pieces) else ""
        scale = 100 if following == "hundred" else SCALES.get(following, 1) if len(following) > 2 else 1
        kept = "ambiguous" if word in AMBIGUOUS_WORDS else ""
        unit = kept or _unit(following, pieces[i + 2][0] if i + 2 < len(pieces) else "")
        yield Fact("number", word, start, frozenset({Decimal(value * scale)}), unit)


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
        word = match.group()
        opens = not text[: match.start()].strip(" \n\"'“„«([*_-–—•#|1234567890.") or bool(
            re.search(r"[.!?:|\n]\W*$", text[previous_end : match.start()])
        )
        previous_end = match.end()
        inner_capital = any(character.isupper() for character in word[1:])
        if not word[0].isupper() or (opens and not inner_capital and not _surely_a_name(text, match)):
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
