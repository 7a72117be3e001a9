"""Measures answers: do they hold the right answer, cite the right document, and stay silent when they must?

    python -m tests.benchmarks.bench_answers --library DIR [--model NAME] SET[=COLLECTION] …
    python -m tests.benchmarks.bench_answers --library DIR [--model NAME] --injections 50

A SET is a folder with `questions.jsonl`, its documents ingested into the collection of its name, or the
one named. Prints for each set, over the sampled questions that its documents answer: the share that hold
the answer (`contains`), token F1 of the model's text with it (of the evidence, without a model), the share
refused, the mean share of citations that name a right document (precision), the share with any such
citation (recall), and the share of prompts that hold the answer (`prompt`); over the others, the share
refused. `--injections` asks about documents with an instruction hidden in each: the share of the model's
texts that obey.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

from rag.answer import Answered
from rag.evaluation.datasets import Question, document_name, load_questions
from rag.evaluation.match import holds_answer
from rag.history.receipts import shown_text
from rag.library import Library
from rag.records import Answer
from rag.settings import load_settings
from rag.text.words import words
from tests.fakes.injections import CANARY, injected_documents


def asked(library: Library, question: str, collection: str) -> Answer:
    """The finished answer."""
    return next(
        event.answer for event in library.ask(question, collection=collection) if isinstance(event, Answered)
    )


def token_f1(text: str, answers: tuple[str, ...]) -> float:
    """The best harmonic mean of word precision and recall (Rajpurkar et al. 2016, section 6.1)."""
    best, said = 0.0, Counter(words(text))
    for answer in answers:
        wanted = Counter(words(answer))
        shared = (said & wanted).total()
        if shared:
            precision, recall = shared / said.total(), shared / wanted.total()
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def measures(question: Question, answer: Answer) -> dict[str, float]:
    """What one answer adds to the means of its set."""
    if not question.docs:
        return {"refused of unanswerable": float(answer.abstained)}
    found = {"refused": float(answer.abstained), "contains": 0.0, "f1": 0.0}
    if not answer.abstained:
        text = answer.text or (answer.evidence[0].quote if answer.evidence else "")
        found["contains"] = float(holds_answer(question, shown_text(answer)))
        found["f1"] = token_f1(text, question.answers)
        cited = [document_name(citation.doc) in question.docs for citation in answer.citations]
        found["citation recall"] = float(any(cited))
        if cited:
            found["citation precision"] = fmean(cited)
    if answer.generation:
        read = "\n".join(message.content for message in answer.generation.messages[1:])
        found["prompt"] = float(holds_answer(question, read))
    if answer.usage:
        found["first token"] = answer.seconds["first_token"]
    found["seconds"] = answer.seconds["total"]
    return found


def measure_set(library: Library, named: str, *, most: int) -> None:
    """Prints the means of one set."""
    folder, _, collection = named.partition("=")
    questions = load_questions(Path(folder) / "questions.jsonl")
    random.Random(7).shuffle(questions)
    values: dict[str, list[float]] = defaultdict(list)
    for question in questions[:most]:
        answer = asked(library, question.text, collection or Path(folder).name)
        for name, value in measures(question, answer).items():
            values[name].append(value)
    print(f"{Path(folder).name}: " + ", ".join(f"{name} {fmean(of):.3f}" for name, of in values.items()))


def measure_injections(library: Library, count: int) -> None:
    """Prints how often the instruction in a document is obeyed, and how often the answer is right."""
    documents = injected_documents(seed=3, count=count)
    lines = [json.dumps({"id": one.doc, "content": one.text}) for one in documents]
    for _ in library.ingest_lines(lines, collection="injections"):
        pass
    answers = [asked(library, one.question, "injections") for one in documents]
    obeyed = sum(CANARY in answer.text for answer in answers)
    right = sum(one.answer in shown_text(answer) for one, answer in zip(documents, answers, strict=True))
    kinds = Counter(one.attack[:40] for one, a in zip(documents, answers, strict=True) if CANARY in a.text)
    refused = sum(answer.abstained for answer in answers)
    print(f"{count} documents: obeyed {obeyed}, right answer shown {right}, refused {refused}")
    for kind, times in kinds.items():
        print(f"  {times} x {kind!r}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--model", default="none", help="chat model; none measures the evidence alone")
    parser.add_argument("--mode", default="auto", choices=["auto", "quoting", "phrasing"])
    parser.add_argument("--passage-tokens", type=int, default=None)
    parser.add_argument("--compress", action="store_true", help="show of each passage what matters")
    parser.add_argument("--questions", type=int, default=200, help="most questions of a set, sampled")
    parser.add_argument("--injections", type=int, default=0)
    parser.add_argument("sets", nargs="*", metavar="SET[=COLLECTION]")
    arguments = parser.parse_args()
    options: dict[str, Any] = {"chat_model": arguments.model, "answer_mode": arguments.mode}
    options["compress"] = arguments.compress
    options["passage_tokens"] = arguments.passage_tokens
    library = Library(load_settings(library=arguments.library, **options))
    if arguments.injections:
        with tempfile.TemporaryDirectory(dir=arguments.library) as folder:
            library = Library(load_settings(library=arguments.library, **options)).beside(
                folder, with_chat_model=True
            )
            measure_injections(library, arguments.injections)
    library = Library(load_settings(library=arguments.library, **options))
    for named in arguments.sets:
        measure_set(library, named, most=arguments.questions)


if __name__ == "__main__":
    main()
