"""The context window shared out: instructions, question, passages, history and the answer's room."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rag.errors import BudgetError
from rag.records import BudgetUse, Evidence, Hit, Message
from rag.text.sentences import split_sentences

_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_CUT = " …"
HISTORY_TOKENS = 512


class Prompts(Protocol):
    """The prompt files, as filling the window needs them."""

    def fill(self, name: str, **values: str) -> str:
        """A prompt with its values."""

    def passage(self, marker: int, source: str, text: str) -> str:
        """A passage's block."""


class TokenCounter(Protocol):
    """The generator's own tokenizer."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text."""

    def count_prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt, chat template included."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages, and the hits whose passages stand in them, by marker (1-based rank among all hits).

    `cut` lists the markers of passages that are shown in part, every cut marked with "…".
    `budget.prompt` is exactly the counter's `count_prompt_tokens(messages)`.
    """

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    markers: tuple[int, ...]
    cut: tuple[int, ...]
    budget: BudgetUse


def fit(
    question: str,
    hits: Sequence[Hit],
    *,
    history: Sequence[Message] = (),
    templates: Prompts,
    counter: TokenCounter,
    window_tokens: int,
    passage_tokens: int,
    answer_tokens: int,
    history_tokens: int = HISTORY_TOKENS,
    quotes: Sequence[Evidence] = (),
    instruction: str = "",
) -> Prompt:
    """Puts the best hits and the newest history into the window, and keeps the answer's room free.

    Hits come best first. One that is too long for what remains is cut at a sentence's end; the rest
    fill the gap where they fit whole. The passages stand before the history, in the order of their
    markers, so that a follow-up over the same passages finds them in the prompt cache.

    With `quotes`, the prompt shows these alone, best first while they fit, each in its place in its
    passage, with "…" for what lies between: a model that only chooses among them need not read the rest,
    and for another more passages fit.

    `instruction` ends the system's message. Hidden text of documents is not shown to a model: it may be
    written for the model alone.

    Raises:
        BudgetError: the window cannot hold even the instructions, the question and the answer.
    """
    draft = _Draft(question, templates, counter, instruction)
    most = window_tokens - answer_tokens
    if draft.tokens() > most:
        raise BudgetError(
            f"The context window has {window_tokens} tokens; the instructions and the question take "
            f"{draft.tokens()} and the answer keeps {answer_tokens}. Shorten the question, or raise "
            "context_tokens."
        )
    passages_end = min(most, draft.tokens() + passage_tokens)
    if quotes:
        _add_quotes(draft, hits, quotes, most=passages_end)
    else:
        _add_passages(draft, hits, most=passages_end)
    turns = _turns(history)
    _add_history(draft, turns, most=most, history_tokens=history_tokens)
    markers = tuple(sorted(draft.blocks))
    return Prompt(
        messages=tuple(draft.messages()),
        hits=tuple(hits[marker - 1] for marker in markers),
        markers=markers,
        cut=tuple(sorted(draft.cut)),
        budget=BudgetUse(
            window=window_tokens,
            **draft.shares(),
            answer=answer_tokens,
            left_out=tuple(
                marker
                for marker, hit in enumerate(hits, start=1)
                if marker not in draft.blocks and not hit.passage.is_hidden
            ),
            dropped_turns=len(turns) - len(draft.turns),
        ),
    )


class _Draft:
    """A prompt under construction, counted as a whole each time: sums of parts are not exact."""

    def __init__(
        self, question: str, templates: Prompts, counter: TokenCounter, instruction: str = ""
    ) -> None:
        self.instruction = instruction
        self.question = question
        self.templates = templates
        self.counter = counter
        self.blocks: dict[int, str] = {}
        self.cut: set[int] = set()
        self.turns: list[tuple[Message, Message]] = []

    def messages(self) -> list[Message]:
        """Instructions, passages at the head of the first user turn, history, question."""
        question = self.templates.fill("question", question=self.question)
        users = [*(turn[0].content for turn in self.turns), question]
        if self.blocks:
            blocks = "\n\n".join(self.blocks[marker] for marker in sorted(self.blocks))
            users[0] = self.templates.fill("sources", passages=blocks) + "\n\n" + users[0]
        system = "\n\n".join(filter(None, (self.templates.fill("system"), self.instruction)))
        messages = [Message("system", system)]
        for user, (_, reply) in zip(users, self.turns, strict=False):
            messages += [Message("user", user), reply]
        return [*messages, Message("user", users[-1])]

    def tokens(self) -> int:
        return self.counter.count_prompt_tokens(self.messages())

    def try_block(self, marker: int, hit: Hit, text: str, *, most: int) -> bool:
        """Puts the hit's block in its place if the prompt then has at most `most` tokens.

        `text` is what the block shows of the passage. What is needed to read it, the caption and header
        of a table that was split, stands before it with "…" for the rows between.
        """
        before = dict(self.blocks)
        context = hit.passage.context.strip()
        shown = f"{context}\n{_CUT.strip()}\n{text}" if context else text
        self.blocks[marker] = self.templates.passage(marker, source_of(hit), shown)
        if self.tokens() <= most:
            return True
        self.blocks = before
        return False

    def shares(self) -> dict[str, Any]:
        """Tokens of each part: what the prompt grows by when the part is added; they sum up exactly."""
        steps = _Draft("", self.templates, self.counter, self.instruction)
        total = instructions = steps.tokens()
        steps.question = self.question
        question, total = steps.tokens() - total, steps.tokens()
        passages = {}
        for marker in sorted(self.blocks):
            steps.blocks[marker] = self.blocks[marker]
            passages[marker], total = steps.tokens() - total, steps.tokens()
        return {
            "instructions": instructions,
            "question": question,
            "passages": passages,
            "history": self.tokens() - total,
        }


def _add_passages(draft: _Draft, hits: Sequence[Hit], *, most: int) -> None:
    may_cut = True
    for marker, hit in enumerate(hits, start=1):
        if hit.passage.is_hidden:
            continue
        remaining = most - draft.tokens()
        text = hit.passage.text
        fits = draft.counter.count_tokens(text) <= remaining
        if fits and draft.try_block(marker, hit, text, most=most):
            continue
        if may_cut and _add_beginning(draft, marker, hit, most=most):
            draft.cut.add(marker)
        may_cut = False


def _add_beginning(draft: _Draft, marker: int, hit: Hit, *, most: int) -> bool:
    """Adds as many of the passage's first sentences as fit; False when not even one does."""
    text = hit.passage.text
    ends = [end for _, end in split_sentences(text)][:-1]
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if draft.try_block(marker, hit, text[: ends[middle - 1]].rstrip() + _CUT, most=most):
            low = middle
        else:
            high = middle - 1
    return low > 0


