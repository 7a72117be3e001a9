"""Whether a passage holds an answer: compared as words, in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

from rag.evaluation.datasets import Question, document_name
from rag.records import Hit

Level = Literal["document", "page", "answer", "doc+answer", "passage"]

_IDEOGRAPHS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003134f"
_BY_IDEOGRAPH = regex.compile(rf" (?=[{_IDEOGRAPHS}])|(?<=[{_IDEOGRAPHS}]) ")
_ARABIC_MARKS = regex.compile(r"[\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_THOUSANDS = regex.compile(r"(?<=\p{Nd}),(?=\p{Nd}{3}(?!\p{Nd}))")
_BETWEEN_WORDS = regex.compile(r"(?V1)(?<!\p{Nd})[.,]|[.,](?!\p{Nd})|[^\p{L}\p{N}\p{M}.,]")
# Neither ideographs nor Arabic, whose articles and particles are written joined, end where a word does.
_JOINING = rf"[[\p{{L}}\p{{N}}]--[{_IDEOGRAPHS}\u0600-\u06ff]]"


@lru_cache(maxsize=256)
def normalised(text: str) -> str:
    """Case, compatibility forms, punctuation and thousands separators folded away, decimals kept."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    text = _THOUSANDS.sub("", _ARABIC_MARKS.sub("", text))
    text = " ".join(_BETWEEN_WORDS.sub(" ", text).split())
    return _BY_IDEOGRAPH.sub("", text)


def contains(answer: str, text: str) -> bool:
    """Whether the answer stands in the text as whole words; an answer of signs only, letter by letter."""
    pattern = _pattern(answer)
    if pattern is None:
        return bool(answer.strip()) and answer.strip() in text
    return pattern.search(normalised(text)) is not None


def holds_answer(question: Question, text: str) -> bool:
    """Whether one of the answers, or one of each group of them, stands in the text."""
    if len(question.answer_groups) > 1:
        return all(any(contains(answer, text) for answer in group) for group in question.answer_groups)
    return any(contains(answer, text) for answer in question.answers)


@dataclass(frozen=True, slots=True)
class Found:
    """What a ranked list of passages brought, level by level.

    `units[level][rank - 1]` is the gold item that the passage of this rank is the first to bring
    (a document, a page, the answer), or "" where it brings none. A level that the question does
    not ask for is missing; `gold` has the items there are to be found.
    """

    gold: dict[Level, tuple[str, ...]]
    units: dict[Level, tuple[str, ...]]


def match(question: Question, hits: Sequence[Hit]) -> Found:
    """Compares a question's hits, best first, with where its answer is."""
    gold: dict[Level, tuple[str, ...]] = {"document": question.docs}
    if question.pages:
        gold["page"] = tuple(f"{doc}#{page}" for doc, page in question.pages)
    if question.answers and not question.derived:
        gold["answer"] = gold["doc+answer"] = ("answer",)
    if question.passage_id is not None:
        gold["passage"] = (question.passage_id,)
    brought = [_brought(question, hit) for hit in hits]
    units = {
        level: _first_of_each(wanted, [one.get(level, ()) for one in brought])
        for level, wanted in gold.items()
    }
    return Found(gold, units)


def _brought(question: Question, hit: Hit) -> dict[Level, tuple[str, ...]]:
    """All that one passage holds, level by level."""
    doc = document_name(hit.doc)
    first, last = hit.passage.first_page, hit.passage.last_page
    pages = range(first, (last or first) + 1) if first is not None else range(0)
    brought: dict[Level, tuple[str, ...]] = {
        "document": (doc,),
        "page": tuple(f"{doc}#{page}" for page in pages),
        "passage": (hit.passage.id,),
    }
    if not question.derived and holds_answer(question, hit.passage.text):
        brought["answer"] = ("answer",)
        if doc in question.docs:
            brought["doc+answer"] = ("answer",)
    return brought


def _first_of_each(wanted: Sequence[str], brought: Sequence[Sequence[str]]) -> tuple[str, ...]:
    left = list(dict.fromkeys(wanted))
    units = []
    for items in brought:
        new = next((item for item in items if item in left), "")
        if new:
            left.remove(new)
        units.append(new)
    return tuple(units)


def _joins(letter: str) -> bool:
    return regex.match(f"(?V1){_JOINING}", letter) is not None


@lru_cache(maxsize=8192)
def _pattern(answer: str) -> regex.Pattern[str] | None:
    """What finds the answer in a normalised text, or None for an answer without letters or digits."""
    wanted = normalised(answer)
    if not wanted:
        return None
    before = rf"(?<!{_JOINING})" if _joins(wanted[0]) else ""
    after = rf"(?!{_JOINING})" if _joins(wanted[-1]) else ""
    if wanted[0].isdigit():  # 3 is not in 1.3
        before += r"(?<!\p{Nd}[.,])"
    if wanted[-1].isdigit():
        after += r"(?![.,]\p{Nd})"
    return regex.compile(f"(?V1){before}{regex.escape(wanted)}{after}")
