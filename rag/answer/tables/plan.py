"""A question to what is to be computed: the operation, of what, for which periods, above which limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from rag.answer.tables.periods import Period, periods, without
from rag.text.amounts import DecimalMark, amount
from rag.text.facts.words import NUMBER_WORDS
from rag.text.words import fold

Operation = Literal[
    "sum", "mean", "max", "min", "count", "change", "percent", "share", "ratio", "difference", "value"
]
Language = Literal["en", "de", "zh"]

_GERMAN = re.compile(
    r"\b(?:der|die|das|den|dem|des|wie|viele?|und|ist|sind|war|waren|fur|im|von|zwischen|welche[rsnm]?|wer|hoch|summe"
    r"|durchschnitt\w*|insgesamt|pro|je|nach|hat|wurden?|anteil|anzahl|alle[rn]?)\b"
)
_ENGLISH = re.compile(
    r"\b(?:the|of|how|what|which|much|many|and|is|are|were|for|between|from|who|does|did|do|total|average|by|per|have)\b"
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_UNITS_OF_TIME = r"(?:years?|quarters?|months?|periods?|jahren?|quartalen?|monaten?|年|季度|月)"
_PERCENT = r"(?:percentage|percent|per cent|%|prozent\w*|百分之|百分比)"
_CHANGE = (
    r"(?:changes?|changed|increases?|increased|decreases?|decreased|growth|grow|grew|grown|declines?|declined"
    r"|rise|rose|risen|drop|dropped|fall|fell|fallen|gained|lost|shrink|shrank|move|moved"
    r"|(?:ver)?anderung\w*|(?:ver)?andert\w*|wachstum\w*|zunahme|abnahme|anstieg|ruckgang"
    r"|gestiegen|gesunken|gewachsen|gefallen|zugenommen|abgenommen|wuchs|stieg|sank|fiel"
    r"|变化|变动|增长|增加|减少|下降|上升|涨|降)"
)
_SHARE = rf"(?:{_PERCENT}|share|proportion|fraction|portion|part|anteil|比例|占比|份额)"
_IS = r"(?:is|are|was|were|do|does|did|comes?|came|goes|went|make|makes|made|account(?:s|ed)? for|represent(?:s|ed)?)"
_LINK = r"(?:generated |due |made up |represented |attributable |attributed |spent |accounted for |used |derived )?"
_PREP = r"(?:from |to |by |of |on |in |for |at |up )?"
_SHARES = (
    rf"(?P<part>.+?),? (?:expressed |stated )?as (?:a |the )?{_SHARE} of (?P<whole>.+)",
    rf"{_SHARE} of (?P<part>.+?),? (?:out of|over|relative to|compared to|among|in relation to) (?P<whole>.+)",
    rf"{_SHARE} of (?P<whole>.+?) {_IS} {_LINK}{_PREP}(?P<part>.+)",
    rf"how much of (?P<whole>.+?) {_IS} {_LINK}{_PREP}(?P<part>.+)",
    rf"{_SHARE} of (?P<part>.+?),? (?:to|within|in|of) (?P<whole>(?:the |our |all )?total.*)",
    rf"{_SHARE} of (?P<part>.+?),? (?:to|within|in|of) (?P<whole>.+)",
    rf"(?P<part>.+?)(?:'s|s'|’s) {_SHARE} (?:of|in) (?P<whole>.+)",
    r"anteil (?:von |der |des |am )?(?P<part>.+?) (?:an|am) (?:der |den |dem )?(?P<whole>.+)",
    r"welchen anteil (?:hat|hatte|haben|hatten|macht|machte|machen) (?P<part>.+?) (?:an|am) (?P<whole>.+)",
    r"(?:wie ?viel prozent|welcher anteil) (?P<whole>.+?) (?:entfallt|entfallen|entfiel|entfielen|stammt|stammen|kommt"
    r"|kommen|kam|kamen|ist|sind|war|waren|macht|machen|ging|gingen|geht|gehen) (?:auf |aus |von |fur )?(?P<part>.+)",
    r"(?P<part>.+?)占(?P<whole>.+?)的?(?:百分之|百分比|比例|多少|几)",
)
_RATIOS = (
    r"ratio of (?P<part>.+?) to (?P<whole>.+)",
    r"ratio between (?P<part>.+?) and (?P<whole>.+)",
    r"verhaltnis (?:von|zwischen) (?P<part>.+?) (?:zu|und) (?P<whole>.+)",
    r"(?P<part>.+?)[与和](?P<whole>.+?)的?(?:比率|比值)",
)
_AND = r"(?:and|und|versus|vs\.?|compared (?:to|with)|zu)"
_DIFFERENCES = (
    rf"(?:difference|gap|differenz|unterschied) (?:(?:in|of|bei|beim) )?(?P<what>.*?) ?(?:between|zwischen) (?P<part>.+?)"
    rf" {_AND} (?P<whole>.+)",
    rf"(?:difference|gap) (?:in|of) (?P<what>)(?P<part>.+?) {_AND} (?P<whole>.+)",
    rf"(?:more|less|higher|lower|fewer) (?P<what>.+?) (?:came|come|comes|was|were|is|are) {_PREP}(?P<part>.+?)"
    rf" (?:(?:as )?compared (?:to|with)|than) {_PREP}(?P<whole>.+)",
    rf"(?:more|less|higher|lower|bigger|larger|smaller|fewer|heavier|cheaper) (?P<what>.*?) ?(?:came |come |was |were |is |are )?"
    rf"(?:from |for |on |in |by )?(?P<part>.+?) (?:(?:as )?compared (?:to|with)|than) {_PREP}(?P<whole>.+)",
    r"wie ?viel (?:mehr|weniger|hoher|teurer|schwerer) (?P<what>)(?P<part>.+?) als (?P<whole>.+)",
    r"(?P<what>)(?P<part>.+?)比(?P<whole>.+?)(?:多|少|高|低|贵|便宜|重|轻)(?:了)?(?:多少|几)",
    r"(?P<what>)(?P<part>.+?)[与和](?P<whole>.+?)(?:的|之间的|相)?(?:差额|差距|差|差多少|相差)",
)
_OVER = (
    r"(?P<over>(?:that |which )?exceed(?:s|ed|ing)?|(?:more|higher|greater|larger|bigger|heavier|longer) than"
    r"|in excess of|over|above|(?P<atleast>at least|no less than|mindestens|不低于|至少|不少于)|mehr als|uber|(?:grosser|hoher"
    r"|teurer|schwerer) als|超过|大于|高于|多于)"
)
_UNDER = (
    r"(?:(?:less|lower|fewer|smaller|cheaper|lighter) than|below|under|(?P<atmost>at most|no more than|up to|hochstens"
    r"|不超过|至多)|weniger als|unter|(?:kleiner|niedriger|billiger) als|低于|少于|小于|不到)"
)
_CURRENCY = r"(?:us\$|[$€£¥]|eur|usd|gbp|chf|rmb)?"
_SCALE = r"(?:thousand|million|billion|bn|tausend|millionen|milliarden|mio\.?|mrd\.?|tsd\.?|千|万|百万|亿)"
_LIMIT = re.compile(
    rf"(?:{_OVER}|{_UNDER}) ?{_CURRENCY} ?(?P<figures>\d[\d.,' ]*\d|\d)(?:(?P<scale> ?{_SCALE}|[km])(?![a-z0-9]))?"
    r" ?(?P<unit>%|percent|€|euros?|eur|dollars?|pounds?|元|欧元|(?:m[23]|kg|km|cm|mm|g|m|hours?|days?|pieces?|h)\b)?"
)
_SCALES = {
    "thousand": 3, "k": 3, "tausend": 3, "tsd": 3, "千": 3, "万": 4, "million": 6, "m": 6, "millionen": 6, "mio": 6,
    "百万": 6, "亿": 8, "billion": 9, "bn": 9, "milliarden": 9, "mrd": 9,
}  # fmt: skip

WORDS: dict[Operation, str] = {
    "mean": (
        r"\b(?:(?<!weighted )(?<!weighted-)(?:average|averaged|mean|avg\.?)|on average|im (?:durch)?schnitt"
        r"|durchschnitt\w*|mittelwert\w*|mittlere\w*)\b|平均"
    ),
    "max": (
        r"\b(?:highest|largest|biggest|greatest|maximum|max|most expensive|dearest|heaviest|longest|most|peak"
        r"|hochste\w*|grosste\w*|teuerste\w*|schwerste\w*|meisten?|maximal\w*)\b|最高|最大|最多|最贵|最重|最长"
    ),
    "min": (
        r"\b(?:lowest|smallest|least|minimum|min|cheapest|lightest|shortest|fewest"
        r"|niedrigste\w*|kleinste\w*|geringste\w*|gunstigste\w*|billigste\w*|leichteste\w*|wenigsten|minimal\w*)\b"
        r"|最低|最小|最少|最便宜|最轻|最短"
    ),
    "sum": (
        r"\b(?:sum|totals?|in total|altogether|combined|overall|in all|together|add(?:ed)? up"
        r"|summe|insgesamt|zusammen|gesamt\w*|addiert)\b|总和|合计|总共|一共|总计|总额|总数|共计|总"
    ),
}
_SPENT = (
    r"\b(?:how much (?:money )?(?:did|have|has|do|was|were|is|are) .*?(?:spend|spent|pay|paid|cost|costs)"
    r"|what did .+ cost|wie ?viel .*?(?:ausgegeben|bezahlt|gekostet|kosteten|kosten|kostet))\b|花了?多少|多少钱|支出多少"
)
_HOW_MANY = r"\b(?:how many|number of|count|anzahl|wie ?viele)\b|多少[个项笔条次种名位家张]|几[个项笔条次种名位家张]"
_WHICH = (
    r"^(?:in |on |at |for |and )?(?:which|who|whose|what (?:is|was|are|were)? ?(?:the )?(?:name|thing|item)"
    r"|welche[rsnm]?|wer|wann|when|where)\b|哪|谁|什么"
)
_GROUP = (
    r"\b(?:(?:by|per|for each|for every|in each|of each|grouped by|broken down by|je|pro|nach|fur jede[nsr]?)"
    r" (?P<noun>[^\W\d_]+))\b|(?:按|每个?|各个?)(?P<han>[\u3400-\u9fff]{1,3}?)(?=的|花|支|总|平|一|合|有|分|$)"
)
_FILLER = (
    r"\b(?:what|whats|was|were|is|are|did|does|do|has|have|had|how|much|many|the|please|and|for|at|in|on|of|an?|all|to|up|also|tell|me|show|give|calculate|compute"
    r"|find|compared?|comparison|over|fiscal|years?|ended|ending|end|quarters?|respectively|respective|altogether"
    r"|wie gross|wie|viel|hoch|ist|war|sind|waren|bis|auf|betrug\w*|betragt|berechne|zeige?|nenne|from|to|between|across|both|only|net difference"
    r"|by|go|went|it|would|form(?:s|ed)? (?:a )?part of|as)\b|是多少|多少|是|的|了|在|呢|请问|每年|哪[个些]?|花[费销了]?|钱|开支|总额|总|[个项笔每各]"
)


_COMPOUND = re.compile(r"\b([a-z]{4,}?)s?(betrage?s?|kosten|ausgaben|preise?|werte?|abteilung)\b")


@dataclass(frozen=True, slots=True)
class Limit:
    """What values are held against: above or below it, itself included or not."""

    value: Decimal
    above: bool
    included: bool
    scale: int = 0
    """The power of ten said in a word ("million"); it is part of `value`."""
    percent: bool = False

    def passes(self, value: Decimal) -> bool:
        """Whether a value is on the right side."""
        return (value > self.value if self.above else value < self.value) or (
            self.included and value == self.value
        )

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
    """What a question asks to be computed. `of` is the whole of a share, or the second of a difference.

    `each` is the kind of periods that are meant, `last` counts the periods that are meant where none is named, `span` says that all between the periods counts; `over` is the kind of period that is counted; `which` that
    the name of the greatest is wanted; `group` the word for what a result each is wanted of, `spent` that money was. `asked` is the question,
    folded.
    """

    operation: Operation
    phrase: Phrase
    language: Language
    each: Literal["", "year", "quarter", "month"] = ""
    last: int | None = None
    of: Phrase | None = None
    limit: Limit | None = None
    span: bool = False
    over: Literal["", "year", "quarter", "month"] = ""
    which: bool = False
    group: str = ""
    spent: bool = False
    asked: str = ""
    also: Operation | None = None
    """What the words could mean as well."""


def language_of(question: str) -> Language:
    """The language of the question, of the three that plans are made in."""
    if _HAN.search(question):
        return "zh"
    plain = fold(question)
    return "de" if len(_GERMAN.findall(plain)) > len(_ENGLISH.findall(plain)) else "en"


def plan_of(question: str) -> Plan:
    """The question as a plan; one that asks for no computing asks for a value."""
    text = re.sub(r"\s+", " ", fold(question)).strip(" ?？.。!").replace("’", "'")
    last, rest = _last(text)
    unit = re.search(rf"\b(?:which|what|per|every|each|many|welchem|welches|pro|je|viele)(?: of the)? (?P<unit>{_UNITS_OF_TIME})", text)
    unit = unit or re.search(r"(?:哪|每|几)个?(?P<unit>年|季度|月)", text)
    each = _kind_of_time(unit["unit"]) if unit else ""
    return replace(_plan(question, rest), asked=text, last=last, each=each)


def _plan(question: str, text: str) -> Plan:
    language = language_of(question)
    limit, text = _limit(text, language)
    for operation, patterns in (("ratio", _RATIOS), ("share", _SHARES)):
        for pattern in patterns:
            found = re.search(pattern, text)
            if found and (operation == "ratio" or not re.search(rf"{_PERCENT}\w* (?:{_CHANGE})|{_CHANGE} in", text)):
                if (limit and re.search(_HOW_MANY, text)) or re.search(WORDS["mean"], text[: found.start("whole")]):
                    continue
                part, whole = (_phrase(found[name]) for name in ("part", "whole"))
                lead = _phrase(text[: found.start()])
                part = replace(part, periods=part.periods or lead.periods or whole.periods)
                whole = replace(whole, periods=whole.periods or part.periods)
                if lead.words and operation == "share" and found.start():
                    part = replace(part, words=f"{lead.words} {part.words}")
                return Plan(operation, part, language, of=whole)  # type: ignore[arg-type]
    return _with_one_phrase(text, language, limit)


def _with_one_phrase(text: str, language: Language, limit: Limit | None) -> Plan:
    found = periods(text, cautious=True)
    changes = re.search(rf"(?<![a-z])(?:{_CHANGE}|difference|differenz|unterschied)(?![a-z])", text)
    percent = re.search(_PERCENT, text) or re.search(r"growth rate|wachstumsrate|增长率|增幅|同比", text)
    many = re.search(_HOW_MANY, text)
    span = bool(re.search(r"between .+ (?:and|to) |zwischen .+ und |von .+ bis |from .+ to ", text))
    distinct = {str(one) for one in found}
    several = len(distinct) > 1 or any(one.until for one in found)
    if many and limit:
        counted = re.search(rf"(?:how many|wie ?viele|几个?|多少个?)(?: of the)? ?(?P<unit>{_UNITS_OF_TIME})", text)
        over = _kind_of_time(counted["unit"]) if counted else ""
        return Plan("count", _phrase(_cut(_HOW_MANY, text)), language, limit=limit, over=over)
    mean = re.search(WORDS["mean"], text)
    if changes and not (mean and not several) and not limit:
        between = _difference(text, language)
        if between is not None and not (several and percent):
            return between
        rest = _cut(rf"(?:{_PERCENT} ?(?:of )?)?(?:\b(?:net|overall|total) )?(?<![a-z])(?:{_CHANGE}|difference|differenz|unterschied)(?![a-z])", text)
        rest = re.sub(rf"\(?\b{_CHANGE}\b\)?|/|growth rate|rate of", " ", _cut(_PERCENT, rest)) if percent else rest
        rest = re.sub(rf"\b{_CHANGE}\b|\(\s*\)|/", " ", rest)
        if mean:
            return Plan("value", Phrase(""), language)  # a change of means is beyond these rules
        also: Operation | None = None
        if not percent and re.search(r"\b(?:grow|grew|growth|increase|decrease|change|fall|fell|rise|rose)\b", text):
            also = "percent"
        return Plan("percent" if percent else "change", _phrase(rest), language, span=False, also=also)
    between = _difference(text, language) if not changes else None
    if between is not None:
        return between
    group = _group(text)
    which = bool(re.search(_WHICH, text))
    if mean:
        text = re.sub(rf"{_SHARE}s? of", " ", text)
    for operation in ("mean", "max", "min"):
        if re.search(WORDS[operation], text):
            return Plan(
                operation, _phrase(_cut(WORDS[operation], text)), language,
                limit=limit, span=span, which=which, group=group,
            )  # fmt: skip
    summed = re.search(WORDS["sum"], text)
    if many and not (summed and found):
        return Plan("count", _phrase(_cut(_HOW_MANY, text)), language, limit=limit, group=group)
    spent = bool(re.search(_SPENT, text))
    if summed or spent or limit or group:
        text = _cut(rf"{_HOW_MANY}|\b(?:the )?(?:sum|summe) (?:of|der|des|von|aller)\b", text)
        return Plan("sum", _phrase(text), language, limit=limit, span=span, group=group, spent=spent)
    return Plan("value", _phrase(text), language)


def _difference(text: str, language: Language) -> Plan | None:
    """The difference between two things; None where it is one between two periods of one thing."""
    for pattern in _DIFFERENCES:
        found = re.search(pattern, text)
        if not found:
            continue
        tail = re.search(r" (?:for|in|bei|fur) .+", found["whole"])
        both = tail.group() if tail and not re.search(r" (?:for|in|bei|fur) ", found["part"]) else ""
        first = _phrase(f"{found['what'] or ''} {found['part']} {both}")
        second = _phrase(f"{found['what'] or ''} {found['whole']}")
        alone = [_phrase(found[name]) for name in ("part", "whole")]
        if not alone[0].words or not alone[1].words:
            continue
        lead = _phrase(text[: found.start()])
        if first.periods and second.periods and first.periods != second.periods:
            return None
        when = first.periods or second.periods or lead.periods
        # "as at the end of June, what is the difference": what leads in is said of both
        words = [f"{lead.words} {one.words}".strip() for one in (first, second)]
        return Plan("difference", Phrase(words[0], when), language, of=Phrase(words[1], when))
    return None


def _phrase(text: str) -> Phrase:
    """A stretch of the question as the words that name something and the periods in it."""
    found = periods(text, cautious=True)
    rest = without(text, found)
    rest = re.sub(rf"^\W*(?:(?:what|which|wie|was) )?(?:is |was |are |were )?(?:the )?{_SHARE} of", " ", rest)
    rest = _COMPOUND.sub(r"\1 \2", rest)
    rest = _cut(r"\b(?:sum of|in total(?= *$| from| in| for| over| between)|altogether|combined|added up|insgesamt|zusammen)\b|总共|一共|合计|总计|共计", rest)
    return Phrase(" ".join(_cut(_FILLER, rest).split()).strip(" ,;:'?-"), tuple(_filled(found)))


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


def _cut(pattern: str, text: str) -> str:
    return re.sub(pattern, " ", text)


def _kind_of_time(word: str) -> Literal["year", "quarter", "month"]:
    if word.startswith(("q", "季")):
        return "quarter"
    return "month" if word.startswith(("m", "月")) else "year"


def _group(text: str) -> str:
    found = re.search(_GROUP, text)
    if not found:
        return ""
    noun = found["noun"] or found["han"]
    return "" if noun in ("share", "cent", "far", "how", "the", "all", "year", "annum", "der", "dem", "den") else noun


def _last(text: str) -> tuple[int | None, str]:
    """How many periods "over the last three years" means, and the text without it."""
    found = re.search(
        rf"(?:over|in|of|for|across|during|uber|der|die|den)? ?(?:the |all |die |der |den )?(?:last |past |letzten )?"
        rf"(?<!than )(?<!\d)\b(?P<count>[a-z]+|\d) {_UNITS_OF_TIME}\b(?! end)",
        text,
    )
    count = found and (NUMBER_WORDS.get(found["count"]) or (int(found["count"]) if found["count"].isdigit() else None))
    if not found or not count or count < 2:
        return None, text
    return count, f"{text[: found.start()]} {text[found.end() :]}"


def _limit(text: str, language: Language) -> tuple[Limit | None, str]:
    """The limit that values are held against, and the text without it."""
    found = _LIMIT.search(text)
    if not found:
        return None, text
    marks: tuple[DecimalMark, ...] = (",", ".") if language == "de" else (".", ",")
    read = next((one for mark in marks if (one := amount(found["figures"], mark))), None)
    behind = text[found.end() :].lstrip()
    if read is None or re.match(_UNITS_OF_TIME, behind) or re.fullmatch(r"(?:19|20)\d\d", found["figures"]):
        return None, text
    scale = _SCALES.get((found["scale"] or "").strip(" ."), 0)
    included = bool(found["atleast"] or found["atmost"])
    limit = Limit(read.value.scaleb(scale), bool(found["over"]), included, scale, (found["unit"] or "") in ("%", "percent"))
    return limit, f"{text[: found.start()]} {text[found.end() :]}"
