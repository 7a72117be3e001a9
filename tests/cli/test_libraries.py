"""The commands about the library itself, without models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.cli import app
from rag.history.notes import Notes
from rag.store import open_store
from tests.fakes.store import put


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    with open_store(folder / "library.db") as store:
        put(store, "a.md", *(f"ferry {n} " * 50 for n in range(100)), collection="sea")
        store.conversations.start("Ferries", "sea")
        Notes(store).write("The ferry is late.")
    return folder


def run(library: Path, *arguments: object) -> dict[str, object]:
    done = CliRunner().invoke(app, ["--library", str(library), *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    printed: dict[str, object] = json.loads(done.stdout)
    return printed


def spoil(library: Path) -> bytes:
    """Breaks every page but the first; returns the library as it was."""
    path = library / "library.db"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(len(data) - 4096))
    return data


@pytest.mark.parametrize("damaged", [False, True])
def test_a_backup_is_restored_also_over_a_damaged_library(
    library: Path, tmp_path: Path, damaged: bool
) -> None:
    copy = tmp_path / "copy.db"
    assert run(library, "backup", copy) == {"file": str(copy)}
    if damaged:
        spoil(library)
    else:
        with open_store(library / "library.db") as store:
            store.remove_collection("sea")
    before = Path(str(run(library, "restore", copy)["before"]))
    assert before.is_file()
    with open_store(library / "library.db") as store:
        assert store.passage_count("sea") == 100
        assert [found.problem for found in store.check() if found.problem] == []


def test_a_library_travels_in_one_file(library: Path, tmp_path: Path) -> None:
    travelling, other = tmp_path / "travelling.db", tmp_path / "other"
    expected = {"documents": 1, "collections": ["sea"], "conversations": 1, "notes": 1}
    assert run(library, "export", travelling) == expected
    assert {path.name for path in tmp_path.iterdir()} == {"library", "travelling.db"}
    assert run(other, "import", travelling) == expected
    assert run(other, "import", travelling, "--collection", "sea") == expected | {
        "conversations": 0,
        "notes": 0,
    }
    with open_store(other / "library.db") as store:
        assert store.passage_count("sea") == 100
        assert store.conversations.count() == 1
        assert [note.text for note in Notes(store).list()] == ["The ferry is late."]
