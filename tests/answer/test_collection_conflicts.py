"""Conflicts between documents: the real ones are listed, and their like about other things are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.answer.collection_conflicts import find_conflicts
from rag.records import Conflict
from rag.settings import PROJECT
from tests.fakes.shelf import Shelf
from tests.fakes.web import FakeLibrary, fake_library

TODAY = "2026-06-01"
GUIDE, NOTES = "# Guide for the team\n\n", "# Notes of the desk\n\n"
OLD = "# Garden rules\n\nIn force until 31 December 2024.\n\nThe garden shed opens at 8:00 every day.\n"
PLANTED = PROJECT / "tests" / "benchmarks" / "sample_conflicts.jsonl"


def values(files: dict[str, str]) -> list[tuple[str, str]]:
    """The values of the conflicts between some documents."""
    return [(one.first.value, one.second.value) for one in conflicts_of(files)]


def conflicts_of(files: dict[str, str]) -> list[Conflict]:
    return find_conflicts(Shelf(files), "default", today=TODAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("The garden shed holds 14 bicycles.", "In the garden shed are 11 bicycles.", ("14", "11")),
        ("A pool ticket costs €6.", "The price of a pool ticket is €7.", ("€6", "€7")),
        (
            "The boiler inspection is on 3 May 2026.",
            "Boiler inspection: 9 May 2026",
            ("3 May 2026", "9 May 2026"),
        ),
        ("Keys are lent for two weeks.", "Keys are lent for ten days.", ("two", "ten")),
        ("The workshop opens at 8:00.", "The workshop opens at 9:30.", ("8:00", "9:30")),
        (
            "Caretaker line: +49 761 555 0121",
            "The caretaker line is +49 761 555 0172.",
            ("+49 761 555 0121", "+49 761 555 0172"),
        ),
        (
            "Fire safety officer: Ada Lindgren",
            "Our fire safety officer is Omar Haddad.",
            ("Ada Lindgren", "Omar Haddad"),
        ),
        ("| Room | Seats |\n|---|---|\n| Attic studio | 12 |", "The attic studio has 15 seats.", None),
        (
            "| Tool | Deposit |\n|---|---|\n| Belt sander | €40 |",
            "| Tool | Deposit |\n|---|---|\n| Belt sander | €55 |",
            ("€40", "€55"),
        ),
        (
            "Die Kündigungsfrist beträgt drei Monate.",
            "Die Kündigungsfrist beträgt sechs Wochen.",
            ("drei", "sechs"),
        ),
    ],
    ids=["number", "amount", "date", "duration", "time", "phone", "person", "bare", "cell", "german"],
)
def test_two_values_of_one_thing_are_a_conflict(
    one: str, other: str, expected: tuple[str, str] | None
) -> None:
    found = values({"a/guide.md": GUIDE + one, "b/notes.md": NOTES + other})
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A pool ticket costs €6.", "A pool ticket costs 6 euros."),
        ("Keys are lent for two weeks.", "Keys are lent for 14 days."),
        ("A pool ticket costs €6.", "A pool ticket for children costs €3."),
        ("A pool ticket costs visitors €9.", "A pool ticket costs €6."),
        ("In 2024 the garden shed had 14 bicycles.", "In 2025 the garden shed had 11 bicycles."),
        ("A night in the guest room costs €40 a day.", "A night in the guest room costs €200 a week."),
        ("A pool ticket costs €6.", "We considered whether a pool ticket would cost €7."),
        ("A pool ticket costs €6.", "Does a pool ticket cost €7?"),
        ("The kiln in Halle reaches 1,200 °C.", "The kiln in Jena reaches 1,280 °C."),
        ("Sander BX-2 turns at 900 rpm.", "Sander BX-7 turns at 700 rpm."),
        ("A delivery takes at most 5 days.", "A delivery takes at least 2 days."),
        ("Keys are lent for two weeks.", "It lasts for ten days."),
        ("The workshop opens at 8:00.", "On Sunday the workshop opens at 10:00."),
        (
            "| Tool | Deposit |\n|---|---|\n| Belt sander | €40 |",
            "| Tool | Deposit |\n|---|---|\n| Table saw | €55 |",
        ),
        ("Phone of the caretaker: +49 761 555 0121", "Phone of the bakery: +49 761 555 0172"),
    ],
)
def test_the_same_words_about_something_else_are_none(one: str, other: str) -> None:
    assert values({"a/guide.md": GUIDE + one, "b/notes.md": NOTES + other}) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bills/4711.md", "bills/4712.md"),
        ("bills/adler.md", "bills/brandt.md"),
        ("reports/report-2024.md", "reports/report-2025.md"),
        ("sheets/lathe-20.md", "sheets/lathe-35.md"),
        ("minutes/plenum_march.md", "minutes/plenum_april.md"),
        ("contract.md", "contract-amendment-1.md"),
    ],
)
def test_documents_about_two_things_of_a_kind_do_not_conflict(one: str, other: str) -> None:
    """Two customers' bills, two years' reports, two products, two meetings, and what changes a contract."""
    said = "Adler and Brandt are told as Adler or as Brandt: the deposit for a bench is {}.\n"
    files = {
        one: f"# {Path(one).stem}\n\n" + said.format("€40"),
        other: f"# {Path(other).stem}\n\n" + said.format("€55"),
    }
    assert values(files) == []


def test_a_version_that_has_ended_does_not_conflict() -> None:
    new = "# Garden rules\n\nIn force from 1 January 2025.\n\nThe garden shed opens at 9:00 every day.\n"
    desk = NOTES + "The garden shed opens at 9:00 every day."
    assert values({"rules-2024.md": OLD, "rules-2025.md": new, "desk.md": desk}) == []


def test_a_document_that_also_says_the_same_speaks_of_another_case() -> None:
    both = GUIDE + "The bench deposit is €40.\n\nThe bench deposit is €55.\n"
    assert values({"guide.md": both, "notes.md": NOTES + "The bench deposit is €55."}) == []


def test_both_sides_are_quoted_with_place_and_date() -> None:
    dated = "---\ntitle: Notes\ndate: 2025-03-04\n---\n\nA pool ticket costs €7."
    files = {"guide.md": GUIDE + "## Pool\n\nA pool ticket costs €6.", "notes.md": dated}
    (found,) = conflicts_of(files)
    assert (found.kind, found.first.quote, found.first.heading) == (
        "amount",
        "A pool ticket costs €6.",
        "Guide for the team › Pool",
    )
    assert (found.first.date, found.second.date) == (None, "2025-03-04")
    assert files["guide.md"][found.first.start : found.first.end] == found.first.quote
    assert files["guide.md"][found.first.value_start :].startswith("€6")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    opened = fake_library(tmp_path / "library", [])
    yield opened
    opened.close()


def test_conflicts_are_kept_and_follow_the_documents(library: FakeLibrary, tmp_path: Path) -> None:
    folder, steps = tmp_path / "docs", list[tuple[int, int]]()
    folder.mkdir()
    (folder / "guide.md").write_text(GUIDE + "A pool ticket costs €6.", "utf-8")
    (folder / "notes.md").write_text(NOTES + "A pool ticket costs €7.", "utf-8")
    library.add(folder)
    found = library.conflicts(progress=lambda done, of: steps.append((done, of)))
    assert [(one.first.value, one.second.value) for one in found] == [("€6", "€7")]
    assert steps[-1] == (2, 2)
    steps.clear()
    assert library.conflicts(progress=lambda done, of: steps.append((done, of))) == found
    assert steps == []
    (folder / "notes.md").write_text(NOTES + "A pool ticket costs 6 euros.", "utf-8")
    library.add(folder)
    assert library.conflicts() == []


def test_the_conflicts_planted_in_the_sample_are_all_listed() -> None:
    """And no others: contractors, two sites and old versions have other values in the same words."""
    planted = [json.loads(line) for line in PLANTED.read_text("utf-8").splitlines()]
    traps = [
        "handbook/regional/contractors.md",
        "handbook/policies/travel-2022.md",
        "handbook/policies/travel.md",
    ]
    docs = sorted({doc for one in planted for doc in one["docs"]} | set(traps))
    shelf = Shelf({doc: (PROJECT / "corpora" / doc).read_bytes() for doc in docs})
    found = find_conflicts(shelf, "default", today=TODAY)  # type: ignore[arg-type]
    pairs = {
        frozenset([(one.first.doc, one.first.value), (one.second.doc, one.second.value)]) for one in found
    }
    assert pairs == {frozenset(zip(one["docs"], one["values"], strict=True)) for one in planted}
