"""Questions made from the user's own passages, for collections that have no question set."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from pathlib import Path

import regex

from rag.errors import UsageError
from rag.evaluation.datasets import Question
from rag.interfaces import ChatModel, SearchIndex
from rag.prompts import render
from rag.records import Hit, Message
from rag.text.sentences import split_sentences
from rag.text.words import content_words, stem, words

Write = Callable[[str], str]
Progress = Callable[[int, int], None]

_WORD = regex.compile(r"\S+")
_LETTERS = regex.compile(r"\p{L}")
_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
MIN_WORDS, MAX_WORDS = 8, 40
MIN_LETTERS, MAX_LETTERS = 15, 120

QUESTION_MARKS = "?？؟\u037e"
_SIGNS = r"[\s\"'“”„«»*`]*"
_QUESTION = regex.compile(
    rf"{_SIGNS}(?:(?:question|frage|问题|q)\s*[:：]{_SIGNS})?(?P<asked>\S.*[{QUESTION_MARKS}]){_SIGNS}",
    regex.IGNORECASE,
)
MAX_QUESTION = 300
# "how many days of leave" is of the passage too: five words in a row are quoted, half a question wholesale.
MAX_QUOTED_RUN, MAX_QUOTED_SHARE = 4, 0.5
WRITTEN_TOKENS = 64
TRIES = 3  # passages that a model is given for each question, so that one that writes none comes to an end


def make_questions(
    index: SearchIndex,
    collection: str,
    *,
    count: int = 200,
    seed: int = 0,
    write: Write | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Question]:
    """Up to `count` questions, each made from another passage of the collection, the same for a seed.

    Without `write` a question is what a person half remembers of a sentence: about half of its words,
    in order. That shares the passage's words, so it flatters keyword search; differences between
    settings that treat words alike stay fair. `write`, a language model, is given a passage and
    returns a question that it answers; where it does not, or only quotes it, the next passage is
    taken. `progress` is told how many of how many are made, after every passage tried.

    Raises:
        UsageError: the collection has no passage with a sentence to ask about, or none of them led
            the model to a question.
    """
    chance = random.Random(seed)
    rowids = index.passage_rowids([document.id for document in index.documents(collection)])
    chance.shuffle(rowids)
    questions: list[Question] = []
    tried = 0
    for hit in _in_batches(index, rowids, 2 * count):
        half = _half_remembered(hit.passage.text, chance)
        if not half:
            continue
        asked = asked_about(hit.passage.text, write(hit.passage.text)) if write else half
        tried += 1
        if asked:
            name = f"made-{hit.passage.id[:12]}"
            questions.append(Question(name, asked, docs=(hit.doc,), passage_id=hit.passage.id))
        progress(len(questions), count)
        if len(questions) == count or tried == TRIES * count:
            break
    if not tried:
        raise UsageError(f"No passage of '{collection}' has a sentence of {MIN_WORDS} words to ask about.")
    if not questions:
        raise UsageError(f"The model wrote no question of use about the {tried} passages it was given.")
    return questions


def question_prompt(passage: str, prompts: Path) -> str:
    """What a chat model is told to write a question about a passage."""
    return render("made_question", folder=prompts, text=passage)


def written_by(model: ChatModel, prompt: str, *, cancelled: Callable[[], bool] = lambda: False) -> str:
    """The model's text up to its first question mark: a weak model goes on with questions."""
    pieces: list[str] = []
    stream = model.stream(
        [Message("user", prompt)],
        max_tokens=WRITTEN_TOKENS,
        cancelled=lambda: cancelled() or any(mark in piece for piece in pieces for mark in QUESTION_MARKS),
    )
    pieces.extend(piece for piece in stream if isinstance(piece, str))
    return "".join(pieces)


def asked_about(passage: str, written: str) -> str:
    """The question in what a model wrote about a passage; "" where there is none of use."""
    for line in written.splitlines():
        found = _QUESTION.fullmatch(line)
        if found and len(found["asked"]) <= MAX_QUESTION and is_about(passage, found["asked"]):
            return found["asked"]
    return ""


def is_about(passage: str, question: str) -> bool:
    """Whether a question names something of the passage and does not only quote it.

    "What is the text about?" cannot be found.
    """
    named = set(map(stem, content_words(question))) & set(map(stem, content_words(passage)))
    return bool(named) and not quotes(passage, question)


def quotes(passage: str, question: str) -> bool:
    """Whether most of the question is a run of the passage's own words."""
    asked = words(question)
    run = SequenceMatcher(None, asked, words(passage), autojunk=False).find_longest_match().size
    return run > MAX_QUOTED_RUN and run > MAX_QUOTED_SHARE * len(asked)


def _in_batches(index: SearchIndex, rowids: Sequence[int], size: int) -> Iterable[Hit]:
    for start in range(0, len(rowids), size):
        yield from index.hits(rowids[start : start + size])


def _half_remembered(text: str, chance: random.Random) -> str:
    """Half of a sentence of the text; "" where it has none of a usable length."""
    sentences = [text[start:end].strip() for start, end in split_sentences(text)]
    halves = [half for half in (_half(sentence, chance) for sentence in sentences) if half]
    return chance.choice(halves) if halves else ""


def _half(sentence: str, chance: random.Random) -> str:
    if _SPACELESS.search(sentence):
        if not MIN_LETTERS <= len(sentence) <= MAX_LETTERS:
            return ""
        start = chance.randrange(len(sentence) // 2 + 1)
        return sentence[start : start + len(sentence) // 2]
    words = [word for word in _WORD.findall(sentence) if _LETTERS.search(word)]
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        return ""
    kept = sorted(chance.sample(range(len(words)), (len(words) + 1) // 2))
    # A person remembers words, not the signs around them.
    return " ".join(regex.sub(r"^\W+|\W+$", "", words[place]) for place in kept)
