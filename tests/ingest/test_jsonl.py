"""Documents that come as lines of JSON, and folders that are watched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.errors import LibraryLocked, UsageError
from rag.ingest import Receipt, embed_again, ingest_lines, watch
from rag.ingest.lock import writer_lock
from rag.interfaces import Vectors
from rag.store import SqliteStore, open_store
from tests.fakes.ingest import PlainPool, WordEmbedder, closed, run
from tests.fakes.store import text_vector, text_vectors


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        yield opened


def ingest(store: SqliteStore, embedder: WordEmbedder, *records: object) -> Receipt:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    *_, last = ingest_lines(lines, store=store, embedder=embedder)
    assert last.receipt is not None
    return last.receipt


def test_lines_become_documents_and_the_same_id_replaces(store: SqliteStore) -> None:
    embedder = WordEmbedder()
    first = {"id": "note/1", "content": "The cat sat.", "title": "Cats", "date": "2024-05-01"}
    second = {"id": "2.md", "content": "# Dogs\n\nA dog ran."}
    assert ingest(store, embedder, first, "", second).added == 2
    assert [(row.doc, row.title, row.date) for row in store.report("default")] == [
        ("2.md", "Dogs", None),
        ("note/1", "Cats", "2024-05-01"),
    ]
    embedder.embedded.clear()
    again = ingest(store, embedder, first, {**second, "content": "# Dogs\n\nA dog slept."})
    assert (again.unchanged, again.updated) == (1, 1)
    assert [hit.doc for hit in store.hits([store.nearest("default", text_vector("dog slept"), 1)[0][0]])] == [
        "2.md"
    ]
    assert not any("cat" in text for text in embedder.embedded)


@pytest.mark.parametrize(("written", "date"), [("May 1, 2024", "2024-05-01"), ("soon", None), (2024, "2024")])
def test_the_date_of_a_line_is_iso_or_none(store: SqliteStore, written: object, date: str | None) -> None:
    ingest(store, WordEmbedder(), {"id": "a", "content": "The cat sat.", "date": written})
    assert [row.date for row in store.report("default")] == [date]


def test_lines_remove_nothing(store: SqliteStore) -> None:
    ingest(store, WordEmbedder(), {"id": "1", "content": "one"})
    assert ingest(store, WordEmbedder(), {"id": "2", "content": "two"}).removed == 0
    assert store.passage_count("default") == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", 'not an object with "id"'),
        ('{"id": "x"}', 'not an object with "id"'),
        ('{"content": "x"}', 'has no "id"'),
        ('{"id": "x", "content": "y", "media_type": "image/png"}', "text/html"),
    ],
)
def test_a_bad_line_is_a_failure_and_the_others_go_on(store: SqliteStore, line: str, problem: str) -> None:
    receipt = ingest(store, WordEmbedder(), line, {"id": "1", "content": "one"})
    assert (receipt.added, receipt.failed) == (1, 1)
    assert receipt.failures[0].doc == "line 1" and problem in receipt.failures[0].error


def test_a_watched_folder_stays_in_step(store: SqliteStore, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("The cat sat.")
    stop = threading.Event()
    limit = threading.Timer(20, stop.set)
    limit.start()
    receipts = []
    for event in watch([folder], stop=stop, store=store, embedder=WordEmbedder(), pools=PlainPool):
        if event.receipt is None:
            continue
        receipts.append(event.receipt)
        if len(receipts) == 1:
            threading.Timer(0.5, (folder / "b.md").write_text, ["A dog ran."]).start()
        elif event.receipt.added:
            (folder / "a.md").unlink()
        elif event.receipt.removed:
            stop.set()
    limit.cancel()
    assert [(r.added, r.removed) for r in receipts if r.added or r.removed] == [(1, 0), (1, 0), (0, 1)]
    assert [known.source.doc for known in store.known_files("default")] == ["b.md"]


def test_what_changes_before_the_watching_begins_is_not_missed(store: SqliteStore, tmp_path: Path) -> None:
    """A file changed while the first ingest was at work was found with the next change only."""
    folder = tmp_path / "notes"
    folder.mkdir()
    stop = threading.Event()
    limit = threading.Timer(20, stop.set)
    limit.start()
    for event in watch([folder], stop=stop, store=store, embedder=WordEmbedder(), pools=PlainPool):
        if event.receipt is not None and not (folder / "a.md").exists():
            (folder / "a.md").write_text("The cat sat.")
        elif event.receipt is not None:
            stop.set()
    limit.cancel()
    assert [known.source.doc for known in store.known_files("default")] == ["a.md"]


class OtherEmbedder(WordEmbedder):
    """Another model: other vectors, half as many dimensions."""

    identity = "words-v2"
    dimensions = WordEmbedder.dimensions // 2

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        self.embedded += texts
        halves = -text_vectors(texts)[:, : self.dimensions]
        return np.asarray(halves / abs(halves).max(), np.float32)


@pytest.fixture
def indexed(store: SqliteStore, tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.md").write_text(f"The cat {number} sat.")
    run(store, WordEmbedder(), folder)
    return folder


def test_another_model_takes_over_at_once(store: SqliteStore, indexed: Path) -> None:
    other = OtherEmbedder()
    for event in embed_again(store=store, embedder=other):
        if event.receipt is None and event.passages < 3:
            store.require_model("default", "words-v1")
            assert len(store.nearest("default", text_vector("cat"), 9)) == 3
    assert event.receipt is not None
    assert (event.receipt.embedded, sorted(other.embedded)[0]) == (3, "The cat 0 sat.")
    store.require_model("default", "words-v2")
    query = other.embed_passages(["The cat 1 sat."])[0]
    (nearest,) = store.nearest("default", query, 1)
    assert [hit.doc for hit in store.hits([nearest[0]])] == ["1.md"]
    assert [finding.problem for finding in store.check() if finding.problem] == []
    assert store.related("default", "1.md", 5) != []
    assert run(store, other, indexed).unchanged == 3


def test_embedding_again_with_the_same_model_does_nothing(store: SqliteStore, indexed: Path) -> None:
    embedder = WordEmbedder()
    *_, last = embed_again(store=store, embedder=embedder)
    assert last.receipt is not None and embedder.embedded == []


def test_an_interrupted_change_of_models_goes_on_where_it_was(
    store: SqliteStore, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.ingest.reembed.MAX_AT_ONCE", 2)
    first = OtherEmbedder()
    events = embed_again(store=store, embedder=first)
    next(events)
    closed(events)
    store.require_model("default", "words-v1")
    # What happens to the documents meanwhile is taken into account.
    (indexed / "0.md").unlink()
    (indexed / "3.md").write_text("A new cat.")
    run(store, WordEmbedder(), indexed)
    second = OtherEmbedder()
    for _ in embed_again(store=store, embedder=second):
        pass
    assert sorted(first.embedded) == ["The cat 0 sat.", "The cat 1 sat."]
    assert sorted(second.embedded) == ["A new cat.", "The cat 2 sat."]
    assert [finding.problem for finding in store.check() if finding.problem] == []


def test_an_ingest_goes_through_while_a_collection_is_embedded_again(
    store: SqliteStore, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for the whole embedding, ten minutes at most, and then failed."""
    monkeypatch.setattr("rag.ingest.reembed.MAX_AT_ONCE", 1)
    other = OtherEmbedder()
    events = embed_again(store=store, embedder=other)
    next(events)
    (indexed / "3.md").write_text("A new cat.")
    assert run(store, WordEmbedder(), indexed).added == 1
    for _ in events:
        pass
    assert sorted(other.embedded) == ["A new cat.", "The cat 0 sat.", "The cat 1 sat.", "The cat 2 sat."]
    store.require_model("default", "words-v2")
    assert [finding.problem for finding in store.check() if finding.problem] == []


