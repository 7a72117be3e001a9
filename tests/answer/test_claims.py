"""Whether the documents support a claim, by which quotes, and which of two versions decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.errors import UsageError
from rag.ingest import ingest
from rag.library import Library
from rag.settings import Settings
from tests.fakes.ingest import PlainPool
from tests.fakes.web import FakeLibrary, QueuedModel

FILES = {
    "fees-2023.md": "# Fees\n\nValid from 1 January 2023.\n\nA locker costs 3 euros a day.\n",
    "fees-2024.md": "# Fees\n\nValid from 1 January 2024.\n\nA locker costs 4 euros a day.\n",
    "pool.md": "# Pool\n\nThe pool opens on 14 May. Dogs are not allowed on the lawn.\n",
    "poster.md": "# Poster\n\nThe sauna opens at nine every morning.\n",
    "leaflet.md": "# Leaflet\n\nThe sauna opens at ten every morning.\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("claims")
    documents = folder / "documents"
    documents.mkdir()
    for name, text in FILES.items():
        (documents / name).write_text(text, encoding="utf-8")
    settings = Settings(library=folder / "library", second_embedding_model="none")
    with FakeLibrary(settings, QueuedModel(["Nothing."])) as opened:
        for _ in ingest([documents], store=opened.store, embedder=opened.embedder, pools=PlainPool):
            pass
        yield opened


@pytest.mark.parametrize(
    ("claim", "verdict", "doc"),
    [
        ("The pool opens on 14 May.", "supported", "pool.md"),
        ("The pool opens on 20 June.", "contradicted", "pool.md"),
        ("Dogs are allowed on the lawn.", "contradicted", "pool.md"),
        ("A locker costs 4 euros a day.", "supported", "fees-2024.md"),
        ("A locker costs 3 euros a day.", "contradicted", "fees-2024.md"),
    ],
)
def test_a_claim_is_supported_or_contradicted_by_a_quote(
    library: Library, claim: str, verdict: str, doc: str
) -> None:
    (checked,) = library.check_claim(claim)
    assert checked.verdict == verdict
    quote = (checked.supporting if verdict == "supported" else checked.contradicting)[0]
    assert quote.hit.doc == doc
    assert quote.hit.passage.text[quote.start : quote.end] == quote.quote


def test_what_the_documents_do_not_say_comes_with_the_nearest_quotes(library: Library) -> None:
    (checked,) = library.check_claim("The chess club meets in the basement.")
    assert checked.verdict == "not found"
    assert checked.nearest
    assert not checked.supporting
    assert not checked.contradicting


def test_quotes_on_both_sides_are_shown(library: Library) -> None:
    (checked,) = library.check_claim("The sauna opens at nine every morning.")
    assert checked.verdict == "supported"
    assert [quote.hit.doc for quote in checked.contradicting] == ["leaflet.md"]


def test_each_sentence_is_checked_for_itself(library: Library) -> None:
    checked = library.check_claim("The pool opens on 14 May. The chess club meets in the basement.")
    assert [one.verdict for one in checked] == ["supported", "not found"]


def test_an_empty_claim_is_refused(library: Library) -> None:
    with pytest.raises(UsageError, match="empty"):
        library.check_claim(" ")
