"""The words by which a question asks for a computation, in English, German and Chinese; text is folded."""

from __future__ import annotations

import re

TIME = r"(?:years?|quarters?|months?|periods?|jahren?|quartalen?|monaten?|年|季度|月)"
EACH_TIME = re.compile(
    r"\b(?:which|what|per|every|each|many|welchem|welches|pro|je|viele)(?: of the)? "
    rf"(?P<unit>{TIME})|(?:哪|每|几)个?(?P<han>年|季度|月)"
)
COUNTED_TIME = re.compile(rf"(?:how many|wie ?viele|几个?|多少个?)(?: of the)? ?(?P<unit>{TIME})")
LAST = re.compile(
    r"(?:\b(?:over|in|of|for|across|during|uber|der|die|den) )?(?:(?:the|all|die|der|den) )?"
    rf"(?:(?:last|past|letzten) )?(?<!than )(?<!\d)\b(?P<count>[a-z]+|\d) {TIME}\b(?! end)"
)
SPAN = re.compile(r"between .+ (?:and|to) |zwischen .+ und |von .+ bis |from .+ to ")

PERCENT = r"(?:percentage|percent|per cent|%|prozent\w*|百分之|百分比)"
GROWTH_RATE = re.compile(rf"{PERCENT}|growth rate|wachstumsrate|增长率|增幅|同比")
_CHANGE = (
    r"(?:changes?|changed|increases?|increased|decreases?|decreased|growth|grow|grew|grown|declines?|declined"
    r"|rise|rose|risen|drop|dropped|fall|fell|fallen|gained|lost|shrink|shrank|move|moved"
    r"|(?:ver)?anderung\w*|(?:ver)?andert\w*|wachstum\w*|zunahme|abnahme|anstieg|ruckgang"
    r"|gestiegen|gesunken|gewachsen|gefallen|zugenommen|abgenommen|wuchs|stieg|sank|fiel"
    r"|变化|变动|增长|增加|减少|下降|上升|涨|降)"
)
CHANGE = re.compile(rf"(?<![a-z])(?:{_CHANGE}|difference|differenz|unterschied)(?![a-z])")
CHANGE_IN_PERCENT = re.compile(rf"{PERCENT}\w* {_CHANGE}|{_CHANGE} in")
CHANGE_WORDS = re.compile(
    rf"\(?(?:\b(?:net|overall|total) )?(?<![a-z])(?:{_CHANGE}|difference|differenz|unterschied)(?![a-z])\)?"
    r"|growth rate|rate of|\(\s*\)|/"
)
PERCENT_WORDS = re.compile(rf"{PERCENT}(?: of)?\b|[%率]")

