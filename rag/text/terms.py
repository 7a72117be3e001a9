"""Text to the terms of the keyword index, in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise

import regex

from rag.records import Passage
from rag.text.words import FUNCTION_WORDS

MAX_TERM_CHARACTERS = 64
"""Longer runs (base64, hexadecimal) are cut: nobody searches for their tail."""

LONG_PREFIX, SHORT_PREFIX = 7, 5
"""Words are known by their first letters instead of by a stemmer.

Two cuts do what a stemmer does without being told the language, and find the head of a German
compound besides. BM25 alone, answer recall@1 on xquad-en, xquad-de and document recall@10 on til:
whole words 0.924, 0.810, 0.817; Snowball stems 0.936, 0.850, 0.783; cuts at 7 and 5 0.937, 0.877, 0.883.
"""

# Scripts written without spaces, and Hangul, whose words carry their particles: their terms are
# pairs of neighbouring letters, so a two-letter word matches wherever it stands.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー"
_LETTER = rf"[\p{{L}}\p{{M}}\p{{N}}--[{_UNSPACED}]]"
_TOKEN = regex.compile(
    rf"(?V1)(?P<unspaced>[{_UNSPACED}][{_UNSPACED}\p{{M}}]*)"
    rf"|(?P<number>\p{{Nd}}{{1,3}}(?:,\p{{Nd}}{{3}})+(?:\.\p{{Nd}}+)?(?!{_LETTER}))"
    rf"|(?P<word>_*+{_LETTER}++(?:['’._@/:&+#\-]{{1,2}}_*+{_LETTER}++|_++{_LETTER}++)*+(?:\+\+|\#)?_*+)"
)
_SPACELESS = regex.compile(rf"[{_UNSPACED}]")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_JOINTS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_HUMPS = regex.compile(
    r"(?V1)(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})"
)
_ACCENTS = regex.compile(r"(?V1)(?<=[\p{Latin}\p{Greek}\p{Cyrillic}\p{Hebrew}\p{Arabic}])\p{Mn}+|ـ")
_FISCAL_YEAR = regex.compile(r"(?i)^FY['’]?(\d\d)$")
_CODE_SIGNS = frozenset("_.@/:+#")
_APOSTROPHES = regex.compile(r"['’&]")


def index_terms(text: str) -> list[str]:
    """The terms a passage is found by, in order, repeated as often as they occur.

    Words give their first 7 and (marked with `~`) first 5 letters, case and accents folded. Scripts
    without spaces give their letters and their pairs of neighbouring letters. Codes such as
    `snake_case`, `camelCase`, versions, paths and e-mail addresses give themselves and their parts;
    FY23 gives its year too.
    """
    return [term for forms in _tokens(text, pairs_only=False) for term in forms]


def passage_terms(passage: Passage, *, title: str, doc: str) -> list[str]:
    """The terms of a passage with those of its place: its headings, its document's title and path.

    A paragraph seldom repeats what its page is about. Hybrid search with and without the place, answer
    recall@1: xquad-en 0.974 and 0.971; til 0.450 and 0.400.
    """
    path = doc.rsplit(".", 1)[0] if "." in doc.rsplit("/", 1)[-1] else doc
    place = dict.fromkeys((title, *passage.heading_path))
    return index_terms("\n".join((passage.text, passage.context, *place, path.replace("/", "\n"))))


def query_terms(text: str) -> list[str]:
    """The distinct terms to look a question up by, in order of first occurrence.

    Scripts without spaces give only pairs, unless a run has but one letter: single letters
    occur everywhere.
    """
    return list(dict.fromkeys(term for forms in _tokens(text, pairs_only=True) for term in forms))


def telling_terms(text: str) -> list[str]:
    """The terms of a question without those of function words, which a few foreign texts would make rare.

    All of them where none would be left.
    """
    terms = query_terms(text)
    return [term for term in terms if term not in _function_terms()] or terms


@cache
def _function_terms() -> frozenset[str]:
    return frozenset(term for word in FUNCTION_WORDS for term in query_terms(word))


def joined_terms(text: str) -> list[str]:
    """The distinct terms of neighbouring words written as one: "data base" finds `database`.

    File names are often glued so. On til, answer recall@1 rose from 0.450 to 0.483.
    """
    words = [
        word for word in _WORD.findall(unicodedata.normalize("NFKC", text)) if not _SPACELESS.search(word)
    ]
    glued = (first + second for first, second in pairwise(words))
    return list(dict.fromkeys(term for word in glued for term in _cuts(fold(word))))


def name_words(*names: str) -> list[tuple[str, ...]]:
    """The distinct words of titles and file names, each as the terms it is known by."""
    joined = _JOINTS.sub(" ", unicodedata.normalize("NFKC", "\n".join(names))).split()
    spaced = " ".join(word for part in joined for word in _name_parts(part))
    return list(dict.fromkeys(tuple(forms) for forms in _tokens(spaced, pairs_only=True) if forms))


def _name_parts(part: str) -> list[str]:
    """What a part of a name is called: `AnnualReport2018` and `2021Q1` by their words, `FY23` as it is."""
    return [part] if _FISCAL_YEAR.match(part) else _words_of_humps(part)


def _words_of_humps(part: str) -> list[str]:
    """A camelCase name in its words, of two characters at least: `2021Q1` is 2021 and Q1, `10K` is 10K."""
    parted = groupby(_HUMPS.split(part), key=lambda hump: len(hump) == 1)
    runs = [run for single, humps in parted for run in (["".join(humps)] if single else humps)]
    words = runs[:1]
    for run in runs[1:]:
        if len(run) == 1 or len(words[-1]) == 1:
            words[-1] += run
        else:
            words.append(run)
    return words


def fold(text: str) -> str:
    """Compatibility forms, case and the accents of alphabetic scripts folded away; vowel signs kept."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def _tokens(text: str, *, pairs_only: bool) -> Iterator[list[str]]:
    """For each token of the text the terms it gives."""
    # Folding case first would hide the humps of camelCase.
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text)):
        token = match.group()
        if match.lastgroup == "unspaced":
            yield _pairs(fold(token), pairs_only=pairs_only)
        elif match.lastgroup == "number":
            yield [_whole(token.replace(",", ""))]
        else:
            yield _word_terms(token)


