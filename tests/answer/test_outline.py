"""The guide to a document: what is taken into it, each with its sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answer.outline import Mention, Outline
from tests.fakes.web import fake_library

LEASE = """# Lease of the boathouse

Signed by Nils Aaker for Aaker & Sons Ltd and by Berit Lund for Fjordhus GmbH on 3 May 2022.

## Rent

The rent is 2,400 euros a month and rises by €50 each January.
In March it is paid twice.

## End

### Notice

The lease ends on 31 December 2027 unless it is renewed in time.
"""


@pytest.fixture(scope="module")
def lease(tmp_path_factory: pytest.TempPathFactory) -> Outline:
    folder: Path = tmp_path_factory.mktemp("outline")
    (folder / "d").mkdir()
    (folder / "d" / "lease.md").write_text(LEASE, encoding="utf-8")
    library = fake_library(folder / "library", ["unused"])
    for _ in library.ingest([folder / "d"]):
        pass
    found = library.outline("boathouse lease")
    library.close()
    return found


def values(mentions: tuple[Mention, ...]) -> list[str]:
    return [one.value for one in mentions]


def test_headings_stand_at_their_level_with_their_first_sentence(lease: Outline) -> None:
    told = [(one.heading, one.level, one.evidence.quote if one.evidence else "") for one in lease.sections]
    assert told == [
        ("Rent", 2, "The rent is 2,400 euros a month and rises by €50 each January."),
        ("End", 2, ""),
        ("Notice", 3, "The lease ends on 31 December 2027 unless it is renewed in time."),
    ]


def test_dates_amounts_and_parties_are_as_written(lease: Outline) -> None:
    assert values(lease.dates) == ["3 May 2022", "31 December 2027"]
    assert values(lease.amounts) == ["2,400 euros", "€50"]
    assert values(lease.parties)[:2] == ["Aaker & Sons Ltd", "Fjordhus GmbH"] or set(
        values(lease.parties)
    ) >= {"Aaker & Sons Ltd", "Fjordhus GmbH", "Berit Lund"}


def test_each_detail_is_marked_in_an_exact_quote(lease: Outline) -> None:
    for one in (*lease.dates, *lease.amounts, *lease.parties):
        text = one.evidence.hit.passage.text
        assert text[one.evidence.start : one.evidence.end] == one.evidence.quote
        assert one.evidence.answer is not None
        assert text[slice(*one.evidence.answer)].strip(" ,") == one.value
    assert lease.points and lease.read == lease.passages
