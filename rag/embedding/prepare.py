"""The cache of one embedding model: converted, compiled, timed once, and read ever after."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock

from rag.embedding.encoders import Encoder, OpenVinoEncoder, TorchEncoder, convert, openvino_precision
from rag.embedding.folder import ModelFolder
from rag.embedding.tokens import write_quick_files
from rag.errors import ModelError

Engine = Literal["openvino", "torch"]
EngineChoice = Literal["auto", "openvino", "torch"]
CHOICE_FILE = "engine.json"
PASSAGES, TOKENS, ROUNDS = 8, 128, 3
LEAST_COSINE = 0.999


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
    rates = {"torch": _tokens_per_second(torch_encoder)}
    precision = openvino_precision() if converted else ""
    if converted:
        encoder = OpenVinoEncoder(folder, load="THROUGHPUT", threads=threads, precision=precision)
        OpenVinoEncoder(folder, load="LATENCY", threads=threads, precision=precision)
        if _agree(encoder, torch_encoder):
            rates["openvino"] = _tokens_per_second(encoder)
    engine: Engine = "openvino" if rates.get("openvino", 0.0) > rates["torch"] else "torch"
    dimensions = torch_encoder.encode(*_batch()).shape[1]
    prepared = Prepared(engine, precision, dimensions, rates, _openvino_version(), quick)
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


def _batch() -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], ...]:
    ids = np.random.default_rng(0).integers(1000, 20_000, (PASSAGES, TOKENS))
    mask = np.ones_like(ids)
    mask[0, TOKENS // 2 :] = 0
    return ids, mask


def _tokens_per_second(encoder: Encoder) -> float:
    ids, mask = _batch()
    encoder.encode(ids, mask)
    start = time.perf_counter()
    for _ in range(ROUNDS):
        encoder.encode(ids, mask)
    return round(ROUNDS * ids.size / (time.perf_counter() - start), 1)


def _agree(one: Encoder, other: Encoder) -> bool:
    """Whether a converted model still gives what the original gives."""
    ids, mask = _batch()
    return bool((one.encode(ids, mask) * other.encode(ids, mask)).sum(axis=1).min() >= LEAST_COSINE)
