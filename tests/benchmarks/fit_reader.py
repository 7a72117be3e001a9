"""Trains the reader: the cross-encoder that reads the first passages beside the question.

    python -m tests.benchmarks.fit_reader collect --library DIR --rows ROWS.jsonl [NAME …]
    python -m tests.benchmarks.fit_reader fit ROWS.jsonl --library DIR --output READER.safetensors
                                              [--start READER.safetensors] [--held-out NAME …]

A NAME is a folder of `tests/benchmarks/asked`: invented documents, and questions as people ask who have not
read them. `collect` adds the documents to a library and writes a row for each question: the first passages
of the search, and which of them hold the evidence. `fit` begins with all-MiniLM-L6-v2, or with weights of an
earlier run, and writes the changes for `rag/models`. Of a question without an answer every passage is a
wrong one. Passages and single sentences are both read, so that it can choose either.

The weights that are shipped are of two runs: two epochs over 12 collections, then one over 25, of which ten
were new and read twice, and of the other fifteen half the questions. Not trained on: energy, hotels, museum,
runner and school. The second run, 3,300 questions, took 50 minutes on two busy cores with AVX2.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.library import Library
from rag.models import READER
from rag.models.catalogue import TrainedSource
from rag.models.trained import encoder_tensors, packed, write_cross_encoder
from rag.settings import load_settings

ASKED = Path(__file__).with_name("asked")
CANDIDATES = 20
FROZEN_LAYERS = 2
NEGATIVES = 3
MAX_TOKENS = 160
BATCH = 32
LEARNING_RATE, HEAD_LEARNING_RATE = 6e-5, 1e-3
WARM_UP = 0.1
SIMILARITY_WEIGHT = 5.0
"""What the two similarities weigh before training; their sum less one is then the logit."""
RIGHT_WEIGHT = 3.0
"""How much more a text that answers counts than one that does not."""
SENTENCE_SHARE = 0.5
"""Of the questions, those whose sentences are read too, in each epoch."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_MARKUP = re.compile(r"[\s|*_`>#-]+")
Pair = tuple[str, bool]
Group = tuple[str, list[Pair]]


@dataclass(frozen=True)
class Row:
    """A question, the texts of the passages found for it, best first, and which of them answer."""

    collection: str
    question: str
    evidence: list[str]
    contexts: list[str]
    texts: list[str]
    right: list[bool]


def plain(text: str) -> str:
    """The text without its markup, to compare."""
    return _MARKUP.sub(" ", text).strip().casefold()


def holds(text: str, evidence: Sequence[str]) -> bool:
    """Whether a passage has one of the sentences that answer, or two thirds of a long one that was parted."""
    whole = plain(text)
    parts = (part for one in evidence for part in ((one, *thirds(one)) if len(one) > 60 else (one,)))
    return any(part in whole for part in parts)


def thirds(text: str) -> tuple[str, str]:
    return text[: len(text) * 2 // 3], text[len(text) // 3 :]


def collect(library: Library, names: Sequence[str], output: Path) -> None:
    """Adds the collections' documents and writes a row for each of their questions."""
    with output.open("w", encoding="utf-8") as lines:
        for name in names:
            for _ in library.ingest([ASKED / name / "corpus"], collection=name):
                pass
            for line in (ASKED / name / "questions.jsonl").read_text(encoding="utf-8").splitlines():
                question = json.loads(line)
                evidence = [plain(one) for one in question["answers"]]
                docs = question.get("docs") or []
                hits = library.search(question["question"], collection=name, count=CANDIDATES, plain=True)
                row = Row(
                    name,
                    question["question"],
                    evidence,
                    [hit.passage.context for hit in hits],
                    [hit.passage.text for hit in hits],
                    [hit.doc in docs and holds(hit.passage.text, evidence) for hit in hits],
                )
                lines.write(json.dumps(asdict(row)) + "\n")
            print(name, flush=True)


def passage_group(row: Row, rng: random.Random) -> Group:
    """The question with a passage that answers, if there is one, and some that do not: early ones rather."""
    texts = [f"{context}\n{text}" for context, text in zip(row.contexts, row.texts, strict=True)]
    right = [text for text, one in zip(texts, row.right, strict=True) if one]
    wrong = [text for text, one in zip(texts, row.right, strict=True) if not one]
    chosen: list[Pair] = [(rng.choice(right), True)] if right else []
    places = sorted(range(len(wrong)), key=lambda place: rng.random() ** (place + 2), reverse=True)
    return row.question, chosen + [(wrong[place], False) for place in places[:NEGATIVES]]


def sentence_group(row: Row, rng: random.Random) -> Group | None:
    """The question with a sentence that answers, others of its passage, and two of other passages."""
    right = [text for text, one in zip(row.texts, row.right, strict=True) if one]
    wrong = [text for text, one in zip(row.texts, row.right, strict=True) if not one]
    if not right or rng.random() >= SENTENCE_SHARE:
        return None
    sentences = [one for one in _SENTENCE_END.split(rng.choice(right)) if len(one) > 12]
    good = [
        one for one in sentences if any(plain(one) in text or text in plain(one) for text in row.evidence)
    ]
    if not good:
        return None
    bad = [one for one in sentences if one not in good]
    others = [rng.choice(_SENTENCE_END.split(text)) for text in rng.sample(wrong, min(2, len(wrong)))]
    chosen = rng.sample(bad, min(3, len(bad))) + others
    return row.question, [(rng.choice(good), True), *((one, False) for one in chosen)]


def batches(rows: Sequence[Row], rng: random.Random) -> list[list[Group]]:
    """The groups of an epoch in random batches; those of a batch are of like length."""
    groups = [passage_group(row, rng) for row in rows]
    groups += [group for row in rows if (group := sentence_group(row, rng))]
    rng.shuffle(groups)
    found: list[list[Group]] = []
    for start in range(0, len(groups), 200):
        part = sorted(groups[start : start + 200], key=lambda group: max(len(text) for text, _ in group[1]))
        size = BATCH
        for group in part:
            if size >= BATCH:
                found.append([])
                size = 0
            found[-1].append(group)
            size += len(group[1])
    rng.shuffle(found)
    return found


def fit(rows: Sequence[Row], base: dict[str, Path], start: Path | None, *, epochs: int, seed: int) -> Any:
    """Trains the cross-encoder and returns it."""
    import tempfile

    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
    from transformers import AutoTokenizer

    from rag.embeddings.reader import ReaderForSequenceClassification

    torch.manual_seed(seed)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        write_cross_encoder(base, start, Path(folder))
        model = ReaderForSequenceClassification.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    if start is None:
        with torch.no_grad():
            model.score.weight.zero_()
            model.score.weight[:, -2:] = SIMILARITY_WEIGHT
            model.score.bias.fill_(-SIMILARITY_WEIGHT)
    for part in (model.bert.embeddings, *model.bert.encoder.layer[:FROZEN_LAYERS]):
        part.requires_grad_(False)
    body = [one for one in model.bert.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": body, "lr": LEARNING_RATE, "weight_decay": 0.01},
            {"params": model.score.parameters(), "lr": HEAD_LEARNING_RATE, "weight_decay": 0.0},
        ]
    )
    plan = [batch for _ in range(epochs) for batch in batches(rows, rng)]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / (WARM_UP * len(plan))) * max(0.02, 1 - step / len(plan)),
    )
    began = time.monotonic()
    for step, batch in enumerate(plan, start=1):
        pairs = [(question, text) for question, texts in batch for text, _ in texts]
        wanted = torch.tensor([float(right) for _, texts in batch for _, right in texts])
        encoded = tokenizer(
            [question for question, _ in pairs],
            [text for _, text in pairs],
            truncation="only_second",
            max_length=MAX_TOKENS,
            padding=True,
            return_tensors="pt",
        )
        logits = model(**encoded).logits.squeeze(-1)
        loss = binary_cross_entropy_with_logits(logits, wanted, weight=1 + (RIGHT_WEIGHT - 1) * wanted)
        groups = zip(
            logits.split([len(texts) for _, texts in batch]),
            wanted.split([len(texts) for _, texts in batch]),
            strict=True,
        )
        answered = [(scores, right) for scores, right in groups if right.any() and len(right) > 1]
        if answered:
            loss = loss + 0.5 * sum(
                cross_entropy(scores.unsqueeze(0), right.argmax().unsqueeze(0)) for scores, right in answered
            ) / len(answered)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 40 == 0:
            print(f"{step}/{len(plan)} loss {loss.item():.3f} {time.monotonic() - began:.0f} s", flush=True)
    return model


def save(model: Any, base: dict[str, Path], output: Path) -> None:
    """Writes what training changed."""
    from safetensors.numpy import save_file

    after = {name: np.asarray(values.detach().numpy()) for name, values in model.state_dict().items()}
    changes = packed(encoder_tensors(base), after)
    save_file(changes, output)
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB, {len(changes)} tensors")


def read_rows(path: Path, held_out: Sequence[str]) -> Iterator[Row]:
    """The rows to train on: of the questions with an answer those whose passage was found."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = Row(**json.loads(line))
        if row.collection not in held_out and row.texts and (any(row.right) or not row.evidence):
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    collecting = steps.add_parser("collect")
    collecting.add_argument("--library", type=Path, required=True)
    collecting.add_argument("--rows", type=Path, required=True)
    collecting.add_argument("names", nargs="*", metavar="NAME")
    fitting = steps.add_parser("fit")
    fitting.add_argument("rows", type=Path)
    fitting.add_argument("--library", type=Path, required=True, help="whose models folder has the base")
    fitting.add_argument("--output", type=Path, required=True)
    fitting.add_argument("--start", type=Path)
    fitting.add_argument("--held-out", nargs="*", default=(), metavar="NAME")
    fitting.add_argument("--epochs", type=int, default=1)
    fitting.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    settings = load_settings(library=arguments.library, chat_model="none")
    if arguments.step == "collect":
        names = arguments.names or sorted(folder.name for folder in ASKED.iterdir())
        collect(Library(settings), names, arguments.rows)
        return
    from rag.models.packages import verified_files

    assert isinstance(READER.source, TrainedSource)
    base = verified_files(READER.source.base, models=settings.models)
    rows = list(read_rows(arguments.rows, arguments.held_out))
    save(
        fit(rows, base, arguments.start, epochs=arguments.epochs, seed=arguments.seed), base, arguments.output
    )


if __name__ == "__main__":
    main()
