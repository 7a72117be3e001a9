"""What `doctor` looks at: whether anything is sent while the library is used."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from rag.doctor import check, model_folders, offline, reached, repair
from rag.library import Library
from rag.models.folders import write_manifest
from rag.settings import Settings
from tests.fakes.store import put


def test_looking_up_and_connecting_are_noticed_and_this_machine_is_not() -> None:
    with reached() as addresses, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.connect(("127.0.0.1", 9))
        socket.getaddrinfo("localhost", 9)
        assert addresses == []
        with suppress(OSError):
            datagram.connect(("192.0.2.1", 9))
        with pytest.raises(OSError):
            socket.getaddrinfo("nowhere.invalid", 9)
    assert addresses == ["192.0.2.1", "nowhere.invalid"]


def test_what_comes_later_is_not_noted() -> None:
    with reached() as addresses:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, suppress(OSError):
        datagram.connect(("192.0.2.1", 9))
    assert addresses == []


def test_a_model_file_that_changed_is_found(tmp_path: Path) -> None:
    """Checksums were kept with every model, and nothing ever looked at them again."""
    for name in ("whole", "changed"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.gguf").write_bytes(b"weights")
        write_manifest(folder, name=name, source="test", licence="MIT")
    (tmp_path / "changed" / "model.gguf").write_bytes(b"w_ights")
    found = {finding.check: finding.problem for finding in model_folders(tmp_path)}
    assert found["files of whole"] is None
    assert "model.gguf has changed. Remove the model and pull it again." in str(found["files of changed"])


@pytest.mark.slow
def test_indexing_searching_and_answering_send_nothing(sample_library: Library) -> None:
    finding = offline(sample_library)
    assert finding.problem is None
    assert finding.detail.startswith("0 connections")


def test_a_damaged_library_is_a_finding_and_can_be_repaired(tmp_path: Path) -> None:
    """`doctor` ended in the error that told one to run it."""
    library = Library(Settings(library=tmp_path, chat_model="none", embedding_model="not-there"))
    put(library.store, "a.md", *(f"ferry {n} " * 50 for n in range(100)))
    library.close()
    path = tmp_path / "library.db"
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 2] = bytes(4096)
    path.write_bytes(data)
    (finding,) = [found for found in check(library) if found.check == "file"]
    assert "doctor --repair" in (finding.problem or "")
    salvaged = repair(library)
    assert salvaged is not None
    assert salvaged.damaged.read_bytes() == bytes(data)
    assert [found.problem for found in check(library) if found.check == "file"] == [None]
    assert repair(library) is None
    library.close()
