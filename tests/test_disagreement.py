"""Documents that contradict each other on a number or date are named; others are not."""

from __future__ import annotations

import pytest

from rag.disagreement import disagreements
from rag.records import Evidence, Hit, Passage


def quote(text: str, document_id: int) -> Evidence:
    passage = Passage(f"p{document_id}", 0, text, 0, len(text), 9, "0" * 32)
    hit = Hit(document_id, passage, document_id, f"d{document_id}.md", "T", 1.0)
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
    ],
)
def test_disagreements(one: str, other: str, values: tuple[str, str] | None) -> None:
    found = disagreements([quote(one, 1), quote(other, 2)])
    assert [(d.first_value, d.second_value) for d in found] == ([values] if values else [])


def test_sentences_of_one_document_do_not_disagree() -> None:
    assert disagreements([quote("The fee is 38 euros.", 1), quote("The fee is 45 euros.", 1)]) == []


def test_a_disagreement_names_the_dates_of_its_documents() -> None:
    quotes = [quote("The daily allowance is 38 euros.", 1), quote("The daily allowance is 45 euros.", 2)]
    (found,) = disagreements(quotes, date_of={1: "2023-05-01", 2: None}.get)
    assert (found.first_date, found.second_date) == ("2023-05-01", None)
