"""The reader's architecture: a tiny one, as Sentence Transformers and OpenVINO run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.embeddings.cross_encoder import CrossEncoderReranker, TorchScorer

pytestmark = pytest.mark.slow
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "feeds", "the", "cat", "dog", "bird", "sings"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader of one thin layer with random weights."""
    import torch
    from transformers import BertTokenizerFast  # type: ignore[attr-defined]

    from rag.embeddings.reader import ReaderConfig, ReaderForSequenceClassification

    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("models") / "reader"
    place.mkdir()
    (place / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(place / "vocab.txt")).save_pretrained(place)
    config = ReaderConfig(
        marks=(2, 3),
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
        initializer_range=0.3,
    )
    ReaderForSequenceClassification(config).save_pretrained(place)
    return place


def test_each_pair_has_its_own_score_whatever_it_is_padded_with(folder: Path) -> None:
    scorer = TorchScorer(folder)
    texts = ["the cat", "the dog sings", "the bird feeds the dog the dog the dog"]
    together = scorer.scores("who feeds the cat", texts)
    one_by_one = [scorer.scores("who feeds the cat", [text])[0] for text in texts]
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    assert len(set(together.round(4))) == len(texts)


def test_converted_it_gives_the_same(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    from rag.embeddings.cross_encoder import OpenVinoScorer, convert, prepared

    texts = ["the cat", "the bird feeds the dog the dog the dog", "the dog sings"]
    expected = TorchScorer(folder)
    facts = prepared(folder, tmp_path / "converted", None)
    convert(expected.model, tmp_path / "converted")
    found = OpenVinoScorer(folder, tmp_path / "converted", facts, threads=None)
    np.testing.assert_allclose(
        found.scores("who sings", texts), expected.scores("who sings", texts), rtol=0.02, atol=0.02
    )


def test_without_training_the_logit_is_how_alike_both_sides_are(folder: Path) -> None:
    """With the similarities' weights alone, a text that repeats the question comes first."""
    import torch

    scorer = TorchScorer(folder)
    reader: Any = scorer.model.model
    with torch.no_grad():
        reader.score.weight.zero_()
        reader.score.weight[:, -2:] = 5.0
    scores = scorer.scores("who feeds the cat", ["the dog sings", "who feeds the cat", "the bird"])
    assert scores.argmax() == 1


def test_a_folder_of_it_is_a_reranker(folder: Path) -> None:
    reranker = CrossEncoderReranker(folder, english_only=True, signal="reader")
    assert reranker.scores("who sings", ["the bird sings", "the dog"]).shape == (2,)
    assert (reranker.english_only, reranker.signal) == (True, "reader")
