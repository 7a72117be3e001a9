"""The cache of one embedding model: converted, compiled, timed once, and read ever after."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock

from rag.embedding.encoders import Encoder, Ids, OpenVinoEncoder, TorchEncoder, convert, openvino_precision
from rag.embedding.folder import ModelFolder
from rag.embedding.tokens import PromptTokenizer, write_quick_files
from rag.errors import ModelError
from rag.protocols import Vectors

Engine = Literal["openvino", "torch"]
EngineChoice = Literal["auto", "openvino", "torch"]
CHOICE_FILE = "engine.json"
SAMPLE = "The quick brown fox jumps over the lazy dog, and the dog sleeps on. "
TEXTS, TOKENS, ROUNDS = 4, 96, 2
LEAST_COSINE = 0.999
# A query on torch waits 7 s for imports, on OpenVINO 0.5 s: torch has to be much faster to be worth it,
# and a machine that is busy while the two are timed must not decide.
WORTH_OF_A_QUICK_START = 1.5


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `engine.json` records: the faster engine and how fast each was, in tokens a second."""

    engine: Engine
    precision: str
    dimensions: int
    tokens_per_second: dict[str, float]
    openvino_version: str
    quick_tokenizer: bool


def prepare(model: ModelFolder, *, cache: Path, threads: int | None) -> tuple[Path, Prepared]:
    """The model's cache folder and what it records; made on first use (15 s), under a lock.

    Raises:
        ModelDamaged: the model cannot be loaded.
    """
    folder = cache / "embedding" / model.identity
    prepared = read_prepared(folder)
    if prepared is None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{model.identity}.lock"):
            prepared = read_prepared(folder) or _make(model, folder, threads)
    return folder, prepared


def read_prepared(folder: Path) -> Prepared | None:
    """The record, or None where there is none or it was made with another OpenVINO."""
    try:
        content = json.loads((folder / CHOICE_FILE).read_text(encoding="utf-8"))
        prepared = Prepared(**content)
    except (OSError, ValueError, TypeError):
        return None
    return prepared if prepared.openvino_version == _openvino_version() else None


def _openvino_version() -> str:
    """Without importing it; "" where it is not installed, as on machines it has no wheel for."""
    return version("openvino") if find_spec("openvino") else ""


def _make(model: ModelFolder, folder: Path, threads: int | None) -> Prepared:
    """Fills a temporary folder, gives it its name, compiles there, and writes the record last.

    OpenVINO knows a compiled graph again by the path of its model, so the renaming comes first.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    for stale in (partial, folder):
        shutil.rmtree(stale, ignore_errors=True)
    partial.mkdir(parents=True)
    quick = write_quick_files(model.path / "tokenizer.json", partial)
    torch_encoder = TorchEncoder(model.path, threads=threads)
    converted = _convert(model, torch_encoder, partial)
    partial.rename(folder)
    batch = _sample_batch(model)
    torch_rate, expected = _measure(torch_encoder, *batch)
    rates, precision = {"torch": torch_rate}, ""
    if converted:
        precision = openvino_precision()
        OpenVinoEncoder(folder, load="LATENCY", threads=threads, precision=precision)
        encoder = OpenVinoEncoder(folder, load="THROUGHPUT", threads=threads, precision=precision)
        rate, vectors = _measure(encoder, *batch)
        if (vectors * expected).sum(axis=1).min() >= LEAST_COSINE:
            rates["openvino"] = rate
    engine: Engine = (
        "openvino" if rates.get("openvino", 0.0) * WORTH_OF_A_QUICK_START > torch_rate else "torch"
    )
    prepared = Prepared(engine, precision, expected.shape[1], rates, _openvino_version(), quick)
    (folder / CHOICE_FILE).write_text(json.dumps(asdict(prepared), indent=2), encoding="utf-8")
    return prepared


def _convert(model: ModelFolder, torch_encoder: TorchEncoder, folder: Path) -> bool:
    if not model.mean_pooled or not _openvino_version():
        return False
    try:
        convert(torch_encoder.model, folder)
    except ModelError:
        return False
    return True


def _sample_batch(model: ModelFolder) -> tuple[Ids, Ids]:
    """Ids and mask of a few texts of ordinary length, one of them padded."""
    tokenizer = PromptTokenizer(model.path / "tokenizer.json")
    ids = tokenizer.ids([SAMPLE], model.passage_prompt)[0]
    length = min(TOKENS, model.max_tokens)
    batch = np.tile(np.resize(np.array(ids, np.int64), length), (TEXTS, 1))
    mask = np.ones_like(batch)
    mask[0, length // 2 :] = 0
    return batch, mask


def _measure(encoder: Encoder, ids: Ids, mask: Ids) -> tuple[float, Vectors]:
    """Tokens a second, the best of a few rounds on all cores, and the vectors of the batch."""
    vectors = encoder.encode(ids, mask)
    seconds = []
    with ThreadPoolExecutor(encoder.parallel) as pool:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            list(pool.map(lambda _: encoder.encode(ids, mask), range(encoder.parallel)))
            seconds.append(time.perf_counter() - start)
    return round(encoder.parallel * ids.size / min(seconds), 1), vectors
