"""The best excerpts are exact quotes of the hits, ordered by what they share with the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer.evidence import read
from rag.interfaces import Similarity, Vectors
from rag.records import READER_SIGNAL, Evidence, Hit, Passage
from rag.text.answer_types import expected_answer
from rag.text.words import content_words, fold, stem, words


class WordEmbedder:
    """A vector counts a text's words by their hash: texts with the same words are alike."""

    identity = "words"
    dimensions = 64
    max_passage_tokens = 500

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        return [[0] for _ in texts]

    def embed_passages(self, texts: Sequence[str], *, truncate: bool = False) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in words(text):
                vectors[row, sum(map(ord, word)) % self.dimensions] += 1
            vectors[row] /= np.linalg.norm(vectors[row]) or 1
        return vectors

    embed_queries = embed_passages

    def cosines(self, query: str, texts: Sequence[str]) -> Vectors:
        return self.compare(query, texts).cosines

    def compare(self, query: str, texts: Sequence[str]) -> Similarity:
        held = [set(words(text)) for text in texts]
        matches = [[0.7 + 0.3 * (word in one) for word in words(query)] for one in held]
        cosines = self.embed_passages(texts) @ self.embed_queries([query])[0]
        return Similarity(cosines, np.array(matches, np.float32))


def make_hit(text: str, *, rowid: int = 1, score: float = 1.0, title: str = "Title") -> Hit:
    passage = Passage(
        id=f"p{rowid}",
        ordinal=0,
        text=text,
        start=100,
        end=100 + len(text),
        token_count=9,
        content_hash="0" * 32,
    )
    return Hit(rowid, passage, 1, f"doc{rowid}.md", title, score)


def sentence(evidence: Evidence) -> str:
    """The sentence that is marked in an excerpt, which holds it."""
    assert evidence.sentence is not None
    start, end = evidence.sentence
    assert evidence.start <= start < end <= evidence.end
    return evidence.hit.passage.text[start:end]


def test_the_answering_sentence_comes_first_with_its_marker() -> None:
    hits = [
        make_hit("Our office is in Oslo. It opens at nine.", rowid=1, score=2.0),
        make_hit("Parking is free. The travel allowance is 45 euros a day.", rowid=2, score=1.9),
    ]
    best = read("How much is the travel allowance?", hits, embedder=WordEmbedder(), count=2).evidence
    assert sentence(best[0]) == "The travel allowance is 45 euros a day."
    assert best[0].quote == "Parking is free. The travel allowance is 45 euros a day."
    assert best[0].marker == 2
    assert len(best) == 1, "the other passage is far behind"


def test_a_repeated_sentence_and_a_bare_heading_are_not_quoted_twice() -> None:
    hits = [make_hit("# Leave\nLeave is 30 days.", title="Leave"), make_hit("Leave is 30 days.", rowid=2)]
    best = read("How many days of leave?", hits, embedder=WordEmbedder(), count=5).evidence
    assert [evidence.quote for evidence in best] == ["Leave is 30 days."]


@pytest.mark.parametrize("hits", [[], [make_hit(" ")]], ids=["no hits", "blank passage"])
def test_nothing_to_quote(hits: list[Hit]) -> None:
    assert read("Anything?", hits, embedder=WordEmbedder()).evidence == ()


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=4), st.text(min_size=1, max_size=30))
def test_quotes_are_exact_and_ordered(texts: list[str], question: str) -> None:
    hits = [make_hit(text, rowid=i) for i, text in enumerate(texts)]
    best = read(question, hits, embedder=WordEmbedder(), count=3).evidence
    for evidence in best:
        assert hits[evidence.marker - 1] is evidence.hit
        assert evidence.hit.passage.text[evidence.start : evidence.end] == evidence.quote != ""
    assert [e.score for e in best] == sorted((e.score for e in best), reverse=True)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many seats are there?", "number"),
        ("What year did it open?", "time"),
        ("Who won?", "name"),
        ("Wie viele Tage Urlaub gibt es?", "number"),
        ("Wann schließt das Büro?", "time"),
        ("Où est le bureau ?", "name"),
        ("¿Cuántos días?", "number"),
        ("多少人?", "number"),
        ("Когда открыли музей?", "time"),
        ("Why is it red?", None),
    ],
)
def test_expected_answer(question: str, kind: str | None) -> None:
    assert expected_answer(question) == kind


