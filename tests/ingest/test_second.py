"""The second embedding model: what it reads, what it keeps, and when it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rag.ingest import embed_again
from rag.interfaces import Vectors
from rag.search import Ranking, retrieve
from rag.store import SqliteStore, open_store
from tests.fakes.ingest import WordEmbedder, run

GERMAN = "Der Vertrag endet nach drei Jahren, wenn er nicht von einer der beiden Seiten verlängert wird."
ENGLISH = "The contract ends after three years unless one of the two parties asks for an extension."


class SecondEmbedder(WordEmbedder):
    """Reads words as the first does, and knows that they are about the same thing."""

    def __init__(self, identity: str = "second-v1", same: tuple[str, str] = ("holidays", "vacation")) -> None:
        super().__init__()
        self.identity = identity
        self._same = same

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        return super().embed_queries([text.replace(*self._same) for text in texts])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    made.mkdir()
    return made


def missing(store: SqliteStore) -> list[int]:
    return [leg.missing for leg in store.legs("default")]


def test_it_reads_english_passages_under_their_title_and_headings(store: SqliteStore, folder: Path) -> None:
    (folder / "en.md").write_text(f"# Supply\n\n## Term\n\n{ENGLISH}\n", "utf-8")
    (folder / "de.md").write_text(f"# Lieferung\n\n{GERMAN}\n", "utf-8")
    second = SecondEmbedder()
    run(store, WordEmbedder(), folder, second=second)
    assert second.embedded == [f"Supply\nTerm\n# Supply\n\n## Term\n\n{ENGLISH}"]
    assert missing(store) == [0, 1]


def test_what_stays_as_it_was_is_not_read_again(store: SqliteStore, folder: Path) -> None:
    text = "\n\n".join(f"## Part {n}\n\n" + f"word{n} " * 60 for n in range(3))
    (folder / "a.md").write_text(f"# Title\n\n{text}\n", "utf-8")
    run(store, WordEmbedder(), folder, second=(second := SecondEmbedder()))
    assert len(second.embedded) == 3
    (folder / "a.md").rename(folder / "b.md")
    run(store, WordEmbedder(), folder, second=second)
    assert len(second.embedded) == 3
    (folder / "b.md").write_text(f"# Title\n\n{text.replace('word1 ', 'changed ')}\n", "utf-8")
    run(store, WordEmbedder(), folder, second=second)
    assert [one.split()[-1] for one in second.embedded[3:]] == ["changed"]
    (folder / "b.md").write_text(f"# Another title\n\n{text}\n", "utf-8")
    run(store, WordEmbedder(), folder, second=second)
    assert len(second.embedded) == 7 and missing(store) == [0, 0]


def test_a_title_that_was_the_name_of_a_moved_file_is_read_again(store: SqliteStore, folder: Path) -> None:
    (folder / "a.md").write_text("The cat sat on the mat.", "utf-8")
    run(store, WordEmbedder(), folder, second=(second := SecondEmbedder()))
    (folder / "a.md").rename(folder / "cats.md")
    run(store, (first := WordEmbedder()), folder, second=second)
    assert [text.splitlines()[0] for text in second.embedded] == ["a", "cats"]
    assert (first.embedded, missing(store)) == ([], [0, 0])


def test_a_library_from_before_gets_it_with_the_next_ingest(store: SqliteStore, folder: Path) -> None:
    (folder / "a.md").write_text("The cat sat on the mat.", "utf-8")
    run(store, WordEmbedder(), folder)
    assert len(store.legs("default")) == 1
    run(store, WordEmbedder(), folder, second=SecondEmbedder())
    assert missing(store) == [0, 0]
    run(store, WordEmbedder(), folder, second=SecondEmbedder("second-v2"))
    assert [leg.model for leg in store.legs("default")] == ["words-v1", "second-v2"]
    assert [finding.problem for finding in store.check() if finding.problem] == []


def test_a_stopped_ingest_goes_on_with_it(
    store: SqliteStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.ingest.second.BATCH_PASSAGES", 1)
    for n in range(3):
        (folder / f"{n}.md").write_text(f"Text number {n}.", "utf-8")
    run(store, WordEmbedder(), folder)
    second = SecondEmbedder()
    run(store, WordEmbedder(), folder, second=second, cancelled=lambda: len(second.embedded) == 1)
    assert missing(store) == [0, 2]
    run(store, WordEmbedder(), folder, second=second)
    assert missing(store) == [0, 0] and len(second.embedded) == 3


def test_embedding_again_embeds_with_both(store: SqliteStore, folder: Path) -> None:
    (folder / "a.md").write_text("The cat sat on the mat.", "utf-8")
    run(store, WordEmbedder(), folder)
    other = SecondEmbedder("words-v2")
    for _ in embed_again(store=store, embedder=other, second=SecondEmbedder()):
        pass
    assert [(leg.model, leg.missing) for leg in store.legs("default")] == [("words-v2", 0), ("second-v1", 0)]


def test_it_finds_what_is_said_in_other_words(store: SqliteStore, folder: Path) -> None:
    (folder / "a.md").write_text("vacation time", "utf-8")
    (folder / "b.md").write_text("holidays over", "utf-8")
    for n in range(12):
        (folder / f"{n}.md").write_text(f"Room {n} gets days of cleaning.", "utf-8")
    run(store, WordEmbedder(), folder, second=(second := SecondEmbedder()))

    def first(query: str, second: SecondEmbedder | None, weight: float = 3.0) -> tuple[str, bool]:
        hits = retrieve(
            query,
            index=store,
            embedder=WordEmbedder(),
            second=second,
            collection="default",
            top_k=3,
            ranking=Ranking(keyword_weight=0, name_weight=0, document_weight=0, second_weight=weight),
        )
        return hits[0].doc, "second" in hits[0].signals

    assert first("holidays", None) == ("b.md", False)
    assert first("holidays", second) == ("a.md", True)
    assert first("holidays", second, weight=0) == ("b.md", False)
    assert first("Wie viele holidays gibt es?", second)[1] is False
