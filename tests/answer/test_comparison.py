"""Comparisons: which two documents are meant, how their parts are aligned, and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.answer import AnswerDone
from rag.answer.comparison import comparison_question
from rag.errors import UsageError
from rag.history.receipts import answer_json, receipt_markdown
from rag.history.serialization import answer_of, answer_record
from rag.records import Answer
from tests.fakes.web import FakeLibrary, fake_library

OLD = """# Allotment rules

## Water

Each plot may use the pump for two hours a day.
Hoses have to be rolled up.

## Fees

| Plot | Yearly fee |
|---|---|
| small | 80 euros |
| large | 120 euros |

Fees are due on 1 March 2021.

## Bees

Beekeepers need the consent of both neighbours.
"""
NEW = """# Allotment rules

## Water

Each plot may use the pump for three hours a day.
Hoses have to be rolled up.

## Fees

| Plot | Yearly fee |
|---|---|
| small | 95 euros |
| large | 120 euros |

Fees are due on 1 April 2024.

## Compost

Compost heaps stand at least one metre from the fence.
"""
FILES = {
    "allotment-2021.md": OLD,
    "allotment-2024.md": NEW,
    "copy.md": OLD.replace("Allotment rules", "Copy of the rules"),
    "choir.md": "# Choir evenings\n\nSingers meet on Thursdays in the old mill and bring their own music.\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FakeLibrary:
    folder: Path = tmp_path_factory.mktemp("comparison")
    for name, text in FILES.items():
        (folder / "d").mkdir(exist_ok=True)
        (folder / "d" / name).write_text(text, encoding="utf-8")
    opened = fake_library(folder / "library", ["unused"])
    for _ in opened.ingest([folder / "d"]):
        pass
    return opened


def asked(library: FakeLibrary, question: str, docs: Sequence[str] | None = None) -> Answer:
    *_, last = library.ask(question, docs=docs, without_model=True)
    assert isinstance(last, AnswerDone)
    return last.answer


def sides(answer: Answer) -> list[tuple[str, str, str]]:
    return [
        (one.kind, one.first.quote if one.first else "", one.second.quote if one.second else "")
        for one in answer.changes
    ]


CHANGES = [
    (
        "changed",
        "Each plot may use the pump for two hours a day.",
        "Each plot may use the pump for three hours a day.",
    ),
    ("changed", "| small | 80 euros |", "| small | 95 euros |"),
    ("changed", "Fees are due on 1 March 2021.", "Fees are due on 1 April 2024."),
    ("removed", "Beekeepers need the consent of both neighbours.", ""),
    ("added", "", "Compost heaps stand at least one metre from the fence."),
]


@pytest.mark.parametrize(
    "question",
    [
        "What changed between the 2021 and 2024 allotment rules?",
        "What changed in the allotment rules?",
        "What's new in the allotment rules?",
        "Compare allotment-2021.md with allotment-2024.md",
        "differences between the 2024 and the 2021 allotment rules",
        "What is different in the 2024 allotment rules compared to 2021?",
        "Was hat sich zwischen allotment-2021 und allotment-2024 geändert?",
        "Vergleiche allotment-2021 mit allotment-2024",
        "Was ist neu in den allotment rules?",
        "比较 allotment-2021 和 allotment-2024",
        "allotment-2021 和 allotment-2024 有什么区别？",
    ],
)
def test_two_versions_are_aligned_the_older_first(library: FakeLibrary, question: str) -> None:
    assert sides(asked(library, question)) == CHANGES


def test_values_are_told_side_by_side_and_marked_in_their_quotes(library: FakeLibrary) -> None:
    pump, fee, due, *_ = asked(library, "What changed in the allotment rules?").changes
    assert (pump.first_values, pump.second_values, pump.heading) == (("two",), ("three",), "Water")
    assert (fee.first_values, fee.second_values) == (("80",), ("95",))
    assert (due.first_values, due.second_values) == (("1 March 2021",), ("1 April 2024",))
    assert due.second is not None and due.second.answer is not None
    assert due.second.hit.passage.text[slice(*due.second.answer)] == "1 April 2024"


def test_each_quote_has_its_own_marker_and_citation(library: FakeLibrary) -> None:
    answer = asked(library, "What changed in the allotment rules?")
    markers = [one.marker for one in answer.evidence]
    assert markers == [citation.marker for citation in answer.citations] == list(range(1, len(markers) + 1))
    assert answer.reason == (
        "From “allotment-2021.md” to “allotment-2024.md”: 3 changed, 1 added, 1 removed, 2 unchanged."
    )


def test_two_documents_chosen_for_the_search_are_compared(library: FakeLibrary) -> None:
    answer = asked(library, "Compare these documents", ["allotment-2021.md", "allotment-2024.md"])
    assert sides(answer) == CHANGES


def test_equal_texts_are_said_to_be_equal(library: FakeLibrary) -> None:
    answer = asked(library, "Compare copy.md with allotment-2021.md")
    assert not answer.changes and "say the same" in answer.reason


def test_a_name_of_one_document_asks_for_the_other(library: FakeLibrary) -> None:
    assert "only one of its name" in asked(library, "What changed in the choir evenings?").reason


@pytest.mark.parametrize(
    "question",
    [
        "What changed in 2024?",
        "How does a pump differ from a well?",
        "Compare apples and pears",
        "What is new?",
    ],
)
def test_what_names_no_two_documents_is_left_to_the_search(library: FakeLibrary, question: str) -> None:
    assert not asked(library, question).changes


@pytest.mark.parametrize("question", ["When are fees due?", "Who keeps bees?", "哪天交费？"])
def test_other_questions_compare_nothing(question: str) -> None:
    assert comparison_question(question) == []


def test_a_comparison_is_saved_exported_and_read_again(library: FakeLibrary) -> None:
    answer = asked(library, "What changed in the allotment rules?")
    assert answer_of(answer_record(answer)).changes == answer.changes
    first = answer_json(answer)["changes"][0]
    assert first["first"]["values"] == ["two"] and first["second"]["quote"].startswith("Each plot")
    text = receipt_markdown(answer)
    assert "Beekeepers" in text and "three hours" in text


def test_a_document_is_named_for_commands_or_the_near_ones_are_told(library: FakeLibrary) -> None:
    assert library.document("choir").doc == "choir.md"
    with pytest.raises(UsageError, match="No document is called 'tax return'"):
        library.document("tax return")
    found = library.compare("allotment-2021", "choir evenings")
    assert not found.are_versions and found.count("changed") == 0