def test_the_new_vectors_wait_for_an_ingest_that_is_at_work(
    store: SqliteStore, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.ingest.reembed.SWITCH_SECONDS", 0.0)
    events = embed_again(store=store, embedder=OtherEmbedder())
    next(events)
    with writer_lock(store.path, purpose="ingest"):
        assert [next(events).passages for _ in range(3)] == [3, 3, 3]
        store.require_model("default", "words-v1")
    for _ in events:
        pass
    store.require_model("default", "words-v2")


def test_two_models_are_not_embedded_at_once(store: SqliteStore, indexed: Path) -> None:
    events = embed_again(store=store, embedder=OtherEmbedder())
    next(events)
    with pytest.raises(LibraryLocked, match="embed 'default' again"):
        list(embed_again(store=store, embedder=WordEmbedder()))
    closed(events)


def test_returning_to_the_model_that_serves_gives_up_the_half_built_vectors(
    store: SqliteStore, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stayed in the library for good, and every document that left had to be taken out of them."""
    monkeypatch.setattr("rag.ingest.reembed.MAX_AT_ONCE", 2)
    events = embed_again(store=store, embedder=OtherEmbedder())
    next(events)
    closed(events)
    for _ in embed_again(store=store, embedder=WordEmbedder()):
        pass
    with store.database.read() as db:
        assert db.execute("SELECT model FROM embeddings").fetchall() == [("words-v1",)]
        tables = db.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'vectors%'").fetchall()
    assert tables == [("vectors_1",)]
    assert len(store.nearest("default", text_vector("cat"), 9)) == 3


def test_an_unknown_collection_cannot_be_embedded_again(store: SqliteStore) -> None:
    with pytest.raises(UsageError, match="nothing-here"):
        list(embed_again(store=store, embedder=WordEmbedder(), collection="nothing-here"))
