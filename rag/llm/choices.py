"""A model's choice among whole texts, asked only where they part."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.llm.llama import Engine

_END = -1
"""Stands for all tokens that end an answer."""
Compute = Callable[[Sequence[int], int], bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """A text the answer may be, with its tokens and the end behind them."""

    text: str
    tokens: tuple[int, ...]

    @classmethod
    def of(cls, text: str, tokens: Sequence[int]) -> Choice:
        """A text and its tokens as the model's tokenizer cuts it."""
        return cls(text, (*tokens, _END))


@dataclass(frozen=True, slots=True)
class Chosen:
    """How far a choice came: its tokens, and whether one text was left at the end."""

    tokens: int
    settled: bool


def choose(
    choices: Sequence[Choice],
    engine: Engine,
    compute: Compute,
    *,
    start: int,
    temperature: float,
    seed: int,
    cancelled: Callable[[], bool],
) -> Generator[str, None, Chosen]:
    """Yields the text the model chooses, each part as soon as all choices left begin with it.

    The engine has just read a prompt of `start` tokens. Where the choices part, the model's next token
    decides, the likeliest one or, at a temperature, one drawn. What they share up to there is computed at
    once, as a prompt is, by `compute` (tokens, first position; False when stopped), and behind the last
    fork nothing is: a sentence of thirty tokens costs its reader no thirty steps.
    """
    random = np.random.default_rng(seed & 0xFFFFFFFF)
    left = list(choices)
    told = computed = 0
    while True:
        shared = _shared([one.tokens for one in left])
        settled = shared == len(left[0].tokens)  # one is left, or all are the same to the model
        certain = len(left[0].text) if settled else _shared([one.text for one in left])
        if certain > told:
            yield left[0].text[told:certain]
            told = certain
        if settled:
            return Chosen(shared, settled)
        if cancelled() or not compute(left[0].tokens[computed:shared], start + computed):
            return Chosen(computed, settled=False)
        computed = shared
        token = _next(engine, [one.tokens[shared] for one in left], temperature, random)
        left = [one for one in left if one.tokens[shared] == token]


def _shared(all_of: Sequence[str] | Sequence[tuple[int, ...]]) -> int:
    """How many characters, or tokens, all begin with."""
    first, last = min(all_of), max(all_of)  # what these two share, all that lie between them share
    return next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))


def _next(engine: Engine, allowed: Sequence[int], temperature: float, random: np.random.Generator) -> int:
    """One of the allowed tokens, by what the model expects after the last one computed."""
    logits = engine.logits()
    tokens = list(dict.fromkeys(allowed))
    values = np.array([_value(logits, token, engine) for token in tokens])
    if temperature == 0.0:
        return tokens[int(values.argmax())]
    weights = np.exp((values - values.max()) / temperature)
    return int(random.choice(tokens, p=weights / weights.sum()))


def _value(logits: NDArray[np.float32], token: int, engine: Engine) -> float:
    return float(logits[engine.end_tokens].max() if token == _END else logits[token])
