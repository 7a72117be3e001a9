"""Whether two sentences on the same matter say the opposite: negations and opposed words."""

from __future__ import annotations

import re
from collections import Counter

from rag.text.words import FUNCTION_WORDS, fold, stem

_NEGATIONS = frozenset(
    fold(
        """not no never none nobody nothing neither nor cannot without hardly
        nicht kein keine keinen keinem keiner keines nie niemals ohne weder nichts niemand
        pas jamais aucun aucune sans ni rien nunca jamás sin ningún ninguna ninguno nadie nada
        não nem sem non senza nessun nessuna niet geen nooit zonder
        не нет ни без никогда никто ничего ليس لا لم لن بدون غير नहीं न मत बिना δεν μη χωρις לא אין בלי"""
    ).split()
)
_UNSPACED_NEGATIONS = re.compile(r"不|没|沒|未|无|無|勿|别|非|ない|なし|ません|ず|ไม่|มิได้|ห้าม")
_OPPOSITES = (
    "must may|always sometimes|allowed forbidden|allowed prohibited|permitted forbidden|permitted prohibited",
    "increase decrease|increased decreased|increases decreases|rise fall|rose fell|risen fallen|grew shrank",
    "before after|above below|more less|more fewer|most least|minimum maximum|least most",
    "highest lowest|higher lower|larger smaller|longer shorter|earlier later|first last|open closed",
    "include exclude|includes excludes|included excluded|including excluding|enable disable|enabled disabled",
    "accept reject|accepted rejected|approved rejected|required optional|mandatory optional|free paid",
    "profit loss|profits losses|gain loss|income expense|gewinn verlust|einnahmen ausgaben",
    "internal external|public private|manual automatic|start end|starts ends|opens closes|buy sell",
    "win lose|won lost|true false|with without|faster slower|cheaper dearer|better worse|all none",
    "all some|always never|often seldom|often rarely|every some|none some",
    "employer employee|employers employees",
    "tenant landlord|tenants landlords|licensor licensee|lender borrower|buyer seller|buyers sellers",
    "north south|east west|northern southern|eastern western|left right|morning evening",
    "alle einige|immer nie|immer manchmal|arbeitgeber arbeitnehmer|mieter vermieter|käufer verkäufer",
    "vor nach|mehr weniger|mindestens höchstens|erlaubt verboten|mit ohne|gestiegen gesunken|höher niedriger",
    "avant après|plus moins|autorisé interdit|avec sans|antes después|más menos|permitido prohibido|con sin",
)
_OPPOSED: dict[str, set[str]] = {}
for _line in _OPPOSITES:
    for _pair in _line.split("|"):
        _one, _other = (fold(word) for word in _pair.split())
        _OPPOSED.setdefault(_one, set()).add(_other)
        _OPPOSED.setdefault(_other, set()).add(_one)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’]t)?|[.;:!?,—–]")
_DENIES_NOTHING = re.compile(
    r"\bnos?\. ?(?=\d)|\b(?:no|not) (?:less|more|later|fewer|earlier) than\b|\bnot only\b"
)
_NOT_BUT = re.compile(r"\bnicht aber\b")
_SET_AGAINST = re.compile(r",(?= (?:not|nicht|no|kein\w*|pas|no)\b)")  # what stands before is not denied
_ONLY = re.compile(r"\b(?:only|nur|lediglich|seulement|solo|solamente)\b")
_EXCEPT = re.compile(r"\b(?:except|unless|until|before|other than|ausser|bevor|sauf|excepto|salvo|a menos)\b")
_SCOPE_WORDS = 4
_SPACED = re.compile(r"[^\W\d_] [^\W\d_]")
_PREFIXED = re.compile(r"\b(?:un|in|im|ir|dis|non)[a-z]{4,}|\b\w{3,}(?:less|los|lose[nmrs]?)\b")
_COPULAS = frozenset({"is", "are", "was", "were"})
_MODAL = frozenset({"must", "may"})  # "must not" and "may not" are the same
_BREAKS = frozenset(".;:!?—–")
_CLAUSE_OPENERS = frozenset(
    """and but or while whereas because if when though und aber oder sondern während weil wenn mais et ou
    pero y""".split()  # noqa: SIM905
)


