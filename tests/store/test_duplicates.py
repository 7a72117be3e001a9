"""Passages that say the same are found once and reported together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.store import SqliteStore, duplicates, open_store
from rag.store.duplicates import BANDS, ROWS, signature, words_of
from tests.fakes.store import put

LONG = " ".join(f"word{n}" for n in range(40))


def groups(store: SqliteStore) -> list[tuple[list[str], bool]]:
    return [([hit.doc for hit in group.hits], group.identical) for group in store.duplicates("default")]


def test_identical_and_near_identical_passages_are_grouped(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", LONG, "something else entirely that nobody wrote anywhere but here")
        put(store, "b.md", LONG.replace("word7 ", "changed "))
        put(store, "c.md", " ".join(f"other{n}" for n in range(40)))
        assert groups(store) == [(["a.md", "b.md"], False)]
        put(store, "d.md", " ".join(f"other{n}" for n in range(40)))
        assert groups(store) == [(["a.md", "b.md"], False), (["c.md", "d.md"], True)]


def test_short_passages_are_no_duplicates(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", "Table of contents")
        put(store, "b.md", "Table of contents")
        assert groups(store) == []


def test_the_same_words_with_another_meaning_are_kept_apart(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", LONG)
        put(store, "b.md", " ".join(f"word{n}" for n in range(20, 60)))
        assert groups(store) == []


def test_every_near_identical_pair_of_many_passages_is_found(tmp_path: Path) -> None:
    """They were looked for among at most 20,000 passages, as all pairs were compared."""
    texts = [" ".join(f"topic{topic}word{n}" for n in range(40)) for topic in range(300)]
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", *texts)
        put(store, "b.md", *(f"{text} and more" for text in texts))
        found = store.duplicates("default")
    assert [[hit.passage.ordinal for hit in group.hits] for group in found] == [[n, n] for n in range(300)]


def test_boilerplate_is_one_group(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", *(f"{LONG} number{n}" for n in range(50)))
        assert [len(group.hits) for group in store.duplicates("default")] == [50]


def test_near_identical_passages_are_found_in_chinese(tmp_path: Path) -> None:
    text = "图书馆每天上午九点开门，晚上八点关门，星期一不对外开放。"
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", text, "北风与太阳争论谁更有本领，这时来了一个穿厚外衣的旅人。")
        put(store, "b.md", text.replace("八", "七"))
        assert groups(store) == [(["a.md", "b.md"], False)]


@given(st.sets(st.text("abc", min_size=1), min_size=1), st.sets(st.text("abc", min_size=1), min_size=1))
def test_a_union_has_the_least_values_of_its_parts(one: set[str], other: set[str]) -> None:
    assert signature(one).shape == (BANDS * ROWS,)
    assert (signature(one | other) == np.minimum(signature(one), signature(other))).all()


def test_the_share_of_equal_values_estimates_the_share_of_words() -> None:
    one, other = (words_of(" ".join(f"w{n}" for n in range(start, start + 400))) for start in (0, 100))
    agreeing = (signature(one) == signature(other)).mean()
    assert duplicates.shared_words(one, other) == pytest.approx(0.6)
    assert agreeing == pytest.approx(0.6, abs=0.15)
