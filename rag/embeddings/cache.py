"""The cache of one embedding model: converted, compiled, timed once, and read ever after."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

import numpy as np
from filelock import FileLock

from rag.embeddings.encoders import Encoder, Ids, OpenVinoEncoder, TorchEncoder, convert
from rag.embeddings.folder import ModelFolder
from rag.embeddings.int8 import INT8_FILE, calibration_texts, quantise
from rag.embeddings.openvino import MODEL_FILE, openvino_precision
from rag.embeddings.tokenizer import PromptTokenizer, write_quick_files
from rag.errors import ModelError
from rag.interfaces import Vectors

Engine = Literal["openvino", "openvino-int8", "torch"]
EngineChoice = Literal["auto", "openvino", "openvino-int8", "torch"]
CHOICE_FILE = "engine.json"
SAMPLES = (
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on. ",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ",
    "北风与太阳争论谁更有本领，这时来了一个穿厚外衣的旅人。",
    "for (i = 0; i < 10; i++) { total += prices[i] * 1.19; } ",
)
TOKENS, ROUNDS = 96, 4
MIN_COSINE = 0.999
# A query on torch waits 7 s for imports, on OpenVINO 0.5 s: torch has to be much faster to be worth it,
# and a machine that is busy while the two are timed must not decide.
WORTH_OF_A_QUICK_START = 1.5


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `engine.json` records: the fastest engine, and how fast and how exact each is.

    `cosines` are the least ones of a few texts' vectors to those of torch; an engine that is not exact
    enough, or cannot run the model, has no `tokens_per_second`.
    """

    engine: Engine
    precision: str
    dimensions: int
    tokens_per_second: dict[str, float]
    cosines: dict[str, float]
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
    quick = write_quick_files(model.tokenizer, partial) and not model.static
    torch_encoder = TorchEncoder(model.path, threads=threads)
    converted = _convert(model, torch_encoder, partial)
    partial.rename(folder)
    batch = _sample_batch(model)
    rate, expected = _measure(torch_encoder, *batch)
    rates, cosines = {"torch": rate}, {"torch": 1.0}
    precision = openvino_precision() if converted else ""
    compiled = functools.partial(
        OpenVinoEncoder, folder, pooling=model.pooling or "mean", threads=threads, precision=precision
    )
    if converted:
        compiled(load="LATENCY")
    for engine, file in converted.items():
        encoder = compiled(load="THROUGHPUT", file=file)
        rate, vectors = _measure(encoder, *batch)
        cosines[engine] = round(float((vectors * expected).sum(axis=1).min()), 5)
        if cosines[engine] >= MIN_COSINE:
            rates[engine] = rate
    prepared = Prepared(
        fastest(rates), precision, expected.shape[1], rates, cosines, _openvino_version(), quick
    )
    (folder / CHOICE_FILE).write_text(json.dumps(asdict(prepared), indent=2), encoding="utf-8")
    return prepared


def fastest(tokens_per_second: Mapping[str, float]) -> Engine:
    """The engine to take: torch, which starts slowly, only where it is much faster than any other."""
    worth = {
        engine: rate * (1 if engine == "torch" else WORTH_OF_A_QUICK_START)
        for engine, rate in tokens_per_second.items()
    }
    return cast("Engine", max(worth, key=lambda engine: worth[engine]))


def _convert(model: ModelFolder, torch_encoder: TorchEncoder, folder: Path) -> dict[Engine, str]:
    """The file of each OpenVINO engine that can be made of the model."""
    if model.pooling is None or not _openvino_version():
        return {}
    files: dict[Engine, str] = {}
    with suppress(ModelError):
        convert(torch_encoder.model, folder)
        files["openvino"] = MODEL_FILE
        ids = PromptTokenizer(model.tokenizer).ids(calibration_texts(), model.passage_prompt)
        quantise(folder, [np.array([one[: model.max_tokens]], np.int64) for one in ids])
        files["openvino-int8"] = INT8_FILE
    return files


def _sample_batch(model: ModelFolder) -> tuple[Ids, Ids]:
    """Ids and mask of a few texts of ordinary length, one of them padded."""
    tokenizer = PromptTokenizer(model.tokenizer, special_tokens=not model.static)
    length = min(TOKENS, model.max_tokens)
    ids = tokenizer.ids(SAMPLES, model.passage_prompt)
    batch = np.stack([np.resize(np.array(one, np.int64), length) for one in ids])
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
