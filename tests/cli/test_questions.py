"""Commands that ask, over the real library with honest fake models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rag.answer import AnswerDone, AnswerEvent
from rag.answer.abstain import Decision, fitted
from rag.cli import SOME_FAILED, app, questions
from rag.errors import ModelServerError, UsageError
from rag.history.receipts import receipt_json
from rag.records import Answer
from tests.fakes.web import FakeLibrary, LeaningModel, QueuedModel, fake_library, write_documents

QUESTION = "How long is the notice period?"
REPLY = "The notice period is three months for everybody [1]."


class Unreachable(QueuedModel):
    """A server that is down."""

    def stream(self, *given: Any, **options: Any) -> Iterator[str]:
        """Fails at once."""
        raise ModelServerError("The model server does not answer.")


def answered(event: AnswerEvent) -> Answer:
    assert isinstance(event, AnswerDone)
    return event.answer


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "documents")
    opened = fake_library(tmp_path / "library", [REPLY])
    for _ in opened.ingest([tmp_path / "documents"]):
        pass
    monkeypatch.setattr(questions, "open_library", lambda *_, **__: opened)
    yield opened
    opened.close()


def batch(folder: Path, *asked: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of a batch of questions, and the rows it wrote."""
    given, output = folder / "questions.jsonl", folder / "out.jsonl"
    given.write_text("".join(json.dumps({"id": i, "question": one}) + "\n" for i, one in enumerate(asked)))
    done = CliRunner().invoke(app, ["batch", str(given), "-o", str(output)])
    return done.exit_code, [json.loads(line) for line in output.read_text().splitlines()]


def test_a_batch_goes_on_behind_a_question_that_cannot_be_asked(library: FakeLibrary, tmp_path: Path) -> None:
    """One bad question ended it, and the others were not asked."""
    code, rows = batch(tmp_path, "What holds? doc:nowhere.md", QUESTION)
    assert code == SOME_FAILED
    assert [row["id"] for row in rows] == [1]
    assert "three months" in rows[0]["answer"]


def test_a_batch_goes_on_without_its_model_server(library: FakeLibrary, tmp_path: Path) -> None:
    library.use(Unreachable([REPLY]))
    code, rows = batch(tmp_path, QUESTION, QUESTION)
    assert code == SOME_FAILED
    assert [row["problem"] for row in rows] == ["The model server does not answer."] * 2
    assert all("three months" in row["answer"] for row in rows)


@pytest.mark.parametrize(
    ("confidence", "leaning", "told"),
    [(-0.02, 0.99, "reads them and writes:"), (0.02, 0.01, "read the passages and found no answer")],
    ids=["the model finds an answer", "the model finds none"],
)
def test_what_an_able_model_decides_is_told(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, confidence: float, leaning: float, told: str
) -> None:
    threshold = fitted().threshold
    found = Decision(confidence < 0, "Nothing stands out." if confidence < 0 else "", threshold + confidence)
    monkeypatch.setattr("rag.answer.judge", lambda *_, **__: found)
    library.use(LeaningModel(leaning, REPLY))
    done = CliRunner().invoke(app, ["ask", QUESTION])
    assert told in " ".join(done.stdout.split())
    assert ("writes:" in done.stdout) == (confidence < 0)


def test_the_receipt_of_a_stopped_answer_is_replayed(library: FakeLibrary, tmp_path: Path) -> None:
    """Another text seemed to come, and llama.cpp was blamed."""
    *_, last = library.ask(QUESTION, cancelled=lambda: True)
    path = tmp_path / "receipt.json"
    path.write_text(receipt_json(answered(last)))
    done = CliRunner().invoke(app, ["ask", "--replay", str(path)])
    assert (done.exit_code, done.exception) == (0, None)


def test_a_text_that_does_not_come_again_is_an_error(library: FakeLibrary, tmp_path: Path) -> None:
    *_, last = library.ask(QUESTION)
    path = tmp_path / "receipt.json"
    path.write_text(receipt_json(answered(last)))
    library.use(QueuedModel(["The notice period is three weeks [1]."]))
    done = CliRunner().invoke(app, ["ask", "--replay", str(path)])
    assert "another text" in str(done.exception)


def test_the_cost_of_an_answer_is_told(library: FakeLibrary) -> None:
    library.settings = library.settings.model_copy(update={"passage_tokens": 60})
    done = CliRunner().invoke(app, ["ask", QUESTION])
    assert " tokens read, 0 cached, 9 written" in done.stdout
    assert "first token after 0." in done.stdout
    assert "Did not fit: [" in done.stdout


def test_passages_are_json_lines_or_what_blank_lines_part() -> None:
    lines = '{"doc": "a.md", "text": "one"}\n\n{"text": "two\\u2028three"}\n'
    assert questions.parts_of(lines) == [
        {"doc": "a.md", "text": "one"},
        {"doc": "", "text": "two\u2028three"},
    ]
    assert [part["text"] for part in questions.parts_of("{one\n\ntwo\n")] == ["{one", "two\n"]
    with pytest.raises(UsageError, match="Line 3"):
        questions.parts_of(lines.replace("}\n\n{", "}\n\n"))


@pytest.mark.parametrize(
    ("history", "code", "query"),
    [
        ([{"role": "user", "content": QUESTION}], 0, QUESTION),
        ([{"role": "narrator", "content": QUESTION}], None, None),
    ],
    ids=["a turn before", "a role that is none"],
)
def test_a_batch_takes_what_was_said_before(
    library: FakeLibrary, tmp_path: Path, history: list[dict[str, str]], code: int | None, query: str | None
) -> None:
    given, output = tmp_path / "questions.jsonl", tmp_path / "out.jsonl"
    given.write_text(json.dumps({"id": 1, "question": "Tell me more", "history": history}))
    done = CliRunner().invoke(app, ["batch", str(given), "-o", str(output)])
    if query is None:
        assert done.exit_code != 0
    else:
        assert done.exit_code == code
        assert json.loads(output.read_text())["query"] == query
