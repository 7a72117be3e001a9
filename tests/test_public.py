"""What other programs rely on: the names of `rag`, their signatures, and README's lines as they stand."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import rag
from rag.ingest import ingest
from rag.settings import PROJECT
from tests.fakes.ingest import PlainPool
from tests.fakes.web import FakeLibrary, QueuedModel

NAMES = {"Answer", "Citation", "Evidence", "Hit", "Library", "RagError", "Receipt", "open_library"}
SIGNATURES = {
    "open_library": "(folder: 'str | Path | None' = None, **settings: 'Any') -> 'Library'",
    "Library.add": "(self, *paths: 'str | Path', **options: 'Any') -> 'Receipt'",
    "Library.answer": "(self, question: 'str', **options: 'Any') -> 'Answer'",
    "Library.check_claim": (
        "(self, text: 'str', *, collection: 'str | None' = None, user: 'User | None' = None)"
        " -> 'list[CheckedClaim]'"
    ),
    "Library.close": "(self) -> 'None'",
    "Library.search": (
        "(self, query: 'str', *, collection: 'str | None' = None, count: 'int | None' = None,"
        " docs: 'Sequence[str] | None' = None, ranking: 'Ranking | None' = None, plain: 'bool' = False,"
        " user: 'User | None' = None) -> 'list[Hit]'"
    ),
}
FIELDS = {
    "Citation": {"doc", "page", "quote", "start", "end", "superseded"},
    "Hit": {"doc", "title", "score", "passage", "page", "heading"},
    "Answer": {"question", "text", "citations", "evidence", "abstained", "reason"},
    "Receipt": {"added", "updated", "unchanged", "removed", "failed", "failures"},
}


def test_the_public_names_are_these() -> None:
    assert set(rag.__all__) == NAMES
    assert {name for name in NAMES if getattr(rag, name).__doc__} == NAMES
    assert set(dir(rag)) >= NAMES
    with pytest.raises(AttributeError, match="no attribute 'open'"):
        rag.open  # noqa: B018


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_stay(name: str) -> None:
    found: Any = rag
    for part in name.split("."):
        found = getattr(found, part)
    assert str(inspect.signature(found)) == SIGNATURES[name]


@pytest.mark.parametrize("name", FIELDS)
def test_fields_stay(name: str) -> None:
    record = getattr(rag, name)
    assert {one for one in FIELDS[name] if one in record.__annotations__ or hasattr(record, one)} == FIELDS[
        name
    ]


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys, rag; rag.open_library; print(*(name for name in sys.modules if name.startswith('rag.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(rag.RagError, match="colour"):
        rag.open_library(colour="red")


def readme_lines() -> str:
    """README's lines of Python."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = text.split("    import rag\n", 1)[1].split("\n\n`footnote mcp`", 1)[0]
    return textwrap.dedent(f"    import rag\n{block}")


def test_the_lines_of_the_readme_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "corpora" / "handbook"
    folder.mkdir(parents=True)
    text = "# Leave\n\nA new employee gets how many days of leave? Thirty.\n"
    (folder / "leave.md").write_text(text, encoding="utf-8")
    model = QueuedModel(["Thirty [1]."])
    monkeypatch.setattr("rag.library.Library", lambda settings: FakeLibrary(settings, model))
    monkeypatch.setitem(ingest.__kwdefaults__ or {}, "pools", PlainPool)
    monkeypatch.chdir(tmp_path)
    exec(compile(readme_lines(), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "leave.md None Leave" in printed
    start, end, quote = printed.split("leave.md None ")[2].split("\n")[0].split(" ", 2)
    assert text[int(start) : int(end)].startswith(quote)
    assert (tmp_path / "my-library" / "library.db").is_file()
