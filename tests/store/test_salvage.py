"""A damaged library is no dead end: what can be read is kept, and the rest is read again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rag.errors import LibraryDamaged
from rag.store import ScaleRow, SqliteStore, open_store
from rag.store.salvage import salvage
from tests.fakes.ingest import WordEmbedder, run
from tests.fakes.store import text_vector

PAGE = 4096
DOCUMENTS = 40


def filled(path: Path) -> Path:
    """A library of a folder's documents and some conversations; returns the folder."""
    folder = path.parent / "docs"
    folder.mkdir()
    for number in range(DOCUMENTS):
        (folder / f"{number}.md").write_text(f"# Ferry {number}\n\n{f'It sails from pier {number}. ' * 40}")
    with open_store(path) as store:
        run(store, WordEmbedder(), folder)
        for number in range(20):
            id_ = store.conversations.start(f"Talk {number}", "default")
            for turn in range(5):
                store.conversations.append(
                    id_,
                    question=f"When {turn}?",
                    answer="At nine.",
                    record="{}" * 200,
                    searchable="",
                    citations=[],
                )
    return folder


def spoil(path: Path, seed: int, pages: int) -> None:
    """Random bytes in some pages, those that list the tables excepted."""
    chosen = random.Random(seed)
    data = bytearray(path.read_bytes())
    listing = {0} | {page for page in range(len(data) // PAGE) if b"CREATE " in data[page * PAGE :][:PAGE]}
    for page in chosen.sample(sorted(set(range(len(data) // PAGE)) - listing), pages):
        data[page * PAGE : (page + 1) * PAGE] = chosen.randbytes(PAGE)
    path.write_bytes(data)


def problems(store: SqliteStore) -> list[str]:
    return [f"{found.check}: {found.problem}" for found in store.check() if found.problem]


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_in_four_pages_lose_little_and_nothing_for_good(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "library.db"
    folder = filled(path)
    spoil(path, seed, 4)
    found = salvage(path)
    assert found.damaged.is_file()
    with open_store(path) as store:
        store.repair()
        assert all("without a vector" in problem for problem in problems(store))
        conversations = store.conversations.listed(100, 0)
        assert len(conversations) >= 10
        receipt = run(store, WordEmbedder(), folder)
        assert receipt.failed == 0
        assert problems(store) == []
        (collection,) = [one for one in store.collections() if one.documents]
        assert collection.documents == DOCUMENTS
        ((rowid, _),) = store.nearest(collection.name, text_vector("pier 17."), 1)
        assert "pier" in store.hits([rowid])[0].passage.text


def test_an_unspoilt_library_is_salvaged_whole(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    folder = filled(path)
    with open_store(path) as store:
        before = [hit.passage for hit in store.hits(store.passage_rowids(range(1, 200)))]
        store.keep_scale(
            "default", ScaleRow("far", {"near": ["pier 1"], "far": ["pier 9"]}, {1: ("far", 0.9)})
        )
    found = salvage(path)
    assert (found.kept["documents"], found.kept["messages"]) == (DOCUMENTS, 100)
    with open_store(path) as store:
        assert [hit.passage for hit in store.hits(store.passage_rowids(range(1, 200)))] == before
        store.repair()
        assert problems(store) == []
        with store.database.plain() as db:
            assert db.execute("SELECT class FROM v_scores").fetchall() == [("far",)]
            assert db.execute("SELECT count(DISTINCT doc) FROM v_vectors").fetchone() == (DOCUMENTS,)
        embedder = WordEmbedder()
        assert run(store, embedder, folder).unchanged == DOCUMENTS
        assert embedder.embedded == []


def test_a_library_without_a_first_page_is_beyond_help(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    filled(path)
    data = bytearray(path.read_bytes())
    data[:PAGE] = random.Random(1).randbytes(PAGE)
    path.write_bytes(data)
    with pytest.raises(LibraryDamaged, match="restore"):
        salvage(path)
    assert path.read_bytes() == bytes(data)
