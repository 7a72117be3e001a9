"""A follow-up to a question that stands alone, by rules, before the search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rag.records import Message
from rag.search.follow_ups import (
    PRONOUNS,
    asks_for_a_part,
    asks_to_go_on,
    has_pronoun,
    is_bare,
    is_elliptic,
    is_function_word,
    is_name,
    leans,
    without_courtesy,
)
from rag.text.words import content_words, fold, stem, words

Rewrite = Callable[[str, Sequence[Message]], str]

# An opening word is followed by more of the sentence: "Y-axis labels" and "Or: which gate" open with none.
_OPENER = re.compile(
    r"^(?:(?:and|but|so|ok(?:ay)?|then|also|und|aber|et|mais|y|pero|e|и|а)(?:[\s,]+|$)|那么?(?![个些里么]))?"
    r"(?:(?:what about|how about|was ist mit|wie ist es mit|wie steht es um|qu'en est-il de|qué tal)\b)?\s*",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"^(?:(?:in|for|on|of|at|by|with|from|since|during|im|für|am|von|bei|mit|seit|à|chez|en|pour|avec|para|con|de"
    r"|du|в|для)\s+)?(?:(?:the|an?|der|die|das|den|dem|le|la|les|un|une|el|los|las)\s+|l['’])?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_AMOUNT = re.compile(r"\d[\d.,]*\s+([^\W\d_]+)")
_FEW_WORDS = 4
_QUESTION_WORDS = frozenset(
    fold(
        """what which who whom whose when where why how is are was were do does did can could will would was
        should welche welcher welches wer wen wem wann wo warum wie ist sind war waren kann hat haben wird
        que quoi qui quand où pourquoi comment combien quel quelle est sont
        qué quién cuándo dónde cómo cuánto cuál es son fue что кто когда где почему как"""
    ).split()
)
# A word as it is written, with what joins its parts: "1,500", "4/2", "A&B", "C++".
_HAN = r"\u3040-\u30ff\u3400-\u9fff"
_WRITTEN = re.compile(
    rf"[{_HAN}]+|[^\W_{_HAN}](?:[^\W{_HAN}]|['’\-]|[.,/&:@+](?=[^\W{_HAN}]))*(?<!['’\-])[+#]*"
)
_HAN_QUESTION = re.compile(r"是?(?:多少|什么时候|什么|几号|哪天|哪里|谁)|[吗呢]$")
_MARKUP = re.compile(r"\]\([^)]*\)|\[\d+\]|[*_#`|]+|https?://\S+")
# A short answer is taken up whole, of a long one the first names.
_SHORT_ANSWER = 12
_NAMES_OF_AN_ANSWER = 4
LONGEST_FOLLOW_UP = 500
"""In characters: more, a pasted mail say, stands on its own. Of an earlier one as much is joined."""


def condense(
    question: str, history: Sequence[Message], *, rewrite: Rewrite | None = None
) -> tuple[str, bool]:
    """The question made to stand alone, and whether that changed it.

    A question that leans on the last one (a pronoun, "and in 2023?", "why?") is joined with what the
    last question was about: a year or name takes the place of its like, otherwise the subject's words
    are added, and what the last answer named. `rewrite`, when given, is asked only about questions that
    lean; an answer that loses the question's own words or grows beyond what was said is not taken.
    """
    earlier, answer = _last_turn(history)
    question = question.strip()
    if not earlier or len(question) > LONGEST_FOLLOW_UP:
        return question, False
    if rewrite is not None and leans(question):
        rewritten = rewrite(question, history).strip()
        if _keeps(question, f"{earlier} {answer}", rewritten):
            return rewritten, rewritten != question
    query = _joined(question, earlier, answer)
    return query, query != question


def _last_turn(history: Sequence[Message]) -> tuple[str, str]:
    """The last question of the history, itself made to stand alone, and its answer."""
    standing = answer = ""
    for message in history:
        if message.role == "user":
            question = message.content.strip()
            standing, answer = _joined(question, standing, answer) if standing else question, ""
        else:
            answer = message.content
    return standing, answer


def _joined(question: str, earlier: str, answer: str) -> str:
    """The earlier question with the follow-up's own words in the place of their like."""
    if len(question) > LONGEST_FOLLOW_UP:
        return question
    earlier = earlier[:LONGEST_FOLLOW_UP]
    bare = without_courtesy(question)
    if asks_to_go_on(bare):
        return earlier
    if not leans(question):
        return _with(question, _named(earlier)) if asks_for_a_part(bare) else question
    if is_bare(bare):
        return f"{bare.rstrip(' ?？!.')}? {earlier}"
    remainder = _OPENER.sub("", bare, count=1).strip(" ?？!.呢")
    if is_elliptic(bare) and _is_value(remainder):
        return _replaced(remainder, earlier)
    if not remainder:
        return f"{question.rstrip(' ?？!.')}? {earlier}"
    return _with(question, [*_subject(earlier, question), *_answered(answer, f"{earlier} {question}")])