def _add_quotes(draft: _Draft, hits: Sequence[Hit], quotes: Sequence[Evidence], *, most: int) -> None:
    """Takes quotes best first, whichever passage they are from, while they fit."""
    chosen: dict[int, list[tuple[int, int]]] = {}
    remaining = most - draft.tokens()
    for quote in sorted(quotes, key=lambda one: (-one.score, one.marker, one.start)):
        # Counting the whole prompt takes a hundred times as long as counting one sentence.
        if quote.hit.passage.is_hidden or draft.counter.count_tokens(quote.quote) > remaining:
            continue
        hit = hits[quote.marker - 1]
        spans = sorted([*chosen.get(quote.marker, ()), (quote.start, quote.end)])
        if draft.try_block(quote.marker, hit, excerpt(hit.passage.text, spans), most=most):
            chosen[quote.marker] = spans
            remaining = most - draft.tokens()
    texts = {marker: hits[marker - 1].passage.text for marker in chosen}
    draft.cut = {
        marker for marker, spans in chosen.items() if excerpt(texts[marker], spans) != texts[marker].strip()
    }


def beginning(text: str, *, most_tokens: int, counter: TokenCounter) -> str:
    """The text, or as much of its beginning as has at most so many tokens, with "…" for what is cut."""
    if counter.count_tokens(text) <= most_tokens:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if counter.count_tokens(text[:middle].rstrip() + _CUT) <= most_tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + _CUT


def excerpt(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The spans of a text, in order and apart, with "…" wherever other words are left out."""
    pieces: list[str] = []
    last = 0
    for start, end in spans:
        gap = text[last:start]
        if gap.strip():
            pieces.append(_CUT + " " if last else _CUT.strip() + " ")
        elif last:
            pieces.append(gap)
        pieces.append(text[start:end])
        last = end
    if text[last:].strip():
        pieces.append(_CUT)
    return "".join(pieces)


def source_of(hit: Hit) -> str:
    """Where a passage is from, in one line: file, page, headings."""
    page = f", page {hit.page}" if hit.page is not None else ""
    heading = f": {hit.heading}" if hit.heading else ""
    return f"{hit.doc}{page}{heading}"


def _turns(history: Sequence[Message]) -> list[tuple[Message, Message]]:
    """Question and answer pairs, oldest first. Old markers are dropped: they number other passages."""
    pairs = itertools.pairwise(history)
    return [
        (user, Message("assistant", _MARKERS.sub("", reply.content)))
        for user, reply in pairs
        if user.role == "user" and reply.role == "assistant"
    ]


def _add_history(
    draft: _Draft, turns: Sequence[tuple[Message, Message]], *, most: int, history_tokens: int
) -> None:
    """Adds the newest turns that fit; where not even the last one does, the beginning of its answer."""
    most = min(most, draft.tokens() + history_tokens)
    for turn in reversed(turns):
        draft.turns.insert(0, turn)
        if draft.tokens() > most:
            del draft.turns[0]
            break
    if turns and not draft.turns:
        user, reply = turns[-1]
        draft.turns = [(user, Message("assistant", _CUT.strip()))]
        room = most - draft.tokens()
        if room > 0:
            cut = beginning(reply.content, most_tokens=room, counter=draft.counter)
            draft.turns = [(user, Message("assistant", cut))]
        if draft.tokens() > most:
            draft.turns = []


def keep_order(hits: Sequence[Hit], earlier: Sequence[str]) -> list[Hit]:
    """The hits with those of an earlier prompt first, in its order, so that the prompt cache holds.

    `earlier` has the passage ids of that prompt. Only an unbroken beginning of it helps: the first
    passage that is not among the hits any more ends it, and the others keep their rank.
    """
    by_id = {hit.passage.id: hit for hit in hits}
    kept = list(itertools.takewhile(by_id.__contains__, dict.fromkeys(earlier)))
    return [by_id[key] for key in kept] + [hit for hit in hits if hit.passage.id not in kept]