def _pairs(run: str, *, pairs_only: bool) -> list[str]:
    """Neighbouring letters (grapheme clusters) in pairs, and singly."""
    letters = regex.findall(r"\X", run)
    pairs = [first + second for first, second in pairwise(letters)]
    return pairs if pairs and pairs_only else letters + pairs


def _word_terms(token: str) -> list[str]:
    """The word; of a compound the whole where it reads as one name, and the parts."""
    joined = [part for part in _JOINTS.split(token) if part]
    parts = [hump for part in joined for hump in _compound_parts(part)]
    if len(parts) == 1 and not _CODE_SIGNS.intersection(token):
        return _cuts(fold(parts[0]))
    name = token if _CODE_SIGNS.intersection(token) else "".join(joined)
    terms = [_whole(name)]
    for part in parts:
        # Single letters and digits of a compound ("s" of Apple's) match everywhere.
        if len(part) > 1:
            terms += _cuts(fold(part))
    terms += [f"20{year}" for year in _FISCAL_YEAR.findall(token)]
    return list(dict.fromkeys(terms))


def _compound_parts(part: str) -> list[str]:
    """The humps of a part of a compound, and single letters and digits with their neighbours (3M, Q2, v3)."""
    humps = _HUMPS.split(part)
    return list(dict.fromkeys((*humps, *_words_of_humps(part))))


def _whole(name: str) -> str:
    """A code as one term, without the signs at its ends that punctuation leaves there."""
    bare = _APOSTROPHES.sub("", fold(name))
    return (bare.strip("._/:-") or bare)[:MAX_TERM_CHARACTERS]


def _cuts(word: str) -> list[str]:
    """The beginnings a word is known by; a number or a short word as it is."""
    if any(letter.isnumeric() for letter in word):
        return [word[:MAX_TERM_CHARACTERS]]
    if len(word) <= SHORT_PREFIX:
        return [word]
    return [word[:LONG_PREFIX], word[:SHORT_PREFIX] + "~"]