def _with(question: str, added: Sequence[str]) -> str:
    """The question with more words to search for."""
    return f"{question.rstrip(' ?？')} ({' '.join(dict.fromkeys(added))})?" if added else question


def _is_value(remainder: str) -> bool:
    """Whether what is left of "and in 2023?" is only a new value: few words, no verb of its own."""
    said = words(remainder)
    asks = is_bare(remainder) or any(word in _QUESTION_WORDS for word in said)
    return 0 < len(said) <= _FEW_WORDS and not asks and not has_pronoun(remainder)


def _replaced(remainder: str, earlier: str) -> str:
    """The new value in the place of its like: a year, an amount, what follows the same word, the only name.

    Where nothing is alike, both stand together.
    """
    base, new = earlier.rstrip(" ?？"), _PREPOSITION.sub("", remainder).strip()
    together = f"{base}, {new}?"
    if _YEAR.fullmatch(new):
        years = set(_YEAR.findall(base))
        if len(years) > 1:
            return together
        return f"{_YEAR.sub(new, base)}?" if years else f"{base} {new}?"
    if amount := _AMOUNT.fullmatch(new):
        alike = [one for one in _AMOUNT.finditer(base) if one[1].casefold() == amount[1].casefold()]
        return _put(new, base, alike[0].span()) if len(alike) == 1 else together
    parts = new.split()
    first = next((i for i, part in enumerate(parts[:-1]) if not is_function_word(part)), None)
    if first is not None:
        shared = re.search(rf"\b{re.escape(parts[first])}\s+[\w-]+", base, re.IGNORECASE)
        if shared:
            return _put(" ".join(parts[first:]), base, shared.span())
    names = [one for one in _names(base) if _is_code(base[slice(*one)]) == _is_code(new)]
    alone = new == remainder and new[:1].isupper()
    if len(names) == 1 and (alone or next(_names(f"- {remainder}"), None)):
        return _put(new, base, names[0])
    return together


def _put(new: str, base: str, place: tuple[int, int]) -> str:
    return f"{base[: place[0]]}{new}{base[place[1] :]}?"


def _is_code(text: str) -> bool:
    return any(map(str.isdigit, text))


def _names(text: str) -> Iterator[tuple[int, int]]:
    """Where names and codes stand: neighbouring words of one name together."""
    start = end = None
    for match in _WRITTEN.finditer(text):
        if not is_name(text, match):
            continue
        if start is not None and end is not None and text[end : match.start()] != " ":
            yield start, end
            start = None
        start, end = match.start() if start is None else start, match.end()
    if start is not None and end is not None:
        yield start, end


def _named(earlier: str) -> list[str]:
    """The names of a question, each after the word that says of what: "invoice INV-7"."""
    found: list[str] = []
    for start, end in _names(earlier):
        kind = re.search(r"([^\W\d_]+) $", earlier[:start])
        if kind and not is_function_word(kind[1]) and fold(kind[1]) not in _QUESTION_WORDS:
            found.append(kind[1])
        found.append(earlier[start:end])
    return found


def _subject(earlier: str, question: str) -> list[str]:
    """The content words of the earlier question that the follow-up does not repeat, as written."""
    repeated = {stem(word) for word in words(question)}
    kept = {stem(word) for word in content_words(earlier)} - repeated
    found, before = [], ""
    for match in _WRITTEN.finditer(earlier):
        word = _HAN_QUESTION.sub("", match.group())
        asks = fold(word) in _QUESTION_WORDS or is_function_word(word) or fold(before) in ("how", "wie")
        if not asks and any(stem(part) in kept for part in words(word)):
            found.append(word)
        before = match.group()
    return found


def _answered(answer: str, said: str) -> list[str]:
    """What the last answer brought up: its content words where it is short, else its first names."""
    text = _MARKUP.sub(" ", answer)
    known = {stem(word) for word in words(said)}
    new = [
        match
        for match in _WRITTEN.finditer(text)
        if not is_function_word(match.group()) and not {stem(word) for word in words(match.group())} <= known
    ]
    if len(new) > _SHORT_ANSWER:
        new = [match for match in new if is_name(text, match)][:_NAMES_OF_AN_ANSWER]
    return [match.group() for match in new]


def _keeps(question: str, said: str, rewritten: str) -> bool:
    """Whether a rewriting holds the follow-up's content words and adds none that was not said."""
    if not rewritten or "\n" in rewritten:
        return False
    own = {stem(word) for word in content_words(question) if word not in PRONOUNS}
    known = own | {stem(word) for word in words(f"{said} {question}")}
    written = {stem(word) for word in content_words(rewritten)}
    return own <= {stem(word) for word in words(rewritten)} and len(written - known) <= 1