_SHARE = rf"(?:{PERCENT}|share|proportion|fraction|portion|part|anteil|比例|占比|份额)"
SHARE_OF = re.compile(rf"{_SHARE}s? of")
LEADING_SHARE = re.compile(rf"^\W*(?:(?:what|which|wie|was) )?(?:(?:is|was|are|were) )?(?:the )?{_SHARE} of")
_IS = (
    r"(?:is|are|was|were|do|does|did|comes?|came|goes|went|makes?|made|account(?:s|ed)? for"
    r"|represent(?:s|ed)?)"
)
_LINK = r"(?:(?:generated|due|made up|represented|attribut(?:able|ed)|spent|accounted for|used|derived) )?"
_PREPOSITION = r"(?:(?:from|to|by|of|on|in|for|at|up) )?"
_IST = (
    r"(?:entfallt|entfallen|entfiel|entfielen|stammt|stammen|kommt|kommen|kam|kamen|ist|sind|war|waren"
    r"|macht|machen|ging|gingen|geht|gehen)"
)
SHARES = [
    re.compile(pattern)
    for pattern in (
        rf"(?P<part>.+?),? (?:(?:expressed|stated) )?as (?:a |the )?{_SHARE} of (?P<whole>.+)",
        rf"{_SHARE} of (?P<part>.+?),? (?:out of|over|among|(?:relative|compared) to) (?P<whole>.+)",
        rf"(?:{_SHARE}|how much) of (?P<whole>.+?) {_IS} {_LINK}{_PREPOSITION}(?P<part>.+)",
        rf"{_SHARE} of (?P<part>.+?),? (?:to|within|in|of) (?P<whole>(?:the |our |all )?total.*)",
        rf"{_SHARE} of (?P<part>.+?),? (?:to|within|in|of) (?P<whole>.+)",
        rf"(?P<part>.+?)(?:'s|s') {_SHARE} (?:of|in) (?P<whole>.+)",
        r"anteil (?:(?:von|der|des|am) )?(?P<part>.+?) (?:an|am) (?:(?:der|den|dem) )?(?P<whole>.+)",
        r"welchen anteil (?:hat|hatten?|haben|macht|machten?|machen) (?P<part>.+?) (?:an|am) (?P<whole>.+)",
        rf"(?:wie ?viel prozent|welcher anteil) (?P<whole>.+?) {_IST} (?:(?:auf|aus|von|fur) )?(?P<part>.+)",
        r"(?P<part>.+?)占(?P<whole>.+?)的?(?:百分之|百分比|比例|多少|几)",
    )
]
RATIOS = [
    re.compile(pattern)
    for pattern in (
        r"ratio of (?P<part>.+?) to (?P<whole>.+)",
        r"ratio between (?P<part>.+?) and (?P<whole>.+)",
        r"verhaltnis (?:von|zwischen) (?P<part>.+?) (?:zu|und) (?P<whole>.+)",
        r"(?P<part>.+?)[与和](?P<whole>.+?)的?(?:比率|比值)",
    )
]
_AND = r"(?:and|und|versus|vs\.?|compared (?:to|with)|zu)"
_THAN = r"(?:(?:as )?compared (?:to|with)|than)"
_MORE = r"(?:more|less|higher|lower|bigger|larger|smaller|fewer|heavier|cheaper)"
DIFFERENCES = [
    re.compile(pattern)
    for pattern in (
        r"(?:difference|gap|differenz|unterschied) (?:(?:in|of|bei|beim) )?(?P<what>.*?) ?"
        rf"(?:between|zwischen) (?P<part>.+?) {_AND} (?P<whole>.+)",
        rf"(?:difference|gap) (?:in|of) (?P<what>)(?P<part>.+?) {_AND} (?P<whole>.+)",
        rf"{_MORE} (?P<what>.+?) (?:came|comes?|was|were|is|are) {_PREPOSITION}(?P<part>.+?) "
        rf"{_THAN} {_PREPOSITION}(?P<whole>.+)",
        rf"{_MORE} (?P<what>.*?) ?{_PREPOSITION}(?P<part>.+?) {_THAN} {_PREPOSITION}(?P<whole>.+)",
        r"wie ?viel (?:mehr|weniger|hoher|teurer|schwerer) (?P<what>)(?P<part>.+?) als (?P<whole>.+)",
        r"(?P<what>)(?P<part>.+?)比(?P<whole>.+?)(?:多|少|高|低|贵|便宜|重|轻)了?(?:多少|几)",
        r"(?P<what>)(?P<part>.+?)[与和](?P<whole>.+?)(?:的|之间的|相)?(?:差额|差距|差|差多少|相差)",
    )
]
SAID_OF_BOTH = re.compile(r" (?:for|in|bei|fur) .+")

