"""Compound files, which Outlook keeps a message in: folders and streams in sectors."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

Tree = Mapping[str, Union[bytes, "Tree"]]

_SECTOR, _SMALL, _SMALL_LIMIT = 512, 64, 4096
_END, _FREE, _NONE, _OF_TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFD


@dataclass
class _Sectors:
    """Contents in sectors of one size, and which sector follows which."""

    size: int
    data: bytearray = field(default_factory=bytearray)
    following: list[int] = field(default_factory=list)

    def add(self, content: bytes) -> int:
        """Puts a content at the end; returns its first sector."""
        if not content:
            return _END
        first, count = len(self.following), -(-len(content) // self.size)
        self.data += content.ljust(count * self.size, b"\0")
        self.following += [*range(first + 1, first + count), _END]
        return first


@dataclass
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    right: int = _NONE
    child: int = _NONE


def make_ole(tree: Tree) -> bytes:
    """A compound file with these folders (mappings) and streams (bytes)."""
    entries = [_Entry("Root Entry", 5)]
    entries[0].child = _add(entries, tree)
    large, small = _Sectors(_SECTOR), _Sectors(_SMALL)
    starts = [(small if len(one.content) < _SMALL_LIMIT else large).add(one.content) for one in entries[1:]]
    root = large.add(bytes(small.data))
    directory = b"".join(
        _packed(one, start, len(small.data) if number == 0 else len(one.content))
        for number, (one, start) in enumerate(zip(entries, [root, *starts], strict=True))
    )
    places = large.add(directory)
    small_table = large.add(_table(small.following))
    table_count = len(large.following) // 127 + 1
    table = len(large.following)
    following = [*large.following, *[_OF_TABLE] * table_count]
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, table_count, places, 0, _SMALL_LIMIT, small_table, -(-len(small.following) // 128)),
        *(_END, 0, table),
    )
    header += struct.pack("<108I", *range(table + 1, table + table_count), *[_FREE] * (109 - table_count))
    return header + bytes(large.data) + _table(following)


def _add(entries: list[_Entry], tree: Tree) -> int:
    """Adds what is in a folder, each with the next beside it; returns the first one's number."""
    first = before = _NONE
    for name, content in sorted(tree.items(), key=lambda one: (len(one[0]), one[0])):
        number = len(entries)
        entries.append(_Entry(name, 2, content) if isinstance(content, bytes) else _Entry(name, 1))
        if not isinstance(content, bytes):
            entries[number].child = _add(entries, content)
        if before == _NONE:
            first = number
        else:
            entries[before].right = number
        before = number
    return first


def _packed(entry: _Entry, start: int, size: int) -> bytes:
    name = f"{entry.name}\0".encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII36xIQ", name, len(name), entry.kind, 1, _NONE, entry.right, entry.child, start, size
    )


def _table(following: Sequence[int]) -> bytes:
    filled = [*following, *[_FREE] * (-len(following) % 128)]
    return struct.pack(f"<{len(filled)}I", *filled)
