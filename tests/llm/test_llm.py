"""The starter model streams whole characters, stops at once, and answers the same whatever is cached."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import BudgetError, ModelDamaged, ModelError, ModelNotFound
from rag.llm import LocalChatModel, chat_model_of, forget_prompts, load_chat_model
from rag.llm.chat_template import ChatTemplate, Part
from rag.llm.llama import Engine
from rag.llm.prompt_cache import KeptStates
from rag.llm.tuned_form import sha256_of
from rag.records import Message, Usage
from tests.fakes.gguf_files import byte_level_vocabulary, recurrent_gguf, starter_gguf
from tests.fakes.llm import SavingEngine

RIVERS = " ".join(f"River {number} carries water from hill {number} to the sea." for number in range(12))
ASKED = [Message("system", "You answer briefly."), Message("user", f"{RIVERS}\nWhere does river 7 flow?")]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}<{{ message.role }}>{{ message.content | trim }}{% endfor %}"
)


def load_model(path: Path, **options: Any) -> LocalChatModel:
    model = load_chat_model(path, **options)
    assert isinstance(model, LocalChatModel)
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChatModel]:
    loaded = load_model(
        starter_gguf(), context_tokens=1024, threads=1, cache=tmp_path_factory.mktemp("cache")
    )
    yield loaded
    loaded.close()


class Scripted:
    """A sampler that says a given text."""

    def __init__(self, model: LocalChatModel, text: str) -> None:
        self.tokens = [*model._tokenizer.encode(text), model.engine.end_tokens[0]]

    def next(self) -> int:
        return self.tokens.pop(0)

    def close(self) -> None:
        """Nothing to free."""


def run(model: LocalChatModel, messages: list[Message] = ASKED, **options: object) -> tuple[list[str], Usage]:
    *pieces, usage = model.stream(messages, **({"max_tokens": 12} | options))  # type: ignore[arg-type]
    assert isinstance(usage, Usage)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    return [str(piece) for piece in pieces], usage


def after(calls: int) -> Callable[[], bool]:
    """Says stop from the given call on."""
    count = iter(range(1, 1_000_000))
    return lambda: next(count) > calls


def template(text: str) -> ChatTemplate:
    return ChatTemplate(text, first_token="<s>", end_token="</s>")


def test_contents_stand_apart_from_markup() -> None:
    parts = template(CHATML).parts(
        [Message("user", "Hi<|im_end|>"), Message("assistant", ""), Message("user", "{{ 7*7 }}")]
    )
    assert parts == [
        Part("<|im_start|>user\n", True),
        Part("Hi<|im_end|>", False),
        Part("<|im_end|>\n<|im_start|>assistant\n", True),
        Part("<|im_end|>\n<|im_start|>user\n", True),
        Part("{{ 7*7 }}", False),
        Part("<|im_end|>\n<|im_start|>assistant\n", True),
    ]


def test_a_template_without_a_system_role_gets_it_in_the_first_question() -> None:
    parts = template(NO_SYSTEM).parts([Message("system", "Be brief."), Message("user", "Why?")])
    assert parts == [Part("<user>", True), Part("Be brief.\n\nWhy?", False)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{{ raise_exception('roles must alternate') }}", "roles must alternate", id="refuses"),
        pytest.param("{{ messages[-1].content }}", "leaves out", id="leaves-out"),
        pytest.param("{{ nothing.content.x }}", "refused the conversation", id="broken"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        template(text).parts([Message("user", "a"), Message("user", "b")])


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"none\.gguf"):
        load_model(tmp_path / "none.gguf", context_tokens=512, threads=1)


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    path = byte_level_vocabulary(tmp_path / "base.gguf", pre="gpt-2")
    with pytest.raises(ModelError, match=r"base\.gguf has no chat template"):
        load_model(path, context_tokens=512, threads=1)


@pytest.mark.slow
def test_a_model_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(starter_gguf().read_bytes()[:5_000_000])
    with pytest.raises(ModelDamaged, match=r"cut\.gguf"):
        load_model(path, context_tokens=512, threads=1)


@pytest.mark.slow
def test_usage_counts_the_prompt_exactly_and_the_answer(model: LocalChatModel) -> None:
    model.forget()
    pieces, usage = run(model)
    assert usage.prompt_tokens == model.count_prompt_tokens(ASKED)
    assert (usage.cached_tokens, usage.finish, usage.answer_tokens) == (0, "length", 12)
    assert 0 < usage.first_token_seconds <= usage.total_seconds
    assert "".join(pieces).strip()


@pytest.mark.slow
def test_an_answer_ends_by_itself(model: LocalChatModel) -> None:
    _, usage = run(model, [Message("user", "Reply with the single word yes.")], max_tokens=200)
    assert usage.finish == "stop"
    assert usage.answer_tokens < 200


@pytest.mark.slow
def test_the_answer_is_the_same_whatever_was_asked_before(model: LocalChatModel) -> None:
    model.forget()
    cold, _ = run(model)
    warm, usage = run(model)
    assert usage.cached_tokens > usage.prompt_tokens - 70
    run(model, [*ASKED[:1], Message("user", RIVERS[:400] + " What is this?")])
    partly, usage = run(model)
    assert 0 < usage.cached_tokens < usage.prompt_tokens - 70
    assert cold == warm == partly


@pytest.mark.slow
def test_a_follow_up_computes_only_what_is_new(model: LocalChatModel) -> None:
    pieces, first = run(model)
    follow_up = [*ASKED, Message("assistant", "".join(pieces)), Message("user", "And river 8?")]
    _, usage = run(model, follow_up)
    assert first.prompt_tokens - 70 < usage.cached_tokens <= first.prompt_tokens


@pytest.mark.slow
def test_a_prompt_cache_outlives_the_model(tmp_path: Path) -> None:
    def answer(conversation: str | None) -> tuple[list[str], Usage]:
        model = load_model(starter_gguf(), context_tokens=1024, threads=1, cache=tmp_path)
        try:
            return run(model, conversation=conversation)
        finally:
            model.close()

    saved, _ = answer("a")
    again, usage = answer("a")
    assert again == saved
    assert usage.cached_tokens > usage.prompt_tokens - 70
    assert answer("b")[1].cached_tokens == 0
    assert answer(None)[1].cached_tokens == 0


@pytest.mark.slow
def test_conversations_swap_their_caches_on_disk(model: LocalChatModel) -> None:
    other = [Message("user", "Lakes " * 150)]
    first, _ = run(model, conversation="rivers")
    run(model, other, conversation="lakes")
    second, usage = run(model, conversation="rivers")
    assert usage.cached_tokens > usage.prompt_tokens - 70
    assert second == first


@pytest.mark.slow
def test_a_prompt_of_no_conversation_does_not_pass_for_the_last_one(model: LocalChatModel) -> None:
    """A rewriting between two turns left the conversation's cache on disk and computed it anew."""
    run(model, conversation="rivers")
    run(model, [Message("user", "Lakes " * 150)])
    _, usage = run(model, conversation="rivers")
    assert usage.cached_tokens > usage.prompt_tokens - 70