_OVER = (
    r"(?P<over>(?:(?:that|which) )?exceed(?:s|ed|ing)?|(?:more|higher|greater|larger|bigger|heavier|longer)"
    r" than|in excess of|over|above|(?P<atleast>at least|no less than|mindestens|不低于|至少|不少于)"
    r"|mehr als|uber|(?:grosser|hoher|teurer|schwerer) als|超过|大于|高于|多于)"
)
_UNDER = (
    r"(?:(?:less|lower|fewer|smaller|cheaper|lighter) than|below|under|weniger als|unter|低于|少于|小于|不到"
    r"|(?P<atmost>at most|no more than|up to|hochstens|不超过|至多)|(?:kleiner|niedriger|billiger) als)"
)
_SCALE = r"(?:thousand|million|billion|bn|tausend|millionen|milliarden|mio\.?|mrd\.?|tsd\.?|千|万|百万|亿)"
LIMIT = re.compile(
    rf"(?:{_OVER}|{_UNDER}) ?(?:us\$|[$€£¥]|eur|usd|gbp|chf|rmb)? ?(?P<figures>\d[\d.,' ]*\d|\d)"
    rf"(?:(?P<scale> ?{_SCALE}|[km])(?![a-z0-9]))? ?(?P<unit>%|percent|€|euros?|eur|dollars?|pounds?|元|欧元"
    r"|(?:m[23]|kg|km|cm|mm|g|m|hours?|days?|pieces?|h)\b)?"
)
SCALES = {
    "thousand": 3, "k": 3, "tausend": 3, "tsd": 3, "千": 3, "万": 4, "million": 6, "m": 6, "millionen": 6,
    "mio": 6, "百万": 6, "亿": 8, "billion": 9, "bn": 9, "milliarden": 9, "mrd": 9,
}  # fmt: skip

MEAN = re.compile(
    r"\b(?:(?<!weighted )(?<!weighted-)(?:average|averaged|avg\.?)|(?:the|arithmetic) mean|on average"
    r"|im (?:durch)?schnitt|durchschnitt\w*|mittelwert\w*|mittlere\w*)\b|平均"
)
MAX = re.compile(
    r"\b(?:highest|largest|biggest|greatest|maximum|max|most expensive|dearest|heaviest|longest|most|peak"
    r"|hochste\w*|grosste\w*|teuerste\w*|schwerste\w*|meisten?|maximal\w*)\b|最[高大多贵重长]"
)
MIN = re.compile(
    r"\b(?:lowest|smallest|least|minimum|min|cheapest|lightest|shortest|fewest|niedrigste\w*|kleinste\w*"
    r"|geringste\w*|gunstigste\w*|billigste\w*|leichteste\w*|wenigsten|minimal\w*)\b|最(?:[低小少轻短]|便宜)"
)
SUM = re.compile(
    r"\b(?:sum|totals?|altogether|combined|overall|in all|together|add(?:ed)? up"
    r"|summe|insgesamt|zusammen|gesamt\w*|addiert)\b|[总合共]计|[总一]共|总"
)
SUM_WORDS = re.compile(
    r"\b(?:the )?(?:sum|summe) (?:of|der|des|von|aller)\b"
    r"|\b(?:in total(?= *$| from| in| for| over| between)|altogether|combined|added up|insgesamt|zusammen)\b"
    r"|[总一]共|[总合共]计"
)
SPENT = re.compile(
    r"\bhow much (?:money )?(?:did|have|has|do|was|were|is|are) .*?(?:spend|spent|pay|paid|costs?)\b"
    r"|\bwhat did .+ cost\b|\bwie ?viel .*?(?:ausgegeben|bezahlt|gekostet|kosteten|kosten|kostet)\b"
    r"|花了?多少|多少钱|支出多少"
)
HOW_MANY = re.compile(r"\b(?:how many|number of|count|anzahl|wie ?viele)\b|(?:多少|几)[个项笔条次种名位家张]")
WHICH = re.compile(
    r"^(?:(?:in|on|at|for|and) )?(?:which|whose|who|what (?:is|was|are|were)? ?(?:the )?(?:name|thing|item)"
    r"|welche[rsnm]?|wer|wann|when|where)\b|哪|谁|什么"
)
GROUP = re.compile(
    r"\b(?:by|per|for each|for every|in each|of each|je|pro|nach|fur jede[nsr]?) (?P<noun>[^\W\d_]+)\b"
    r"|(?:按|每个?|各个?)(?P<han>[\u3400-\u9fff]{1,3}?)(?=[的花支总平一合有分]|$)"
)
NO_GROUP = frozenset({"share", "cent", "far", "how", "the", "all", "year", "annum", "der", "dem", "den"})

