"""Time to the first token of an answer: as shipped, tuned, and with the prompt cached; and to a stop.

    python tests/benchmarks/bench_generation.py [--model FILE.gguf] [--passage-tokens 1500] [--json]

Tunes the model into a temporary folder first. Each figure is the best of --runs (3).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from rag.answer.prompt import fit  # noqa: E402
from rag.llm import LocalChatModel, load_chat_model  # noqa: E402
from rag.llm.tune import tune  # noqa: E402
from rag.prompts import Templates  # noqa: E402
from rag.records import Evidence, Hit, Message, Passage, Usage  # noqa: E402
from rag.text.sentences import split_sentences  # noqa: E402
from tests.fakes.gguf_files import starter_gguf  # noqa: E402

FIRST = "Which river carries the most water in spring?"
SECOND = "And which of them dries up in August?"


def hits() -> list[Hit]:
    """Passages of about 200 tokens each, more than fit."""
    found = []
    for number in range(1, 21):
        text = " ".join(
            f"Gauge {number}-{part} on the upper Varde measured {137 * number + 41 * part} litres a second "
            f"in week {part + 3}, after {part + number} days without rain."
            for part in range(6)
        )
        passage = Passage(f"p{number}", number, text, 0, len(text), 1, f"{number:032x}")
        found.append(Hit(number, passage, 1, f"gauges/{number}.md", "Gauges", 1.0 / number))
    return found


def quotes(passages: Sequence[Hit]) -> list[Evidence]:
    """A sentence of each of the first five passages: what a weak model chooses among."""
    found = []
    for marker, hit in enumerate(passages[:5], start=1):
        start, end = split_sentences(hit.passage.text)[marker % 3]
        found.append(Evidence(hit, marker, hit.passage.text[start:end], start, end, 1.0 / marker))
    return found


def answer(model: LocalChatModel, messages: Sequence[Message]) -> tuple[str, Usage]:
    """The text of a short answer and what it cost."""
    *pieces, usage = model.stream(messages, max_tokens=24)
    assert isinstance(usage, Usage)
    return "".join(map(str, pieces)), usage


def measured(model: LocalChatModel, passage_tokens: int, runs: int) -> dict[str, float]:
    """Seconds to the first token and to a stop.

    `cold` and `follow_up` are over whole passages, as a model that phrases reads them; `quoting` is a
    cold prompt of the quotes alone.
    """
    templates = Templates(ROOT / "prompts", style=model.prompt_style)

    def prompt(
        question: str, history: Sequence[Message], chosen: Sequence[Evidence] = ()
    ) -> Sequence[Message]:
        return fit(
            question,
            hits(),
            quotes=chosen,
            history=history,
            templates=templates,
            counter=model,
            window_tokens=model.context_tokens,
            passage_tokens=passage_tokens,
            answer_tokens=256,
        ).messages

    figures: dict[str, list[float]] = {"cold": [], "follow_up": [], "quoting": [], "stop": []}
    for _ in range(runs):
        model.forget()
        text, first = answer(model, prompt(FIRST, ()))
        history = [Message("user", FIRST), Message("assistant", text)]
        _, second = answer(model, prompt(SECOND, history))
        figures["cold"].append(first.first_token_seconds)
        figures["follow_up"].append(second.first_token_seconds)
        model.forget()
        _, short = answer(model, prompt(FIRST, (), quotes(hits())))
        figures["quoting"].append(short.first_token_seconds)
        figures["stop"].append(seconds_to_stop(model, prompt(FIRST, ()), after=0.3))
    best = {name: round(min(seconds), 3) for name, seconds in figures.items()}
    tokens = {"prompt_tokens": first.prompt_tokens, "quoting_tokens": short.prompt_tokens}
    return best | tokens | {"follow_up_cached": second.cached_tokens}


def seconds_to_stop(model: LocalChatModel, messages: Sequence[Message], *, after: float) -> float:
    """From the wish to stop, `after` seconds into the prompt, to the end of the stream."""
    model.forget()
    wish = time.perf_counter() + after
    *_, usage = model.stream(messages, max_tokens=1, cancelled=lambda: time.perf_counter() > wish)
    assert isinstance(usage, Usage)
    return max(0.0, time.perf_counter() - wish) if usage.finish == "cancelled" else 0.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=starter_gguf())
    parser.add_argument("--passage-tokens", type=int, default=1500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        for name in ("shipped", "tuned"):
            started = time.perf_counter()
            model = load_chat_model(options.model, context_tokens=4096, cache=cache)
            loading = round(time.perf_counter() - started, 3)
            assert isinstance(model, LocalChatModel)
            figures[name] = {"load": loading} | measured(model, options.passage_tokens, options.runs)
            model.close()
            if name == "shipped":
                tuned = tune(options.model, cache=cache)
                assert tuned is not None
                figures["tuning"] = {
                    "weights": tuned.weights,
                    "flash_attention": tuned.flash_attention,
                    "threads": tuned.threads,
                    "step_tokens": tuned.step_tokens,
                    "prefill_ratio": round(tuned.prefill_rate / tuned.shipped_prefill_rate, 2),
                    "agreement": tuned.agreement,
                    "exam": tuned.exam,
                    "seconds": tuned.seconds,
                }
    if options.json:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(name, *(f"{key}={value}" for key, value in values.items()))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
