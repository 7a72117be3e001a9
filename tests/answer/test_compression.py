"""Which sentences of the hits a compressed prompt shows first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.answer.compression import extracts
from rag.answer.prompt import fit
from rag.prompts import Templates
from rag.records import Evidence, Hit, Message, Passage
from rag.settings import PROJECT

FILLER = "Nothing of that kind is said in this sentence. " * 6
NOTICE = "The notice period is three months."


class WordCounter:
    """A token is a word."""

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def count_prompt_tokens(self, messages: list[Message]) -> int:
        return sum(self.count_tokens(message.content) for message in messages)


def hit(text: str, rank: int) -> Hit:
    return Hit(
        rank, Passage(f"p{rank}", 0, text, 0, len(text), 9, "0" * 32), rank, f"{rank}.md", "", 1 / rank
    )


def test_every_piece_is_ranked_once_and_quoted_exactly() -> None:
    hits = [hit(f"{NOTICE} It is the same for all.", 1), hit("Lunch costs 20 euros.", 2)]
    ranked = extracts("How long is the notice period?", hits)
    assert [one.quote for one in ranked] == [NOTICE, "It is the same for all.", "Lunch costs 20 euros."]
    for one in ranked:
        assert hits[one.marker - 1].passage.text[one.start : one.end] == one.quote


def test_the_neighbours_of_what_matters_come_before_the_rest_of_its_passage() -> None:
    hits = [hit(f"Far away. Before. {NOTICE} After. Far again.", 1)]
    ranked = [one.quote for one in extracts("How long is the notice period?", hits)]
    assert ranked == [NOTICE, "Before.", "After.", "Far away.", "Far again."]


def test_what_was_read_and_found_good_leads() -> None:
    hits = [hit(NOTICE, 1), hit("Three months, for everybody.", 2)]
    read = Evidence(hits[1], 2, hits[1].passage.text, 0, 28, 9.0)
    assert extracts("How long is the notice period?", hits, [read])[0].quote == read.quote


def test_the_rank_of_a_passage_is_by_its_score_wherever_it_stands() -> None:
    hits = [hit("No word of it.", 2), hit("Nor of that.", 1)]
    assert [one.quote for one in extracts("Notice?", hits)] == ["Nor of that.", "No word of it."]


def test_more_passages_fit_where_each_is_cut_to_what_matters() -> None:
    written = "Notice is given in writing."
    hits = [hit(FILLER + NOTICE + " " + FILLER, 1), hit(f"{FILLER}{written} {FILLER}", 2)]
    start = len(FILLER)
    read = [Evidence(hits[1], 2, written, start, start + len(written), 9.0)]
    given = {
        "templates": Templates(PROJECT / "prompts"),
        "counter": WordCounter(),
        "window_tokens": 2000,
        "passage_tokens": 130,
        "answer_tokens": 100,
    }
    question = "How is notice given?"
    whole = fit(question, hits, **given)  # type: ignore[arg-type]
    compressed = fit(question, hits, quotes=extracts(question, hits, read), **given)  # type: ignore[arg-type]
    assert (whole.markers, compressed.markers, compressed.cut) == ((1,), (1, 2), (1, 2))
    assert NOTICE in compressed.messages[-1].content
    assert f"… {written}" in compressed.messages[-1].content


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=4))
def test_any_text_gives_pieces_of_itself(question: str, texts: list[str]) -> None:
    hits = [hit(text, rank) for rank, text in enumerate(texts, start=1)]
    for one in extracts(question, hits):
        assert hits[one.marker - 1].passage.text[one.start : one.end] == one.quote
