"""Damaged and hostile input to all that reads it (the long form: `python -m tests.fuzz`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.readers import ReaderPool
from tests.fuzz import Fuzz, findings

TRIED = {
    **{"questions": 6, "citations": 40, "lines": 4, "receipts": 40},
    **{"prompts": 10, "settings": 20, "requests": 40},
}


@pytest.fixture
def fuzz(tmp_path: Path) -> Iterator[Fuzz]:
    with ReaderPool(workers=1, timeout_seconds=60) as pool:
        yield Fuzz(tmp_path, pool)


@pytest.mark.parametrize("target", TRIED)
def test_input_of_any_kind_gives_a_result_or_one_of_our_errors(fuzz: Fuzz, target: str) -> None:
    assert [found for seed in range(TRIED[target]) for found in findings(fuzz, target, seed)] == []


@pytest.mark.slow
def test_damaged_files_cost_only_themselves(fuzz: Fuzz) -> None:
    assert [found for seed in range(12) for found in findings(fuzz, "files", seed)] == []


def test_what_is_wrong_is_found(fuzz: Fuzz, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.parse_query", lambda text: 1 / 0)
    (found,) = findings(fuzz, "questions", 0)
    assert "ZeroDivisionError" in found
