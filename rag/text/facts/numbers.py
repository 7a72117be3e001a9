"""Numbers of a text with their units: in digits, in words, ordinals and parts of a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from rag.text.facts.fact import Fact, Taken, Weight
from rag.text.facts.spelled_numbers import CHINESE_NUMERALS, chinese_numbers, chinese_value, spelled_numbers
from rag.text.facts.words import AMBIGUOUS_WORDS, ARTICLES, LABELS, ORDINALS, PARTS, RATES, SCALES, UNITS
from rag.text.words import FUNCTION_WORDS

_FISCAL = re.compile(r"\b(?:fy|fiscal(?: year)?|geschaftsjahr|exercice)\s?'?(\d{4}|\d{2})\b")
_CURRENCIES = r"us\$|[$€£¥₹]|\b(?:eur|usd|gbp|chf|jpy|cny|sek|nok|dkk|pln|czk|inr|clp|aud|cad)\b"
_NUMBER = re.compile(
    rf"(?<![a-z0-9_.,])(?:(?P<symbol>{_CURRENCIES})\s?)?"
    r"(?P<minus>(?<![\w)\]])[-−–](?=\d)|(?<=\bminus ))?"
    r"(?P<digits>\d{1,3}(?:[ '’.,]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?)(?P<half>½)?"
    r"(?:[\s-]?(?P<after>%|％|[€$£¥°]c?|[^\W\d_]+\.?))?(?=[\s-](?P<second>[^\W\d_]+))?"
)
_ROUNDING = re.compile(
    r"(?:about|around|roughly|nearly|almost|approximately|over|more than|some|circa|ca\.?|rund|etwa|fast"
    r"|knapp|uber|environ|presque|casi|unos|unas|~|≈|约|大约|近)\s*$"
)
_LABELLED = re.compile(rf"(?:^|\W)(?:{'|'.join(map(re.escape, LABELS))})\.?\s*$")
_RANGE_END = re.compile(r"\s?(?:to|and|or|bis|und|oder|a|et|y|-|–)\s?\D?\d[\d.,]*\s?(?P<scale>[^\W\d_]+)")
_DOWNWARD = re.compile(
    r"\b(?:minus|loss|lost|deficit|fell|fall|down|drop|dropped|declined?|decreased?|below|verlust|gesunken"
    r"|unter|perte|baisse|perdida)\b"
)
_NEAR = 40
_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})
_ADJECTIVE = re.compile(r"ig(?:e[nmrs]?)?$")
_PLACES = "|".join(sorted({*ORDINALS, *PARTS}, key=len, reverse=True))
_PLACED = re.compile(
    rf"(?P<before>(?:(?<![^\W_])[^\W_]+[ -])?)\b(?P<word>{_PLACES})\b"
    r"(?P<behind>(?: [^\W\d_]+)?)"
)
_CHINESE_ORDINAL = re.compile(rf"第([{CHINESE_NUMERALS}]{{1,20}}|\d{{1,20}})")
_UNIT_WORDS = "|".join(re.escape(unit) for unit in UNITS if unit.isascii())
_RATE = re.compile(
    rf"\b(?:(?:per|a|an|each|every|pro|je|im|par|por) (?P<unit>{_UNIT_WORDS})\b(?! \d{{4}})"
    rf"|(?P<adverb>{'|'.join(RATES)}))\b"
)
_ONE_OF = re.compile(rf"\b(?:a|an) ({_UNIT_WORDS})\b")


def numbers(plain: str, taken: Taken) -> Iterator[Fact]:
    """Every number of a text in lower case, as written and counted there."""
    yield from _in_digits(plain, taken)
    yield from _in_words(plain, taken)
    yield from _in_chinese(plain, taken)
    yield from _ordinals_and_parts(plain, taken)
    for match in _RATE.finditer(plain):
        rate = UNITS[match["unit"]] if match["unit"] else RATES[match["adverb"]]
        yield Fact("number", match.group(), match.start(), frozenset({rate}), "rate", weight="weak")
    for match in _ONE_OF.finditer(plain):
        yield Fact("number", match.group(), match.start(), _one_value(1), UNITS[match[1]], weight="held")


def _one_value(value: int) -> frozenset[object]:
    return frozenset({Decimal(value)})


def fiscal_years(plain: str, taken: Taken) -> Iterator[Fact]:
    """ "FY19" as the year it is."""
    for match in _FISCAL.finditer(plain):
        if taken.take(match):
            year = int(match[1]) if len(match[1]) == 4 else 2000 + int(match[1])
            yield Fact("number", match.group(), match.start(), _one_value(year))


def _in_digits(plain: str, taken: Taken) -> Iterator[Fact]:
    for match in _NUMBER.finditer(plain):
        start, end = match.span("digits")
        if taken.covers(start, end):
            continue
        scale = _scale(match["after"], plain[end:])
        written = match.group()[: end - match.start()]
        rounded = bool(_ROUNDING.search(plain[max(0, match.start() - _NEAR) : match.start()]))
        unit = _unit_of(match, plain, scale)
        yield Fact("number", written, start, _readings(match, plain, scale), unit, rounded)


def _unit_of(match: re.Match[str], plain: str, scale: int) -> str:
    """The currency before a number, the unit behind it, or what the number is instead of an amount."""
    after, second = _word(match["after"]), _word(match["second"])
    if match["symbol"]:
        return UNITS[match["symbol"]]
    if after in _ORDINAL_ENDINGS and plain.startswith(after, match.end("digits")):
        return "ordinal"
    unit = unit_of(second, "") if scale > 1 else unit_of(after, second)
    before = plain[max(0, match.start() - _NEAR) : match.start()]
    opens_section = "." in match["digits"] and scale == 1 and not before.rpartition("\n")[2].strip()
    return unit or ("label" if opens_section or _LABELLED.search(before) else "")


def _readings(match: re.Match[str], plain: str, scale: int) -> frozenset[object]:
    """The values a number can have; one of which the text says that it fell may stand with a minus."""
    values = {value * scale for value in _values(match["digits"])}
    upper = _RANGE_END.match(plain, match.end("digits"))
    if upper:  # "24.1 to 27.3 million"
        values |= {value * SCALES.get(upper["scale"], 1) for value in values}
    if match["half"]:
        values = {value + Decimal("0.5") for value in values}
    around = plain[max(0, match.start() - _NEAR) : match.end() + _NEAR]
    if match["minus"] is None:
        return frozenset(values | ({-value for value in values} if _DOWNWARD.search(around) else set()))
    return frozenset({-value for value in values})


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


def unit_of(after: str, second: str) -> str:
    """The unit among the two words behind a number: of "30 working days" the day, of "45 a day" none."""
    for word in (after, second):
        if word in UNITS:
            return UNITS[word]
        if _ADJECTIVE.sub("", word) in UNITS:
            return UNITS[_ADJECTIVE.sub("", word)]
        for length in (3, 2, 1):
            if word and not word.isascii() and word[:length] in UNITS:
                return UNITS[word[:length]]
        if word in FUNCTION_WORDS:
            break
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


def _in_words(plain: str, taken: Taken) -> Iterator[Fact]:
    """Spelled numbers; "one" counts before a unit only, elsewhere it is a pronoun or an article."""
    for number in spelled_numbers(plain):
        written = plain[number.start : number.end]
        unit = unit_of(*number.following)
        if taken.covers(number.start, number.end) or (written in ARTICLES and not unit):
            continue
        weight: Weight = "sure"
        if number.value == 1:
            weight = "weak" if unit else "held"
        elif written in AMBIGUOUS_WORDS:
            weight = "held"
        yield Fact("number", written, number.start, _one_value(number.value), unit, weight=weight)


def _in_chinese(plain: str, taken: Taken) -> Iterator[Fact]:
    for number in chinese_numbers(plain):
        if not taken.covers(number.start, number.end):
            unit = unit_of(*number.following)
            weight: Weight = "sure" if number.value != 1 else "weak" if unit else "held"
            written = plain[number.start : number.end]
            yield Fact("number", written, number.start, _one_value(number.value), unit, weight=weight)


def _ordinals_and_parts(plain: str, taken: Taken) -> Iterator[Fact]:
    """ "second", "a third of": the first is an ordinal, the second a part."""
    for match in _PLACED.finditer(plain):
        word, before, behind = match["word"], match["before"].strip(" -"), match["behind"].strip()
        start, end = match.span("word")
        if taken.covers(start, end) or (word == "second" and _is_time(before, behind)):
            continue
        if word in PARTS and _is_part(word, before, behind):
            value, unit = Decimal(1) / PARTS[word], "part"
        elif word in ORDINALS:
            value, unit = Decimal(ORDINALS[word]), "ordinal"
        else:
            continue
        yield Fact("number", word, start, frozenset({value}), unit, weight="weak")
    for match in _CHINESE_ORDINAL.finditer(plain):
        place = int(match[1]) if match[1].isdigit() else chinese_value(match[1])
        yield Fact("number", match.group(), match.start(), _one_value(place), "ordinal", weight="weak")


_COUNTS_OF_PARTS = frozenset({"one", "two", "three", "ein", "zwei", "deux"})
_MEAN_MORE = frozenset({"quarter", "quarters", "viertel", "tiers", *ORDINALS})


def _is_part(word: str, before: str, behind: str) -> bool:
    """ "a half", "two thirds", "a third of": a third alone is an ordinal, a quarter three months."""
    shares = (behind in ("of", "der", "des", "de") and before != "the") or before in _COUNTS_OF_PARTS
    return word not in _MEAN_MORE or shares


_BEHIND_TIME = frozenset({"", "and", "or", "in", "at", "to", "from", "for", "on", "is", "the", "with"})


def _is_time(before: str, behind: str) -> bool:
    """ "metres per second", "every second and": no ordinals."""
    counted = before in ("a", "one", "each", "every") and behind in _BEHIND_TIME
    return before[:1].isdigit() or before == "per" or counted
