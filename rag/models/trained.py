"""A model of the project's own: the changes that training made, added to the weights it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS, CONFIG = "model.safetensors", "config.json"
SCALE = ".scale"
LEVELS = 127
Arrays = dict[str, NDArray[Any]]


def packed(base: Mapping[str, NDArray[Any]], tuned: Mapping[str, NDArray[Any]]) -> Arrays:
    """What to keep of a trained model: the changes of matrices in 8 bits a row, the rest in 16.

    Tensors that training left alone are not kept; of those the base lacks, the whole is the change.
    """
    kept: Arrays = {}
    for name, after in tuned.items():
        change = after - base[name] if name in base else after
        if not change.any():
            continue
        if change.ndim < 2:
            kept[name] = change.astype(np.float16)
            continue
        scale = np.maximum(np.abs(change).max(axis=1, keepdims=True), 1e-12) / LEVELS
        kept[name] = np.round(change / scale).astype(np.int8)
        kept[name + SCALE] = scale.astype(np.float32)
    return kept


def unpacked(base: Mapping[str, NDArray[Any]], kept: Mapping[str, NDArray[Any]]) -> Arrays:
    """The tensors of the trained model, float32; the inverse of `packed` within half a level."""
    found = {name: values.astype(np.float32) for name, values in base.items()}
    for name, change in kept.items():
        if name.endswith(SCALE):
            continue
        scale = kept[name + SCALE] if name + SCALE in kept else np.float32(1)
        found[name] = found.get(name, np.float32(0)) + change.astype(np.float32) * scale
    return found


def write_cross_encoder(base: Mapping[str, Path], changes: Path | None, folder: Path) -> None:
    """Writes the reader's folder for Sentence Transformers: an encoder's files with the changes to them."""
    from safetensors.numpy import load_file, save_file

    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        (folder / name).write_bytes(base[name].read_bytes())
    tuned = unpacked(encoder_tensors(base), load_file(changes) if changes else {})
    save_file(tuned, folder / WEIGHTS, metadata={"format": "pt"})
    config = json.loads(base[CONFIG].read_text(encoding="utf-8")) | {
        "architectures": ["ReaderForSequenceClassification"],
        "model_type": "footnote-reader",
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")


def encoder_tensors(base: Mapping[str, Path]) -> Arrays:
    """The base's tensors by the reader's names; it has no use for BERT's pooler."""
    from safetensors.numpy import load_file

    weights = load_file(base[WEIGHTS])
    return {f"bert.{name}": values for name, values in weights.items() if not name.startswith("pooler.")}
