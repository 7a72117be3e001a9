"""What a reading process gives up before it sees a file: the network, and writing but in a folder of its own.

Linux only, by two system calls that need no privileges; elsewhere, and where the kernel refuses, the limits
on time and memory are all there is.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
# The numbers are the same on all architectures (asm-generic/unistd.h).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38
# landlock.h: to write, to remove and to make files of any kind; later versions have more.
_WRITE_FILE, _MAKE_SOCKET = 1 << 1, 1 << 9
_CHANGES = {1: sum(1 << bit for bit in (1, *range(4, 13))), 2: 1 << 13, 3: 1 << 14}
_CONNECTIONS = 0b11
_CONNECTIONS_SINCE = 4


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def give_up_rights(scratch: Path, *, sockets: Path | None = None) -> None:
    """Takes the network, and writing outside of a folder, from this process and those it starts.

    In `sockets` it may make sockets, and nothing else.
    """
    if sys.platform != "linux":
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    # Without privileges a network of one's own needs a user namespace of one's own.
    if kernel.unshare(_NEW_NET) != 0:
        kernel.unshare(_NEW_USER | _NEW_NET)
    version = kernel.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return
    files = sum(rights for since, rights in _CHANGES.items() if since <= version)
    rules = _Rules(files, _CONNECTIONS if version >= _CONNECTIONS_SINCE else 0)
    size = ctypes.sizeof(rules) if version >= _CONNECTIONS_SINCE else ctypes.sizeof(ctypes.c_uint64)
    ruleset = kernel.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    places: list[tuple[Path, int]] = [(scratch, files), (Path(os.devnull), _WRITE_FILE)]
    places += [(sockets, _MAKE_SOCKET)] if sockets else []
    for place, allowed in places:
        opened = os.open(place, os.O_PATH)
        beneath = _Beneath(allowed, opened)
        kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(beneath), 0)
        os.close(opened)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
