"""What kind of answer a question asks for, and where a sentence has it, in many languages."""

from __future__ import annotations

import re
from typing import Literal

from rag.text.words import FUNCTION_WORDS, content_words, fold, words

AnswerType = Literal["number", "time", "name"]

# All patterns meet folded text: lower case, no accents.
_NUMBER = (
    r"\b(?:how (?:many|much|long|old|far|high|tall|large|big|deep|often|fast|heavy|wide)"
    r"|what (?:percent\w*|number|amount|share|proportion|price|size|age|distance|temperature|fraction)"
    r"|wie ?viele?|wie (?:hoch|lange?|alt|weit|gross|oft|schnell|schwer|tief)|cuant[oa]s?|combien"
    r"|quant[iaeo]s?|hoeveel|сколько|ποσ\w+|कितन\w+|كم|kac|bao nhieu)\b"
    r"|多少|几|幾|多大|多长|多高|いくつ|何人|何個|どのくらい|いくら|몇|얼마|เท่าไหร่|เท่าไร|กี่"
)
_TIME = (
    r"\b(?:when|(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade|time|era|period)s?|wann"
    r"|welche[mrsn]? (?:jahr\w*|datum|tag|monat|jahrhundert|jahrzehnt)|quand|quelle (?:annee|date)|cuando"
    r"|(?:que|cual) (?:ano|fecha|dia|mes|siglo)|quando|wanneer|когда|как(?:ом|ого) (?:году|года|веке)|ποτε"
    r"|متى|कब|khi nao)\b|什么时候|何时|哪年|哪一年|几年|哪天|いつ|何年|언제|เมื่อไหร่|เมื่อใด|ปีใด"
)
_NAME = (
    r"\b(?:who|whom|whose|where|(?:what|which) (?:\w+ )?(?:name|person|people|city|country|company|state"
    r"|author|artist|team|university|organi[sz]ation|president|king|river|place|region)s?|wer|wen|wem|wessen"
    r"|wo|woher|wohin|quien|quienes|donde|dove|quem|onde|waar|кто|кого|кем|где|куда|откуда|ποιος|اين|कौन|किसने"
    r"|nerede)\b|^(?:qui|ou|chi|من|kim)\b|谁|誰|哪里|哪儿|何处|哪个|哪位|どこ|누구|어디|ใคร|ที่ไหน"
)
_ASKS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    ("time", re.compile(_TIME)),
    ("number", re.compile(_NUMBER)),
    ("name", re.compile(_NAME)),
)
_SPELLED = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety"
    r"|hundred|thousand|million|billion|half|third|quarter|dozen|twice|zwei|drei|vier|fünf|sechs|sieben|acht"
    r"|neun|zehn|elf|zwölf|fünfzehn|zwanzig|dreißig|hundert|tausend|hälfte|drittel|viertel|deux|trois|quatre"
    r"|cinq|sept|huit|neuf|dix|vingt|trente|cent|mille|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|veinte"
    r"|treinta|cien|mil|mitad|два|две|три|четыре|пять|шесть|семь|восемь|девять|десять"
)


def expected_answer(question: str) -> AnswerType | None:
    """What the question's own words ask for; None where they leave it open."""
    folded = fold(question).strip(" ¿¡\"'")
    for kind, pattern in _ASKS:
        if pattern.search(folded):
            return kind
    return None


_AMOUNT = re.compile(
    r"(?:(?:[€$£¥]|\b(?:EUR|USD|GBP|CHF))?\s?\d+(?:[.,'\u202f]\d+)*(?:\s?(?:%|[€$£¥]))?"
    rf"|\b(?:{_SPELLED})\b)"
    r"(?:[ \u00a0-](?!(?:and|or|to|of|in|at|by|for|on|is|are|und|oder|von|im|am|bis|et|ou|de|y|o)\b)"
    r"[^\W\d_]+)?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d\d(?:\s?[ap]\.?m\b)?"
    r"|\b(?:\d{1,2}(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?)?"
    r"(?:Jan(?:uary?|uar|vier)?|Feb(?:ruary?|ruar|rero)?|févr(?:ier)?|Mar(?:ch|s|zo)?|März|Apr(?:il)?|abril|avril|May|Mai"
    r"|mayo|June?|Juni|junio|juin|July?|Juli|julio|juillet|Aug(?:ust)?|agosto|août|Sept?(?:ember|iembre|embre)?"
    r"|O[ck]t(?:ober|ubre|obre)?|Nov(?:ember|iembre|embre)?|De[cz](?:ember)?|diciembre|décembre|enero)\b\.?"
    r"(?:\s+\d{1,2}(?:st|nd|rd|th)?\b)?(?:,?\s+(?:de\s+)?\d{4})?"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|\b(?:1\d|20)\d\d\b|\d+\s?[年月日]"
)
_PROPER_NAME = re.compile(
    r"\b[^\W\d_a-zß-ÿ][\w'’-]*(?:\s+(?:(?:of|the|de|von|van|der)\s+)?[^\W\d_a-zß-ÿ][\w'’-]*)*"
)


_LABEL = re.compile(
    r"(?:\b(?:clause|section|article|chapter|paragraph|page|figure|table|version|step|appendix|annex|klausel|abschnitt"
    r"|ziffer|artikel|kapitel|seite|fassung|clause|cláusula|sección|artículo|página|chapitre)|§|\bno\.|\bnr\.)\s*$",
    re.IGNORECASE,
)
"""What stands before a number that names a place in a document, and is no amount."""
_NEXT_WORD = re.compile(r" [^\W\d_]+")  # "thirty working days": the word asked for may be the second
_NO_NAMES = frozenset(map(fold, FUNCTION_WORDS))
_GERMAN = frozenset(
    "der die das den dem des ein eine einen und ist hat wird im am von vom für nicht".split()  # noqa: SIM905
)


def answer_span(kind: AnswerType, sentence: str, question: str) -> tuple[int, int] | None:
    """Where in the sentence the number, time or name is that the question asks for; None where it is unclear.

    What the question already says is none, and neither is the capital a sentence begins with.
    """
    asked = set(words(question))
    pattern = {"number": _AMOUNT, "time": _DATE, "name": _PROPER_NAME}[kind]
    found = []
    for match in pattern.finditer(sentence):
        said = words(match.group())
        if said and not asked.issuperset(said) and (kind != "name" or _is_name(match, sentence)):
            start, end = match.end() - len(match.group().lstrip()), _end(match)
            if kind == "number" and _LABEL.search(sentence[:start]):
                continue
            following = _NEXT_WORD.match(sentence, end)
            if kind == "number" and following and asked.issuperset(words(following.group())):
                end = following.end()
                said = [*said, *words(following.group())]
            # "How many days" asks for the number of days, not for the first number.
            found.append((asked.isdisjoint(said), start, end))
    return min(found)[1:] if found else None


def _end(match: re.Match[str]) -> int:
    """The end of the match without a function word: "38 euros", but "38" of "38 a day"."""
    before, _, last = match.group().rpartition(" ")
    return match.start() + len(before) if before.strip() and fold(last) in _NO_NAMES else match.end()


def _is_name(match: re.Match[str], sentence: str) -> bool:
    """Whether capitalised words are a name, rather than the beginning of a sentence or a German noun."""
    if content_words(match.group())[0] in _NO_NAMES or _DATE.fullmatch(match.group()):
        return False
    alone = len([word for word in match.group().split() if fold(word) not in _NO_NAMES]) == 1
    opens = not sentence[: match.start()].strip(" -*#>\"'")
    german = not _GERMAN.isdisjoint(sentence.split())  # whose nouns have capitals too
    return not (alone and (opens or german))
