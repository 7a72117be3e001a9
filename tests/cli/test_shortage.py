"""Small machines: the message says what there is too little of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.cli.shortage import shortage
from rag.errors import LibraryError, ModelError, UsageError


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(24, "Too many open files"), "too many open files"),
        (OSError(28, "No space left on device"), "disk is full"),
        (ImportError("libmodel.so: failed to map segment from shared object"), "not enough memory"),
        (caused(ModelError("Delete that folder."), RuntimeError("std::bad_alloc")), "not enough memory"),
        (caused(LibraryError("Check its permissions."), OSError(24, "")), "too many open files"),
    ],
)
def test_the_lack_behind_a_failure_is_named(error: Exception, said: str) -> None:
    """A model that did not fit into the memory was to be deleted, a library's permissions checked."""
    assert said in shortage(error)


def test_other_failures_keep_their_reason() -> None:
    assert shortage(caused(UsageError("No such collection."), KeyError("x"))) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_library_that_cannot_be_opened_for_want_of_files_says_so(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from rag.cli import main; sys.argv = ['rag', 'collections', 'list'];"
        "import rag.library, rag.store, sqlite_vec, apsw, rag.cli.shortage, rag.text.visible;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5)); main()"
    )
    environment = os.environ | {"FOOTNOTE_LIBRARY": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "too many open files" in done.stderr
