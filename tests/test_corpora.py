"""The sample corpus answers its questions where they say it does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rag.readers import read_document
from rag.records import Document

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
LINES = (CORPORA / "questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
ANSWERABLE = [question for question in QUESTIONS if question["answers"]]
UNANSWERABLE = [question for question in QUESTIONS if not question["answers"]]
NATURAL = [question for question in QUESTIONS if question.get("style") == "natural"]
DOCUMENTS = sorted(
    path for folder in ("handbook", "blog") for path in (CORPORA / folder).rglob("*") if path.is_file()
)


def fold(text: str) -> str:
    """Text without table rules, emphasis marks and differences of white space and case."""
    without_marks = re.sub(r"[*`]", "", text)
    return " ".join(re.sub(r"\||-{3,}", " ", without_marks).split()).casefold()


def evidences(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Where the answer stands: one place, or one in each document that is compared."""
    found: list[dict[str, Any]] = question.get("evidences", [question])
    return found


def evidence_text(question: dict[str, Any]) -> str:
    return fold("\n".join(one["evidence"] for one in evidences(question)))


def word_list(text: str) -> list[str]:
    """Words in their order; of Chinese text, which has no spaces, every two neighbouring characters."""
    runs = re.findall(r"[\u4e00-\u9fff]+|[^\W_\u4e00-\u9fff]+", fold(text))
    return [
        word
        for run in runs
        for word in (map("".join, pairwise(run)) if re.match(r"[\u4e00-\u9fff]", run) else [run])
    ]


def content_words(text: str) -> set[str]:
    return {word for word in word_list(text) if len(word) > 3 or re.match(r"[\u4e00-\u9fff\d]", word)}


@cache
def read(doc: str) -> Document:
    return read_document((CORPORA / doc).read_bytes(), doc)


def page_text(doc: str, page: int) -> str:
    document = read(doc)
    return " ".join(document.text[block.start : block.end] for block in document.blocks if block.page == page)


def test_there_is_enough_to_ask_about() -> None:
    kinds = Counter(path.suffix for path in DOCUMENTS)
    foreign = [path for path in DOCUMENTS if re.search(r"\.(de|fr|es|zh)\.", path.name)]
    long = [path for path in DOCUMENTS if len(read(str(path.relative_to(CORPORA))).text.split()) > 3000]
    assert len(DOCUMENTS) >= 60
    assert kinds[".pdf"] >= 6 and kinds[".html"] >= 6 and kinds[".md"] >= 40
    assert len(foreign) >= 3
    assert len(long) >= 3


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for path in DOCUMENTS) < 1_500_000


def test_there_are_enough_questions_of_each_kind() -> None:
    assert len(ANSWERABLE) >= 110
    assert len(UNANSWERABLE) >= 25
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question["question"] for question in QUESTIONS}) == len(QUESTIONS)
    types = Counter(question["question_type"] for question in QUESTIONS)
    assert min(types[kind] for kind in ("table", "cross-lingual", "contradiction", "false-premise")) >= 5
    assert {"en", "de", "zh", "es", "fr"} <= {question["lang"] for question in QUESTIONS}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_every_document_named_is_there(question: dict[str, Any]) -> None:
    named = {question["doc"], question.get("near_doc"), *question.get("docs", ())} - {None}
    assert named
    assert [doc for doc in named if CORPORA / doc not in DOCUMENTS] == []


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_the_evidence_stands_in_the_document_and_holds_the_answer(question: dict[str, Any]) -> None:
    for one in (question, *evidences(question)):
        doc, page = one["doc"], one["page"]
        assert (page is not None) == doc.endswith(".pdf")
        assert fold(one["evidence"]) in fold(read(doc).text if page is None else page_text(doc, page))
    for alternatives in question.get("answer_groups", [question["answers"]]):
        assert any(fold(answer) in evidence_text(question) for answer in alternatives), alternatives


@pytest.mark.parametrize("question", UNANSWERABLE, ids=lambda question: question["id"])
def test_an_unanswerable_question_names_only_a_near_document(question: dict[str, Any]) -> None:
    assert question["doc"] is question["page"] is question["evidence"] is None
    assert question["near_doc"]


def test_follow_ups_carry_the_turns_before_them() -> None:
    follow_ups = [question for question in QUESTIONS if question["question_type"] == "follow-up"]
    assert follow_ups and all("history" in question for question in follow_ups)
    for question in QUESTIONS:
        roles = [turn["role"] for turn in question.get("history", ())]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(turn["content"].strip() for turn in question.get("history", ()))


def test_natural_questions_are_of_every_kind_and_language() -> None:
    types = Counter(question["question_type"] for question in NATURAL)
    languages = Counter(question["lang"] for question in NATURAL)
    assert len(NATURAL) >= 200
    assert min(types[kind] for kind in ("fact", "howto", "yesno", "table", "contradiction")) >= 10
    assert min(types[kind] for kind in ("keyword", "list", "summary", "false-premise")) >= 5
    assert min(types["comparison"], types["follow-up"]) >= 8
    assert min(languages[language] for language in ("en", "de", "es", "fr", "zh")) >= 8
    assert sum(not question["answers"] for question in NATURAL) >= len(NATURAL) / 5
    for language in ("de", "es", "fr", "zh"):
        asked = [question["doc"] for question in NATURAL if question["lang"] == language and question["doc"]]
        same = [doc for doc in asked if f".{language}." in doc]
        assert len(same) >= 3 and len(asked) - len(same) >= 3


def test_natural_comparisons_need_two_documents() -> None:
    for question in NATURAL:
        if question["question_type"] == "comparison":
            assert len(question["answer_groups"]) == len(question["evidences"]) == 2
            assert {one["doc"] for one in question["evidences"]} == set(question["docs"])
            assert len(question["docs"]) == 2


def test_natural_questions_are_not_in_the_documents_words() -> None:
    shares = []
    for question in NATURAL:
        if question["answers"]:
            asked, found = word_list(question["question"]), word_list(evidence_text(question))
            runs = set(zip(found, found[1:], found[2:], found[3:], strict=False))
            assert runs.isdisjoint(zip(asked, asked[1:], asked[2:], asked[3:], strict=False)), question["id"]
            if words := content_words(question["question"]):
                shares.append(len(words & content_words(evidence_text(question))) / len(words))
    assert sum(shares) / len(shares) <= 0.25


def test_the_script_makes_the_committed_pdfs_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, CORPORA / "make_pdfs.py", tmp_path], check=True)
    made = sorted(tmp_path.rglob("*.pdf"))
    committed = [path for path in DOCUMENTS if path.suffix == ".pdf"]
    assert [path.relative_to(tmp_path) for path in made] == [path.relative_to(CORPORA) for path in committed]
    for path in committed:
        again = tmp_path / path.relative_to(CORPORA)
        assert again.read_bytes() == path.read_bytes(), path.name
