"""What others wrote never controls the terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from rag import cli
from rag.cli.printing import SafeConsole, print_json
from rag.errors import UsageError

HOSTILE = "a\x1b]0;owned\x9cb\x9b31mc\u202ed\u2066e\udcfff"
HARMLESS = r"a\x1b]0;owned\x9cb\x9b31mc\u202ed\u2066e\udcfff"


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(screen: io.StringIO) -> SafeConsole:
    return SafeConsole(file=screen, force_terminal=True, width=200, highlight=False, markup=False)


def test_texts_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """ ":smile:" is no picture, and the name of the program in somebody's text stays."""
    cli.printing.results.print("rope :smile: [b]python -m rag[/b]")
    assert capsys.readouterr().out == "rope :smile: [b]python -m rag[/b]\n"


@pytest.mark.parametrize("shape", [str, Text])
def test_no_text_controls_the_terminal(
    console: SafeConsole, screen: io.StringIO, shape: type[str] | type[Text]
) -> None:
    console.print(shape(HOSTILE), style="bold")
    assert screen.getvalue() == f"\x1b[1m{HARMLESS}\x1b[0m\n"  # its own styles are kept


def test_no_cell_of_a_table_controls_the_terminal(console: SafeConsole, screen: io.StringIO) -> None:
    table = Table("document", box=None, show_header=False)
    table.add_row(HOSTILE)
    console.print(table)
    assert not set(screen.getvalue()) & (set(HOSTILE) - set(HARMLESS))


def test_json_is_escaped_and_still_says_the_same(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_json({"doc": HOSTILE, "text": "Zürich 东京"})
    line = capfdbinary.readouterr().out
    assert json.loads(line) == {"doc": HOSTILE, "text": "Zürich 东京"}
    assert not set(line.decode()) & set("\x1b\x9b\u202e\u2066")
    assert "Zürich 东京" in line.decode()


def test_an_error_is_printed_safely(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise UsageError(f"{HOSTILE}: not there.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == f"Error: {HARMLESS}: not there.\n"


def test_a_file_named_like_markup_is_ingested(tmp_path: Path) -> None:
    """`[/a].md` is not the end of a style that was never begun."""
    from rag.cli.documents import follow_ingest
    from rag.ingest.events import Progress

    progress = Progress(0.0)
    receipt = progress.receipt(1.0, excluded=0, interrupted=False)
    events = iter([progress.event(1.0, "[/a].md"), progress.event(2.0, receipt=receipt)])
    assert follow_ingest(events) == receipt
