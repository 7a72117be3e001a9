"""A small model in the packed format, with the values that reading it must give."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS = 64, 2, 2, 96, 40
PIECES = [
    *(("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.5), ("▁pass", -4.0)),
    *(("age", -4.5), ("▁que", -4.0), ("ry", -5.0), (":", -3.0), ("a", -6.0), ("b", -6.5), ("c", -7.0)),
    *(("ab", -6.25), ("▁ab", -6.75), ("bc", -8.0), ("é", -9.0), ("中", -9.5), ("1", -8.5), ("⁄", -11.0)),
    *(("p", -8.0), ("s", -8.0), ("g", -8.0), ("e", -8.0), ("q", -8.0), ("u", -8.0), ("r", -8.0)),
    *(("y", -8.0), ("2", -8.75), ("ا", -9.0), ("\u064b", -9.25), ("<mask>", 0.0)),
]
REPLACEMENTS = {
    "\x01": "",
    "\t": " ",
    "\n": " ",
    "\r": " ",
    "½": "1⁄2",
    "ａ": "a",
    "\ufe8e": "ا",
    "\u200b": " ",
}
LAYER_TENSORS = {
    **{f"{part}.w": (HIDDEN, HIDDEN) for part in ("q", "k", "v", "ao")},
    **{f"{part}.b": (HIDDEN,) for part in ("q", "k", "v", "ao", "aln", "oln", "fo")},
    **{f"{part}.w": (HIDDEN,) for part in ("aln", "oln")},
    **{"fi.w": (FEED_FORWARD, HIDDEN), "fi.b": (FEED_FORWARD,), "fo.w": (HIDDEN, FEED_FORWARD)},
}


def write_packed_model(path: Path) -> dict[str, np.ndarray]:
    """Writes the file and returns each tensor by its packed name, as float32."""
    header = b"E5S1" + struct.pack(
        "<I7ifi", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, len(PIECES) + 3, POSITIONS, 2, 1e-12, 32
    )
    head = header + _vocabulary() + _replacements()
    random = np.random.default_rng(7)
    shapes = {
        "emb.word": (len(PIECES) + 3, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for layer in range(LAYERS):
        shapes |= {f"l{layer}.{name}": shape for name, shape in LAYER_TENSORS.items()}
    directory_size = 4 + sum(2 + len(name) + 21 for name in shapes)
    offset = len(head) + directory_size
    directory, body, tensors = [struct.pack("<i", len(shapes))], [], {}
    for name, shape in shapes.items():
        quantised = len(shape) == 2 and name not in ("emb.pos", "emb.type")
        data, tensors[name] = _blocks(random, shape) if quantised else _floats(random, name, shape)
        directory.append(struct.pack("<H", len(name)) + name.encode())
        directory.append(struct.pack("<BIQQ", quantised, tensors[name].size, offset, len(data)))
        body.append(data)
        offset += len(data)
    path.write_bytes(head + b"".join(directory) + b"".join(body))
    return tensors


def _vocabulary() -> bytes:
    blobs = [piece.encode() for piece, _ in PIECES]
    ends = np.cumsum([0, *map(len, blobs)]).astype("<u4")
    scores = np.array([score for _, score in PIECES], "<f4")
    head = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, blobs)))
    return head + ends.tobytes() + scores.tobytes() + b"".join(blobs)


def _replacements() -> bytes:
    entries = [
        struct.pack(f"<IB{len(text)}I", ord(key), len(text), *map(ord, text))
        for key, text in sorted(REPLACEMENTS.items())
    ]
    return struct.pack("<iI", len(entries), sum(map(len, entries))) + b"".join(entries)


def _blocks(random: np.random.Generator, shape: tuple[int, ...]) -> tuple[bytes, np.ndarray]:
    """4-bit blocks of 32: byte j holds weight j in its low half and weight j + 16 in its high half."""
    values = random.integers(0, 16, (*shape[:-1], shape[-1] // 32, 32))
    scales = random.uniform(0.01, 0.03, values.shape[:-1]).astype("<f2")
    data = bytearray()
    for scale, weights in zip(scales.reshape(-1), values.reshape(-1, 32), strict=True):
        data += scale.tobytes() + bytes(int(weights[j]) | int(weights[j + 16]) << 4 for j in range(16))
    return bytes(data), ((values - 8) * scales[..., None].astype(np.float32)).reshape(shape).astype(
        np.float32
    )


def _floats(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> tuple[bytes, np.ndarray]:
    values = random.normal(1.0 if "ln.w" in name else 0.0, 0.05, shape).astype("<f4")
    return values.tobytes(), values