def test_a_models_hash_is_kept_until_its_file_changes(tmp_path: Path) -> None:
    file, cache = tmp_path / "model.gguf", tmp_path / "cache"
    file.write_bytes(b"weights")
    first = sha256_of(file, cache=cache)
    assert first == hashlib.sha256(b"weights").hexdigest() == sha256_of(file, cache=None)
    (kept,) = cache.rglob("*.sha256")
    kept.write_text("from the cache", encoding="ascii")
    assert sha256_of(file, cache=cache) == "from the cache"
    file.write_bytes(b"other weights")
    assert sha256_of(file, cache=cache) == hashlib.sha256(b"other weights").hexdigest()


def kept_states(cache: Path, model: str) -> KeptStates:
    return KeptStates(cache / "prompts", identity=model)


def test_a_deleted_conversation_leaves_no_prompt_cache(tmp_path: Path) -> None:
    """Whoever deleted a conversation left its text on the disk, in the models' caches."""
    engine: Any = SavingEngine()
    tokens = list(range(200))
    for model in ("small", "large"):
        for conversation in ("1", "2"):
            kept_states(tmp_path, model).save(engine, conversation, tokens)
    forget_prompts("1", cache=tmp_path)
    assert [kept_states(tmp_path, model).load(engine, "1") for model in ("small", "large")] == [None, None]
    assert kept_states(tmp_path, "small").load(engine, "2") == tokens


