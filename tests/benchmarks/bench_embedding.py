"""Embedding against plain sentence-transformers, and against `llm embed-multi`, in one run.

    python -m tests.benchmarks.bench_embedding [--library DIR] [--passages N] [--llm COMMAND]

The ways take turns on the same texts, so that a busy machine slows all of them alike: read the ratios.
`COMMAND` is an `llm` whose environment has the sentence-transformers plugin.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from rag.embeddings import SentenceEmbedder, load_embedder
from rag.embeddings.encoders import load_sentence_transformer
from rag.models import embedding_folder
from rag.settings import PROJECT, load_settings

ROUNDS = 3
LONG_CHARACTERS = 700


def sample_texts(count: int) -> dict[str, list[str]]:
    """Short notes (single paragraphs) and long passages (neighbours joined) of the sample documents."""
    files = sorted((PROJECT / "corpora").rglob("*.md"))
    notes = [
        part.strip()
        for file in files
        for part in file.read_text(encoding="utf-8").split("\n\n")
        if 30 < len(part.strip()) < 1000
    ]
    passages, joined = [], ""
    for note in notes:
        joined = f"{joined}\n{note}".strip()
        if len(joined) >= LONG_CHARACTERS:
            passages.append(joined[:1000])
            joined = ""
    return {"passages": passages[:count], "notes": notes[: 3 * count]}


def seconds_of(work: Callable[..., object], *arguments: object, **options: object) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - start


def run(*command: object) -> None:
    """Runs a process to its end; its messages are not shown."""
    subprocess.run(list(map(str, command)), check=True, cwd=PROJECT, stderr=subprocess.DEVNULL)


def compare(embedder: SentenceEmbedder, count: int) -> None:
    """Prints texts a second of both ways, the median of some rounds, and their ratio."""
    plain = load_sentence_transformer(embedder.model.path)
    embedder.embed_passages(["warm"])
    for kind, texts in sample_texts(count).items():
        tokens = sum(map(len, embedder.token_starts(texts)))
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(seconds_of(embedder.embed_passages, texts))
            theirs.append(seconds_of(plain.encode, texts, prompt_name="passage"))
        ratio = median(other / own for own, other in zip(ours, theirs, strict=True))
        print(
            f"{kind}: {len(texts)} of {tokens / len(texts):.0f} tokens; "
            f"footnote {len(texts) / median(ours):.1f}/s, "
            f"sentence-transformers {len(texts) / median(theirs):.1f}/s, ratio {ratio:.1f}"
        )


def compare_llm(embedder: SentenceEmbedder, command: str, count: int) -> None:
    """Prints whole-process times for the same texts: this file with --embed, and `llm embed-multi`."""
    folder = embedder.model.path
    run(command, "sentence-transformers", "register", folder)
    for kind, texts in sample_texts(count).items():
        with tempfile.TemporaryDirectory() as place:
            rows = Path(place) / "texts.jsonl"
            lines = (json.dumps({"id": number, "text": text}) for number, text in enumerate(texts))
            rows.write_text("\n".join(lines), encoding="utf-8")
            options = "--format", "nl", "-m", f"sentence-transformers/{folder}", "-d", f"{place}/llm.db"
            theirs = seconds_of(run, command, "embed-multi", "c", rows, *options)
            ours = seconds_of(run, *this_benchmark(embedder), "--embed", rows)
        print(f"{kind}: footnote {ours:.1f} s, llm embed-multi {theirs:.1f} s, ratio {theirs / ours:.1f}")


def compare_cold_query(embedder: SentenceEmbedder) -> None:
    """Prints the whole-process time of one query's vector, and of the same with sentence-transformers."""
    code = "from sentence_transformers import SentenceTransformer; import sys; "
    code += "SentenceTransformer(sys.argv[1], device='cpu').encode('query: How much is the fish?')"
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds_of(run, *this_benchmark(embedder), "--query"))
        theirs.append(seconds_of(run, sys.executable, "-c", code, embedder.model.path))
    print(
        f"cold query: footnote {median(ours):.2f} s, sentence-transformers {median(theirs):.2f} s, "
        f"ratio {median(theirs) / median(ours):.1f}"
    )


def this_benchmark(embedder: SentenceEmbedder) -> list[object]:
    """The command of this file, to be timed from the outside."""
    library = embedder.model.path.parents[1]
    return [sys.executable, "-m", "tests.benchmarks.bench_embedding", "--library", library]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, help="where the model is, or will be, unpacked")
    parser.add_argument("--passages", type=int, default=120)
    parser.add_argument("--llm", help="an llm command with the sentence-transformers plugin")
    parser.add_argument("--query", action="store_true", help="only embed one query")
    parser.add_argument("--embed", type=Path, metavar="JSONL", help="only embed the texts of a file")
    chosen = parser.parse_args()
    settings = load_settings(library=chosen.library)
    folder = embedding_folder(settings.embedding_model, models=settings.models)
    embedder = load_embedder(folder, cache=settings.cache)
    if chosen.query:
        embedder.embed_queries(["How much is the fish?"])
    elif chosen.embed:
        rows = chosen.embed.read_text(encoding="utf-8").splitlines()
        embedder.embed_passages([json.loads(row)["text"] for row in rows])
    else:
        compare_cold_query(embedder)
        compare(embedder, chosen.passages)
        if chosen.llm:
            compare_llm(embedder, chosen.llm, chosen.passages)


if __name__ == "__main__":
    main()
