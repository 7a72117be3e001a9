"""Tuning keeps the fastest form that answers as shipped, records it, and loading takes it up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelError, ModelNotFound
from rag.llm import load_chat_model, load_tuned
from rag.llm.capability import EXAM, LEAST_QUESTIONS, ExamQuestion, Grade, is_right
from rag.llm.tune import TOLERANCE, Measured, Setting, examine, tune
from rag.llm.tuned_form import TunedModel, folder_of, recorded_mode, save_tuned
from rag.records import Message, Usage
from tests.fakes.gguf_files import starter_gguf
from tests.fakes.llm import Clock, SlowEngine

TUNED = TunedModel(
    file="model.gguf",
    weights="BF16",
    flash_attention=True,
    cache_type="BF16",
    threads=1,
    step_tokens=64,
    prefill_rate=1200.5,
    decode_rate=80.0,
    shipped_prefill_rate=380.0,
    shipped_decode_rate=70.0,
    agreement=0.99,
    exam=0.5,
    exam_questions=10,
    mode="quoting",
    seconds=40.0,
    tried={"BF16, flash, 1 threads, steps of 512": (1200.5, 80.0, 0.99), "as shipped": (380.0, 70.0, None)},
)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF and more")
    return path


def test_a_record_comes_back_as_it_was(model_file: Path, tmp_path: Path) -> None:
    tuned = dataclasses.replace(TUNED, file=str(model_file))
    save_tuned(model_file, tuned, cache=tmp_path)
    assert load_tuned(model_file, cache=tmp_path) == tuned
    assert not list(tmp_path.rglob("*.part"))


def test_a_changed_model_file_is_not_tuned(model_file: Path, tmp_path: Path) -> None:
    save_tuned(model_file, dataclasses.replace(TUNED, file=str(model_file)), cache=tmp_path)
    model_file.write_bytes(b"GGUF and something else")
    assert load_tuned(model_file, cache=tmp_path) is None


def test_a_record_whose_file_is_gone_does_not_count(model_file: Path, tmp_path: Path) -> None:
    save_tuned(model_file, dataclasses.replace(TUNED, file=str(tmp_path / "gone.gguf")), cache=tmp_path)
    assert load_tuned(model_file, cache=tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"file": "x", "colour": "red"}'])
def test_an_unreadable_record_means_not_tuned(model_file: Path, tmp_path: Path, text: str) -> None:
    save_tuned(model_file, TUNED, cache=tmp_path)
    (record,) = folder_of(tmp_path).glob("*.json")
    record.write_text(text)
    assert load_tuned(model_file, cache=tmp_path) is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        pytest.param("It opens at 8:15.", True, id="right"),
        pytest.param("It opens at 6:40.", False, id="wrong"),
        pytest.param("8:15? Not in your documents.", False, id="refused"),
    ],
)
def test_an_answerable_question_wants_its_answer(text: str, right: bool) -> None:
    assert is_right(ExamQuestion("p", "q", ("8:15",)), text) is right


@pytest.mark.parametrize(("text", "right"), [("Not in your documents.", True), ("40 knots.", False)])
def test_an_unanswerable_question_wants_a_refusal(text: str, right: bool) -> None:
    assert is_right(ExamQuestion("p", "q", ()), text) is right


def test_the_exam_holds_its_own_answers() -> None:
    for question in EXAM:
        assert all(is_right(question, word) for word in question.accepted)
        assert not question.accepted or any(word in question.passage for word in question.accepted)


@pytest.mark.parametrize(
    ("right", "asked", "mode"),
    [
        (0, 10, "quoting"),
        (7, 10, "quoting"),
        (8, 10, "phrasing"),
        (6, 6, "phrasing"),
        (5, 5, None),
        (1, 1, None),
    ],
)
def test_only_an_able_model_may_phrase(right: int, asked: int, mode: str | None) -> None:
    """A slow model was judged by the one question there was time for."""
    assert Grade(right, asked).mode == mode


@pytest.mark.parametrize(
    ("accepted", "text"), [("Esk", "It is on the desk."), ("4", "Version 14."), ("4", "Version 4.5")]
)
def test_a_part_of_a_word_is_no_answer(accepted: str, text: str) -> None:
    """ "desk" passed for the pump Esk, and any number with a 4 in it for version 4."""
    assert not is_right(ExamQuestion("p", "q", (accepted,)), text)
    assert is_right(ExamQuestion("p", "q", (accepted,)), f"It is {accepted.lower()}.")


@given(
    prefill=st.floats(min_value=1.0, max_value=1e4),
    steps=st.tuples(st.sampled_from([64, 128, 256]), st.sampled_from([64, 128, 256])),
)
def test_of_two_equally_fast_ways_the_one_of_smaller_steps_is_better(
    prefill: float, steps: tuple[int, int]
) -> None:
    one, other = (
        Measured(Setting(Path("m.gguf"), "BF16", True, 2, step_tokens=step), prefill, 50.0) for step in steps
    )
    assert (one.seconds < other.seconds) == (steps[0] < steps[1])


class Scripted:
    """Answers each question of the exam with the next of these replies."""

    identity = "http://host#able"

    def __init__(self, replies: list[str]) -> None:
        self.replies = replies

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        yield self.replies.pop(0)


RIGHT = [question.accepted[0] if question.accepted else "Not in your documents." for question in EXAM]


@pytest.mark.parametrize(
    ("replies", "mode"), [(RIGHT, "phrasing"), (["I am not sure."] * len(EXAM), "quoting")]
)
def test_a_servers_model_is_examined_and_taken_for_what_it_is_able_to_do(
    tmp_path: Path, replies: list[str], mode: str
) -> None:
    """A model behind a server was trusted with answers of its own, however weak it was."""
    shares: list[float] = []
    server: Any = Scripted(list(replies))
    grade = examine(server, cache=tmp_path, progress=lambda text, share: shares.append(share))
    assert grade is not None
    assert grade.mode == mode
    assert shares[-1] == 1.0
    assert recorded_mode(server.identity, cache=tmp_path) == mode
    assert recorded_mode("http://host#other", cache=tmp_path) is None


def test_a_stopped_exam_is_not_recorded(tmp_path: Path) -> None:
    server: Any = Scripted(list(RIGHT))
    assert examine(server, cache=tmp_path, cancelled=lambda: True) is None
    assert recorded_mode(server.identity, cache=tmp_path) is None


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises((ModelNotFound, ModelError), match=r"none\.gguf"):
        tune(tmp_path / "none.gguf", cache=tmp_path)


@pytest.mark.parametrize("loading_seconds", [0.5, 4.0])
@pytest.mark.parametrize(("rate", "asked"), [(2.0, 0), (5.0, 0), (20.0, 2), (60.0, 8), (400.0, 10)])
def test_a_slow_model_is_tuned_in_two_minutes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float, asked: int, loading_seconds: float
) -> None:
    """The answers were compared without a look at the time, minutes long with a large model."""
    clock = Clock()
    monkeypatch.setattr("rag.llm.tune.time", clock)
    monkeypatch.setattr(
        "rag.llm.tune.Engine", lambda path, **options: SlowEngine(clock, rate, loading_seconds, **options)
    )
    tuned = tune(starter_gguf(), cache=tmp_path)
    assert tuned is not None
    assert clock.now < 120
    assert tuned.agreement == 1.0
    assert abs(tuned.exam_questions - asked) <= 2
    assert tuned.prefill_rate == rate
    assert (len(tuned.tried) > 1) == (rate >= 20)
    assert (tuned.mode is None) == (tuned.exam_questions < LEAST_QUESTIONS)


@pytest.mark.slow
def test_a_stopped_tuning_leaves_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    assert (
        tune(
            starter_gguf(),
            cache=tmp_path,
            progress=lambda text, share: lines.append(text),
            cancelled=lambda: len(lines) > 1,
        )
        is None
    )
    assert len(lines) == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_tuning_the_starter_records_a_faithful_form_that_loading_uses(tmp_path: Path) -> None:
    shares: list[float] = []
    tuned = tune(starter_gguf(), cache=tmp_path, progress=lambda text, share: shares.append(share))
    assert tuned is not None
    assert tuned.agreement >= TOLERANCE
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    kept = {path.name for path in folder_of(tmp_path).glob("*.gguf")}
    assert kept <= {Path(tuned.file).name}
    assert load_tuned(starter_gguf(), cache=tmp_path) is not None

    model = load_chat_model(starter_gguf(), context_tokens=512, cache=tmp_path)
    *pieces, usage = model.stream([Message("user", "Say hello.")], max_tokens=5)
    model.close()
    assert pieces
    assert isinstance(usage, Usage)
