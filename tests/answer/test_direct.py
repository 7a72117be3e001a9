"""Small talk and questions about the library are answered without a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answer import AnswerDone
from rag.answer.document_kinds import called
from rag.answer.overview import LibraryQuestion, library_question
from rag.answer.small_talk import small_talk
from rag.records import Answer
from tests.fakes.web import FakeLibrary, fake_library

FILES = {
    "bills/B-11.md": "# Bill B-11\n\nCustomer: Tern Ltd.\n",
    "bills/B-12.md": "# Bill B-12\n\nCustomer: Marl Farm.\n",
    "letters/Tern.txt": "Tern Ltd asks for bill 12.\n",
    "contracts/Marl.md": "# Contract\n\nIt ends with two months of notice.\n",
    "reports/One.md": "# One\n\nThe pump was loud.\n",
    "reports/Two.md": "# Two\n\nThe loud hall was painted. A pump was bought.\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FakeLibrary:
    folder: Path = tmp_path_factory.mktemp("direct")
    for name, text in FILES.items():
        (folder / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "d" / name).write_text(text, encoding="utf-8")
    opened = fake_library(folder / "library", ["unused"])
    for _ in opened.ingest([folder / "d"]):
        pass
    return opened


def asked(library: FakeLibrary, question: str) -> Answer:
    *_, last = library.ask(question)
    assert isinstance(last, AnswerDone)
    return last.answer


@pytest.mark.parametrize(
    ("question", "told", "docs"),
    [
        ("How many documents are there?", "6 documents: 5 md, 1 txt.", []),
        ("Wie viele Dokumente gibt es?", "6 Dokumente: 5 md, 1 txt.", []),
        ("¿Cuántos documentos hay?", "6 documentos: 5 md, 1 txt.", []),
        ("Which text files are there?", "1 document (text): 1 txt.", ["letters/Tern.txt"]),
        ("Which PDFs do you have?", "No documents (pdf).", []),
        ("List all bills", "2 documents called “bills”: 2 md.", ["bills/B-11.md", "bills/B-12.md"]),
        ("What is in here?", "6 documents: 5 md, 1 txt.", sorted(FILES)),
        (
            "How many documents mention B-12?",
            "1 document with the code B-12 (searched 6 of 6 passages).",
            ["bills/B-12.md"],
        ),
        (
            "How many bills mention Tern?",
            "1 document called “bills” with “Tern” (searched 6 of 6 passages).",
            ["bills/B-11.md"],
        ),
        (
            "Which contracts mention a notice period?",
            "No document called “contracts” has “notice” and “period” in one passage. "
            "1 document called “contracts” with “notice” (searched 6 of 6 passages).",
            ["contracts/Marl.md"],
        ),
        (
            "Which reports mention a loud pump?",
            "1 document called “reports” with “loud” and “pump” in one sentence, "
            "1 more with them in one passage (searched 6 of 6 passages).",
            ["reports/One.md", "reports/Two.md"],
        ),
    ],
)
def test_the_library_answers_for_itself(
    library: FakeLibrary, question: str, told: str, docs: list[str]
) -> None:
    answer = asked(library, question)
    assert (answer.reason, [piece.hit.doc for piece in answer.evidence]) == (told, docs)
    assert not answer.abstained


@pytest.mark.parametrize("question", ["Hello!", "Danke schön", "Was kannst du?", "gracias", "你好"])
def test_small_talk_gets_a_reply_and_no_search(library: FakeLibrary, question: str) -> None:
    answer = asked(library, question)
    assert answer.reason == small_talk(question) != ""
    assert (answer.abstained, answer.hits) == (False, ())


@pytest.mark.parametrize(
    "question",
    ["Thanks to whom was it built?", "How does the pump work?", "hello world program", "Hilfe für Eltern"],
)
def test_a_question_is_not_small_talk(question: str) -> None:
    assert small_talk(question) is None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Welche Dateien gibt es?", LibraryQuestion(True, "de")),
        ("Quels documents avez-vous ?", LibraryQuestion(True, "fr")),
        ("有多少个文件？", LibraryQuestion(False, "zh")),
        ("How many documents do I need for a visa?", None),
        ("Which documents do I have to submit?", None),
        ("How many pages are there?", None),
    ],
)
def test_a_question_about_the_library_is_known(question: str, expected: LibraryQuestion | None) -> None:
    assert library_question(question) == expected


def test_a_document_is_called_by_any_word_of_its_kind() -> None:
    assert called("rechnungen", "2024/invoice 7.pdf")
    assert called("e-mails", "inbox/x.eml")
    assert not called("contracts", "contrasts.md")
