"""A follow-up to a question that stands alone, by rules, before the search."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from rag.records import Message
from rag.text.words import FUNCTION_WORDS, content_words, fold, stem, words

Rewrite = Callable[[str, Sequence[Message]], str]

# Words that stand for something said before. Alone they make a question depend on the last one.
_PRONOUNS = frozenset(
    fold(
        """it its they them their theirs he him his she her hers this that these those one ones there then
        er sie es ihn ihm ihr ihre ihrer seine sein seiner diese dieser dieses jene davon dafür darüber daran
        dazu damit dort dabei il elle ils elles lui leur leurs celui celle ceux celles cela ça y en
        él ella ello ellos ellas lo la los las su sus este esta esto estos estas ese esa eso aquel allí
        он она оно они его ее их ему ей им этот эта это эти там"""
    ).split()
)
# Articles and conjunctions among the pronouns of other languages do not count where they are common.
_ALSO_ARTICLES = frozenset(
    {"la", "lo", "los", "las", "en", "y", "es", "il", "one", "there", "then", "that", "an"}
)
_EXPLETIVE = re.compile(
    r"\b(?:is|was|are|were|will|does) (?:it|there) (?:possible|allowed|true|necessary|a|an|any)\b"
    r"|\bgibt es\b|\bist es\b|\best-il\b|\by a-t-il\b|\bil y a\b|\bes (?:posible|cierto)\b"
    r"|\bthere (?:is|are|was)\b|\b(?:is|are|was|were) there\b"
    # What "it" stands for follows: "how long does it take an expert to", "is it common for".
    r"|\bit (?:takes?|costs?|means?)(?: \w+){0,3}? (?:to|for|if|when|that)\b"
    r"|\b(?:is|was|makes?|made|finds?) it \w+ (?:to|for|if|when|how|that|whether)\b"
)
_UNSPACED_PRONOUNS = re.compile(
    r"它|他们|她们|它们|他|她|这个|那个|这些|那些|这|那|それ|これ|あれ|彼|彼女|その|この"
)
# An opening word is followed by more of the sentence: "Y-axis labels" and "Or: which gate" open with none.
_OPENER = re.compile(
    r"^(?:(?:and|but|so|ok(?:ay)?|then|also|und|aber|et|mais|y|pero|e|и|а)(?:[\s,]+|$))?"
    r"(?:(?:what about|how about|was ist mit|wie ist es mit|wie steht es um|qu'en est-il de|qué tal)\b)?\s*",
    re.IGNORECASE,
)
_STARTS_ELLIPTIC = re.compile(
    r"^(?:and|but|or|what about|how about|und|aber|oder|was ist mit|wie ist es mit|et|mais|qu'en est-il"
    r"|y|pero|qué tal|и|а)(?=[\s,]|$)|^(?:那|那么|还有|では|じゃ)|.+(?:呢|は)[?？]$",
    re.IGNORECASE,
)
_BARE_QUESTION = re.compile(
    r"^(?:why|how|when|where|who|how (?:much|many|long|so|come)|which|since when|until when|warum|wieso|wann"
    r"|wo|wer|wie ?viele?|wie lange|pourquoi|quand|où|combien|qui|por qué|cuándo|dónde|cuánto|quién|почему"
    r"|когда|где|кто|为什么|什么时候|哪里|谁|多少|なぜ|いつ|どこ|誰)(?: (?:not|nicht|pas|no))?\s*[?？!.]*$",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_PREPOSITION = re.compile(
    r"^(?:in|for|on|at|by|since|during|im|für|am|bei|seit|en|pour|para|de|du|в|для)\s+", re.IGNORECASE
)
_FEW_WORDS = 4


def condense(
    question: str, history: Sequence[Message], *, rewrite: Rewrite | None = None
) -> tuple[str, bool]:
    """The question made to stand alone, and whether that changed it.

    A question that leans on the last one (a pronoun, "and in 2023?", "why?") is joined with what the
    last question was about: a year or name takes the place of its like, otherwise the subject's words
    are added. `rewrite`, when given, is asked only about questions that lean; an answer that loses
    the question's own words or grows beyond both questions is not taken.
    """
    earlier = _standing_question(history)
    question = question.strip()
    if not earlier or not leans(question):
        return question, False
    if rewrite is not None:
        rewritten = rewrite(question, history).strip()
        if _keeps(question, earlier, rewritten):
            return rewritten, rewritten != question
    query = _joined(question, earlier)
    return query, query != question


def leans(question: str) -> bool:
    """Whether a question cannot be understood without the one before it."""
    stripped = _without_capitals(question.strip())
    if _STARTS_ELLIPTIC.search(stripped) or _BARE_QUESTION.match(stripped):
        return True
    if _UNSPACED_PRONOUNS.search(stripped):
        return True
    said = words(_EXPLETIVE.sub(" ", fold(stripped)))
    plain = [word for word in said if word in _PRONOUNS and word not in _ALSO_ARTICLES]
    return bool(plain) and not _named_before(stripped, plain[0])


def _without_capitals(question: str) -> str:
    """The question with each word all in capitals blotted out: IT is no pronoun, and AND opens nothing."""
    return question if question.isupper() else _CAPITALS.sub(lambda match: "0" * len(match.group()), question)


def _named_before(question: str, pronoun: str) -> bool:
    """Whether a name or several content words stand before the pronoun: then it refers to them."""
    spelled = list(re.finditer(r"[^\W_]+", question))
    before = list(takewhile(lambda match: fold(match.group()) != pronoun, spelled))
    shouted = question.isupper()
    named = any(match.group()[0].isupper() and match.start() > 0 and not shouted for match in before)
    content = [match for match in before if fold(match.group()) not in FUNCTION_WORDS]
    return named or len(content) >= 2


def _standing_question(history: Sequence[Message]) -> str:
    """The last question of the history, itself made to stand alone."""
    asked = [message.content.strip() for message in history if message.role == "user"]
    standing = ""
    for question in asked:
        standing = _joined(question, standing) if standing and leans(question) else question
    return standing


def _joined(question: str, earlier: str) -> str:
    """The earlier question with the follow-up's own words in the place of their like."""
    remainder = _OPENER.sub("", question, count=1).strip(" ?？!.呢")
    new = _PREPOSITION.sub("", remainder)
    if _is_replacement(remainder):
        return _replaced(new, earlier)
    if _BARE_QUESTION.match(question) or not new:
        return f"{question.rstrip(' ?？!.')}? {earlier}"
    subject = _subject(earlier, question)
    return f"{question.rstrip(' ?？')} ({subject})?" if subject else question


