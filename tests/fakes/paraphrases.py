"""Honest rewordings of a sentence: the same statement in other numbers, words and order."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rag.text.facts import facts

Paraphrase = Callable[[str, str], str | None]


def _split(line: str) -> list[str]:
    return line.split()


_WORDS = _split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
)
_TENS = _split("_ _ twenty thirty forty fifty sixty seventy eighty ninety")
_GERMAN = _split("null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf")
_CHINESE = "零一二三四五六七八九十"
_SYNONYMS: Final = (
    "buy purchase|bought purchased|about roughly|begin start|begins starts|began started|show display"
    "|shows displays|big large|choose select|needs requires|need require|get receive|gets receives"
    "|got received|whole entire|almost nearly|before prior to|after following|if whenever"
    "|keep retain|allowed permitted|help assist|helps assists|cost price|people persons|wrong incorrect"
    "|tell inform|told informed|quick fast|at least no less than|at most no more than|often frequently"
    "|now currently|also additionally|small little|send submit|sends submits|yearly annual|happens occurs"
)
_NOUNS: Final = (
    "company firm|trip journey|trips journeys|car vehicle|error mistake|errors mistakes|customers clients"
    "|customer client|colleagues coworkers|salary wage|illness sickness|picture image|pictures images"
    "|house home|answer reply|answers replies|meeting session|problem issue|problems issues|task job"
    "|tasks jobs|contract agreement|staff personnel|place location|places locations|road street"
    "|message notification|messages notifications|rule regulation|rules regulations|employee worker"
    "|employees workers|supplier vendor|suppliers vendors|photographs photos"
    "|telephone phone|holidays vacation"
    "|laptop computer|laptops computers|maker manufacturer|makers manufacturers"
    "|receipt invoice|doctor physician"
    "|forest woods|shop store|purchase acquisition|help support|payment remittance"
)
_INFLECTED: Final = (
    "employees employee|customers customer|managers manager|days day|months month|colleagues colleague"
    "|documents document|rules rule|trips trip|costs cost|batteries battery|sensors sensor|reads reading"
    "|measures measured|measured measures|sends sent|sent sends|uses used|used uses|takes took|took takes"
    "|pays paid|paid pays|keeps kept|kept keeps|asks asked|asked asks|needs needed|needed needs"
    "|decides decided|decided decides|writes wrote|wrote writes|tells told|told tells|goes went|went goes"
    "|Tage Tag|Tagen Tage|Monaten Monate|Jahre Jahr|liegt lag|steigt stieg|schlägt schlug|gibt gab"
)


def reworded(sentence: str, following: str) -> str | None:
    """Contractions, fillers and a frame around it."""
    for old, new in (
        (r"\b(is|are|was|were|does|do|did|should|must) not\b", r"\1n't"),
        (r"\bmust\b(?!n't)", "has to"),
        (r"\bfor example, ", ""),
        (r"(?<=\d),(?=\d{3}\b)", ""),
        (r"\b(\d+) percent\b", r"\1 %"),
        (r"\bevery\b", "each"),
        (r"\bbuy\b", "purchase"),
        (r"\btherefore\b", "so"),
    ):
        sentence = re.sub(old, new, sentence)
    named = any(fact.kind == "name" for fact in facts(f"x {sentence[:20]}"))
    lowered = sentence[:1].lower() if sentence[1:2].islower() and not named else sentence[:1]
    return f"According to the documents, {lowered}{sentence[1:]}"


def currency_form(sentence: str, following: str) -> str | None:
    """The currency's code or word instead of its sign."""
    if '"' in sentence:
        return None
    for old, new in (
        (r"€ ?(\d[\d.,]*\d|\d)", r"EUR \1"),
        (r"(\d[\d.,]*) (?:euros?|Euro)\b", r"€\1"),
        (r"EUR (\d[\d.,]*\d|\d)", r"\1 euros"),
        (r"(\d[\d.,]*) EUR\b", r"EUR \1"),
    ):
        if re.search(old, sentence):
            return re.sub(old, new, sentence)
    return None


def digits_spelled(sentence: str, following: str) -> str | None:
    """Whole numbers up to 999 in words."""
    if not re.search(r"\b(?:the|and|of|is|are|was|were)\b", sentence):
        return None
    return re.sub(
        r"(?<![\w.,:/€$+\-–(*])(?<!\bBM)(?<![A-Z] )\d{1,3}(?= [a-z]{4,})",
        lambda match: _spelled(int(match[0])),
        sentence,
    )


