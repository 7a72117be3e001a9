"""A full disk and a folder that may not be written to: a clear error, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import LibraryError
from rag.ingest.lock import writer_lock
from rag.store import open_store
from tests.fakes.store import put, text_vector

PROJECT = Path(__file__).resolve().parents[2]

FILL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from rag.errors import LibraryError
from rag.store import open_store
from tests.fakes.store import put

store = open_store(Path(sys.argv[1]))
put(store, "0", "kept text")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
try:
    for number in range(1, 10_000):
        put(store, str(number), *(f"text {number} {part}" for part in range(20)))
        print(number, flush=True)
except LibraryError as error:
    print(error, flush=True)
"""


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    """A file that may not grow stands in for the disk that is full."""
    path = tmp_path / "library.db"
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path), str(PROJECT)], capture_output=True, text=True, check=True
    )
    *numbers, message = done.stdout.splitlines()
    assert str(path) in message and "space" in message
    with open_store(path) as store:
        assert [finding.problem for finding in store.check() if finding.problem] == []
        # The index is committed after the library: the document that met the limit may be stored, whole.
        assert len(store.known_files("default")) - len(numbers) in (1, 2) and len(numbers) > 5
        put(store, "after", "there is room again")
        assert len(store.nearest("default", text_vector("there is room again"), 1)) == 1


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A folder that even the superuser cannot write to."""
    if sys.platform == "linux" and os.geteuid() == 0:
        return Path("/proc/self")
    folder = tmp_path / "fixed"
    folder.mkdir(mode=0o500)
    return folder


def test_a_library_in_an_unwritable_folder_says_so(unwritable: Path) -> None:
    for place in (unwritable / "library.db", unwritable / "new" / "library.db"):
        with pytest.raises(LibraryError, match="--library"):
            open_store(place)
    with (
        pytest.raises(LibraryError, match="cannot be written"),
        writer_lock(unwritable / "library.db", purpose="test"),
    ):
        pass


def test_a_library_cannot_be_opened_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LibraryError, match="--library"):
        open_store(tmp_path / "file" / "library.db")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A library whose folder nobody may write to; for the superuser it says so."""
    path = tmp_path / "disk" / "library.db"
    with open_store(path) as store:
        put(store, "a.md", "ferries sail at nine")
    path.parent.chmod(0o500)
    yield path
    path.parent.chmod(0o700)


def test_a_library_on_a_read_only_disk_is_searched_and_not_changed(
    read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the superuser may write all the same
    before = sorted(read_only.parent.iterdir())
    with open_store(read_only) as store:
        ((rowid, _),) = store.nearest("default", text_vector("ferries sail"), 1)
        assert store.hits([rowid])[0].doc == "a.md"
        assert [found.problem for found in store.check() if found.problem] == []
        with pytest.raises(LibraryError, match="read-only disk: it can be searched"):
            put(store, "b.md", "trams")
        assert sorted(read_only.parent.iterdir()) == before


def test_a_library_that_is_not_whole_on_a_read_only_disk_says_what_to_do(
    read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only.parent.chmod(0o700)
    read_only.with_name("index.db").unlink()
    read_only.parent.chmod(0o500)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(LibraryError, match="open it once where it can be written to"):
        open_store(read_only)
