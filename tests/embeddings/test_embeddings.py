"""Embedding: the model's own prefixes, whole texts, and the same vectors on every engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rag.embeddings import Once, SentenceEmbedder, batches_by_length, load_embedder, padded
from rag.embeddings.cache import MIN_COSINE, fastest, read_prepared
from rag.embeddings.folder import read_folder
from rag.embeddings.tokenizer import PromptTokenizer, QuickTokenizer, write_quick_files
from rag.errors import ModelDamaged, UsageError
from rag.models.packed_e5 import write_folder
from rag.settings import PROJECT
from tests.fakes.packed_models import HIDDEN, write_packed_model

TEXTS = st.text(st.sampled_from("abc é中½ａ\u200b\n\t🦊pasge:qury12")) | st.text(st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Sentence Transformers folder with a small random encoder and a vocabulary of 32 pieces."""
    folder = tmp_path_factory.mktemp("models") / "small-e5"
    folder.mkdir()
    packed = folder.with_suffix(".bin")
    write_packed_model(packed)
    write_folder(packed, folder, progress=lambda share: None)
    return folder


@pytest.fixture(scope="module")
def tokenizers(
    small_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PromptTokenizer, QuickTokenizer]:
    place = tmp_path_factory.mktemp("quick")
    assert write_quick_files(small_folder / "tokenizer.json", place)
    return PromptTokenizer(small_folder / "tokenizer.json"), QuickTokenizer(place)


