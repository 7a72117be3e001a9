"""The wire from a question to an answer, over the real library with honest fake models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ui_fakes import FakeLibrary, fake_library, write_documents

from rag.answering import Answered, AnswerEvent, Evidenced, Prompted, Searched, Wrote, answer_json, shown_text
from rag.errors import ModelMismatch, UsageError
from rag.records import Answer, Message

QUESTION = "How long is the notice period?"
REPLY = "The notice period is three months for everybody [1]. It was two years in 1907 [1]. So says [99]."


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "documents")
    opened = fake_library(tmp_path / "library", [REPLY])
    for _ in opened.ingest([tmp_path / "documents"]):
        pass
    yield opened
    opened.close()


def finished(events: Iterator[AnswerEvent]) -> Answer:
    last = list(events)[-1]
    assert isinstance(last, Answered)
    return last.answer


def test_the_events_come_in_order_and_the_evidence_before_the_model(library: FakeLibrary) -> None:
    kinds = [type(event) for event in library.ask(QUESTION)]
    assert kinds[:3] == [Searched, Evidenced, Prompted]
    assert set(kinds[3:-1]) == {Wrote}
    assert kinds[-1] is Answered


def test_a_marker_of_nothing_is_removed_and_counted(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    assert answer.removed_markers == 1
    assert "[99]" not in answer.text


def test_what_no_passage_holds_is_marked(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    verdicts = {answer.text[s.start : s.end].split(" [")[0]: s.supported for s in answer.sentences}
    assert verdicts["The notice period is three months for everybody"] == "true"
    assert verdicts["It was two years in 1907"] == "false"


def test_every_citation_quotes_its_document_exactly(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    assert {citation.origin for citation in answer.citations} == {"evidence", "text"}
    for citation in answer.citations:
        (stored,) = library.store.documents_named("default", citation.doc)
        assert stored.text[citation.start : citation.end] == citation.quote


def test_the_shown_answer_opens_with_its_evidence(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION))
    assert shown_text(answer).startswith(answer.evidence[0].quote.strip())
    assert shown_text(answer).endswith(answer.text.strip())


def test_the_json_has_what_scripts_rely_on(library: FakeLibrary) -> None:
    row = answer_json(finished(library.ask(QUESTION)))
    assert {
        "question",
        "answer",
        "abstained",
        "citations",
        "passages",
        "left_out",
        "tokens",
        "seconds",
    } <= set(row)
    assert set(row["citations"][0]) == {"marker", "doc", "page", "quote", "supported"}
    assert set(row["passages"][0]) == {"doc", "page", "text", "score"}
    assert set(row["tokens"]) == {"prompt", "cached", "answer"}
    assert set(row["seconds"]) == {"search", "first_token", "total"}


def test_what_did_not_fit_the_budget_is_named(library: FakeLibrary) -> None:
    answer = finished(library.ask(QUESTION, passage_tokens=50))
    assert answer.budget is not None
    shown = set(answer.budget.passages)
    assert shown | set(answer.budget.left_out) == set(range(1, len(answer.hits) + 1))
    assert sum(answer.budget.passages.values()) <= 50


def test_a_stop_keeps_what_was_written(library: FakeLibrary) -> None:
    events = library.ask(QUESTION, cancelled=lambda: True)
    answer = finished(events)
    assert answer.text == ""
    assert answer.usage is not None
    assert answer.usage.finish == "cancelled"
    assert answer.evidence


def test_a_follow_up_is_searched_as_a_whole_question(library: FakeLibrary) -> None:
    history = [Message("user", QUESTION), Message("assistant", "Three months.")]
    answer = finished(library.ask("And for trainees?", history=history))
    assert "notice" in answer.query
    assert answer.question == "And for trainees?"


def test_a_question_for_a_list_sweeps_every_passage(library: FakeLibrary) -> None:
    answer = finished(library.ask("List all documents that mention Monday"))
    total = library.store.passage_count("default")
    assert f"searched {total} of {total} passages" in answer.reason
    assert len(answer.evidence) == int(answer.reason.split()[0])
    assert answer.model is None


@pytest.mark.parametrize("question", ["", "  \n"], ids=["nothing", "spaces"])
def test_an_empty_question_is_refused(library: FakeLibrary, question: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        list(library.ask(question))


def test_vectors_of_another_model_are_refused_with_the_remedy(library: FakeLibrary) -> None:
    library.embedder.identity = "another-model"  # type: ignore[misc]
    with pytest.raises(ModelMismatch, match="rag embed"):
        library.ask(QUESTION)
