"""Question sets: a folder with `questions.jsonl` and the documents the questions are about."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import UsageError


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where its answer is.

    `answers` are alternatives; `answer_groups` asks for one of each group in the same passage.
    `docs` are all documents that answer, relative to the corpus; none means that no document does.
    `pages` are (document, 1-based page). A `derived` answer is not written out in the documents.
    `passage_id` is known for questions made from a passage.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    docs: tuple[str, ...] = ()
    pages: tuple[tuple[str, int], ...] = ()
    answer_groups: tuple[tuple[str, ...], ...] = ()
    derived: bool = False
    passage_id: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A named set of questions and the folders of its documents."""

    name: str
    corpora: tuple[Path, ...]
    questions: tuple[Question, ...]


def load_set(folder: Path) -> QuestionSet:
    """Reads `questions.jsonl` and finds `corpus/`, or the folders that `corpus.ref` lists.

    Raises:
        UsageError: a file or folder is missing, or a line is no question.
    """
    folder = folder.resolve()
    return QuestionSet(folder.name, _corpora(folder), tuple(load_questions(folder / "questions.jsonl")))


def load_questions(path: Path) -> list[Question]:
    """The questions of a file, one JSON object a line, with at least an `id` of its own and `question`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}. A set needs a questions.jsonl."
        ) from error
    questions: dict[str, Question] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            question = _question(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}, line {number} is not a question: {error!r}") from error
        if question.id in questions:
            raise UsageError(f"{path}, line {number}: there is a question '{question.id}' already.")
        questions[question.id] = question
    return list(questions.values())


def document_name(doc: str) -> str:
    """A path relative to the corpus, spelt one way."""
    name = unicodedata.normalize("NFC", doc).replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name.removeprefix("corpus/")


def _corpora(folder: Path) -> tuple[Path, ...]:
    reference = folder / "corpus.ref"
    if (folder / "corpus").is_dir():
        found = [folder / "corpus"]
    elif reference.is_file():
        lines = reference.read_text(encoding="utf-8").splitlines()
        found = [(folder / line.strip()).resolve() for line in lines if line.strip()]
    else:
        raise UsageError(f"{folder} has neither a corpus folder nor a corpus.ref that names one.")
    for corpus in found:
        if not corpus.is_dir():
            raise UsageError(f"{reference} names {corpus}, which is not a folder.")
    return tuple(found)


def _question(row: dict[str, Any]) -> Question:
    docs = row.get("docs") or ([row["doc"]] if row.get("doc") else [])
    pages = [(one["doc"], one["page"]) for one in row.get("pages") or []]
    if not pages and row.get("page") is not None and row.get("doc"):
        pages = [(row["doc"], row["page"])]
    return Question(
        id=str(row["id"]),
        text=str(row["question"]),
        answers=tuple(map(str, row.get("answers") or ())),
        docs=tuple(map(document_name, docs)),
        pages=tuple((document_name(doc), int(page)) for doc, page in pages),
        answer_groups=tuple(tuple(map(str, group)) for group in row.get("answer_groups") or ()),
        derived=row.get("answer_type", "span") != "span",
    )