def _is_replacement(remainder: str) -> bool:
    """Whether what is left of "and in 2023?" is only a new value: few words, no verb of its own."""
    said = words(remainder)
    asks = _BARE_QUESTION.match(remainder) or any(word in _QUESTION_WORDS for word in said)
    has_pronoun = any(word in _PRONOUNS - _ALSO_ARTICLES for word in said)
    return 0 < len(said) <= _FEW_WORDS and not asks and not has_pronoun


_QUESTION_WORDS = frozenset(
    fold(
        """what which who whom whose when where why how is are was were do does did can could will would was
        should welche welcher welches wer wen wem wann wo warum wie ist sind war waren kann hat haben wird
        que quoi qui quand où pourquoi comment combien quel quelle est sont
        qué quién cuándo dónde cómo cuánto cuál es son fue что кто когда где почему как"""
    ).split()
)


def _replaced(new: str, earlier: str) -> str:
    """The new value in the place of its like: a year, what follows the same word, the only name.

    Where nothing is alike, both stand together.
    """
    base, new = earlier.rstrip(" ?？"), new.strip()
    if _YEAR.fullmatch(new):
        years = set(_YEAR.findall(base))
        if len(years) > 1:
            return f"{base}, {new}?"
        return f"{_YEAR.sub(new, base)}?" if years else f"{base} {new}?"
    parts = new.split()
    first = next((i for i, part in enumerate(parts[:-1]) if fold(part) not in FUNCTION_WORDS), None)
    if first is not None:
        shared = re.search(rf"\b{re.escape(parts[first])}\s+[\w-]+", base, re.IGNORECASE)
        if shared:
            return f"{base[: shared.start()]}{' '.join(parts[first:])}{base[shared.end() :]}?"
    names = list(re.finditer(r"(?<=\s)[A-ZÀ-ÞА-Я][\w-]*(?: [A-ZÀ-ÞА-Я][\w-]*)*", base))
    if len(names) == 1 and new[:1].isupper():
        return f"{base[: names[0].start()]}{new}{base[names[0].end() :]}?"
    return f"{base}, {new}?"


def _subject(earlier: str, question: str) -> str:
    """The content words of the earlier question that the follow-up does not repeat, as written."""
    repeated = {stem(word) for word in words(question)}
    kept = {stem(word) for word in content_words(earlier)} - repeated
    spelled = re.findall(r"[^\W_][\w'’.-]*", earlier)
    wanted = [
        word.rstrip(".'’")
        for word in spelled
        if any(stem(part) in kept for part in words(word)) and fold(word) not in _QUESTION_WORDS
    ]
    return " ".join(dict.fromkeys(wanted))


def _keeps(question: str, earlier: str, rewritten: str) -> bool:
    """Whether a rewriting holds the follow-up's content words and adds none of its own."""
    if not rewritten or "\n" in rewritten:
        return False
    own = {stem(word) for word in content_words(question) if word not in _PRONOUNS}
    known = own | {stem(word) for word in words(earlier + " " + question)}
    said = {stem(word) for word in content_words(rewritten)}
    return own <= {stem(word) for word in words(rewritten)} and len(said - known) <= 1
