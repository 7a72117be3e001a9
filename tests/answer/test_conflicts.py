"""Documents that contradict each other on a number or date are named; others are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.answer.conflicts import disagreements
from rag.records import Evidence, Hit, Passage


def quote(text: str, document_id: int) -> Evidence:
    passage = Passage(f"p{document_id}", 0, text, 0, len(text), 9, "0" * 32)
    hit = Hit(document_id, passage, document_id, "x.md", "T", 1.0)
    return Evidence(hit, document_id, text, 0, len(text), 1.0)


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        ("The daily allowance is 38 euros.", "The daily allowance is 45 euros.", ("38", "45")),
        ("The office opens on 3 May 2024.", "The office opens on 4 May 2024.", ("3 may 2024", "4 may 2024")),
        ("The daily allowance is 38 euros.", "The daily allowance is €38.", None),
        ("The daily allowance is 38 euros.", "Parking costs 45 euros.", None),
        ("The daily allowance is 38 euros.", "The daily allowance rises.", None),
        ("date: 2023-02-01", "date: 2025-02-01", None),
        ("The notice period is three months.", "The notice period is one month.", ("three", "one")),
        ("Die Frist beträgt drei Monate.", "Die Frist beträgt einen Monat.", ("drei", "einen")),
        ("The office opens in June each year.", "The office opens in July each year.", ("june", "july")),
        ("In 2023 the firm had 40 staff.", "In 2024 the firm had 45 staff.", None),
        ("The firm had 40 staff in May 2023.", "The firm had 45 staff in May 2024.", None),
        ("The TF20 logger costs 380 euros.", "The TF40 logger costs 450 euros.", None),
        ("Revenue in Q1 was 38 million euros.", "Revenue in Q2 was 45 million euros.", None),
        ("Revenue in the first quarter was 38 euros.", "Revenue in the second quarter was 45 euros.", None),
        ("Anna has 30 days of leave.", "Ben has 25 days of leave.", None),
        ("The limit for Germany is 38 euros.", "The limit for Spain is 45 euros.", None),
        ("The limit in section 3 is 38 euros.", "The limit in section 4 is 45 euros.", None),
        ("3.1 The fee is 38 euros.", "4.2 The fee is 45 euros.", None),
        ("3.1 The fee is 38 euros.", "3.1 The fee is 45 euros.", ("38", "45")),
        ("The landlord pays 38 euros for it.", "The tenant pays 45 euros for it.", None),
        ("Employees get 30 days of leave.", "Employees get 25 days of leave.", ("30", "25")),
        ("Keller pays 38 euros for it.", "Keller pays 45 euros for it.", ("38", "45")),
        ("Leave is 30 days a year.", "Leave is 30 days per year.", None),
        ("The TF40 costs 380 euros.", "The TF-40 costs 450 euros.", ("380", "450")),
    ],
)
def test_disagreements(one: str, other: str, values: tuple[str, str] | None) -> None:
    found = disagreements([quote(one, 1), quote(other, 2)])
    assert [(d.first_value, d.second_value) for d in found] == ([values] if values else [])


@pytest.mark.parametrize(
    ("one", "other", "disagree"),
    [
        ("Bill B-11", "Bill B-12", False),
        ("RX-40", "RX-55", False),
        ("Rates 2021", "Rates 2024", True),
        ("Rates v1", "Rates v2", True),
        ("Guide to the RX-40", "RX-40", True),
    ],
)
def test_documents_of_other_things_do_not_disagree(one: str, other: str, disagree: bool) -> None:
    """Two bills of different customers were said to disagree on their date."""
    pair = [
        replace(piece, hit=replace(piece.hit, doc="x.md", title=title))
        for piece, title in (
            (quote("The fee is 38 euros.", 1), one),
            (quote("The fee is 45 euros.", 2), other),
        )
    ]
    assert bool(disagreements(pair)) is disagree


def test_sentences_of_one_document_do_not_disagree() -> None:
    assert disagreements([quote("The fee is 38 euros.", 1), quote("The fee is 45 euros.", 1)]) == []


def test_a_disagreement_names_the_dates_of_its_documents() -> None:
    quotes = [quote("The daily allowance is 38 euros.", 1), quote("The daily allowance is 45 euros.", 2)]
    (found,) = disagreements(quotes, date_of={1: "2023-05-01", 2: None}.get)
    assert (found.first_date, found.second_date) == ("2023-05-01", None)
