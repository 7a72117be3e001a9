"""The questions that README asks are answered, and rightly."""

from __future__ import annotations

import re

import pytest

from rag.answer import AnswerDone
from rag.library import Library
from rag.settings import PROJECT

ANSWERS = {
    "How many days of leave does a new employee get?": "Thirty working days",
    "Who approves a claim of 800 euros?": "department lead",
    "How many days of leave? @hr-handbook": "Thirty working days",
}
OF_ONE_DOCUMENT = {"What are the main points of this?": ("travel.md", "This page says how we travel.")}
FILTER = re.compile(r" \w+:\S")  # of a folder that the sample documents do not have


def test_every_question_of_the_readme_is_asked_here() -> None:
    asked = re.findall(r'rag ask "([^"…]+)"', (PROJECT / "README.md").read_text(encoding="utf-8"))
    assert {question for question in asked if not FILTER.search(question)} == {*ANSWERS, *OF_ONE_DOCUMENT}


@pytest.mark.parametrize("question", ANSWERS)
def test_a_question_of_the_readme_is_answered(sample_library: Library, question: str) -> None:
    *_, last = sample_library.ask(question)
    assert isinstance(last, AnswerDone)
    assert not last.answer.abstained
    assert ANSWERS[question] in last.answer.evidence[0].quote


@pytest.mark.parametrize("question", OF_ONE_DOCUMENT)
def test_a_question_of_the_readme_about_a_document_is_answered(
    sample_library: Library, question: str
) -> None:
    name, said = OF_ONE_DOCUMENT[question]
    document = sample_library.document(name, collection="sample")
    *_, last = sample_library.ask(question, docs=[document.doc])
    assert isinstance(last, AnswerDone)
    assert said in last.answer.evidence[0].quote


def test_the_tests_that_the_promises_name_are_there() -> None:
    page = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")
    place, missing = "", []
    for named in re.findall(r"`((?:tests/|…::)[^`]+)`", page):
        file, _, test = named.partition("::")
        place = place if file == "…" else file
        text = (PROJECT / place).read_text(encoding="utf-8") if (PROJECT / place).is_file() else ""
        if not text or f"def {test}" not in text:
            missing.append(named)
    assert missing == []
