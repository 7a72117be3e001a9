"""Finds, by measuring, how a model runs fastest on this machine without answering otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rag.llm import chat_model_of, usable_cores
from rag.llm.capability import ANSWER_TOKENS, EXAM, ExamQuestion, Grade, is_right, sit
from rag.llm.llama import FORMATS, Engine, requantise
from rag.llm.server import ServerChatModel
from rag.llm.tuned_form import TunedModel, folder_of, key_of, save_grade, save_tuned
from rag.prompts import fill_apart
from rag.records import Message
from rag.settings import PROJECT

TOLERANCE = 0.97
"""Least share of greedy tokens to stay as shipped. SmolLM2's Q4_1 as bfloat16 keeps 0.987, as Q4_0 0.78."""
MOST_SECONDS = 110.0
MOST_BYTES = 2 * 2**30
_MOST_PARAMETERS_REQUANTISED = 1e9
_BYTES_A_WEIGHT = {"Q8_0": 1.07, "Q4_0": 0.57, "BF16": 2.0}
# A prompt long enough that attention counts (SmolLM2 computes half as fast 1,000 tokens deep), but none that
# takes a slow model longer than this.
_PROMPTS = (768, 256)
_PROMPT_SECONDS = _DECODE_SECONDS = 4.0
_WARM_TOKENS, _DECODED_TOKENS = 64, 16
_CONTEXT = 1024
_SHIPPED_STEP = 512
"""What llama.cpp computes at once when nobody asks for another batch."""
_STEP = 128
_OTHER_STEPS = (64, 256)
_LEAST_COMPARED = 4
_FOLLOW_UPS = 3

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run a model."""

    file: Path
    weights: str
    flash_attention: bool
    threads: int
    step_tokens: int = _STEP
    cache_type: str = "F16"

    @property
    def name(self) -> str:
        """A short name for progress lines and the record."""
        attention = "flash" if self.flash_attention else "plain"
        return (
            f"{self.weights}, {attention}, {self.cache_type} cache, {self.threads} threads, "
            f"steps of {self.step_tokens}"
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Rates in tokens a second; the share of greedy tokens that stay as shipped, where it was asked."""

    setting: Setting
    prefill_rate: float
    decode_rate: float
    agreement: float | None = None

    @property
    def seconds(self) -> float:
        """A typical answer, 1,500 prompt tokens and 60 of its own, and what is lost in three follow-ups.

        Of a follow-up's prompt only whole steps are taken from the cache. So half a step is computed again,
        and that deep in a prompt it takes twice as long: SmolLM2's follow-ups took 1.06 s in steps of 256.
        """
        prompts = 1500 + _FOLLOW_UPS * self.setting.step_tokens
        return prompts / self.prefill_rate + 60 / self.decode_rate


class _Cancelled(Exception):
    """The person stopped the tuning; nothing is recorded."""


