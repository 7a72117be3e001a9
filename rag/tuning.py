"""Finds, by measuring, how a model runs fastest on this machine without answering otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rag.generation import chat_model_of, usable_cores
from rag.generation.llama import FORMATS, Engine, requantise
from rag.generation.tuned import TunedModel, folder_of, key_of, save_tuned
from rag.protocols import AnswerMode
from rag.records import Message

TOLERANCE = 0.97
"""Least share of greedy tokens to stay as shipped. SmolLM2's Q4_1 as bfloat16 keeps 0.987, as Q4_0 0.78."""
PHRASING_EXAM = 0.8
"""Least share of exam questions a model must answer rightly to write answers of its own."""
MOST_SECONDS = 110.0
MOST_BYTES = 2 * 2**30
_MOST_PARAMETERS_REQUANTISED = 1e9
_BYTES_A_WEIGHT = {"Q8_0": 1.07, "Q4_0": 0.57, "BF16": 2.0}
# A prompt long enough that attention counts: SmolLM2 computes half as fast 1,000 tokens deep.
_LONG_PROMPT, _SHORT_PROMPT, _ANSWER_TOKENS, _EXAM_TOKENS = 768, 256, 16, 24
# Below this rate, in tokens a second, the long prompt would eat up the time.
_SLOW = 250.0
_STEP_SECONDS = 0.1
_CONTEXT = 1024

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class ExamQuestion:
    """A passage, a question, and words one of which a right answer holds; none where it holds no answer."""

    passage: str
    question: str
    accepted: tuple[str, ...]


