"""Vectors as text and bytes, as `llm` and other tools write them: little-endian float32."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import numpy as np

from rag.errors import UsageError
from rag.interfaces import Vectors

Form = Literal["json", "hex", "base64", "binary"]


def encode(vector: Vectors) -> bytes:
    """The bytes as the library stores them."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def written(vector: Sequence[float] | Vectors, form: Form) -> bytes:
    """A vector in one of the forms, without a line break."""
    data = encode(np.asarray(vector, dtype=np.float32))
    if form == "json":
        # float32's own shortest digits: 0.1, not 0.10000000149011612.
        return (
            "[" + ", ".join(str(np.float32(value)) for value in np.frombuffer(data, "<f4")) + "]"
        ).encode()
    if form == "hex":
        return data.hex().encode()
    return base64.b64encode(data) if form == "base64" else data


def read(data: bytes) -> list[float]:
    """The numbers of a vector in whatever form it is: JSON, hexadecimal, base64, or the bytes themselves.

    Raises:
        UsageError: it is none of these.
    """
    raw = _bytes_of(data)
    if isinstance(raw, list):
        return raw
    if not raw or len(raw) % 4:
        raise UsageError("That is not a vector: give JSON, hexadecimal, base64, or float32 bytes.")
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def _bytes_of(data: bytes) -> bytes | list[float]:
    text = data.strip()
    if text.startswith(b"["):
        try:
            return [float(value) for value in json.loads(text)]
        except (ValueError, TypeError) as error:
            raise UsageError(f"That is not a JSON list of numbers: {error}.") from error
    if any(sign in b"0123456789abcdef" for sign in text):  # "AAAA" is base64, of zeros
        with suppress(ValueError):
            return bytes.fromhex(text.decode("ascii"))
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return data
