"""What was measured for a model on this machine, kept beside its fastest faithful form."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from rag.interfaces import AnswerMode


@dataclass(frozen=True, slots=True)
class TunedModel:
    """How to run a model fastest here, and what it is able to do.

    `file` is the GGUF to load, the shipped one or another format of it. Rates are tokens a second.
    `agreement` is the share of the shipped model's greedy tokens that this form also finds likeliest;
    `exam` the share of the `exam_questions` asked that were answered rightly, `mode` what follows from it:
    None where there was time for too few.
    `tried` has the prefill and decode rate of everything measured, and the agreement where it counted.
    """

    file: str
    weights: str
    flash_attention: bool
    cache_type: str
    threads: int
    step_tokens: int
    prefill_rate: float
    decode_rate: float
    shipped_prefill_rate: float
    shipped_decode_rate: float
    agreement: float
    exam: float
    exam_questions: int
    mode: AnswerMode | None
    seconds: float
    tried: dict[str, tuple[float, float, float | None]]


def folder_of(cache: Path) -> Path:
    """Where tuned models and their records lie."""
    return cache / "tuned"


def key_of(path: Path) -> str:
    """Names a model file on this machine: another processor or llama.cpp is measured anew."""
    stat = path.stat()
    parts = [
        path.name,
        stat.st_size,
        stat.st_mtime_ns,
        _processor(),
        os.cpu_count(),
        version("llama-cpp-python"),
    ]
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:20]


def load_tuned(path: Path, *, cache: Path) -> TunedModel | None:
    """The record of an earlier tuning; None where there is none, or its file is gone."""
    record = folder_of(cache) / f"{key_of(path)}.json"
    try:
        values = json.loads(record.read_text(encoding="utf-8"))
        values["tried"] = {name: tuple(rates) for name, rates in values["tried"].items()}
        tuned = TunedModel(**values)
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        return None  # never tuned, or by another version: both mean tune again
    return tuned if Path(tuned.file).exists() else None


def save_tuned(path: Path, tuned: TunedModel, *, cache: Path) -> None:
    """Writes the record whole or not at all."""
    record = folder_of(cache) / f"{key_of(path)}.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    part = record.with_suffix(f".{secrets.token_hex(4)}.part")
    part.write_text(json.dumps(asdict(tuned), indent=1), encoding="utf-8")
    part.replace(record)


def save_grade(identity: str, right: int, asked: int, mode: AnswerMode | None, *, cache: Path) -> None:
    """Records what the model of a server scored in the exam, and what follows from it."""
    record = _grade_file(identity, cache)
    record.parent.mkdir(parents=True, exist_ok=True)
    grade = {"model": identity, "right": right, "asked": asked, "mode": mode}
    record.write_text(json.dumps(grade), encoding="utf-8")


def recorded_mode(identity: str, *, cache: Path) -> AnswerMode | None:
    """What a server's model is trusted to do; None where it was never examined."""
    try:
        mode = json.loads(_grade_file(identity, cache).read_text(encoding="utf-8"))["mode"]
    except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        return None
    return mode if mode in get_args(AnswerMode) else None


def _grade_file(identity: str, cache: Path) -> Path:
    return folder_of(cache) / f"server-{hashlib.sha256(identity.encode()).hexdigest()[:20]}.json"


def sha256_of(path: Path, *, cache: Path | None) -> str:
    """The hash of a model file, 64 hex digits; kept in `cache`, for a large file takes seconds."""
    kept = folder_of(cache) / f"{key_of(path)}.sha256" if cache else None
    if kept is not None and kept.exists():
        return kept.read_text(encoding="ascii").strip()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(digest, encoding="ascii")
    return digest


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # macOS and Windows
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())
