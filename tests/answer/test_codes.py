"""Codes in a question, and those that no document mentions."""

from __future__ import annotations

import pytest

from rag.answer.codes import codes


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What do F.99 and E41 mean?", ("F.99", "E41")),
        ("When is INV-10399 due?", ("INV-10399",)),
        ("Is 2024-0117 paid, and #55?", ("2024-0117", "55")),
        ("Who sent invoice no. 4711 and order 88231?", ("4711", "88231")),
        ("Was steht in Rechnung Nr. 4711?", ("4711",)),
        ("What happened on 2024-05-01, in Q3 2022 and FY2019?", ()),
        ("How many of the 1200 people came on the 2nd of May?", ()),
        ("Does the U.S. office open at 9?", ()),
    ],
)
def test_codes(question: str, found: tuple[str, ...]) -> None:
    assert codes(question) == found
