"""A cross-encoder's folder as a reranker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelDamaged, ModelNotFound
from rag.reranking import CrossEncoderReranker

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "feeds", "the", "cat", "dog"]


def cross_encoder_folder(folder: Path, *, labels: int = 1) -> Path:
    """A cross-encoder of one thin layer with random weights."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(0)
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=labels,
        initializer_range=0.3,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=str(tmp_path)):
        CrossEncoderReranker(tmp_path)


def test_a_folder_that_is_no_cross_encoder_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelDamaged, match=str(tmp_path)):
        CrossEncoderReranker(tmp_path).scores("who", ["the cat"])


@pytest.mark.slow
def test_each_pair_has_its_own_score(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(cross_encoder_folder(tmp_path / "model"))
    texts = ["the cat", "the dog", "feeds the dog"]
    together = reranker.scores("who feeds the cat", texts)
    one_by_one = [reranker.scores("who feeds the cat", [text])[0] for text in texts]
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    assert len(set(together.round(4))) > 1


@pytest.mark.slow
def test_a_classifier_of_several_labels_is_refused(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(cross_encoder_folder(tmp_path / "model", labels=3))
    with pytest.raises(ModelDamaged, match="not one score"):
        reranker.scores("who", ["the cat", "the dog"])
