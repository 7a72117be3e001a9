"""A question to what is to be computed: the operation, of what, for which periods, above which limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from rag.answer.tables import patterns
from rag.answer.tables.periods import Period, periods, without
from rag.text.amounts import DecimalMark, amount
from rag.text.facts.words import NUMBER_WORDS
from rag.text.words import fold

Operation = Literal[
    "sum", "mean", "max", "min", "count", "change", "percent", "share", "ratio", "difference", "value"
]
Language = Literal["en", "de", "zh"]
TimeUnit = Literal["", "year", "quarter", "month"]

EXTREMES: dict[Operation, re.Pattern[str]] = {"max": patterns.MAX, "min": patterns.MIN}
_OVER_ALL: dict[Operation, re.Pattern[str]] = {"mean": patterns.MEAN, **EXTREMES}


@dataclass(frozen=True, slots=True)
class Limit:
    """What values are held against: above or below it, itself included or not.

    `scale` is the power of ten said in a word ("million"); it is part of `value`.
    """

    value: Decimal
    above: bool
    included: bool
    scale: int = 0
    percent: bool = False

    def passes(self, value: Decimal) -> bool:
        """Whether a value is on the right side."""
        beyond = value > self.value if self.above else value < self.value
        return beyond or (self.included and value == self.value)

    def __str__(self) -> str:
        """The limit as a sign and a number."""
        return f"{'>' if self.above else '<'}{'=' if self.included else ''} {self.value:,f}"


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a value is called in the question, and the periods that are asked for."""

    words: str
    periods: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a question asks to be computed.

    `of` is the whole of a share, or the second of a difference. `each` is the kind of periods that are
    meant, `over` the kind that is counted, `last` how many are meant where none is named; `span` says that
    all between the named ones count. `which` says that the name of the greatest is wanted, `spent` that
    money was.
    `group` is the word for what a result each is wanted of, `asked` the question, folded.
    """

    operation: Operation
    phrase: Phrase
    language: Language
    of: Phrase | None = None
    limit: Limit | None = None
    each: TimeUnit = ""
    over: TimeUnit = ""
    last: int | None = None
    span: bool = False
    which: bool = False
    spent: bool = False
    group: str = ""
    asked: str = ""


def language_of(question: str) -> Language:
    """The language of the question, of the three that plans are made in."""
    if patterns.HAN.search(question):
        return "zh"
    plain = fold(question)
    return "de" if len(patterns.GERMAN.findall(plain)) > len(patterns.ENGLISH.findall(plain)) else "en"


def plan_of(question: str) -> Plan:
    """The question as a plan; one that asks for no computing asks for a value."""
    text = re.sub(r"\s+", " ", fold(question)).strip(" ?？.。!").replace("’", "'")
    language = language_of(question)
    last, rest = _last(text)
    limit, rest = _limit(rest, language)
    plan = (
        _parts_of_a_whole(rest, language, limit)
        or (limit and _counted(rest, language, limit))
        or _changed(rest, language, limit)
        or _over_all(rest, language, limit)
    )
    each = patterns.EACH_TIME.search(text)
    return replace(plan, asked=text, last=last, each=_time_unit(each["unit"] or each["han"]) if each else "")


def _parts_of_a_whole(text: str, language: Language, limit: Limit | None) -> Plan | None:
    """A ratio, or a share, of two things."""
    if limit and patterns.HOW_MANY.search(text):
        return None
    ways = [("ratio", pattern) for pattern in patterns.RATIOS]
    if not patterns.CHANGE_IN_PERCENT.search(text):
        ways += [("share", pattern) for pattern in patterns.SHARES]
    for operation, pattern in ways:
        found = pattern.search(text)
        if not found or patterns.MEAN.search(text[: found.start("whole")]):
            continue
        lead, part, whole = (_phrase(one) for one in (text[: found.start()], found["part"], found["whole"]))
        part = replace(part, periods=part.periods or lead.periods or whole.periods)
        whole = replace(whole, periods=whole.periods or part.periods)
        if operation == "ratio":
            return Plan("ratio", part, language, of=whole)
        return Plan("share", _led(lead, part), language, of=whole)
    return None


def _led(lead: Phrase, phrase: Phrase) -> Phrase:
    """A phrase with the words that lead in to it: "as at the end of June, what is …"."""
    return replace(phrase, words=f"{lead.words} {phrase.words}".strip())


def _counted(text: str, language: Language, limit: Limit) -> Plan | None:
    """How many pass a limit."""
    if not patterns.HOW_MANY.search(text):
        return None
    counted = patterns.COUNTED_TIME.search(text)
    over = _time_unit(counted["unit"]) if counted else ""
    return Plan("count", _phrase(_cut(patterns.HOW_MANY, text)), language, limit=limit, over=over)


def _changed(text: str, language: Language, limit: Limit | None) -> Plan | None:
    """A change over time, in figures or in percent, or the difference between two things."""
    found = periods(text, cautious=True)
    several = len({str(one) for one in found}) > 1 or any(one.until for one in found)
    mean = patterns.MEAN.search(text)
    if not patterns.CHANGE.search(text) or (mean and not several) or limit:
        return None if patterns.CHANGE.search(text) else _difference(text, language)
    percent = patterns.GROWTH_RATE.search(text)
    between = None if several and percent else _difference(text, language)
    if between is not None:
        return between
    if mean:
        return Plan("value", Phrase(""), language)  # a change of means is beyond these rules
    rest = _cut(patterns.CHANGE_WORDS, _cut(patterns.PERCENT_WORDS, text) if percent else text)
    return Plan("percent" if percent else "change", _phrase(rest), language)


def _over_all(text: str, language: Language, limit: Limit | None) -> Plan:
    """A sum, mean, count, greatest or smallest; else a value."""
    span, which = bool(patterns.SPAN.search(text)), bool(patterns.WHICH.search(text))
    group, spent = _group(text), bool(patterns.SPENT.search(text))
    if patterns.MEAN.search(text):
        text = _cut(patterns.SHARE_OF, text)
    for operation, pattern in _OVER_ALL.items():
        if pattern.search(text):
            rest = _phrase(_cut(pattern, text))
            return Plan(operation, rest, language, limit=limit, span=span, which=which, group=group)
    summed, many = patterns.SUM.search(text), patterns.HOW_MANY.search(text)
    rest = _phrase(_cut(patterns.HOW_MANY, text))
    if many and not (summed and periods(text, cautious=True)):
        return Plan("count", rest, language, limit=limit, group=group)
    if summed or spent or limit or group:
        return Plan("sum", rest, language, limit=limit, span=span, group=group, spent=spent)
    return Plan("value", _phrase(text), language)


def _difference(text: str, language: Language) -> Plan | None:
    """The difference between two things; None where it is one between two periods of one thing."""
    for found in filter(None, (pattern.search(text) for pattern in patterns.DIFFERENCES)):
        if not (_phrase(found["part"]).words and _phrase(found["whole"]).words):
            continue
        tail = patterns.SAID_OF_BOTH.search(found["whole"])
        both = tail.group() if tail and not patterns.SAID_OF_BOTH.search(found["part"]) else ""
        first = _phrase(f"{found['what']} {found['part']} {both}")
        second = _phrase(f"{found['what']} {found['whole']}")
        if first.periods and second.periods and first.periods != second.periods:
            return None
        lead = _phrase(text[: found.start()])
        when = first.periods or second.periods or lead.periods
        first, second = (replace(_led(lead, one), periods=when) for one in (first, second))
        return Plan("difference", first, language, of=second)
    return None


def _phrase(text: str) -> Phrase:
    """A stretch of the question as the words that name something and the periods in it."""
    found = periods(text, cautious=True)
    rest = patterns.COMPOUND.sub(r"\1 \2", _cut(patterns.LEADING_SHARE, without(text, found)))
    rest = _cut(patterns.FILLER, _cut(patterns.SUM_WORDS, rest))
    return Phrase(" ".join(rest.split()).strip(" ,;:'?-"), tuple(_filled(found)))


def _filled(found: Sequence[Period]) -> list[Period]:
    """The periods with what is said of them once: "March and April 2024", "Q4 2019 and 2018"."""
    filled = list(found)
    for place in range(len(filled) - 2, -1, -1):
        if filled[place].year is None and filled[place + 1].year is not None:
            filled[place] = replace(filled[place], year=filled[place + 1].year)
    for place in range(1, len(filled)):
        one, before = filled[place], filled[place - 1]
        if before.quarter and one.year and not (one.quarter or one.month):
            filled[place] = replace(one, quarter=before.quarter)
    return [replace(one, start=0, end=0) for one in filled]


def _cut(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(" ", text)


def _time_unit(word: str) -> TimeUnit:
    if word.startswith(("q", "季")):
        return "quarter"
    return "month" if word.startswith(("m", "月")) else "year"


def _group(text: str) -> str:
    found = patterns.GROUP.search(text)
    noun = found and (found["noun"] or found["han"])
    return noun if noun and noun not in patterns.NO_GROUP else ""


def _last(text: str) -> tuple[int | None, str]:
    """How many periods "over the last three years" means, and the text without it."""
    found = patterns.LAST.search(text)
    said = found["count"] if found else ""
    count = int(said) if said.isdigit() else NUMBER_WORDS.get(said, 0)
    if not found or count < 2:
        return None, text
    return count, f"{text[: found.start()]} {text[found.end() :]}"


def _limit(text: str, language: Language) -> tuple[Limit | None, str]:
    """The limit that values are held against, and the text without it."""
    found = patterns.LIMIT.search(text)
    if not found:
        return None, text
    marks: tuple[DecimalMark, ...] = (",", ".") if language == "de" else (".", ",")
    read = next((one for mark in marks if (one := amount(found["figures"], mark))), None)
    of_time = re.match(patterns.TIME, text[found.end() :].lstrip())
    if read is None or of_time or re.fullmatch(r"(?:19|20)\d\d", found["figures"]):
        return None, text
    scale = patterns.SCALES.get((found["scale"] or "").strip(" ."), 0)
    included = bool(found["atleast"] or found["atmost"])
    percent = found["unit"] in ("%", "percent")
    limit = Limit(read.value.scaleb(scale), bool(found["over"]), included, scale, percent)
    return limit, f"{text[: found.start()]} {text[found.end() :]}"