def folder_with(tmp_path: Path, name: str, **files: Any) -> Path:
    folder = tmp_path / name
    modules = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    defaults: dict[str, Any] = {
        "modules": [{"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in modules],
        "config": {"max_position_embeddings": 512},
    }
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    for file, content in (defaults | files).items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    return folder


@given(TEXTS)
def test_the_quick_tokenizer_gives_what_the_whole_one_gives(
    tokenizers: tuple[PromptTokenizer, QuickTokenizer], text: str
) -> None:
    whole, quick = tokenizers
    assert quick.ids([text, f"other {text}"], "query: ") == whole.ids([text, f"other {text}"], "query: ")


def test_the_quick_tokenizer_leaves_long_texts_to_the_whole_one(
    tokenizers: tuple[PromptTokenizer, QuickTokenizer],
) -> None:
    assert tokenizers[1].ids(["a" * 2001, "a"], "") == [None, tokenizers[0].ids(["a"], "")[0]]


def test_only_a_unigram_tokenizer_has_quick_files(tmp_path: Path) -> None:
    content = {"model": {"type": "WordPiece", "vocab": {}}, "added_tokens": []}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert not write_quick_files(tmp_path / "tokenizer.json", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


@pytest.mark.parametrize(
    ("text", "starts"),
    [("ab bc", [0, 2, 3]), ("  ab", [2]), ("中中", [0, 1]), ("", []), ("½", [0, 0, 0])],
    ids=["words", "leading space", "no spaces", "empty", "one character, many tokens"],
)
def test_token_starts_are_offsets_of_visible_characters(
    tokenizers: tuple[PromptTokenizer, QuickTokenizer], text: str, starts: list[int]
) -> None:
    assert tokenizers[0].starts([text], "passage: ") == [starts]


@given(st.lists(TEXTS, max_size=4))
def test_token_starts_count_the_content_tokens_in_order(
    tokenizers: tuple[PromptTokenizer, QuickTokenizer], texts: list[str]
) -> None:
    whole, _ = tokenizers
    for text, starts in zip(texts, whole.starts(texts, "passage: "), strict=True):
        assert starts == sorted(starts)
        assert all(0 <= start < len(text) for start in starts)
        added = len(whole.ids([""], "passage: ")[0])
        tokens = len(whole.ids([text], "passage: ")[0]) - added
        assert tokens <= len(starts) <= tokens + 1


@given(st.lists(st.integers(1, 600)), st.integers(1, 2000))
def test_batches_hold_every_text_once_and_keep_to_the_limit(lengths: list[int], most: int) -> None:
    batches = list(batches_by_length(lengths, most))
    assert Counter(index for batch in batches for index in batch) == Counter(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= most


def test_padding_is_masked() -> None:
    ids, mask = padded([[5, 6, 7], [8]])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    ids, mask = padded([[5]], length=2)
    assert (ids.tolist(), mask.tolist()) == ([[5, 0]], [[1, 0]])


def test_a_value_is_made_once_by_many_threads() -> None:
    made: list[int] = []

    def make() -> None:
        time.sleep(0.05)
        made.append(1)

    once = Once(make)
    threads = [threading.Thread(target=once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


@pytest.mark.parametrize(
    ("name", "files", "prompts"),
    [
        ("e5-base-v2", {}, ("query: ", "passage: ")),
        ("my-e5", {"config": {"_name_or_path": "intfloat/e5-base"}}, ("query: ", "passage: ")),
        ("all-MiniLM-L6-v2", {}, ("", "")),
        ("core5", {}, ("", "")),
        ("google/embeddinggemma-300m", {}, ("task: search result | query: ", "title: none | text: ")),
        (
            "e5-x",
            {"config_sentence_transformers": {"prompts": {"query": "q> ", "document": "d> "}}},
            ("q> ", "d> "),
        ),
    ],
    ids=["E5 by name", "E5 by origin", "none", "not E5", "EmbeddingGemma", "its own"],
)
def test_prompts_are_the_models_own_or_those_of_e5(
    tmp_path: Path, name: str, files: dict[str, Any], prompts: tuple[str, str]
) -> None:
    model = read_folder(folder_with(tmp_path, name, **files))
    assert (model.query_prompt, model.passage_prompt) == prompts


@pytest.mark.parametrize(
    ("files", "tokens"),
    [
        ({}, 512),
        ({"sentence_bert_config": {"max_seq_length": 256}}, 256),
        ({"config": {"max_position_embeddings": 514, "model_type": "xlm-roberta"}}, 512),
    ],
    ids=["positions", "stated", "roberta"],
)
def test_the_limit_is_what_the_encoder_reads(tmp_path: Path, files: dict[str, Any], tokens: int) -> None:
    assert read_folder(folder_with(tmp_path, "m", **files)).max_tokens == tokens


def test_other_weights_or_prompts_are_another_identity(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "m")
    (folder / "model.safetensors").write_bytes(b"1")
    first = read_folder(folder).identity
    (folder / "model.safetensors").write_bytes(b"2")
    second = read_folder(folder).identity
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q: "}}')
    assert len({first, second, read_folder(folder).identity}) == 3
    assert first.startswith("m@")


def test_a_folder_that_is_no_model_is_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"modules\.json"):
        read_folder(tmp_path)


@pytest.fixture(scope="module")
def both_engines(
    small_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SentenceEmbedder, SentenceEmbedder]:
    cache = tmp_path_factory.mktemp("cache")
    torch = load_embedder(small_folder, cache=cache, engine="torch")
    return load_embedder(small_folder, cache=cache, engine="openvino"), torch


@pytest.mark.slow
def test_both_engines_give_the_same_unit_vectors_in_the_order_given(
    both_engines: tuple[SentenceEmbedder, SentenceEmbedder],
) -> None:
    openvino, torch = both_engines
    texts = ["ab " * n for n in (9, 1, 5, 2)] + ["中", ""]
    one, other = openvino.embed_passages(texts), torch.embed_passages(texts)
    assert one.shape == (6, HIDDEN)
    assert one.dtype == other.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    assert (one * other).sum(axis=1).min() > 0.999
    singles = np.concatenate([openvino.embed_passages([text]) for text in texts])
    assert (one * singles).sum(axis=1).min() > 0.999
    assert not openvino.embed_passages([]).size
    assert not openvino.embed_queries([]).size


@pytest.mark.slow
def test_the_prefix_is_set_once_and_by_kind(both_engines: tuple[SentenceEmbedder, SentenceEmbedder]) -> None:
    from rag.embeddings.encoders import load_sentence_transformer

    _, embedder = both_engines
    reference = load_sentence_transformer(embedder.model.path)
    texts = ["ab", "c bc"]
    for ours, kind in ((embedder.embed_queries(texts), "query"), (embedder.embed_passages(texts), "passage")):
        theirs = reference.encode(texts, prompt_name=kind)
        assert (ours * theirs).sum(axis=1).min() > 0.999


@pytest.mark.slow
def test_a_text_that_is_too_long_is_refused_not_cut(
    both_engines: tuple[SentenceEmbedder, SentenceEmbedder],
) -> None:
    embedder, _ = both_engines
    limit = embedder.max_passage_tokens
    assert embedder.embed_passages(["c" * limit]).shape == (1, HIDDEN)
    with pytest.raises(UsageError, match=r"A passage has \d+ tokens .*text 2 of 2.*at most 40"):
        embedder.embed_passages(["a", "c" * 50])
    with pytest.raises(UsageError, match=r"The question has \d+ tokens"):
        embedder.embed_queries(["c" * 50])


@pytest.mark.slow
def test_texts_are_compared_whole_and_token_by_token(
    both_engines: tuple[SentenceEmbedder, SentenceEmbedder],
    tokenizers: tuple[PromptTokenizer, QuickTokenizer],
) -> None:
    texts = ["ab ab c", "c", ""]
    (prompt,), (asked,) = tokenizers[0].ids(["query:"], ""), tokenizers[0].ids(["c ab"], "query: ")
    tokens = len(asked) - len(prompt)
    matches = []
    for embedder in both_engines:
        likeness = embedder.compare("c ab", texts)
        expected = embedder.embed_passages(texts) @ embedder.embed_queries(["c ab"])[0]
        np.testing.assert_allclose(likeness.cosines, expected, atol=2e-2)
        assert likeness.matches.shape == (3, tokens)
        assert np.abs(likeness.matches).max() <= 1.001
        matches.append(likeness.matches)
    np.testing.assert_allclose(matches[0], matches[1], atol=5e-2)


def test_a_long_text_is_compared_by_its_beginning(
    both_engines: tuple[SentenceEmbedder, SentenceEmbedder],
) -> None:
    embedder, _ = both_engines
    likeness = embedder.compare("ab", ["ab " * 2000, "ab " * 3000])
    assert likeness.matches[0] == pytest.approx(likeness.matches[1], abs=1e-5)


def test_progress_counts_to_the_end_and_may_stop_the_run(
    both_engines: tuple[SentenceEmbedder, SentenceEmbedder],
) -> None:
    embedder, _ = both_engines
    seen: list[int] = []
    embedder.embed_passages(["ab"] * 3000, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 3000

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedder.embed_passages(["ab"] * 3000, progress=stop)


@pytest.mark.slow
def test_the_choice_is_measured_once_and_kept(
    both_engines: tuple[SentenceEmbedder, SentenceEmbedder],
) -> None:
    openvino, _ = both_engines
    prepared = read_prepared(openvino.place)
    assert prepared is not None
    rates = prepared.tokens_per_second
    assert prepared.engine == fastest(rates)
    assert prepared.cosines["torch"] == 1
    assert {engine for engine, cosine in prepared.cosines.items() if cosine >= MIN_COSINE} == set(rates)
    assert prepared.dimensions == HIDDEN


@pytest.mark.parametrize(
    ("rates", "engine"),
    [
        ({"torch": 140.0, "openvino": 100.0}, "openvino"),
        ({"torch": 160.0, "openvino": 100.0}, "torch"),
        ({"torch": 140.0, "openvino": 100.0, "openvino-int8": 101.0}, "openvino-int8"),
        ({"torch": 1.0}, "torch"),
    ],
    ids=["a quick start counts", "torch is much faster", "8 bits are faster", "torch alone"],
)
def test_the_fastest_engine_is_taken(rates: dict[str, float], engine: str) -> None:
    assert fastest(rates) == engine


@pytest.mark.slow
def test_a_model_of_another_pooling_runs_on_torch(small_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(small_folder, tmp_path / "max")
    pooling = {
        "word_embedding_dimension": HIDDEN,
        "pooling_mode_max_tokens": True,
        "pooling_mode_mean_tokens": False,
    }
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    embedder = load_embedder(folder, cache=tmp_path / "cache")
    assert embedder.engine == "torch"
    assert embedder.embed_queries(["ab"]).shape == (1, HIDDEN)
    with pytest.raises(UsageError, match="'openvino' cannot run max"):
        load_embedder(folder, cache=tmp_path / "cache", engine="openvino")


@pytest.mark.slow
def test_a_query_imports_no_torch_and_asks_no_telemetry(embedder: SentenceEmbedder, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from rag.embeddings import load_embedder
vectors = load_embedder(Path(sys.argv[1]), cache=Path(sys.argv[2])).embed_queries(["How much is the fish?"])
heavy = {"torch", "transformers", "sentence_transformers", "huggingface_hub"} & set(sys.modules)
print(vectors.shape, sorted(heavy), sys.modules.get("openvino_telemetry"))
"""
    cache = embedder.place.parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, embedder.model.path, cache],
        cwd=PROJECT,
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "(1, 384) [] None"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_queries_are_answered_while_passages_are_embedded(embedder: SentenceEmbedder) -> None:
    """Queries behind the passages would be answered once or twice before the run ends."""
    embedder.embed_queries(["warm"])
    passages = ["A sentence of some length about nothing in particular. " * 12] * 120
    thread = threading.Thread(target=embedder.embed_passages, args=(passages,))
    thread.start()
    answered = 0
    while thread.is_alive():
        embedder.embed_queries(["How much is the fish?"])
        answered += 1
    assert answered > 5


@pytest.fixture(scope="module")
def real_tokenizers(embedder: SentenceEmbedder) -> tuple[QuickTokenizer, Tokenizer]:
    return QuickTokenizer(embedder.place), Tokenizer.from_file(str(embedder.model.path / "tokenizer.json"))


@pytest.mark.slow
@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
@settings(deadline=None, max_examples=200)
def test_the_quick_tokenizer_equals_the_whole_one_of_the_real_model(
    real_tokenizers: tuple[QuickTokenizer, Tokenizer], text: str
) -> None:
    quick, whole = real_tokenizers
    assert quick.ids([text], "query: ") == [whole.encode(f"query: {text}").ids]