EXAM = (
    ExamQuestion(
        "The Birch Lane depot opens at 6:40 on weekdays and at 8:15 on Saturdays. It is closed on Sundays. "
        "Deliveries are taken at the north gate only.",
        "When does the depot open on Saturdays?",
        ("8:15",),
    ),
    ExamQuestion(
        "Of the three pumps, Calder moves 310 litres a minute, Derwent 275 and Esk 420. Esk was installed "
        "last and needs a new seal every 900 hours.",
        "Which pump moves the most water?",
        ("Esk",),
    ),
    ExamQuestion(
        "Marta Lindqvist led the survey until March. Tomasz Oyelaran then took over and moved its office "
        "from Turku to Vaasa.",
        "Who leads the survey now?",
        ("Oyelaran", "Tomasz"),
    ),
    ExamQuestion(
        "Refunds are paid within 12 working days. If the item was damaged on arrival, the period is 4 "
        "working days, and postage is paid back too.",
        "How long does a refund take for an item that arrived damaged?",
        ("4 working", "four working", "4 days", "four days"),
    ),
    ExamQuestion(
        "The cheese is washed in cider every second day for seven weeks. It is then wrapped in nettle "
        "leaves and kept at 9 degrees until it is sold.",
        "What is the cheese wrapped in?",
        ("nettle",),
    ),
    ExamQuestion(
        "Version 3 stored the measurements as text files. Since version 4 they are kept in one database, "
        "which is about nine times smaller, and version 3 can no longer read them.",
        "Since which version are measurements kept in a database?",
        ("version 4", "Version 4", "4"),
    ),
    ExamQuestion(
        "Budget for the garden: soil 1,240 euros, trees 3,860 euros, fence 2,075 euros. The trees were "
        "ordered in October.",
        "How much does the fence cost?",
        ("2,075", "2075"),
    ),
    ExamQuestion(
        "The ferry Solveig carries 64 cars and 480 passengers. Her sister ship, the Runa, carries 52 cars "
        "and was built two years earlier.",
        "What is the ferry's top speed?",
        (),
    ),
    ExamQuestion(
        "Visitors leave their bags in the lockers beside the stairs. Photographs are allowed without flash.",
        "What does a ticket cost?",
        (),
    ),
    ExamQuestion(
        "Bees from hive six were moved to the orchard on 3 May because the lime trees had not flowered.",
        "Why were the bees moved?",
        ("lime", "flower"),
    ),
)
_REFUSAL = "not in your documents"


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run a model."""

    file: Path
    weights: str
    flash_attention: bool
    threads: int
    micro_batch: int = 512
    cache_type: str = "F16"

    @property
    def name(self) -> str:
        """A short name for progress lines and the record."""
        attention = "flash" if self.flash_attention else "plain"
        return (
            f"{self.weights}, {attention}, {self.cache_type} cache, {self.threads} threads, "
            f"batch {self.micro_batch}"
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
        """A typical answer: 1,500 prompt tokens, 60 answer tokens."""
        return 1500 / self.prefill_rate + 60 / self.decode_rate


class _Cancelled(Exception):
    """The person stopped the tuning; nothing is recorded."""


def tune(
    path: Path,
    *,
    cache: Path,
    progress: Progress = lambda text, share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TunedModel | None:
    """Measures formats, flash attention, threads and batch sizes, and records the best in `cache`.

    The best is what finishes a typical answer first among the forms that keep at least `TOLERANCE`
    of the shipped model's greedy tokens on the built-in exam. Takes less than two minutes: what the
    time does not allow is not tried. None when cancelled; then nothing is recorded.

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
        self.right = 0
        self.prompt_tokens = _LONG_PROMPT

    def best(self) -> TunedModel:
        """Examines, measures, chooses, records."""
        shipped = Setting(self.path, "as shipped", False, usable_cores())
        parameters = self._examine(shipped)
        self._measure(shipped)
        for setting in self._variants(shipped, parameters):
            self._measure(setting)
        for setting in self._refinements(self._fastest().setting):
            self._measure(setting)
        return self._recorded(self.measured[shipped], self._fastest())

    def _examine(self, shipped: Setting) -> int:
        """Collects the shipped model's greedy answers, as many as a quarter of the time allows."""
        with self._engine(shipped) as engine:
            model = chat_model_of(engine, self.path, step_tokens=32)
            for question in EXAM:
                if self.prompts and not self._time_left(0.25):
                    break
                self._report(f"exam question {len(self.prompts) + 1} of {len(EXAM)}")
                prompt = model.prompt_tokens(exam_messages(question))
                self.prompts.append(prompt)
                self.replies.append(_greedy(engine, prompt))
                reply = b"".join(map(engine.piece, self.replies[-1])).decode("utf-8", "replace")
                self.right += is_right(question, reply)
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
            if parameters * _BYTES_A_WEIGHT[weights] > MOST_BYTES or not self._time_left(0.7):
                continue
            file = self._requantised(weights)
            for flash_attention in (False, True):
                yield replace(shipped, file=file, weights=weights, flash_attention=flash_attention)
        yield replace(shipped, flash_attention=True)

    def _refinements(self, best: Setting) -> Iterator[Setting]:
        # With AVX512_BF16, 1,000 tokens deep: 285 tokens a second against 250, plain attention only.
        yield replace(best, flash_attention=False, cache_type="BF16")
        cores = best.threads
        for threads in sorted({max(1, cores // 2), max(1, cores - 1)} - {cores}):
            yield replace(best, threads=threads)
        for micro_batch in (128, 256):
            yield replace(best, micro_batch=micro_batch)

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
        if self.measured and not self._time_left(0.7):
            return
        self._report(f"measuring {setting.name}")
        with self._engine(setting) as engine:
            warm = _prefill_rate(engine, 64)
            if not self.measured and warm < _SLOW:
                self.prompt_tokens = _SHORT_PROMPT
            prefill = _prefill_rate(engine, self.prompt_tokens)
            decode = _decode_rate(engine, start=self.prompt_tokens)
            self.measured[setting] = Measured(setting, prefill, decode)

    def _fastest(self) -> Measured:
        """The fastest form that is faithful enough; the shipped one is, by definition."""
        order = sorted(self.measured.values(), key=lambda entry: entry.seconds)
        setting = next(entry.setting for entry in order if self._agreement(entry) >= TOLERANCE)
        return self.measured[setting]

    def _agreement(self, entry: Measured) -> float:
        """The share of the shipped answers' tokens that this form also finds likeliest."""
        if entry.agreement is not None:
            return entry.agreement
        shipped = next(iter(self.measured))
        agreement = 1.0
        if entry.setting != shipped:
            self._report(f"comparing the answers of {entry.setting.name}")
            with self._engine(entry.setting) as engine:
                agreement = _agreement(engine, self.prompts, self.replies)
        self.measured[entry.setting] = replace(entry, agreement=agreement)
        return agreement

    def _recorded(self, shipped: Measured, best: Measured) -> TunedModel:
        setting, exam = best.setting, self.right / len(self.prompts)
        tuned = TunedModel(
            file=str(setting.file),
            weights=setting.weights,
            flash_attention=setting.flash_attention,
            cache_type=setting.cache_type,
            threads=setting.threads,
            micro_batch=setting.micro_batch,
            step_tokens=step_tokens(best.prefill_rate),
            prefill_rate=round(best.prefill_rate, 1),
            decode_rate=round(best.decode_rate, 1),
            shipped_prefill_rate=round(shipped.prefill_rate, 1),
            shipped_decode_rate=round(shipped.decode_rate, 1),
            agreement=round(self._agreement(best), 4),
            exam=exam,
            mode=mode_for(exam),
            seconds=round(time.perf_counter() - self.started, 1),
            tried={entry.setting.name: _rounded(entry) for entry in self.measured.values()},
        )
        self.kept = setting.file
        save_tuned(self.path, tuned, cache=self.cache)
        self.progress("done", 1.0)
        return tuned

    @contextmanager
    def _engine(self, setting: Setting) -> Iterator[Engine]:
        engine = Engine(
            setting.file,
            context_tokens=_CONTEXT,
            threads=setting.threads,
            flash_attention=setting.flash_attention,
            micro_batch=setting.micro_batch,
            cache_type=setting.cache_type,
        )
        try:
            yield engine
        finally:
            engine.close()

    def _time_left(self, share: float) -> bool:
        return time.perf_counter() - self.started < MOST_SECONDS * share

    def _report(self, text: str) -> None:
        if self.cancelled():
            raise _Cancelled
        self.progress(text, min(0.99, (time.perf_counter() - self.started) / MOST_SECONDS))


def _rounded(entry: Measured) -> tuple[float, float, float | None]:
    agreement = None if entry.agreement is None else round(entry.agreement, 4)
    return round(entry.prefill_rate, 1), round(entry.decode_rate, 1), agreement


def is_right(question: ExamQuestion, text: str) -> bool:
    """Whether an exam answer holds an accepted word, or refuses where there is no answer."""
    refused = _REFUSAL in text.lower()
    if not question.accepted:
        return refused
    return not refused and any(word.lower() in text.lower() for word in question.accepted)


def mode_for(exam: float) -> AnswerMode:
    """What a model of this ability is trusted to do."""
    return "phrasing" if exam >= PHRASING_EXAM else "quoting"


def step_tokens(prefill_rate: float) -> int:
    """The power of two of prompt tokens that takes at most 0.1 s, so that a stop is felt at once."""
    step = 16  # below, SmolLM2 loses a third of its speed
    while step * 2 <= prefill_rate * _STEP_SECONDS and step < 256:
        step *= 2
    return step


def exam_messages(question: ExamQuestion) -> list[Message]:
    """The question as the exam puts it."""
    instructions = (
        "Answer the question with the passage, in one short sentence. If the passage does not hold the "
        'answer, write only: "Not in your documents."'
    )
    return [
        Message("system", instructions),
        Message("user", f'Passage:\n"""\n{question.passage}\n"""\n\nQuestion: {question.question}'),
    ]


def _greedy(engine: Engine, prompt: Sequence[int]) -> list[int]:
    engine.trim(0)
    for start in range(0, len(prompt), 64):
        engine.decode(prompt[start : start + 64], start=start)
    reply: list[int] = []
    while len(reply) < _EXAM_TOKENS:
        token = int(engine.logits().argmax())
        reply.append(token)
        if engine.is_end(token):
            break
        engine.decode([token], start=len(prompt) + len(reply) - 1)
    return reply


def _agreement(engine: Engine, prompts: Sequence[list[int]], replies: Sequence[list[int]]) -> float:
    """The share of reply tokens that are the likeliest after the prompt and the reply so far."""
    same = total = 0
    for prompt, reply in zip(prompts, replies, strict=True):
        engine.trim(0)
        text = [*prompt, *reply[:-1]]
        predicted: list[int] = []
        for start in range(0, len(text), 64):
            predicted += engine.predict(text[start : start + 64], start=start)
        same += sum(a == b for a, b in zip(predicted[len(prompt) - 1 :], reply, strict=True))
        total += len(reply)
    return same / total


def _prefill_rate(engine: Engine, count: int) -> float:
    """Tokens a second over a prompt computed in steps of 64."""
    tokens = [(index * 7919) % engine.vocabulary_size for index in range(count)]
    engine.trim(0)
    started = time.perf_counter()
    for start in range(0, len(tokens), 64):
        engine.decode(tokens[start : start + 64], start=start)
    return len(tokens) / (time.perf_counter() - started)


def _decode_rate(engine: Engine, *, start: int) -> float:
    started = time.perf_counter()
    for index in range(_ANSWER_TOKENS):
        engine.decode([index + 100], start=start + index)
    return _ANSWER_TOKENS / (time.perf_counter() - started)