def test_words_fold_case_accents_and_split_unspaced_scripts() -> None:
    assert words("Café ÜBER 3.5") == ["cafe", "uber", "3", "5"]
    assert words("北京大学") == ["北京", "京大", "大学"]
    assert content_words("What is the capital of France?") == ["capital", "france"]
    assert content_words("What is it?") == ["what", "is", "it"]
    assert stem("employees") == stem("employee")
    assert stem("2019") == "2019"
    assert fold("Straße") == "strasse"


def test_a_line_of_front_matter_is_quoted_only_where_it_is_asked_for() -> None:
    hit = make_hit("---\ndate: 2024-05-01\nauthor: Ines\n---\n\nCopy the database with the shell.")
    best = read("How do I copy the database?", [hit], embedder=WordEmbedder()).evidence
    assert [evidence.quote for evidence in best] == ["Copy the database with the shell."]
    best = read("Author", [hit], embedder=WordEmbedder()).evidence
    assert sentence(best[0]) == "author: Ines"


@pytest.mark.parametrize("question", ["?", "…", " !? "])
def test_a_question_without_words_quotes_nothing(question: str) -> None:
    hit = make_hit("```\nmake all\n```")
    assert read(question, [hit], embedder=WordEmbedder()).evidence == ()


def test_a_row_of_a_long_table_has_the_header_and_few_others() -> None:
    rows = "".join(f"| E{number:02} | Fault number {number} | Call us |\n" for number in range(40))
    hit = make_hit("| Code | Meaning | Help |\n|---|---|---|\n" + rows)
    (best,) = read("What does E33 mean?", [hit], embedder=WordEmbedder(), count=1).evidence
    assert best.header == "| Code | Meaning | Help |"
    assert sentence(best) == "| E33 | Fault number 33 | Call us |"
    assert len(best.quote.splitlines()) <= 10


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("How many days of leave?", "In 2024 staff had leave of 27 days.", "27 days"),
        ("How many days of leave?", "Fifteen paid days of leave are given.", "Fifteen paid days"),
        ("How high is the allowance?", "The allowance is €45.50 for all.", "€45.50"),
        ("When did it open?", "Marketing says it opened on 3 May 2019 in Kiel.", "3 May 2019"),
        ("Who signed it?", "It was signed by Imogen Tarrant on a Monday.", "Imogen Tarrant"),
        ("Who signed it?", "Somebody signed it.", None),
        ("Who signed it?", "Then I saw on Monday that only Imogen had.", "Imogen"),
        ("Wer hat unterschrieben?", "Den Vertrag hat die Leitung am Montag unterschrieben.", None),
        ("Wer hat unterschrieben?", "Den Vertrag hat Imke Tarrant am Montag unterschrieben.", "Imke Tarrant"),
    ],
)
def test_the_answer_is_marked_where_its_kind_is_known(question: str, text: str, answer: str | None) -> None:
    (best,) = read(question, [make_hit(text)], embedder=WordEmbedder(), count=1).evidence
    assert (best.answer and text[slice(*best.answer)]) == answer


def test_tokens_are_matched_unless_the_reader_has_read_what_is_judged() -> None:
    """Of a version that another one follows, the decision takes nothing: the rest needs its matches then."""
    first = make_hit("The hall is locked at nine.", rowid=1)
    second = replace(make_hit("The hall is locked at ten, and the yard at eleven.", rowid=2), document_id=2)
    read_by_it = replace(first, signals={READER_SIGNAL: 1.5})
    question = "When is the hall locked?"

    def matches(hits: list[Hit], *, other: tuple[int, ...] = ()) -> int:
        return len(read(question, hits, embedder=WordEmbedder(), other_versions=other).matches)

    assert matches([first, second]) > 0
    assert matches([read_by_it, second]) == 0
    assert matches([read_by_it, second], other=(read_by_it.document_id,)) > 0


def test_the_readers_opinion_of_a_passage_counts_for_its_excerpts() -> None:
    """Two passages that share as much with the question: the one that it holds to answer comes first."""
    texts = ("The north hall is locked at nine.", "The south hall is locked at nine.")

    def first(*opinions: float) -> str:
        hits = [
            replace(make_hit(text, rowid=place), signals={READER_SIGNAL: opinion})
            for place, (text, opinion) in enumerate(zip(texts, opinions, strict=True), start=1)
        ]
        return read("When is the hall locked?", hits, embedder=WordEmbedder()).evidence[0].quote

    assert (first(3.0, -3.0), first(-3.0, 3.0)) == texts
