"""A model that is another's weights and the changes that training made to them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from rag.embeddings.cross_encoder import CrossEncoderReranker
from rag.models import READER, reranker_folder
from rag.models.folders import MANIFEST
from rag.models.trained import packed, unpacked


def test_changes_are_kept_small_and_found_again() -> None:
    chance = np.random.default_rng(1)
    base = {"same": chance.normal(size=(4, 8)), "matrix": chance.normal(size=(6, 8)), "bias": np.zeros(8)}
    tuned = {
        "same": base["same"],
        "matrix": base["matrix"] + chance.normal(scale=0.01, size=(6, 8)),
        "bias": np.full(8, 0.5),
        "head": chance.normal(size=(1, 8)),
    }
    kept = packed(base, tuned)
    assert "same" not in kept and kept["matrix"].dtype == np.int8 and kept["bias"].dtype == np.float16
    found = unpacked(base, kept)
    assert set(found) == set(tuned)
    for name, expected in tuned.items():
        np.testing.assert_allclose(found[name], expected, atol=0.02)
    assert np.abs(found["matrix"] - tuned["matrix"]).max() == pytest.approx(0, abs=2e-4)


@pytest.mark.slow
def test_the_reader_is_assembled_from_the_packages_and_prefers_what_answers(tmp_path: Path) -> None:
    """Texts on the same subject, of which one answers, for questions in other words than theirs."""
    reranker = CrossEncoderReranker(reranker_folder(READER.name, models=tmp_path))
    allotments = [
        "Allotments are let from March. Each has a water butt, and the gate is locked at dusk.",
        "Whoever gives up an allotment gets the deposit of 60 euros back once the shed is empty.",
        "The allotment society meets on the first Monday of each month in the old dairy.",
    ]
    ferry = [
        "Dogs travel free on the upper deck if they are kept on a lead and wear a muzzle.",
        "The upper deck is closed in strong wind; the bar on the lower deck stays open.",
        "The ferry has two decks and carries 140 passengers and 22 cars.",
    ]
    assert reranker.scores("Do I see my money again when I stop gardening?", allotments).argmax() == 1
    assert reranker.scores("can I take my pet on board", ferry).argmax() == 0


@pytest.mark.slow
def test_a_reader_of_other_weights_is_made_again(tmp_path: Path) -> None:
    folder = reranker_folder(READER.name, models=tmp_path)
    weights = folder / "model.safetensors"
    made = weights.stat().st_mtime_ns
    assert reranker_folder(READER.name, models=tmp_path) == folder
    assert weights.stat().st_mtime_ns == made
    manifest = folder / MANIFEST
    manifest.write_text(re.sub("weights [0-9a-f]+", "weights 0", manifest.read_text()))
    reranker_folder(READER.name, models=tmp_path)
    assert weights.stat().st_mtime_ns > made
