"""Bytes of unknown encoding to text."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 200_000


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding, "" for UTF-8.

    A byte order mark decides; then UTF-8 if every byte fits; then UTF-16 by its zero bytes; then what
    charset-normalizer finds likely in the first 200 kB, with undecodable bytes as U+FFFD.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), "" if mark == codecs.BOM_UTF8 else encoding
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        encoding = _wide(data) or _likely(data)
        return data.decode(encoding, errors="replace"), encoding


def is_binary(data: bytes) -> bool:
    """Whether the bytes are no text: they hold zeros that are not UTF-16's or a stray one in UTF-8."""
    head = data[:8192]
    zeros = head.count(0)
    if any(head.startswith(mark) for mark, _ in _MARKS) or not zeros or _wide(head):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return zeros > len(head) // 4


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark has its zeros on one side only."""
    head = data[:8192]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 8 and even == 0:
        return "utf-16-le"
    if even > len(head) // 8 and odd == 0:
        return "utf-16-be"
    return None


def _likely(data: bytes) -> str:
    from charset_normalizer import from_bytes  # 40 ms to import, needed for old encodings only

    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    return best.encoding if best else "cp1252"
