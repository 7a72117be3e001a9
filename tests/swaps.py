"""True and falsified answers made from the sample corpus, by a seed: what the check of answers is held to."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.records import Hit, Passage
from rag.text.fact_matching import holds
from rag.text.facts import facts
from rag.text.sentences import split_sentences
from rag.text.wording import content_words, stem, words

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
_NUMBER = re.compile(
    r"(?<![\w.,:/-])\d{1,3}(?:,\d{3})+(?![\w.,:/-]*\d)|(?<![\w.,:/-])\d{1,4}(?![\w.,:/-]*\d)(?![\w:/-])"
)
_MARKER = re.compile(r"^(?:\d+[.)]|[-*+]) ")
_NEGATION = re.compile(r"\b(is|are|was|were|can|must|may|will|should|has|have|do|does) not\b")
_VERB = re.compile(r"\b(is|are|was|were|can|must|may|will|should)\b(?! not)")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Case:
    """An answer of one cited sentence, the passages it may cite, and whether it is true to them."""

    kind: str
    answer: str
    hits: dict[int, Hit]
    true: bool


def corpus_hits() -> list[Hit]:
    """The paragraphs of the corpus' Markdown files, each as a passage of its own."""
    hits = []
    for path in sorted(CORPORA.glob("*/**/*.md")):
        doc, text = path.relative_to(CORPORA).as_posix(), path.read_text(encoding="utf-8")
        for match in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text):
            paragraph = match.group()
            if len(paragraph) > 60 and paragraph[0] not in "#|-<`*>" and "](" not in paragraph:
                passage = Passage(
                    f"p{len(hits)}", 0, paragraph, match.start(), match.end(), len(paragraph) // 4, "0" * 32
                )
                hits.append(Hit(len(hits), passage, 0, doc, path.stem, 1.0))
    return hits


def sentences(hit: Hit) -> list[str]:
    """The full sentences of a passage that state something to check."""
    text = hit.passage.text
    found = [_MARKER.sub("", " ".join(text[start:end].split())) for start, end in split_sentences(text)]
    return [
        one
        for one in found
        if len(words(one)) >= 6 and one[-1] in ".。" and "`" not in one and "**" not in one
    ]


def swapped_number(sentence: str, hit: Hit, dice: random.Random) -> str | None:
    """Another number of the same length, one the passage does not hold."""
    found = list(_NUMBER.finditer(sentence))
    if not found:
        return None
    match = dice.choice(found)
    digits = match.group()
    for _ in range(20):
        other = "".join(character if character == "," else dice.choice("123456789") for character in digits)
        new = f"{sentence[: match.start()]}{other}{sentence[match.end() :]}"
        if other != digits and other not in hit.passage.text:
            return new
    return None


def swapped_within(sentence: str, hit: Hit, dice: random.Random) -> str | None:
    """A number from another sentence of the same passage."""
    found = list(_NUMBER.finditer(sentence))
    others = [n for n in _NUMBER.findall(hit.passage.text) if n not in sentence]
    if not found or not others:
        return None
    match = dice.choice(found)
    return f"{sentence[: match.start()]}{dice.choice(others)}{sentence[match.end() :]}"


def swapped_month(sentence: str, hit: Hit, dice: random.Random) -> str | None:
    """Another month in a date."""
    match = re.search(rf"\b({'|'.join(_MONTHS)})\b(?= \d)", sentence)
    if not match:
        return None
    other = dice.choice([month for month in _MONTHS if month not in hit.passage.text])
    return f"{sentence[: match.start()]}{other}{sentence[match.end() :]}"


def swapped_unit(sentence: str, hit: Hit, dice: random.Random) -> str | None:
    """Another unit behind a number."""
    units = ["days", "weeks", "months", "hours", "minutes", "euros", "kilometres", "percent"]
    match = re.search(rf"(?<=\d )({'|'.join(units)})\b", sentence)
    if not match:
        return None
    other = dice.choice([unit for unit in units if unit not in hit.passage.text])
    return f"{sentence[: match.start()]}{other}{sentence[match.end() :]}"


def turned(sentence: str, hit: Hit, dice: random.Random) -> str | None:
    """A "not" taken out or put in."""
    match = _NEGATION.search(sentence)
    if match:
        return f"{sentence[: match.start()]}{match[1]}{sentence[match.end() :]}"
    match = _VERB.search(sentence)
    if match and not re.search(r"\b(?:no|never|nothing|none|without|cannot|nobody|n't)\b|n't", sentence):
        return f"{sentence[: match.end()]} not{sentence[match.end() :]}"
    return None


def reworded(sentence: str) -> str:
    """The same statement in another form: contractions, number formats, fillers."""
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
    lowered = sentence[:1].lower() if sentence[1:2].islower() and not names(sentence[:20]) else sentence[:1]
    return f"According to the documents, {lowered}{sentence[1:]}"


def names(text: str) -> list[str]:
    return [fact.text for fact in facts(text) if fact.kind == "name"]


def made_cases(seed: int) -> list[Case]:
    """All cases of one seed, in the order of the corpus."""
    dice = random.Random(seed)
    hits = corpus_hits()
    pool = sorted(
        {name for hit in hits for name in names(hit.passage.text) if len(name) > 3 and name.isascii()}
    )
    cases: list[Case] = []
    for hit in hits:
        for sentence in sentences(hit):
            cases.extend(_cases_of(sentence, hit, hits, pool, dice))
    return cases


Swap = Callable[[str, Hit, random.Random], str | None]
SWAPS: dict[str, Swap] = {
    "number": swapped_number,
    "number of the passage": swapped_within,
    "month": swapped_month,
    "unit": swapped_unit,
    "negation": turned,
}


def _cases_of(
    sentence: str, hit: Hit, hits: list[Hit], pool: list[str], dice: random.Random
) -> Iterator[Case]:
    """The true and the falsified forms of one sentence, among two other passages."""
    among = {1: dice.choice(hits), 2: hit, 3: dice.choice(hits)}
    yield Case("verbatim", f"{sentence} [2]", among, True)
    yield Case("reworded", f"{reworded(sentence)} [2]", among, True)
    for kind, swap in SWAPS.items():
        false = swap(sentence, hit, dice)
        if false and false != sentence:
            yield Case(kind, f"{false} [2]", among, False)
    yield from _other_name(sentence, hit, among, pool, dice)
    other = among[1]
    if _far(sentence, other):
        yield Case("citation", f"{sentence} [1]", among, False)


def _other_name(
    sentence: str, hit: Hit, among: dict[int, Hit], pool: list[str], dice: random.Random
) -> Iterator[Case]:
    """A name of the corpus that the passage does not hold in the place of one it does."""
    found = [name for name in names(sentence) if len(name) > 3]
    if not found:
        return
    old, new = dice.choice(found), dice.choice(pool)
    held = facts(hit.passage.text)
    absent = not any(
        holds(f"{hit.passage.text} {hit.doc} {hit.title}", held, fact) for fact in facts(f"x {new}")
    )
    if absent and new.lower() not in hit.passage.text.lower():
        yield Case("name", f"{sentence.replace(old, new)} [2]", among, False)


def _far(sentence: str, other: Hit) -> bool:
    """Whether a passage does not happen to say the same."""
    asked = {stem(word) for word in content_words(sentence)}
    return len(asked & {stem(word) for word in words(other.passage.text)}) < 0.3 * len(asked)
