"""Text that is made to be slow: whatever a person types or a document holds is read in linear time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import UsageError
from rag.ingest.chunk import split
from rag.library import MAX_QUESTION_CHARACTERS, Library
from rag.readers import read_document
from rag.records import DocumentEntry, Message
from rag.search.query import Filter, matching, parse_query
from rag.search.rewrite import condense
from rag.settings import Settings
from rag.text.excerpts import without_markup
from rag.text.facts import facts
from rag.text.markers import without_half_marker, without_markers
from tests.fakes.ingest import WordEmbedder
from tests.fakes.store import document_of

SECONDS = 1.5
"""Of CPU time; each of these took more than ten before."""
SAID = [Message("user", "What does the ferry cost?"), Message("assistant", "Four euros.")]


def cpu_seconds(action: Callable[[], object]) -> float:
    """How much of this thread's time an action takes."""
    started = time.thread_time()
    action()
    return time.thread_time() - started


@pytest.mark.parametrize("piece", ["„", '"', "“", "«", "doc:", "doc:a....x", "-", "- ", "1", "['", "| a "])
def test_a_long_query_is_read_in_linear_time(piece: str) -> None:
    query = piece * (MAX_QUESTION_CHARACTERS // len(piece))
    assert cpu_seconds(lambda: parse_query(query)) < SECONDS
    assert cpu_seconds(lambda: parse_query("doc:a" + query + "x")) < SECONDS
    assert cpu_seconds(lambda: condense(query, SAID)) < SECONDS
    assert cpu_seconds(lambda: condense("And in winter?", [Message("user", query), SAID[1]])) < SECONDS


@pytest.mark.parametrize("glob", ["**/" * 200 + "x", "*a" * 300, "**/a" * 200, "**/*a?" * 100 + "[xy]"])
def test_a_glob_is_matched_in_linear_time(glob: str) -> None:
    names = ["a/" * 60 + "a" * 200, "b/" * 100]
    entries = [DocumentEntry(i, name, "", "text/plain") for i, name in enumerate(names)]
    assert cpu_seconds(lambda: matching(entries, [Filter("doc", glob)])) < SECONDS


@pytest.mark.parametrize(
    "piece", ["1-", "1:", "[1,", "may ", "a", "a/", "1. ", "{%", "<!--", "\u3000", "第1"]
)
def test_facts_and_markup_are_found_in_linear_time(piece: str) -> None:
    text = piece * (8_000 // len(piece))
    assert cpu_seconds(lambda: facts(text)) < SECONDS
    assert cpu_seconds(lambda: without_markup(text + "x")) < SECONDS
    assert cpu_seconds(lambda: without_half_marker(text + "x")) < SECONDS


def test_a_number_of_thousands_of_digits_is_no_error() -> None:
    digits = "1" * 9000
    facts(f"第{digits} 第{'九' * 9000}个 {digits}")
    assert without_markers(f"Yes [{digits}].", {1}).placed == ()


@pytest.mark.parametrize("blank", [" ", "\t", "\u3000", "\u2003"])
def test_a_megabyte_of_blanks_says_no_more_than_one(blank: str) -> None:
    data = f"The lock{blank * 1_000_000}opens at nine.{blank * 200_000}\n\nIt closes late.".encode()

    def read() -> None:
        document = read_document(data, "lock.txt")
        assert len(document.text) < 1000
        split(document, "lock.txt", WordEmbedder())

    assert cpu_seconds(read) < SECONDS


def test_lines_of_blanks_are_split_in_linear_time() -> None:
    document = document_of(["|" + "\u3000" * 300_000 + "|"])
    assert cpu_seconds(lambda: split(document, "a.txt", WordEmbedder())) < SECONDS


def test_aliases_in_front_matter_are_kept_as_text() -> None:
    """Nine lines of nine aliases each stood for 400 million words."""
    lines = [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    text = "\n".join(["---", "x0: &x0 [lol]", *lines, "title: *x8", "---", "", "# Ferries", "", "They sail."])
    document = read_document(text.encode(), "ferries.md")
    assert document.title == "Ferries"
    assert document.warnings == ("The front matter is not valid YAML: it is kept as text.",)


def test_a_question_without_end_is_refused(tmp_path: Path) -> None:
    library = Library(Settings(library=tmp_path, chat_model="none"))
    for ask in (library.search, lambda text: list(library.ask(text))):
        with pytest.raises(UsageError, match="at most 20,000 are read"):
            ask("ferry " * 4000)


@pytest.mark.parametrize(
    "piece",
    ["和a", "a and ", "how many ", "what is the total of ", "summarise ", "compare a to ", "给我的", "1,2"],
)
def test_a_long_question_is_answered_in_linear_time(tmp_path: Path, piece: str) -> None:
    """A pattern that recognises sums took 87 s of 2,000 characters."""
    library = Library(Settings(library=tmp_path / "library", chat_model="none"))
    library._embedder = WordEmbedder()
    (tmp_path / "a.md").write_text("| Item | Price |\n|---|---|\n| pump | 3 |\n", encoding="utf-8")
    for _ in library.ingest([tmp_path / "a.md"]):
        pass
    query = piece * (MAX_QUESTION_CHARACTERS // len(piece))
    assert cpu_seconds(lambda: list(library.ask(query))) < 3 * SECONDS
    library.close()
