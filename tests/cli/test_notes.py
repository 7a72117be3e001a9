"""Notes from the command line: kept, listed with what became of their sources, edited, exported, imported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rag.cli import app, conversations, libraries, notes, questions
from rag.errors import UsageError
from tests.fakes.ingest import PlainPool
from tests.fakes.web import FakeLibrary, fake_library, write_documents


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "documents")
    opened = fake_library(tmp_path / "library", ["It is three months [1]."])
    opened.add(tmp_path / "documents", pools=PlainPool)
    for module in (conversations, notes, questions, libraries):
        monkeypatch.setattr(module, "open_library", lambda *_, **__: opened)
    yield opened
    opened.close()


def run(*arguments: object) -> list[dict[str, Any]]:
    """What a command prints as JSON."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(*arguments: object) -> str:
    """What a command prints for people."""
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def test_notes_are_kept_shown_edited_and_removed(library: FakeLibrary, tmp_path: Path) -> None:
    run("ask", "How long is the notice period?", "--note")
    (added,) = run("notes", "add", "Ask ann.", "--doc", "leaving.md", "--quote", "Lunch costs\n20 euros")
    note_id = added["id"]
    (note,) = run("notes", "show", note_id)
    assert note["text"] == "Ask ann.\n\n> Lunch costs 20 euros [1]"
    assert [(one["doc"], one["quote"], one["state"]) for one in note["sources"]] == [
        ("leaving.md", "Lunch costs 20 euros", "unchanged")
    ]
    (tmp_path / "documents" / "leaving.md").write_text("# Meals\n\nLunch is free.\n")
    library.add(tmp_path / "documents", pools=PlainPool)
    assert "changed since" in told("notes", "show", note_id)
    listed = run("notes", "list")
    assert [one["stale_sources"] for one in listed] == [1, 2]
    assert listed[1]["title"] == "How long is the notice period?"
    run("notes", "edit", note_id, "--title", "Meals", "--text", "Gone.")
    assert [one["title"] for one in run("notes", "list", "gone")] == ["Meals"]
    assert run("notes", "remove", note_id) == [{"removed": note_id}]
    assert len(run("notes", "list")) == 1


def test_notes_travel_in_a_file(library: FakeLibrary, tmp_path: Path) -> None:
    run("notes", "add", "Mine alone.", "--title", "Mine")
    file = tmp_path / "notes.json"
    assert run("notes", "export", file) == [{"file": str(file), "notes": 1}]
    assert len(run("notes", "import", file)[0]["ids"]) == 1
    assert "Wrote 2 notes" in told("notes", "export", tmp_path / "notes.md")
    assert (tmp_path / "notes.md").read_text().startswith("# Mine\n\nMine alone.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x", "--doc", "leaving.md"),
        ("add", "--doc", "leaving.md", "--quote", "nobody says this"),
        ("add", " "),
        ("show", 99),
        ("export", "none.md"),
    ],
)
def test_what_cannot_be_done_is_said(library: FakeLibrary, arguments: tuple[object, ...]) -> None:
    done = CliRunner().invoke(app, ["notes", *map(str, arguments)])
    assert isinstance(done.exception, UsageError)


def test_a_conversation_is_listed_and_exported(library: FakeLibrary, tmp_path: Path) -> None:
    talk = library.conversations.start("Leaving")
    library.conversations.append(talk, library.answer("How long is the notice period?"))
    (row,) = run("conversations", "list")
    assert (row["id"], row["title"], row["turns"]) == (talk, "Leaving", 1)
    run("conversations", "export", talk, tmp_path / "talk.md")
    text = (tmp_path / "talk.md").read_text()
    assert text.startswith("# Leaving\n\n## How long is the notice period?\n")
    assert "[^1]: leaving.md: “The notice period is three months for everybody.”" in text
    run("conversations", "export", talk, tmp_path / "talk.json")
    assert len(library.conversations.import_json((tmp_path / "talk.json").read_text())) == 1


def test_a_collections_instruction_is_kept(library: FakeLibrary) -> None:
    run("collections", "instruct", "default", "In German.")
    assert library.store.collection("default").instruction == "In German."
    assert run("collections", "list")[0]["instruction"] == "In German."
