"""A library that is encrypted from its making on: nothing of it can be read without the passphrase."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from rag.errors import LibraryDamaged, LibraryError
from rag.store import open_store
from rag.store.connection import NEEDS_PACKAGE, PASSPHRASE, PLAIN, is_encrypted
from rag.store.transfer import copy_collection
from tests.fakes.store import put

able = pytest.mark.skipif(not hasattr(apsw, "mc_version"), reason="needs apsw-sqlite3mc in the place of apsw")
SECRET = "The heron nests behind the mill."


@pytest.fixture
def phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "a quiet river 7")


def filled(folder: Path) -> None:
    with open_store(folder / "library.db") as store:
        put(store, "birds.md", SECRET)


@able
@pytest.mark.usefixtures("phrase")
def test_nothing_of_the_text_stands_in_any_file(tmp_path: Path) -> None:
    store = open_store(tmp_path / "library.db")
    put(store, "birds.md", SECRET)
    store.back_up(tmp_path / "copy.db")
    files = [file.read_bytes() for file in tmp_path.glob("*.db*")]
    store.close()
    assert len(files) >= 4  # the library, its index, their logs, the backup
    assert not any(word in data for data in files for word in (b"heron", b"birds.md", PLAIN))
    with open_store(tmp_path / "library.db") as again:
        assert again.passage_count("default") == 1
        assert [one for one in again.check() if one.problem] == []


@able
@pytest.mark.parametrize("given", ["", "a quiet river 8"])
def test_without_the_passphrase_it_is_not_opened_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(PASSPHRASE, "a quiet river 7")
    filled(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.glob("*.db")}
    monkeypatch.setenv(PASSPHRASE, given)
    with pytest.raises(LibraryDamaged, match="missing or wrong"):
        open_store(tmp_path / "library.db")
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*.db")} == before


@able
@pytest.mark.usefixtures("phrase")
def test_backups_are_encrypted_alike_and_restored(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "birds.md", SECRET)
        store.back_up(tmp_path / "copy.db")
        put(store, "fish.md", "The trout hides under the bridge.")
        store.restore(tmp_path / "copy.db")
        assert [file.source.doc for file in store.known_files("default")] == ["birds.md"]
    assert is_encrypted(tmp_path / "library.db")


@able
def test_a_plain_library_stays_plain_and_moves_into_an_encrypted_one_by_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    monkeypatch.setenv(PASSPHRASE, "a quiet river 7")
    with open_store(tmp_path / "library.db") as plain, open_store(tmp_path / "new" / "library.db") as new:
        assert list(copy_collection(plain, new, "default")) == ["birds.md"]
        plain.back_up(tmp_path / "copy.db")
        with pytest.raises(LibraryError, match="one is encrypted and the other is not"):
            new.restore(tmp_path / "copy.db")
        assert new.passage_count("default") == 1
    assert not is_encrypted(tmp_path / "library.db")
    assert is_encrypted(tmp_path / "new" / "library.db")


@pytest.mark.usefixtures("phrase")
@pytest.mark.skipif(hasattr(apsw, "mc_version"), reason="this build of apsw can")
def test_what_is_asked_to_be_encrypted_is_never_made_plain(tmp_path: Path) -> None:
    with pytest.raises(LibraryError) as refused:
        open_store(tmp_path / "library.db")
    assert str(refused.value) == NEEDS_PACKAGE
    assert not (tmp_path / "library.db").read_bytes()


def test_the_first_bytes_tell_whether_a_file_is_encrypted(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / "other.db").write_bytes(bytes(range(100)))
    (tmp_path / "empty.db").touch()
    found = [is_encrypted(tmp_path / name) for name in ("library.db", "other.db", "empty.db", "none.db")]
    assert found == [False, True, False, False]
