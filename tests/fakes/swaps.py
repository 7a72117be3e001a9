"""True and falsified answers made from the sample corpus, by a seed: what the check of answers is held to."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.interfaces import Embedder
from rag.records import Hit, Passage
from rag.text.facts import facts
from rag.text.facts.match import holds
from rag.text.sentences import split_sentences
from rag.text.words import FUNCTION_WORDS, content_words, stem, words
from rag.verify.grounding import ground
from tests.fakes.paraphrases import PARAPHRASES, joined

CORPORA = Path(__file__).resolve().parents[2] / "corpora"
_NUMBER = re.compile(
    r"(?<![\w.,:/-])\d{1,3}(?:,\d{3})+(?![\w.,:/-]*\d)|(?<![\w.,:/-])\d{1,4}(?![\w.,:/-]*\d)(?![\w:/-])"
)
_MARKER = re.compile(r"^(?:\d+[.)]|[-*+]) ")
_AUXILIARY = "is|are|was|were|can|must|may|will|should|has|have|do|does"
_NEGATION = re.compile(rf"\b({_AUXILIARY}) not\b")
_VERB = re.compile(r"\b(is|are|was|were|can|must|may|will|should)\b(?! not)")
_NEGATED = re.compile(r"\b(?:no|not|never|neither|nothing|none|without|cannot|nobody)\b|n't", re.IGNORECASE)
_MONTHS = (
    "January February March April May June July August September October November December",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
)
_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty",
    "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig",
    "deux trois quatre cinq sept huit neuf dix onze douze quinze vingt trente",
    "dos tres cuatro cinco seis siete ocho nueve diez once doce quince veinte treinta",
)
_UNITS = (
    "days weeks months years hours minutes seconds",
    "euros kronor dollars percent",
    "metres kilometres centimetres litres grams degrees watts volts amps",
    "Tagen Wochen Monaten Jahren Stunden Minuten",
    "Meter Kilometer Euro Grad Tonnen",
    "年 天 周 小时 分钟 秒 米 厘米 毫米 毫秒",
)
_ORDINALS = ("first second third fourth fifth", "erste zweite dritte vierte", "第一 第二 第三 第四")
_QUANTITIES = ("all some", "always sometimes", "most few", "never often", "alle einige", "immer manchmal")
_ROLES = (
    "employee employer|employees employers|manager director|managers directors|customer supplier"
    "|customers suppliers|tenant landlord|buyer seller|licensor licensee|reader author|parser fetcher"
    "|colleague guest|colleagues guests|sister brother|mother father|niece nephew|doctor nurse"
    "|teacher student|engineer accountant|chair treasurer|team board|visitor resident|visitors residents"
    "|office warehouse|disk camera|supplier reseller|resellers auditors|agency university|agencies banks"
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
    hits: list[Hit] = []
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


@dataclass(frozen=True, slots=True)
class Pool:
    """What the whole corpus holds, to take swaps from."""

    names: Sequence[str]
    nouns: Sequence[str]


Swap = Callable[[str, Hit, Pool, random.Random], str | None]


def swapped_number(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another number of the same length, one the passage does not hold."""
    match = _any(_NUMBER, sentence, dice)
    if match is None:
        return None
    digits = match.group()
    for _ in range(20):
        other = "".join(character if character == "," else dice.choice("123456789") for character in digits)
        if other != digits and other not in hit.passage.text:
            return _replaced(sentence, match, other)
    return None