def words_in_digits(sentence: str, following: str) -> str | None:
    """Spelled numbers in digits, in English, German and Chinese."""
    for among, pattern in ((_WORDS, r"(?<!-)\b{} (?=[a-z]{{3,}}s\b)"), (_GERMAN, r"\b{} (?=[A-Z])")):
        for value, word in enumerate(among):
            if value > 1:
                sentence = re.sub(pattern.format(word), f"{value} ", sentence)
    return re.sub(
        r"(?<![一二三四五六七八九十百])[二三四五六七八九](?=[年个天秒次根台份题厘])",
        lambda match: str(_CHINESE.index(match[0])),
        sentence,
    )


def grouping(sentence: str, following: str) -> str | None:
    """Thousands with spaces, with "k", or in words."""
    sentence = re.sub(r"(?<![\d.,€])(\d{1,3}),(\d)00(?= [a-z])", r"\1.\2k", sentence)
    sentence = re.sub(r"(?<![\d.,])(\d{1,3}),(\d{3})(?![\d.,]*\d)", r"\1 \2", sentence)
    return re.sub(r"(\d)\.(\d) million", r"\1,\g<2>00,000", sentence)


def ordinal_form(sentence: str, following: str) -> str | None:
    """ "2nd" for "second"."""
    for word, figure in (("first", "1st"), ("second", "2nd"), ("third", "3rd"), ("fourth", "4th")):
        sentence = re.sub(rf"(?<=\bthe ){word}\b(?! half| of [A-Z])", figure, sentence)
    return sentence


def hyphenated(sentence: str, following: str) -> str | None:
    """A count and its unit as one word."""
    return re.sub(r"(?<![\d.,])(\d{1,3}) (day|week|month|year|hour|minute|metre)s\b", r"\1-\2", sentence)


def synonym(sentence: str, following: str) -> str | None:
    """One common word for another that means the same."""
    return _exchanged(_SYNONYMS, sentence)


def other_noun(sentence: str, following: str) -> str | None:
    """One common noun for another that means the same."""
    return _exchanged(_NOUNS, sentence)


def inflected(sentence: str, following: str) -> str | None:
    """One word in another form of it."""
    return _exchanged(_INFLECTED, sentence)


def shortened(sentence: str, following: str) -> str | None:
    """Without what stands in brackets."""
    return re.sub(r" \([^()]*\)", "", sentence)


def joined(sentence: str, following: str) -> str | None:
    """Two sentences of the source in one."""
    if not following or len(sentence) + len(following) > 220 or sentence[-1] != ".":
        return None
    return f"{sentence[:-1]}; {following}"


def cut(sentence: str, following: str) -> str | None:
    """The first half of a compound sentence."""
    match = re.match(r"(.{40,}?)(?:, (?:and|but|so)|;) ", sentence)
    return f"{match[1]}." if match else None


PARAPHRASES: dict[str, Paraphrase] = {
    "reworded": reworded,
    "currency form": currency_form,
    "digits spelled": digits_spelled,
    "words in digits": words_in_digits,
    "grouping": grouping,
    "ordinal form": ordinal_form,
    "hyphenated": hyphenated,
    "synonym": synonym,
    "other noun": other_noun,
    "inflected": inflected,
    "shortened": shortened,
    "joined": joined,
    "cut": cut,
}


def _exchanged(pairs: str, sentence: str) -> str | None:
    """The first pair whose left word stands in the sentence, with the right one in its place."""
    for pair in pairs.split("|"):
        old, _, new = pair.partition(" ")
        if pair.count(" ") > 1 and pair.startswith("at "):
            old, new = " ".join(pair.split()[:2]), " ".join(pair.split()[2:])
        if re.search(rf"(?<![\w-]){old}(?![\w-])", sentence):
            return re.sub(rf"(?<![\w-]){old}(?![\w-])", new, sentence, count=1)
    return None


def _spelled(value: int) -> str:
    if value < len(_WORDS):
        return _WORDS[value]
    if value < 20:
        return ("sixteen", "seventeen", "eighteen", "nineteen")[value - 16]
    if value < 100:
        return _TENS[value // 10] + (f"-{_WORDS[value % 10]}" if value % 10 else "")
    rest = f" and {_spelled(value % 100)}" if value % 100 else ""
    return f"{_WORDS[value // 100]} hundred{rest}"