TIME_GROUPS = {
    "month": "month", "monat": "month", "月": "month", "quart": "quarter", "季": "quarter",
    "year": "year", "jahr": "year", "年": "year",
}  # fmt: skip
OVER_GROUPS = re.compile(
    r"\b(?:most|least|totals?|sum|overall|altogether|meisten|wenigsten|insgesamt|gesamt\w*)\b|最多|最少|总"
)
JOINED = re.compile(
    r"([^\W\d_]+) (?:and|or|und|oder) (?=([^\W\d_]+))|([\u3400-\u9fff]{2})[和或、](?=([\u3400-\u9fff]{2}))"
)
ABOUT_MONEY = re.compile(
    r"\b(?:spen[dt]|costs?|pay|paid|price|expensive|cheap\w*|dear\w*|money|ausgegeben|kostet\w*|kosten|teuer\w*"
    r"|gunstig\w*|billig\w*|bezahlt|preis\w*|ausgaben|expenses?|spending|expenditures?)\b|[花钱贵价]|便宜|支出|费用"
)
ASKS_HOW_MANY = re.compile(r"how many|what is the (?:total )?number|wie ?viele|.*多少[个件台本]")
COUNTED = re.compile(
    r"(?:how many|number of|count(?: of)?|anzahl(?: der| von)?|wie ?viele)"
    r"(?: of the| the| different| distinct)? (?P<nouns>.+)"
    r"|(?:多少|几)[个项笔条次种名位家张](?P<han>[\u3400-\u9fff]{1,2})"
)
BEHIND_NOUN = re.compile(
    r"\b(?:are|is|were|was|do|does|did|have|has|had|in|on|at|of|from|for|by|with|that|which|who|came|come|costs?"
    r"|work|sind|ist|waren|war|gibt|haben|hat|hatten|im|am|von|fur|mit|die|der|kosten|arbeiten)\b"
)
KINDS = re.compile(
    r"\b(?:types?|kinds?|categor\w+|components?|items?|rows?|entries|lines?|eintrage|zeilen|posten)\b"
)

COMPOUND = re.compile(r"\b([a-z]{4,}?)s?(betrage?s?|kosten|ausgaben|preise?|werte?|abteilung)\b")
FILLER = re.compile(
    r"\b(?:what|whats|was|were|is|are|did|does|do|has|have|had|how|much|many|the|please|and|for|at|in|on|of"
    r"|an?|all|to|up|also|tell|me|show|give|calculate|compute|find|compared?|comparison|over|fiscal|years?"
    r"|ended|ending|end|quarters?|respectively|respective|from|between|across|both|only|by|go|went|it|would"
    r"|form(?:s|ed)? (?:a )?part of|as|wie gross|wie|viel|hoch|ist|war|sind|waren|bis|auf|betrug\w*|betragt"
    r"|berechne|zeige?|nenne)\b|是?多少|是|的|了|在|呢|请问|每年|哪[个些]?|花[费销了]?|钱|开支|总额|总|[个项笔每各]"
)
GERMAN = re.compile(
    r"\b(?:der|die|das|den|dem|des|wie|viele?|und|ist|sind|war|waren|fur|im|von|zwischen|welche[rsnm]?|wer|hoch"
    r"|summe|durchschnitt\w*|insgesamt|pro|je|nach|hat|wurden?|anteil|anzahl|alle[rn]?)\b"
)
ENGLISH = re.compile(
    r"\b(?:the|of|how|what|which|much|many|and|is|are|were|for|between|from|who|does|did|do|total|average|by|per"
    r"|have)\b"
)
HAN = re.compile(r"[\u3400-\u9fff]")
