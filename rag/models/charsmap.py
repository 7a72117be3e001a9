"""Code-point replacements packed into the character map that the tokenizers library reads."""

from __future__ import annotations

import struct
from collections.abc import Mapping

HAS_LEAF = 1 << 8
IS_VALUE = 1 << 31
OFFSET_SHIFT = 10
BLOCK = 256


def pack_charsmap(replacements: Mapping[str, str]) -> bytes:
    """A `precompiled_charsmap` that replaces single characters by texts, which may be empty.

    The layout is that of SentencePiece's normalizer: the trie's size in bytes, a double-array
    trie in the 32-bit units of darts-clone (offset, leaf flag, label) whose keys are UTF-8,
    and the replacements, each ended by a zero byte.
    """
    texts = bytearray()
    places: dict[str, int] = {}
    for text in sorted(set(replacements.values())):
        places[text] = len(texts)
        texts += text.encode() + b"\0"
    units = _double_array({key.encode(): places[text] for key, text in replacements.items()})
    return struct.pack(f"<{len(units) + 1}I", 4 * len(units), *units) + bytes(texts)


def _double_array(values: Mapping[bytes, int]) -> list[int]:
    """The trie's units, for keys of which none begins another.

    A node's child lies at `base ^ label`. Each node with children takes a block of 256 units of
    its own: 150 kB for the 4,837 keys of multilingual E5, where packing them tightly would save
    100 kB and take four seconds.
    """
    prefixes = sorted({key[:length] for key in values for length in range(len(key))})
    bases = {prefix: BLOCK * number for number, prefix in enumerate(prefixes, start=1)}
    first_value = BLOCK * (len(prefixes) + 1)
    units = [0] * (first_value + -(-len(values) // BLOCK) * BLOCK)
    units[0] = bases[b""] << OFFSET_SHIFT
    for prefix in prefixes[1:]:
        position = bases[prefix[:-1]] ^ prefix[-1]
        units[position] = (position ^ bases[prefix]) << OFFSET_SHIFT | prefix[-1]
    for place, (key, value) in enumerate(sorted(values.items()), start=first_value):
        position = bases[key[:-1]] ^ key[-1]
        units[position] = (position ^ place) << OFFSET_SHIFT | HAS_LEAF | key[-1]
        units[place] = IS_VALUE | value
    return units