def tune(
    path: Path,
    *,
    cache: Path,
    progress: Progress = lambda text, share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TunedModel | None:
    """Measures formats, flash attention, threads and sizes of steps, and records the best in `cache`.

    The best is what finishes a typical answer first among the forms that keep at least `TOLERANCE`
    of the shipped model's greedy tokens on the built-in exam. Takes less than two minutes: what would
    not be done by then is not begun. None when cancelled; then nothing is recorded.

    Raises:
        ModelNotFound, ModelDamaged, ModelError: the model cannot be used at all.
    """
    run = _Run(path, cache, progress, cancelled)
    try:
        return run.best()
    except _Cancelled:
        return None
    finally:
        run.tidy()


class _Run:
    """One tuning: what was measured so far, and the files it made."""

    def __init__(self, path: Path, cache: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.path, self.cache = path, cache
        self.progress, self.cancelled = progress, cancelled
        self.started = time.perf_counter()
        self.measured: dict[Setting, Measured] = {}
        self.made: list[Path] = []
        self.kept: Path | None = None
        self.prompts: list[list[int]] = []
        self.replies: list[list[int]] = []
        self.grade = Grade()
        self.prompt_tokens = _PROMPTS[0]
        self.loading_seconds = 0.0

    def best(self) -> TunedModel:
        """Measures, examines, chooses, records."""
        shipped = Setting(self.path, "as shipped", False, usable_cores(), _SHIPPED_STEP)
        self._measure(shipped)
        parameters = self._examine(shipped)
        if self.prompts:  # without the shipped answers nothing can be compared with them
            for setting in self._variants(shipped, parameters):
                self._measure(setting)
            for setting in self._refinements(self._fastest().setting):
                self._measure(setting)
        return self._recorded(self.measured[shipped], self._fastest())

    def _examine(self, shipped: Setting) -> int:
        """Collects the shipped model's greedy answers, as many as half of the time allows."""
        measured = self.measured[shipped]
        with self._engine(shipped) as engine:
            model = chat_model_of(engine, self.path, step_tokens=_STEP)
            for question in EXAM:
                prompt = model.prompt_tokens(exam_messages(question))
                seconds = len(prompt) / measured.prefill_rate + ANSWER_TOKENS / measured.decode_rate
                if not self._done_in_time(seconds, share=0.5):
                    break
                self._report(f"exam question {len(self.prompts) + 1} of {len(EXAM)}")
                self.prompts.append(prompt)
                self.replies.append(_greedy(engine, prompt))
                reply = b"".join(map(engine.piece, self.replies[-1])).decode("utf-8", "replace")
                self.grade = self.grade.with_answer(is_right(question, reply))
            return model.parameters

    def tidy(self) -> None:
        """Deletes the formats that were not chosen."""
        for file in self.made:
            if file != self.kept:
                file.unlink(missing_ok=True)

    def _variants(self, shipped: Setting, parameters: int) -> Iterator[Setting]:
        for weights in FORMATS:
            if parameters > _MOST_PARAMETERS_REQUANTISED:
                break  # a 1.5-billion-parameter model gained nothing, and each format takes a minute
            if parameters * _BYTES_A_WEIGHT[weights] > MOST_BYTES or not self._done_in_time(0, share=0.7):
                continue
            file = self._requantised(weights)
            for flash_attention in (True, False):  # with it SmolLM2 in bfloat16 is fastest
                yield replace(
                    shipped, file=file, weights=weights, flash_attention=flash_attention, step_tokens=_STEP
                )
        yield replace(shipped, flash_attention=True, step_tokens=_STEP)

    def _refinements(self, best: Setting) -> Iterator[Setting]:
        # With AVX512_BF16, 1,000 tokens deep: 285 tokens a second against 250, plain attention only.
        yield replace(best, flash_attention=False, cache_type="BF16")
        cores = best.threads
        for threads in sorted({max(1, cores // 2), max(1, cores - 1)} - {cores}):
            yield replace(best, threads=threads)
        for step in _OTHER_STEPS:
            yield replace(best, step_tokens=step)

    def _requantised(self, weights: str) -> Path:
        self._report(f"writing {weights}")
        file = folder_of(self.cache) / f"{self.path.stem}-{key_of(self.path)}-{weights}.gguf"
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        self.made.append(file)
        try:
            requantise(self.path, part, weights=weights, threads=usable_cores())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return file

    def _measure(self, setting: Setting) -> None:
        """Measures one way, unless it would not be done in time."""
        if self.measured and not self._done_in_time(self._expected_seconds()):
            return
        self._report(f"measuring {setting.name}")
        with self._engine(setting) as engine:
            warm = _prefill_rate(engine, _WARM_TOKENS, step=setting.step_tokens)
            if not self.measured:
                affordable = [count for count in _PROMPTS if count / warm <= _PROMPT_SECONDS]
                self.prompt_tokens = max(affordable, default=_WARM_TOKENS)
            slow = self.prompt_tokens == _WARM_TOKENS
            prefill = warm if slow else _prefill_rate(engine, self.prompt_tokens, step=setting.step_tokens)
            decode = _decode_rate(engine, start=self.prompt_tokens)
            self.measured[setting] = Measured(setting, prefill, decode)

    def _expected_seconds(self) -> float:
        """What one more way takes to be measured and compared, if it is as slow as the shipped one."""
        shipped = next(iter(self.measured.values()))
        prompts = _WARM_TOKENS + self.prompt_tokens + self._compared_tokens()
        answers = prompts / shipped.prefill_rate + _DECODED_TOKENS / shipped.decode_rate
        return 2 * self.loading_seconds + answers

    def _compared_tokens(self) -> int:
        """Tokens of the exam answers that are always compared."""
        texts = [*self.prompts[:_LEAST_COMPARED], *self.replies[:_LEAST_COMPARED]]
        return sum(map(len, texts))

    def _fastest(self) -> Measured:
        """The fastest form that is faithful enough; the shipped one is, by definition."""
        order = sorted(self.measured.values(), key=lambda entry: entry.seconds)
        setting = next(entry.setting for entry in order if self._agreement(entry) >= TOLERANCE)
        return self.measured[setting]

    def _agreement(self, entry: Measured) -> float:
        """The share of the shipped answers' tokens that this form finds likeliest too; 0 for want of time."""
        if entry.agreement is not None:
            return entry.agreement
        agreement = 1.0
        if entry.setting != next(iter(self.measured)):
            seconds = self.loading_seconds + self._compared_tokens() / entry.prefill_rate
            if not self._done_in_time(seconds):
                return 0.0
            self._report(f"comparing the answers of {entry.setting.name}")
            with self._engine(entry.setting) as engine:
                agreement = self._compared(engine, entry.prefill_rate)
        self.measured[entry.setting] = replace(entry, agreement=agreement)
        return agreement

    def _compared(self, engine: Engine, rate: float) -> float:
        """The share of reply tokens that are the likeliest; over as many answers as there is time for."""
        same = total = 0
        for number, (prompt, reply) in enumerate(zip(self.prompts, self.replies, strict=True)):
            seconds = (len(prompt) + len(reply)) / rate
            if number >= _LEAST_COMPARED and not self._done_in_time(seconds):
                break
            same += _agreeing(engine, prompt, reply)
            total += len(reply)
        return same / total

    def _recorded(self, shipped: Measured, best: Measured) -> TunedModel:
        setting = best.setting
        tuned = TunedModel(
            file=str(setting.file),
            weights=setting.weights,
            flash_attention=setting.flash_attention,
            cache_type=setting.cache_type,
            threads=setting.threads,
            step_tokens=setting.step_tokens,
            prefill_rate=round(best.prefill_rate, 1),
            decode_rate=round(best.decode_rate, 1),
            shipped_prefill_rate=round(shipped.prefill_rate, 1),
            shipped_decode_rate=round(shipped.decode_rate, 1),
            agreement=round(self._agreement(best), 4),
            exam=self.grade.share,
            exam_questions=self.grade.asked,
            mode=self.grade.mode,
            seconds=round(time.perf_counter() - self.started, 1),
            tried={entry.setting.name: _rounded(entry) for entry in self.measured.values()},
        )
        self.kept = setting.file
        save_tuned(self.path, tuned, cache=self.cache)
        self.progress("done", 1.0)
        return tuned

    @contextmanager
    def _engine(self, setting: Setting) -> Iterator[Engine]:
        started = time.perf_counter()
        engine = Engine(
            setting.file,
            context_tokens=_CONTEXT,
            threads=setting.threads,
            flash_attention=setting.flash_attention,
            micro_batch=setting.step_tokens,
            cache_type=setting.cache_type,
        )
        self.loading_seconds = max(self.loading_seconds, time.perf_counter() - started)
        try:
            yield engine
        finally:
            engine.close()

    def _done_in_time(self, seconds: float, *, share: float = 1.0) -> bool:
        return time.perf_counter() - self.started + seconds < MOST_SECONDS * share

    def _report(self, text: str) -> None:
        if self.cancelled():
            raise _Cancelled
        self.progress(text, min(0.99, (time.perf_counter() - self.started) / MOST_SECONDS))


def _rounded(entry: Measured) -> tuple[float, float, float | None]:
    agreement = None if entry.agreement is None else round(entry.agreement, 4)
    return round(entry.prefill_rate, 1), round(entry.decode_rate, 1), agreement


def examine(
    model: ServerChatModel,
    *,
    cache: Path,
    progress: Progress = lambda text, share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Grade | None:
    """Puts the exam to a server's model, and records what it is trusted to do; None when cancelled.

    Raises:
        ModelServerError: the server refused, failed, or was silent for too long.
    """
    grade = Grade()
    for grade in sit(model, exam_messages):
        if cancelled():
            return None
        progress(f"exam question {grade.asked} of {len(EXAM)}", grade.asked / len(EXAM))
    save_grade(model.identity, grade.right, grade.asked, grade.mode, cache=cache)
    return grade


def exam_messages(question: ExamQuestion) -> list[Message]:
    """The question as the exam puts it: always with the prompt as shipped, so that grades compare."""
    folder = PROJECT / "prompts"
    asked = fill_apart("exam", folder=folder, passage=question.passage, question=question.question)
    return [Message("system", fill_apart("exam_rules", folder=folder)), Message("user", asked)]


def _greedy(engine: Engine, prompt: Sequence[int]) -> list[int]:
    _read(engine, prompt, step=_STEP)
    reply: list[int] = []
    while len(reply) < ANSWER_TOKENS:
        token = int(engine.logits().argmax())
        reply.append(token)
        if engine.is_end(token):
            break
        engine.decode([token], start=len(prompt) + len(reply) - 1)
    return reply


def _read(engine: Engine, tokens: Sequence[int], *, step: int) -> None:
    """Computes a prompt from its first token on, as `LocalChatModel` does."""
    engine.trim(0)
    for start in range(0, len(tokens), step):
        engine.decode(tokens[start : start + step], start=start)


def _agreeing(engine: Engine, prompt: Sequence[int], reply: Sequence[int]) -> int:
    """How many tokens of a reply are the likeliest after the prompt and the reply so far."""
    engine.trim(0)
    text = [*prompt, *reply[:-1]]
    predicted: list[int] = []
    for start in range(0, len(text), 64):
        predicted += engine.predict(text[start : start + 64], start=start)
    return sum(a == b for a, b in zip(predicted[len(prompt) - 1 :], reply, strict=True))


def _prefill_rate(engine: Engine, count: int, *, step: int) -> float:
    """Tokens a second over a prompt."""
    tokens = [(index * 7919) % engine.vocabulary_size for index in range(count)]
    started = time.perf_counter()
    _read(engine, tokens, step=step)
    return len(tokens) / (time.perf_counter() - started)


def _decode_rate(engine: Engine, *, start: int) -> float:
    started = time.perf_counter()
    for index in range(_DECODED_TOKENS):
        engine.decode([index + 100], start=start + index)
        seconds = time.perf_counter() - started
        if seconds > _DECODE_SECONDS:
            break
    return (index + 1) / seconds