def contradictions(claim: str, quote: str, window: str) -> list[str]:
    """What the claim negates or turns round and its source does not, or the reverse, in plain words.

    `quote` is the source sentence nearest to the claim, `window` it with its neighbours.
    """
    if _UNSPACED_NEGATIONS.search(claim + quote) and not _SPACED.search(claim):
        return _unspaced_contradictions(claim, quote)
    return [*_turned(claim, quote, window), *_opposed(claim, quote)][:1]


def _turned(claim: str, quote: str, window: str) -> list[str]:
    """What only one side negates; a word counts as negated wherever its clause has a negation."""
    ours, theirs = _negated(claim), _negated(quote)
    if any(_ONLY.search(fold(a)) and _EXCEPT.search(fold(b)) for a, b in ((claim, quote), (quote, claim))):
        return []
    stated, denied = _by_negation(quote)
    for key in sorted((ours.keys() & stated) - denied):
        if not _has_prefixed_negation(ours[key], window):
            return [f"“not {ours[key]}” is not in"]
    if ours and not _negated(window):
        return ["a “not” is not in"] if not _PREFIXED.search(fold(window)) else []
    stated_by_claim, denied_by_claim = _by_negation(claim)
    for key in sorted((theirs.keys() & stated_by_claim) - denied_by_claim - stated):
        if not _has_prefixed_negation(theirs[key], claim):
            return [f"“{theirs[key]}” without its “not” is not in"]
    return []


def _by_negation(text: str) -> tuple[set[str], set[str]]:
    """The stems of the words in the clauses without a negation, and in those with one."""
    stated: set[str] = set()
    denied: set[str] = set()
    clause: list[str] = []
    for token in [*_tokens(text), "."]:
        if token in _BREAKS or token in _CLAUSE_OPENERS:
            (denied if any(map(_is_negation, clause)) else stated).update(map(stem, clause))
            clause = []
        else:
            clause.append(token)
    return stated, denied


def _opposed(claim: str, quote: str) -> list[str]:
    """A word that the claim has once more than its source, and its opposite once less."""
    ours, theirs = Counter(_tokens(claim)), Counter(_tokens(quote))
    if bool(_negated(claim)) != bool(_negated(quote)):
        return []
    for word in sorted((ours - theirs).keys() & _OPPOSED.keys()):
        there = _OPPOSED[word] & (theirs - ours).keys()
        if there and not (_negated(claim) and there <= _MODAL):
            return [f"“{word}” (the source has “{min(there)}”) is not in"]
    return []


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_SET_AGAINST.sub(";", _NOT_BUT.sub("nicht", _DENIES_NOTHING.sub(" ", fold(text)))))


def _words(text: str) -> set[str]:
    return {token for token in _tokens(text) if token[0].isalpha()}


def _is_negation(token: str) -> bool:
    return token in _NEGATIONS or token.endswith(("n't", "n’t"))


def _negated(text: str) -> dict[str, str]:
    """The content words within the reach of a negation, keyed by stem.

    A negation reaches the next content word of its clause, or, at the clause's end, the one before it.
    """
    tokens = _tokens(text)
    reached = {}
    for i, token in enumerate(tokens):
        if _is_negation(token):
            behind, before = tokens[i + 1 : i + 1 + _SCOPE_WORDS], tokens[max(0, i - _SCOPE_WORDS) : i]
            if token not in _NEGATIONS and behind[:1] and behind[0] in _COPULAS:
                continue  # "although the water doesn't is that": what it denies is left out
            word = _next_content(behind) or _next_content(before[::-1])
            reached[stem(word)] = word
    return {key: word for key, word in reached.items() if word}


def _next_content(tokens: list[str]) -> str:
    for token in tokens:
        if token in _BREAKS or token in _CLAUSE_OPENERS:
            return ""
        if token[0].isalpha() and token not in FUNCTION_WORDS and not _is_negation(token):
            return token
    return ""


def _has_prefixed_negation(word: str, text: str) -> bool:
    """Whether "unavailable" stands where the other text says "not available"."""
    return any(
        other.endswith(word) and other != word and len(other) - len(word) <= 3 for other in _words(text)
    )


def _unspaced_contradictions(claim: str, quote: str) -> list[str]:
    """For Chinese, Japanese and Thai: the negated pairs of letters must be the same where both have them."""
    for mine, other, problem in ((claim, quote, "is not in"), (quote, claim, "is what stands in")):
        for match in _UNSPACED_NEGATIONS.finditer(mine):
            following = mine[match.end() : match.end() + 2]
            if len(following) == 2 and following in other and match.group() + following not in other:
                return [f"“{match.group()}{following}” {problem}"]
    return []