def swapped_within(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """A number from another sentence of the same passage."""
    match = _any(_NUMBER, sentence, dice)
    others = [n for n in _NUMBER.findall(hit.passage.text) if n not in sentence]
    return _replaced(sentence, match, dice.choice(others)) if match and others else None


def swapped_dated_month(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another month in a date."""
    return _swapped_of(_MONTHS, sentence, hit, dice, behind=r"(?= \d)")


def swapped_bare_month(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another month where neither day nor year stands by it."""
    return _swapped_of(_MONTHS, sentence, hit, dice, before=r"(?<!\d )(?<!\d\. )", behind=r"(?! \d)")


def swapped_unit(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another unit behind a number."""
    return _swapped_of(
        _UNITS, sentence, hit, dice, before=r"(?<=[\d一二三四五六七八九十] )|(?<=[\d一二三四五六七八九十])"
    )


def swapped_number_word(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another spelled number; "one" only before a noun it counts."""
    swapped = _swapped_of(_NUMBER_WORDS, sentence, hit, dice, behind=r"(?= [a-zäöü]{3,}(?:s|e|en|n)\b)")
    return swapped or _swapped_of(
        ("一 两 三 四 五 六 七 八 九",), sentence, hit, dice, behind="(?=[年个天秒次根台份题])"
    )


def swapped_ordinal(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    before = r"(?<!per )(?<!each )(?<!a )"
    return _swapped_of(_ORDINALS, sentence, hit, dice, before=before, behind="(?! (?:half|time|as))")


def swapped_quantity(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """ "some" for "all" and the like."""
    return _swapped_of(_QUANTITIES, sentence, hit, dice)


def swapped_role(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another person or place of the same kind: the employer for the employee."""
    return _swapped_of(_ROLES.split("|"), sentence, hit, dice)


def swapped_noun(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Any other noun of the corpus behind an article."""
    match = _any(
        re.compile(r"(?<=\b[Tt]he )[a-z]{4,}(?= (?:is|was|are|were|has|have|of|in|to|on|for|that)\b|[.,;])"),
        sentence,
        dice,
    )
    held = {stem(word) for word in words(hit.passage.text)}
    others = [noun for noun in pool.nouns if match and stem(noun) not in held and noun[-1:] == match[0][-1:]]
    return _replaced(sentence, match, dice.choice(others)) if match and others else None


def swapped_code(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """A code or version with a digit more, less or changed."""
    match = _any(re.compile(r"\b[A-Z]{2,}-?\d+\b|(?<![\d.])\d+(?:\.\d+){2,}(?![\d.]*\d)"), sentence, dice)
    if match is None:
        return None
    code = match.group()
    changed = f"{code[:-1]}{(int(code[-1]) + dice.randint(1, 8)) % 10}"
    other = dice.choice([f"{code}{dice.randint(0, 9)}", code[:-1], changed])
    bare, text = re.sub(r"\W", "", other), re.sub(r"[-.]", "", hit.passage.text)
    lost = not other[-1].isdigit() or re.search(rf"(?<!\w){bare}(?!\w)", text)
    return None if lost else _replaced(sentence, match, other)


def swapped_first_word(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """Another name where the sentence begins with one."""
    match = re.match(r"[A-Z][a-zäöüß]{3,}(?= [a-z])", sentence)
    if match is None or match[0] not in pool.names:
        return None
    absent = [name for name in pool.names if name[0].isupper() and _is_absent(name, hit)]
    return _replaced(sentence, match, dice.choice(absent))


def swapped_name(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """A name of the corpus that the passage does not hold in the place of one it does."""
    found = [name for name in names(sentence) if len(name) > 3]
    if not found:
        return None
    old, new = dice.choice(found), dice.choice(pool.names)
    return sentence.replace(old, new) if _is_absent(new, hit) else None


def turned(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """A "not" taken out or put in."""
    match = _NEGATION.search(sentence)
    if match:
        return _replaced(sentence, match, match[1])
    match = _VERB.search(sentence)
    if match and not _NEGATED.search(sentence):
        return _replaced(sentence, match, f"{match[1]} not")
    return None


def moved_negation(sentence: str, hit: Hit, pool: Pool, dice: random.Random) -> str | None:
    """The one "not" of a sentence, which may be two of the source in one, at another verb."""
    negated, verbs = list(_NEGATION.finditer(sentence)), list(_VERB.finditer(sentence))
    if len(negated) != 1 or not verbs or len(_NEGATED.findall(sentence)) != 1:
        return None
    there, here = negated[0], dice.choice(verbs)
    changes = sorted([(there, there[1]), (here, f"{here[1]} not")], key=lambda change: -change[0].start())
    for match, new in changes:
        sentence = _replaced(sentence, match, new)
    return sentence


FALSIFIED: dict[str, Swap] = {
    "number": swapped_number,
    "number of the passage": swapped_within,
    "number word": swapped_number_word,
    "ordinal": swapped_ordinal,
    "month": swapped_dated_month,
    "bare month": swapped_bare_month,
    "unit": swapped_unit,
    "code": swapped_code,
    "name": swapped_name,
    "first word": swapped_first_word,
    "role": swapped_role,
    "noun": swapped_noun,
    "quantity": swapped_quantity,
    "negation": turned,
    "moved negation": moved_negation,
}


def made_cases(seed: int) -> list[Case]:
    """All cases of one seed, in the order of the corpus."""
    dice = random.Random(seed)
    hits = corpus_hits()
    pool = _pool(hits)
    cases: list[Case] = []
    for hit in hits:
        stated = sentences(hit)
        for index, sentence in enumerate(stated):
            following = stated[index + 1] if index + 1 < len(stated) else ""
            cases.extend(_cases_of(sentence, following, hit, hits, pool, dice))
    return cases


def sampled_cases(seed: int, *, per_kind: int) -> list[Case]:
    """At most so many cases of each kind, drawn by the seed."""
    cases = made_cases(seed)
    random.Random(seed).shuffle(cases)
    seen: Counter[str] = Counter()
    drawn = []
    for case in cases:
        seen[case.kind] += 1
        if seen[case.kind] <= per_kind:
            drawn.append(case)
    return drawn


@dataclass(frozen=True, slots=True)
class Rate:
    """Of how many answers of a kind the check was wrong: false ones supported, true ones accused."""

    kind: str
    true: bool
    wrong: int
    total: int


def rates(cases: Sequence[Case], embedder: Embedder | None) -> list[Rate]:
    """The verdicts by kind, falsified answers first, and in total as the kinds "false" and "true"."""
    wrong, total = Counter[tuple[bool, str]](), Counter[tuple[bool, str]]()
    for case in cases:
        grounded = ground(case.answer, case.hits, embedder=embedder)
        supported = all(sentence.supported == "true" for sentence in grounded.sentences)
        for kind in (case.kind, "true" if case.true else "false"):
            total[case.true, kind] += 1
            wrong[case.true, kind] += supported != case.true
    return [Rate(kind, true, wrong[true, kind], total[true, kind]) for true, kind in sorted(total)]


def names(text: str) -> list[str]:
    return [fact.text for fact in facts(text) if fact.kind == "name"]


def _pool(hits: Sequence[Hit]) -> Pool:
    texts = [hit.passage.text for hit in hits]
    found = {name for text in texts for name in names(f"x {text}") if len(name) > 3 and name.isascii()}
    common = {word for text in texts for word in re.findall(r"\b[a-z]+\b", text)}
    nouns = {
        word for text in texts for word in re.findall(r"\bthe ([a-z]{4,}) (?:is|was|of|are|were|has)\b", text)
    }
    return Pool(sorted(name for name in found if name.lower() not in common), sorted(nouns - FUNCTION_WORDS))


def _cases_of(
    sentence: str, following: str, hit: Hit, hits: list[Hit], pool: Pool, dice: random.Random
) -> Iterator[Case]:
    """The true and the falsified forms of one sentence, among two other passages."""
    among = {1: dice.choice(hits), 2: hit, 3: dice.choice(hits)}
    yield Case("verbatim", f"{sentence} [2]", among, True)
    for kind, paraphrase in PARAPHRASES.items():
        true = paraphrase(sentence, following)
        if true and true != sentence:
            yield Case(kind, f"{true} [2]", among, True)
    for kind, swap in FALSIFIED.items():
        whole = joined(sentence, following) or sentence if kind == "moved negation" else sentence
        false = swap(whole, hit, pool, dice)
        if false and false != whole:
            yield Case(kind, f"{false} [2]", among, False)
    if _far(sentence, among[1]):
        yield Case("citation", f"{sentence} [1]", among, False)


def _any(pattern: re.Pattern[str], sentence: str, dice: random.Random) -> re.Match[str] | None:
    found = list(pattern.finditer(sentence))
    return dice.choice(found) if found else None


def _replaced(sentence: str, match: re.Match[str], new: str) -> str:
    return f"{sentence[: match.start()]}{new}{sentence[match.end() :]}"


def _swapped_of(
    groups: Sequence[str],
    sentence: str,
    hit: Hit,
    dice: random.Random,
    *,
    before: str = "",
    behind: str = "",
) -> str | None:
    """A word of a group for another of it that the passage does not hold."""
    for group in groups:
        among = group.split()
        edge = r"\b" if among[0].isascii() or among[-1].isascii() else ""
        match = _any(re.compile(rf"(?:{before}){edge}(?:{'|'.join(among)}){edge}{behind}"), sentence, dice)
        others = [word for word in among if word not in hit.passage.text]
        if match and others:
            return _replaced(sentence, match, dice.choice(others))
    return None


def _is_absent(name: str, hit: Hit) -> bool:
    """Whether a passage and what names it do not hold a name in any form."""
    held = facts(hit.passage.text)
    source = f"{hit.passage.text} {hit.doc} {hit.title}"
    return name.lower() not in source.lower() and not any(
        holds(source, held, fact) for fact in facts(f"x {name}")
    )


def _far(sentence: str, other: Hit) -> bool:
    """Whether a passage does not happen to say the same."""
    asked = {stem(word) for word in content_words(sentence)}
    return len(asked & {stem(word) for word in words(other.passage.text)}) < 0.3 * len(asked)
