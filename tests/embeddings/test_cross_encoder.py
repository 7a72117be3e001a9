"""A cross-encoder's folder as a reranker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.embeddings.cross_encoder import CrossEncoderReranker, OpenVinoScorer, TorchScorer, prepared
from rag.errors import ModelDamaged, ModelNotFound

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "feeds", "the", "cat", "dog"]


def cross_encoder_folder(folder: Path, *, labels: int = 1) -> Path:
    """A cross-encoder of one thin layer with random weights."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast  # type: ignore[attr-defined]

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
        num_labels=labels,  # type: ignore[call-arg]
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


@pytest.mark.slow
def test_the_converted_model_scores_as_torch_does(tmp_path: Path) -> None:
    """A cross-encoder ran on torch alone, which takes seconds to import."""
    folder, place = cross_encoder_folder(tmp_path / "model"), tmp_path / "cache"
    texts = ["the cat", "the dog feeds the cat", "feeds " * 700, "who"] * 3
    facts = prepared(folder, place, None)
    assert facts.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert prepared(folder, place, None) == facts
    found = OpenVinoScorer(folder, place, facts, threads=None).scores("who feeds the cat", texts)
    expected = TorchScorer(folder).scores("who feeds the cat", texts)
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert len(set(found.round(3))) > 1


@pytest.mark.slow
@pytest.mark.parametrize("faster", [True, False])
def test_the_faster_way_is_taken(tmp_path: Path, faster: bool) -> None:
    folder = cross_encoder_folder(tmp_path / "model")
    reranker = CrossEncoderReranker(folder, cache=tmp_path / "cache")
    first = reranker.scores("who", ["the cat", "the dog"])
    (facts,) = (tmp_path / "cache").rglob("reranker.json")
    facts.write_text(facts.read_text().replace('"faster": true', '"faster": false'), encoding="utf-8")
    if faster:
        facts.write_text(facts.read_text().replace('"faster": false', '"faster": true'), encoding="utf-8")
    again = CrossEncoderReranker(folder, cache=tmp_path / "cache")
    np.testing.assert_allclose(again.scores("who", ["the cat", "the dog"]), first, atol=0.01)
    assert isinstance(again._scorer, OpenVinoScorer if faster else TorchScorer)
