"""Whether a failure comes from a limit of the machine, which many errors are only a consequence of."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

LIBRARY_FILES = 8
"""Two databases with their logs and shared memory, and two to spare."""
_FILES = "There are too many open files: raise the limit (ulimit -n), or close other programs."
_MEMORY = "There is not enough memory: raise the limit (ulimit -v), close programs, or use a smaller model."
_SPACE = "The disk is full: free some space and run the same command again. What was finished is kept."
_BY_NUMBER = {
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: _MEMORY,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
}
_BY_TEXT = {
    "too many open files": _FILES,
    "bad_alloc": _MEMORY,
    "cannot allocate memory": _MEMORY,
    "not enough memory": _MEMORY,
    "failed to map segment": _MEMORY,
    "failed to allocate": _MEMORY,
    "no space left": _SPACE,
}


def shortage(error: BaseException) -> str:
    """What there is too little of, and the remedy; "" where the failure has another reason."""
    for cause in _causes(error):
        if isinstance(cause, MemoryError):
            return _MEMORY
        told = _BY_NUMBER.get(cause.errno or 0, "") if isinstance(cause, OSError) else ""
        said = str(cause).lower()
        told = told or next((remedy for words, remedy in _BY_TEXT.items() if words in said), "")
        if told:
            return told
    return "" if _files_can_be_opened() else _FILES


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _files_can_be_opened() -> bool:
    """Whether as many files can be opened as a library needs: SQLite does not say why one cannot be."""
    opened: list[int] = []
    try:
        opened.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(LIBRARY_FILES))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    finally:
        for file in opened:
            os.close(file)
    return True
