"""Tuning keeps the fastest form that answers as shipped, records it, and loading takes it up."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from gguf_files import starter_gguf
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelError, ModelNotFound
from rag.generation import load_chat_model, load_tuned
from rag.generation.tuned import TunedModel, folder_of, save_tuned
from rag.records import Message, Usage
from rag.tuning import EXAM, TOLERANCE, ExamQuestion, is_right, mode_for, step_tokens, tune

TUNED = TunedModel(
    file="model.gguf",
    weights="BF16",
    flash_attention=True,
    cache_type="BF16",
    threads=1,
    micro_batch=128,
    step_tokens=64,
    prefill_rate=1200.5,
    decode_rate=80.0,
    shipped_prefill_rate=380.0,
    shipped_decode_rate=70.0,
    agreement=0.99,
    exam=0.5,
    mode="quoting",
    seconds=40.0,
    tried={"BF16, flash, 1 threads, batch 512": (1200.5, 80.0, 0.99), "as shipped": (380.0, 70.0, None)},
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


def test_only_an_able_model_may_phrase() -> None:
    assert [mode_for(score) for score in (0.0, 0.5, 0.79, 0.8, 1.0)] == ["quoting"] * 3 + ["phrasing"] * 2


@given(st.floats(min_value=0.1, max_value=1e5))
def test_a_step_takes_a_tenth_of_a_second_at_most(rate: float) -> None:
    step = step_tokens(rate)
    assert step in (16, 32, 64, 128, 256)
    assert step / rate <= 0.1 or step == 16
    assert step * 2 / rate > 0.1 or step == 256


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises((ModelNotFound, ModelError), match=r"none\.gguf"):
        tune(tmp_path / "none.gguf", cache=tmp_path)


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
