"""What documents say of their own validity."""

from __future__ import annotations

import pytest

from rag.text.validity import Validity, validity


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        ("Version 2.4 · in force from 3 May 2021", Validity("2021-05-03", version=(2, 4))),
        (
            "Valid from 1 January 2020 to 30 June 2022 · replaced by the parking rules 2022",
            Validity("2020-01-01", "2022-06-30", True, "the parking rules 2022"),
        ),
        ("Valid until 30 June 2022", Validity(ends="2022-06-30")),
        (
            "Effective date: 2024-07-01\nSupersedes: Parking rules v2",
            Validity("2024-07-01", replaces="Parking rules v2"),
        ),
        ("Valid from 1 March 2025 until further notice. Payable in advance.", Validity("2025-03-01")),
        ("> This policy was superseded on 4 May 2020.", Validity(replaced=True)),
        ("status: withdrawn", Validity(replaced=True)),
        (
            "All earlier lists are no longer valid.",
            Validity(replaces="All earlier lists are no longer valid."),
        ),
        ("Gültig ab 1. März 2024 bis 31.12.2024", Validity("2024-03-01", "2024-12-31")),
        (
            "Diese Ordnung wurde ersetzt durch die Parkordnung 2025",
            Validity(replaced=True, replaced_by="die Parkordnung 2025"),
        ),
        ("En vigueur à partir du 1er mars 2024", Validity("2024-03-01")),
        (
            "Vigente desde el 1 de enero de 2025. Sustituye a la norma de 2023",
            Validity("2025-01-01", replaces="la norma de 2023"),
        ),
        ("本办法自2024年3月1日起施行", Validity("2024-03-01")),
        # Nothing of these is said of the document.
        ("The battery was replaced by a larger one.", Validity()),
        ("In clause 3 the period of two weeks is replaced by a month.", Validity()),
        ("Effective immediately, the lift is closed.", Validity()),
    ],
)
def test_validity(opening: str, said: Validity) -> None:
    assert validity(opening) == said
    assert bool(said) is (said != Validity())
