"""A model is asked only where the texts it may choose from part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.llm.choices import Choice, Chosen, choose

END = 0


class Letters:
    """An engine whose tokens are characters, and which likes some of them."""

    end_tokens = (END,)

    def __init__(self, liked: Mapping[str, float] | None = None, end: float = 0.0) -> None:
        self.values = np.zeros(128, dtype=np.float32)
        for letter, value in (liked or {}).items():
            self.values[ord(letter)] = value
        self.values[END] = end
        self.computed: list[tuple[int, str]] = []
        self.asked = 0

    def logits(self) -> NDArray[np.float32]:
        self.asked += 1
        return self.values

    def compute(self, tokens: Sequence[int], start: int) -> bool:
        self.computed.append((start, "".join(map(chr, tokens))))
        return True


def chosen(
    engine: Letters, *texts: str, temperature: float = 0.0, seed: int = 0, stop_after: int = 99
) -> tuple[list[str], Chosen]:
    pieces: list[str] = []
    telling = choose(
        [Choice.of(text, [ord(letter) for letter in text]) for text in texts],
        engine,  # type: ignore[arg-type]
        engine.compute,
        start=10,
        temperature=temperature,
        seed=seed,
        cancelled=lambda: engine.asked >= stop_after,
    )
    while True:
        try:
            pieces.append(next(telling))
        except StopIteration as end:
            return pieces, end.value


def test_one_choice_is_told_without_asking() -> None:
    engine = Letters()
    assert chosen(engine, "Rye.") == (["Rye."], Chosen(5, settled=True))
    assert (engine.asked, engine.computed) == (0, [])


def test_what_choices_share_is_told_at_once_and_computed_at_once() -> None:
    engine = Letters({"p": 1.0, "o": 0.5})
    pieces, told = chosen(engine, "A red door", "A red pen", "A red pear")
    assert pieces == ["A red ", "pe", "n"]
    assert engine.computed == [(10, "A red "), (16, "pe")]
    assert (engine.asked, told) == (2, Chosen(10, settled=True))


@pytest.mark.parametrize(("end", "text"), [(2.0, "One."), (0.5, "One. Two.")])
def test_the_end_is_a_choice_like_any_token(end: float, text: str) -> None:
    pieces, told = chosen(Letters({" ": 1.0}, end=end), "One.", "One. Two.")
    assert "".join(pieces) == text
    assert told == Chosen(len(text) + 1, settled=True)


def test_of_texts_with_the_same_tokens_the_first_is_told() -> None:
    same = [Choice("ﬁne", (1, 2, -1)), Choice("fine", (1, 2, -1))]
    engine = Letters()
    telling = choose(
        same,
        engine,  # type: ignore[arg-type]
        engine.compute,
        start=0,
        temperature=0.0,
        seed=0,
        cancelled=lambda: False,
    )
    assert list(telling) == ["ﬁne"]
    assert engine.asked == 0


def test_a_temperature_draws_by_the_seed() -> None:
    def drawn_with(seed: int) -> str:
        return "".join(chosen(Letters({"a": 1.0}), "a", "b", "c", temperature=1.0, seed=seed)[0])

    drawn = [drawn_with(seed) for seed in range(300)]
    assert drawn[:20] == [drawn_with(seed) for seed in range(20)]
    # e / (e + 2) of the draws, 0.576; three standard deviations are 0.086
    assert 0.49 < drawn.count("a") / 300 < 0.67


def test_a_stop_keeps_what_was_told() -> None:
    engine = Letters({"p": 1.0})
    pieces, told = chosen(engine, "A red door", "A red pen", "A red pear", stop_after=1)
    assert pieces == ["A red ", "pe"]
    assert told == Chosen(6, settled=False)
