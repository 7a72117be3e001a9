"""Embedding models of every kind that runs: other poolings, further modules, other encoders, no encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from rag.embeddings import SentenceEmbedder, load_embedder
from rag.embeddings.encoders import load_sentence_transformer
from rag.errors import ModelDamaged, ModelError

pytestmark = pytest.mark.slow

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "task", "title", "none", "query", "text", ":", "|"]
WORDS += ["the", "harbour", "closes", "at", "noon", "when", "does", "lamp", "is", "green"]
HIDDEN = 32
ENGINES: tuple[Literal["openvino", "torch"], ...] = ("openvino", "torch")
PROMPTS = {"query": "task: search result | query: ", "document": "title: none | text: "}
TEXTS = ["when does the harbour close", "the harbour closes at noon", "the lamp is green", ""]
SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": HIDDEN,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}


def word_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def encoder(folder: Path, config: Any) -> Any:
    """A Transformer module with a random encoder of that configuration."""
    import torch
    from sentence_transformers.sentence_transformer.modules import Transformer
    from transformers import AutoModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    AutoModel.from_config(config).save_pretrained(folder)
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=word_tokenizer(), **special).save_pretrained(folder)
    return Transformer(str(folder))


def bert(folder: Path) -> Any:
    from transformers import BertConfig

    return encoder(folder, BertConfig(**SIZES))


def modern_bert_cls(folder: Path) -> list[Any]:
    """As the Granite R2 models are."""
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import ModernBertConfig

    special: dict[str, Any] = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    return [encoder(folder, ModernBertConfig(**SIZES, **special)), Pooling(HIDDEN, pooling_mode="cls")]


def gemma_with_dense(folder: Path) -> list[Any]:
    """As EmbeddingGemma is."""
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling
    from transformers import Gemma3TextConfig

    heads: dict[str, Any] = {"head_dim": 16, "num_key_value_heads": 1, "use_bidirectional_attention": True}
    config = Gemma3TextConfig(**SIZES, **heads, bos_token_id=2, eos_token_id=3)
    wide, narrow = Dense(HIDDEN, 64, bias=False), Dense(64, 24, bias=False)
    return [encoder(folder, config), Pooling(HIDDEN, pooling_mode="mean"), wide, narrow, Normalize()]


def bert_cls(folder: Path) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    return [bert(folder), Pooling(HIDDEN, pooling_mode="cls"), Normalize()]


def static(folder: Path) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    weights = np.random.default_rng(5).standard_normal((len(WORDS), HIDDEN)).astype(np.float32)
    return [StaticEmbedding(word_tokenizer(), embedding_weights=weights)]


KINDS = {
    "BERT, CLS": bert_cls,
    "ModernBERT, CLS, no unit vectors": modern_bert_cls,
    "Gemma, mean, Dense, prompts": gemma_with_dense,
    "static": static,
}


def made(place: Path, modules: Callable[[Path], list[Any]], **options: Any) -> Path:
    from sentence_transformers import SentenceTransformer

    folder = place / "tiny"
    SentenceTransformer(modules=modules(place / "encoder"), device="cpu", **options).save(str(folder))
    return folder


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SentenceEmbedder:
    place = tmp_path_factory.mktemp("kinds")
    prompts = {"prompts": PROMPTS} if request.param is gemma_with_dense else {}
    return load_embedder(made(place, request.param, **prompts), cache=place / "cache", threads=1)


def test_the_vectors_are_those_of_sentence_transformers(tiny: SentenceEmbedder) -> None:
    reference = load_sentence_transformer(tiny.model.path)
    for ours, theirs in (
        (tiny.embed_queries(TEXTS[:3]), reference.encode_query(TEXTS[:3], normalize_embeddings=True)),
        (tiny.embed_passages(TEXTS[:3]), reference.encode_document(TEXTS[:3], normalize_embeddings=True)),
    ):
        assert ours.shape == theirs.shape == (3, tiny.dimensions)
        assert (ours * theirs).sum(axis=1).min() > 0.999
    assert np.isfinite(tiny.embed_passages(TEXTS)).all()


def test_texts_are_compared_token_by_token(tiny: SentenceEmbedder) -> None:
    asked = TEXTS[0].split()
    likeness = tiny.compare(TEXTS[0], [*TEXTS[1:], "noon " * 500])
    expected = tiny.embed_passages(TEXTS[1:]) @ tiny.embed_queries(TEXTS[:1])[0]
    np.testing.assert_allclose(likeness.cosines[:3], expected, atol=2e-2)
    assert likeness.matches.shape == (4, len(asked))
    assert np.isfinite(likeness.matches[[0, 1, 3]]).all()


def test_passages_are_counted_in_tokens(tiny: SentenceEmbedder) -> None:
    assert tiny.token_starts(["the lamp is green"]) == [[0, 4, 9, 12]]
    assert tiny.max_passage_tokens > 20
    assert tiny.embed_passages(["noon " * tiny.max_passage_tokens]).shape == (1, tiny.dimensions)


@pytest.mark.parametrize("modules", [bert_cls, modern_bert_cls], ids=["BERT", "ModernBERT"])
def test_models_that_take_the_first_token_run_on_openvino(
    tmp_path: Path, modules: Callable[[Path], list[Any]]
) -> None:
    folder = made(tmp_path, modules)
    engines = [load_embedder(folder, cache=tmp_path / "cache", engine=name, threads=1) for name in ENGINES]
    openvino, torch = (embedder.embed_passages(TEXTS) for embedder in engines)
    assert (openvino * torch).sum(axis=1).min() > 0.999
    openvino, torch = (embedder.compare(TEXTS[0], TEXTS[1:]).matches for embedder in engines)
    np.testing.assert_allclose(openvino, torch, atol=5e-2)


def test_a_static_model_matches_the_same_words_fully(tmp_path: Path) -> None:
    embedder = load_embedder(made(tmp_path, static), cache=tmp_path / "cache", threads=1)
    matches = embedder.compare("the lamp", ["the green lamp", "noon"]).matches
    np.testing.assert_allclose(matches[0], 1, atol=1e-5)
    assert matches[1].max() < 0.9


def test_a_model_of_other_modules_is_refused_by_their_names(tmp_path: Path) -> None:
    folder = made(tmp_path, bert_cls)
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.sparse_encoder.modules.SpladePooling"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match=r"tiny is made of Transformer, SpladePooling.*Choose another one"):
        load_embedder(folder, cache=tmp_path / "cache", threads=1)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("harm", ["cut", "lost"])
def test_a_harmed_model_names_its_place_and_the_remedy(tmp_path: Path, file: str, harm: str) -> None:
    folder = made(tmp_path, bert_cls)
    if harm == "cut":
        (folder / file).write_bytes((folder / file).read_bytes()[:100])
    else:
        (folder / file).unlink()
    with pytest.raises(ModelDamaged, match=r"tiny.*Remove the model and pull it again"):
        load_embedder(folder, cache=tmp_path / "cache", threads=1)
