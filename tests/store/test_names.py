"""What documents of the same path are called shows no more of this computer's folders than it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.store import open_store
from tests.fakes.store import put


@pytest.mark.parametrize(
    ("roots", "names"),
    [
        (["/home/ann/mail"], ["a.md"]),
        (["/home/ann/letters/2023", "/home/ann/letters/2024"], ["2023/a.md", "2024/a.md"]),
        (["/home/ann/old/mail", "/home/ann/new/mail"], ["old/mail/a.md", "new/mail/a.md"]),
    ],
    ids=["one folder", "told apart by the last", "told apart by the last but one"],
)
def test_names_show_the_last_folders_that_tell_them_apart(
    tmp_path: Path, roots: list[str], names: list[str]
) -> None:
    with open_store(tmp_path / "library.db") as store:
        for root in roots:
            put(store, "a.md", f"It is kept in {root}.", root=root)
        store.tell_apart("default")
        entries = sorted(store.documents("default"), key=lambda entry: entry.id)
    assert [entry.doc for entry in entries] == names
    assert not any("home" in entry.doc or "ann" in entry.doc for entry in entries)
