"""Ranking over a real store, with vectors made from the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.errors import UsageError
from rag.interfaces import Distance, Similarity, Vectors
from rag.records import Hit, Passage
from rag.search import DEFAULT_RANKING, Ranking, retrieve, with_surroundings
from rag.search.order import reranked
from rag.store import Source, SqliteStore, open_store
from rag.text.terms import passage_terms
from tests.fakes.store import DIMENSIONS, document_of, passages_of, text_vectors

FILES = {
    "pets/cats.md": [
        "A cat sleeps sixteen hours a day.",
        "Cats purr when they are content.",
        "Order code AB-1234.",
    ],
    "pets/dogs.md": ["A dog sleeps twelve hours a day.", "Dogs bark at the postman."],
    "work/tax.pdf": [
        "The tax return is due in May.",
        "Late tax returns cost a fine.",
        "A fine day for a walk.",
    ],
}


class WordEmbedder:
    """Sums a vector a word."""

    identity = "words"
    dimensions = DIMENSIONS
    max_passage_tokens = 100

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        return [list(range(len(text))) for text in texts]

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        return text_vectors(texts)

    def embed_queries(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        return text_vectors(texts)

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        return self.compare(query, texts).cosines

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        raise AssertionError("a search compares stored vectors alone")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        opened.use_model("default", "words", DIMENSIONS)
        for doc, paragraphs in FILES.items():
            put(opened, doc, paragraphs)
        yield opened


def put(
    store: SqliteStore,
    doc: str,
    paragraphs: Sequence[str],
    *,
    language: str | None = None,
) -> None:
    document = replace(document_of(paragraphs, title=doc.split("/")[-1].split(".")[0]), language=language)
    passages = passages_of(document, doc)
    store.put_document(
        "default",
        Source("root", doc),
        document,
        passages,
        text_vectors([passage.text for passage in passages]),
        [passage_terms(passage, title=document.title, doc=doc) for passage in passages],
    )


def search(
    store: SqliteStore, query: str, *, docs: Sequence[str] | None = None, ranking: Ranking = DEFAULT_RANKING
) -> list[Hit]:
    return retrieve(
        query, index=store, embedder=WordEmbedder(), collection="default", top_k=5, docs=docs, ranking=ranking
    )


def texts(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.text for hit in hits]


def test_the_passage_asked_for_comes_first(store: SqliteStore) -> None:
    hits = search(store, "How many hours does a dog sleep?")
    assert hits[0].passage.text == "A dog sleeps twelve hours a day."
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].signals["keyword"] > 0 and -1 <= hits[0].signals["dense"] <= 1


def test_a_code_is_found_by_its_letters(store: SqliteStore) -> None:
    assert search(store, "ab-1234")[0].passage.text == "Order code AB-1234."


def test_an_exact_phrase_of_common_words_is_found(store: SqliteStore) -> None:
    """Words of most passages were once not looked at, and the passage that has the phrase was missed."""
    others = [f"The man and the dog met number {n}." for n in range(40)]
    put(store, "many.md", [*others, "Then the dog and the man left.", "The man sat. And the dog?"])
    assert search(store, '"dog and the man"')[0].passage.text == "Then the dog and the man left."


def test_a_lone_text_of_another_language_is_found_by_its_words(store: SqliteStore) -> None:
    """Compared within its language alone, the words of an only passage were once worth nothing."""
    put(store, "hinweis.md", ["Der Code XK-9931 ist neu."], language="de")
    for n in range(30):
        put(store, f"notes-{n}.md", [f"Note {n} on parts and codes."], language="en")
    assert search(store, "XK-9931", ranking=replace(DEFAULT_RANKING, dense_weight=0.0))[0].doc == "hinweis.md"


def test_digits_make_words_weigh_more(store: SqliteStore) -> None:
    keywords = [
        search(store, query, ranking=Ranking(name_weight=0, document_weight=0, digits_boost=boost))[0].score
        for query in ("order code AB-1234", "order code of cats")
        for boost in (1.0, 2.0)
    ]
    assert keywords[1] > keywords[0] and keywords[3] == keywords[2]


@pytest.mark.parametrize("distance", ["cosine", "centred", "euclidean", "manhattan"])
def test_every_distance_finds_the_nearest(store: SqliteStore, distance: Distance) -> None:
    ranking = Ranking(keyword_weight=0, name_weight=0, document_weight=0, distance=distance)
    hits = search(store, "Dogs bark at the postman.", ranking=ranking)
    assert hits[0].passage.text == "Dogs bark at the postman."
    assert hits[0].signals["dense"] == pytest.approx(1.0, abs=1e-5)


def test_the_name_of_the_file_counts(store: SqliteStore) -> None:
    assert search(store, "order code of cats")[0].doc == "pets/cats.md"
    assert {hit.doc for hit in search(store, "pets")[:2]} <= {"pets/cats.md", "pets/dogs.md"}


def test_a_document_named_by_the_query_comes_first(store: SqliteStore) -> None:
    for year in ("2018", "2019"):
        put(
            store, f"filings/acme_{year}.txt", ["Total revenue was 5 million.", "Total costs were 4 million."]
        )
    first, *others = search(store, "total revenue of Acme in 2019")
    assert first.doc == "filings/acme_2019.txt" and first.signals["name"] > others[-1].signals["name"]
    assert {hit.signals["name"] for hit in search(store, "total revenue in 2019")} == {0.0}


def test_rank_fusion_is_there_to_compare_with(store: SqliteStore) -> None:
    hits = search(
        store, "Dogs bark", ranking=Ranking(fusion="ranks", second_weight=0, name_weight=0, document_weight=0)
    )
    assert hits[0].passage.text == "Dogs bark at the postman."
    assert hits[0].score == pytest.approx(1.4 / 61)


def test_each_search_can_be_switched_off(store: SqliteStore) -> None:
    dense = search(store, "Dogs bark at the postman.", ranking=Ranking(keyword_weight=0))
    words = search(store, "Dogs bark at the postman.", ranking=Ranking(dense_weight=0))
    assert dense[0].passage.text == words[0].passage.text == "Dogs bark at the postman."
    assert {hit.signals["keyword"] > 0 for hit in words} == {True}


@pytest.mark.parametrize(
    ("query", "docs"),
    [
        pytest.param("hours a day doc:pets/*", {"pets/cats.md", "pets/dogs.md"}, id="glob"),
        pytest.param("hours a day doc:dogs.md", {"pets/dogs.md"}, id="name"),
        pytest.param("day doc:*.pdf", {"work/tax.pdf"}, id="ending"),
    ],
)
def test_filters_limit_the_documents(store: SqliteStore, query: str, docs: set[str]) -> None:
    assert {hit.doc for hit in search(store, query)} == docs


def test_a_query_does_not_leave_the_collection_that_was_chosen(store: SqliteStore) -> None:
    assert search(store, "dog collection:default") == search(store, "dog")
    with pytest.raises(UsageError, match="choose the collection 'letters'"):
        search(store, "dog collection:letters")


def test_a_question_for_a_number_prefers_numbers(store: SqliteStore) -> None:
    words, numbers = "travel costs of the staff explained", "travel costs of the staff 1204 1377"
    put(store, "costs.txt", [words, numbers])
    ranking = Ranking(number_weight=3)
    asked = search(store, "How high are the travel costs of the staff, explained?", ranking=ranking)
    told = search(store, "Travel costs of the staff, explained", ranking=ranking)
    assert (texts(asked)[:2], texts(told)[:2]) == ([numbers, words], [words, numbers])


def test_a_second_passage_of_a_page_is_lowered(store: SqliteStore) -> None:
    put(store, "a.pdf", ["zebra crossing one", "zebra crossing two"])
    apart = search(store, "zebra crossing", ranking=Ranking(page_penalty=0))
    spread = search(store, "zebra crossing", ranking=Ranking(page_penalty=0.3))
    assert [hit.score for hit in spread[:2]] == pytest.approx([apart[0].score, apart[1].score - 0.3])


def test_a_phrase_is_found_however_many_passages_share_its_words(store: SqliteStore) -> None:
    put(store, "many.txt", [f"walk day number {number}" for number in range(300)])
    ranking = Ranking(candidates=1)
    assert texts(search(store, '"fine day for a walk"', ranking=ranking))[0] == "A fine day for a walk."


def test_chosen_documents_limit_the_search(store: SqliteStore) -> None:
    assert {hit.doc for hit in search(store, "hours", docs=["work/tax.pdf"])} == {"work/tax.pdf"}


def test_a_phrase_comes_first_and_an_excluded_word_not_at_all(store: SqliteStore) -> None:
    assert texts(search(store, '"a fine day"'))[0] == "A fine day for a walk."
    assert all("tax" not in text.lower() for text in texts(search(store, "fine -tax")))


def test_words_are_compared_within_a_language(store: SqliteStore) -> None:
    put(store, "hund.md", ["Der Hund wacht."], language="de")
    words = Ranking(dense_weight=1e-9, second_weight=0, name_weight=0, document_weight=0, page_penalty=0)
    hits = retrieve(
        "hours a day", index=store, embedder=WordEmbedder(), collection="default", top_k=20, ranking=words
    )
    scores = {hit.passage.text: hit.score for hit in hits}
    assert scores["A dog sleeps twelve hours a day."] > 0.1 > -0.1 > scores["Dogs bark at the postman."]
    assert scores["Der Hund wacht."] == pytest.approx(0, abs=1e-6)


def test_a_repeated_passage_is_given_once(store: SqliteStore) -> None:
    put(store, "menu.md", ["Soup of the day", "Salad", "soup  of the DAY"])
    found = texts(search(store, "soup of the day"))
    assert sum("soup" in text.lower() for text in found) == 1


def test_equal_scores_are_ordered_by_rowid(store: SqliteStore) -> None:
    put(store, "x/one.md", ["zebra crossing"])
    put(store, "x/one.txt", ["zebra crossing"])
    hits = search(store, "zebra crossing")
    assert [hit.doc for hit in hits[:2]] == ["x/one.md", "x/one.txt"]
    assert hits[0].score == hits[1].score


@pytest.mark.parametrize(
    ("query", "docs", "message"),
    [
        pytest.param("doc:*.pdf", None, "words to search for", id="nothing to search for"),
        pytest.param("tax doc:*.docx", None, r"doc:\*\.docx", id="no such document"),
        pytest.param("tax", [], "chosen documents", id="nothing chosen"),
    ],
)
def test_a_search_that_can_find_nothing_says_why(
    store: SqliteStore, query: str, docs: list[str] | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        search(store, query, docs=docs)


def test_what_stands_around_the_first_hits_comes_last(store: SqliteStore) -> None:
    put(store, "story.md", ["Once upon a time", "a fox met a hen", "and they parted", "The end"])
    hits = search(store, "fox hen")[:1]
    widened = with_surroundings(hits, store, first=1)
    assert widened[:1] == hits
    assert texts(widened[1:]) == ["Once upon a time", "and they parted"]
    assert with_surroundings(widened, store, first=1) == widened
    assert with_surroundings(hits, store, first=0) == hits


def test_another_page_or_section_is_not_around(store: SqliteStore) -> None:
    document = document_of(["one fox", "two hens", "three geese"], title="tale")
    passages = [
        replace(passage, first_page=None, last_page=None, heading_path=(heading,))
        for passage, heading in zip(passages_of(document, "tale.md"), ("A", "A", "B"), strict=True)
    ]
    embedded = text_vectors([passage.text for passage in passages])
    terms = [passage_terms(passage, title="tale", doc="tale.md") for passage in passages]
    store.put_document("default", Source("root", "tale.md"), document, passages, embedded, terms)
    (hit,) = search(store, "two hens")[:1]
    assert texts(with_surroundings([hit], store)) == ["two hens", "one fox"]


@dataclass
class LongestFirst:
    """A `Reranker` that likes long texts."""

    english_only: bool = False
    signal: str = "length"

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([len(text) for text in texts], dtype=np.float64)


def test_a_reranker_orders_the_first_hits_anew(store: SqliteStore) -> None:
    def found(reranked: int) -> list[Hit]:
        ranking = Ranking(reranked=reranked, reranker_weight=100)
        return retrieve(
            "hours a day",
            index=store,
            embedder=WordEmbedder(),
            collection="default",
            top_k=5,
            ranking=ranking,
            reranker=LongestFirst(),
        )

    plain, first = found(0), found(3)
    assert texts(first[:3]) == sorted(texts(plain[:3]), key=len, reverse=True)
    assert first[3:] == plain[3:] and [hit.score for hit in first] == [hit.score for hit in plain]
    assert ["length" in hit.signals for hit in first] == [True] * 3 + [False] * (len(first) - 3)


def bare_hit(text: str, score: float) -> Hit:
    passage = Passage(text, 0, text, 0, len(text), 9, "0" * 32)
    return Hit(len(text), passage, 1, "a.md", "A", score)


def test_what_reads_english_only_is_spared_the_rest() -> None:
    """A question in another language keeps its order, and a text in one counts as middling."""
    ranking = Ranking(reranked=3, reranker_weight=100)
    reranker = LongestFirst(english_only=True)
    hits = [
        bare_hit("The hens are in the yard.", 3.0),
        bare_hit("Die Hühner sind am Abend alle wieder im Stall.", 2.0),
        bare_hit("The hens are in the yard, and the fox is behind the hedge.", 1.0),
    ]
    assert reranked(hits, "Wo sind die Hühner?", reranker, ranking) == hits
    found = reranked(hits, "Where are the hens?", reranker, ranking)
    assert [hit.passage.text for hit in found] == [hits[place].passage.text for place in (2, 1, 0)]
    assert ["length" in hit.signals for hit in found] == [True, False, True]