def test_what_a_dead_process_left_half_written_is_removed(tmp_path: Path) -> None:
    """Files of a saving that was killed were never counted, and never deleted."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    old, new = folder / "a.0000.part", folder / "b.0000.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    engine: Any = SavingEngine()
    kept_states(tmp_path, "small").save(engine, "1", list(range(200)))
    assert [path.name for path in sorted(folder.glob("*.part"))] == ["b.0000.part"]


@pytest.mark.slow
def test_a_damaged_prompt_cache_is_thrown_away(tmp_path: Path) -> None:
    """The cache in memory was emptied by the try, and its tokens were still taken to be there."""
    alike = [ASKED[0], Message("user", f"{RIVERS}\nWhere does river 8 flow?")]
    model = load_model(starter_gguf(), context_tokens=1024, threads=1, cache=tmp_path)
    try:
        expected, _ = run(model, conversation="a")
        (kept,) = tmp_path.rglob("*.kv")
        kept.write_bytes(kept.read_bytes()[:50_000])
        run(model, alike, conversation="b")
        again, usage = run(model, conversation="a")
    finally:
        model.close()
    assert again == expected
    assert usage.cached_tokens == 0


def test_a_model_that_cannot_forget_a_part_computes_its_prompt_anew(tmp_path: Path) -> None:
    """Mamba models failed at their second question, and after the first where it was saved."""
    model = load_model(recurrent_gguf(tmp_path / "mamba.gguf"), context_tokens=1024, cache=tmp_path)
    try:
        first, _ = run(model, conversation="a")
        again, usage = run(model, conversation="a")
        other, _ = run(model, [ASKED[0], Message("user", f"{RIVERS}\nAnd river 8?")], conversation="b")
        last, _ = run(model, conversation="a")
    finally:
        model.close()
    assert first == again == last
    assert other
    assert usage.cached_tokens == 0


@pytest.mark.slow
@pytest.mark.parametrize("calls", [0, 1, 5], ids=["before", "in-the-first-step", "in-the-prompt"])
def test_a_stop_during_the_prompt_gives_no_text(model: LocalChatModel, calls: int) -> None:
    model.forget()
    pieces, usage = run(model, cancelled=after(calls))
    assert (pieces, usage.finish, usage.answer_tokens) == ([], "cancelled", 0)
    whole, _ = run(model)
    model.forget()
    assert run(model)[0] == whole


@pytest.mark.slow
def test_a_stop_ends_a_step_midway() -> None:
    """A stop waited for the end of a step, so that steps had to be small, and small ones are slow."""
    engine = Engine(starter_gguf(), context_tokens=1024, threads=1)
    model = chat_model_of(engine, starter_gguf(), step_tokens=512)
    try:
        _, usage = run(model, cancelled=after(1))  # the second look is while the only step is computed
        assert (usage.finish, usage.answer_tokens) == ("cancelled", 0)
        whole, usage = run(model)
        assert usage.cached_tokens == 0
        model.forget()
        assert run(model)[0] == whole
    finally:
        model.close()


@pytest.mark.slow
def test_a_stop_between_tokens_keeps_what_was_written(model: LocalChatModel) -> None:
    whole, _ = run(model)
    pieces: list[str] = []
    finish = ""
    for piece in model.stream(ASKED, max_tokens=12, cancelled=lambda: len(pieces) > 2):
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            finish = piece.finish
    assert finish == "cancelled"
    assert 0 < len(pieces) < len(whole)
    assert "".join(whole).startswith("".join(pieces))


@pytest.mark.slow
def test_characters_of_several_tokens_arrive_whole(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.engine, "sampler", lambda **_: Scripted(model, "日本語👩🏽‍🚀é"))
    pieces, usage = run(model, max_tokens=60)
    assert "".join(pieces) == "日本語👩🏽‍🚀é"
    assert usage.finish == "stop"
    assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.slow
def test_a_character_cut_off_by_the_limit_is_left_out(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.engine, "sampler", lambda **_: Scripted(model, "👍"))
    pieces, usage = run(model, max_tokens=2)
    assert (pieces, usage.finish) == ([], "length")


@pytest.mark.slow
def test_the_answer_is_the_choice_that_the_model_finds_likeliest(model: LocalChatModel) -> None:
    choices = ["The Loire.", "The Loire is a river of 1,006 km.", "Fried onions on buttered toast, twice."]
    pieces, usage = run(model, choices=choices, max_tokens=20)
    assert "".join(pieces) in choices[:2]
    assert usage.finish == "stop"
    assert run(model, choices=choices, max_tokens=20)[0] == pieces
    assert run(model, choices=choices, seed=-1, max_tokens=20)[0] == pieces
    drawn = {
        "".join(run(model, choices=choices, temperature=50.0, seed=seed, max_tokens=20)[0])
        for seed in range(40)
    }
    assert drawn == set(choices)


@pytest.mark.slow
def test_a_choice_leaves_the_prompt_cache_as_it_was(model: LocalChatModel) -> None:
    whole, _ = run(model)
    run(model, choices=["The Loire.", "The Loire rises at 1,408 m."], max_tokens=20)
    assert run(model)[0] == whole


@pytest.mark.slow
def test_choices_too_long_for_the_answer_are_none(model: LocalChatModel) -> None:
    choices = ["No.", "It is the longest river of the country by some distance."]
    assert run(model, choices=choices, max_tokens=4)[0] == ["No."]
    with pytest.raises(BudgetError, match="None of the 2 quotations fits into the 2 tokens"):
        run(model, choices=choices, max_tokens=2)
    assert run(model)[0]


@pytest.mark.slow
def test_leaning_is_shared_between_two_words(model: LocalChatModel) -> None:
    whole, _ = run(model)
    asked = [*ASKED[:-1], Message("user", f"{RIVERS}\nDoes river 7 flow to the sea? Say yes or no.")]
    yes, no = model.leaning(asked, "yes", "no"), model.leaning(asked, "no", "yes")
    assert yes is not None
    assert 0.0 < yes < 1.0
    assert yes + (no or 0.0) == pytest.approx(1.0)
    assert model.leaning(asked, "yes", "yes") == 0.5
    assert model.leaning(asked, "zebra", "onion") is None  # it begins with neither
    assert run(model)[0] == whole
    assert model.leaning(asked, "yes", "no", cancelled=lambda: True) is None
    assert model.leaning(asked, "yes", "no") == yes
    with pytest.raises(BudgetError, match="reads 1024"):
        model.leaning([Message("user", "word " * 1500)], "yes", "no")


@pytest.mark.slow
def test_a_seed_draws_the_same_answer_again(model: LocalChatModel) -> None:
    drawn = [run(model, temperature=1.5, seed=seed)[0] for seed in (1, 2, 3, 1)]
    assert drawn[0] == drawn[3]
    assert len({tuple(pieces) for pieces in drawn}) > 1


@pytest.mark.slow
def test_a_prompt_beyond_the_window_is_refused_with_its_numbers(model: LocalChatModel) -> None:
    long = [Message("user", "word " * 1500)]
    with pytest.raises(BudgetError, match=rf"has {model.count_prompt_tokens(long)} tokens .* reads 1024"):
        run(model, long)


@pytest.mark.slow
def test_the_answer_ends_where_the_window_does(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 5
    words = 1024 - room - model.count_prompt_tokens([Message("user", "")])
    messages = [Message("user", " river" * words)]
    monkeypatch.setattr(model.engine, "sampler", lambda **_: Scripted(model, "a a a a a a a a a a"))
    _, usage = run(model, messages, max_tokens=50)
    assert usage.prompt_tokens + usage.answer_tokens == 1024
    assert usage.finish == "length"


@pytest.mark.slow
def test_a_second_question_waits_for_the_first(model: LocalChatModel) -> None:
    first = model.stream(ASKED, max_tokens=12)
    begun = [next(first)]
    waiting = threading.Thread(target=lambda: answers.append(run(model)[0]))
    answers: list[list[str]] = []
    waiting.start()
    time.sleep(0.2)
    assert answers == []
    begun += list(first)
    waiting.join(timeout=120)
    assert answers == [[piece for piece in begun if isinstance(piece, str)]]


@pytest.mark.slow
def test_a_waiting_question_can_be_stopped(model: LocalChatModel) -> None:
    first = model.stream(ASKED, max_tokens=12)
    next(first)
    assert run(model, cancelled=after(1))[1].finish == "cancelled"
    assert isinstance(first, Generator)
    first.close()
    assert run(model)[0]


@pytest.mark.slow
def test_a_closed_model_says_so() -> None:
    model = load_model(starter_gguf(), context_tokens=512, threads=1)
    model.close()
    model.close()
    with pytest.raises(ModelError, match="is closed"):
        run(model, [Message("user", "Hi")])


@pytest.mark.slow
def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    model = load_model(starter_gguf(), context_tokens=512, threads=1)
    run(model, [Message("user", "Hi")])
    model.close()
    assert capfd.readouterr() == ("", "")
