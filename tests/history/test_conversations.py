"""Conversations: saved whole, found again, checked against today's documents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import UsageError
from rag.history.conversations import Conversations
from rag.records import Answer, BudgetUse, Citation, Evidence, Sentence, Usage
from rag.store import SqliteStore, open_store
from tests.fakes.store import content_hash, put


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def saved(store: SqliteStore) -> Conversations:
    return Conversations(store)


def answer_from(store: SqliteStore, question: str, quote: str) -> Answer:
    """An answer that cites the one passage holding the quote."""
    rowids = store.layout("default").rowids.tolist()
    hit = next(hit for hit in store.hits(rowids) if quote in hit.passage.text)
    start = hit.passage.start + hit.passage.text.index(quote)
    citation = Citation(
        1,
        hit.doc,
        hit.page,
        quote,
        start,
        start + len(quote),
        hit.passage.id,
        hit.passage.content_hash,
        "true",
        "evidence",
    )
    within = hit.passage.text.index(quote)
    return Answer(
        question=question,
        query=question,
        text=f"It says so [1]: {quote}.",
        evidence=(Evidence(hit, 1, quote, within, within + len(quote), 0.5),),
        sentences=(Sentence(0, 10, (1,), "true", ("none",)),),
        citations=(citation,),
        hits=(replace(hit, score=0.25, signals={"dense": 0.9}),),
        abstained=False,
        reason="",
        budget=BudgetUse(4096, 50, 5, 0, {1: 20}, 256, (2,)),
        usage=Usage(75, 0, 12, 0.1, 0.5, "stop"),
        model="tiny",
        seconds={"search": 0.01},
    )


def test_a_saved_answer_comes_back_equal(store: SqliteStore, saved: Conversations) -> None:
    put(store, "a.md", "the cat sat on the mat")
    answer = answer_from(store, "Where did the cat sit?", "sat on the mat")
    id_ = saved.start()
    saved.append(id_, answer)
    (turn,) = saved.load(id_).turns
    assert turn.answer == answer
    assert (turn.ordinal, turn.rating) == (0, None)


def test_a_conversation_without_a_title_takes_its_first_question(
    store: SqliteStore, saved: Conversations
) -> None:
    put(store, "a.md", "the cat sat")
    id_ = saved.start()
    saved.append(id_, answer_from(store, "Where  did\nthe cat sit?", "cat sat"))
    saved.append(id_, answer_from(store, "Another question?", "cat sat"))
    assert saved.load(id_).title == "Where did the cat sit?"
    saved.rename(id_, "Cats")
    assert saved.load(id_).title == "Cats"
    with pytest.raises(UsageError, match="empty"):
        saved.rename(id_, "  ")


def test_conversations_are_listed_a_page_at_a_time_the_last_changed_first(
    store: SqliteStore, saved: Conversations
) -> None:
    put(store, "a.md", "the cat sat")
    ids = [saved.start(f"number {n}") for n in range(5)]
    saved.append(ids[1], answer_from(store, "q?", "cat sat"))
    listed = [conversation.id for conversation in saved.list(limit=3)]
    assert listed[0] == ids[1]
    assert len(listed) == 3
    assert sorted(listed + [c.id for c in saved.list(limit=3, offset=3)]) == ids
    assert (saved.count(), saved.load(ids[1]).turn_count, saved.load(ids[0]).turns) == (5, 1, ())


def test_deleting_a_conversation_deletes_its_citations(store: SqliteStore, saved: Conversations) -> None:
    put(store, "a.md", "the cat sat")
    id_ = saved.start()
    saved.append(id_, answer_from(store, "q?", "cat sat"))
    saved.delete(id_)
    for missing in (lambda: saved.load(id_), lambda: saved.delete(id_), lambda: saved.rename(id_, "x")):
        with pytest.raises(UsageError, match="may have been deleted"):
            missing()
    with store.database.read() as db:
        assert db.execute("SELECT count(*) FROM citations").fetchone() == (0,)


def test_asking_again_differently_removes_the_turns_from_there_on(
    store: SqliteStore, saved: Conversations
) -> None:
    put(store, "a.md", "the cat sat")
    id_ = saved.start()
    for question in ("one?", "two?", "three?"):
        saved.append(id_, answer_from(store, question, "cat sat"))
    saved.delete_from(id_, 1)
    saved.append(id_, answer_from(store, "two, again?", "cat sat"))
    assert [(t.ordinal, t.answer.question) for t in saved.load(id_).turns] == [
        (0, "one?"),
        (1, "two, again?"),
    ]


@pytest.mark.parametrize("query", ["MAT cat", "东京", "tower", "ß"])
def test_search_finds_words_in_questions_and_answers(
    store: SqliteStore, saved: Conversations, query: str
) -> None:
    put(store, "a.md", "The cat sat on the mat.", "Der Turm von 东京 ist groß, the Towers too.")
    first, second = saved.start(), saved.start()
    saved.append(first, answer_from(store, "What about the cat?", "sat on the mat"))
    saved.append(second, answer_from(store, "Und der Turm?", "von 东京 ist groß, the Towers"))
    found = saved.search(query)
    assert [match.conversation.id for match in found] == [first if "cat" in query else second]
    assert query.split()[0].casefold() in found[0].excerpt
    assert saved.search("nowhere cat") == [] == saved.search("  ")


def test_citations_know_what_became_of_their_documents(store: SqliteStore, saved: Conversations) -> None:
    for doc, text in [("kept.md", "alpha one"), ("edited.md", "beta two"), ("gone.md", "gamma three")]:
        put(store, doc, text)
    put(store, "renamed.md", "delta four")
    id_ = saved.start()
    for quote in ("alpha one", "beta two", "gamma three", "delta four"):
        saved.append(id_, answer_from(store, quote, quote))
    put(store, "kept.md", "a new first paragraph", "alpha one")
    put(store, "edited.md", "beta 2")
    removed = [k.id for k in store.known_files("default") if k.source.doc in ("gone.md", "renamed.md")]
    store.remove_documents("default", removed)
    put(store, "new-name.md", "delta four")
    states = [
        (today.citation.doc, today.state, today.doc)
        for turn in saved.load(id_).turns
        for today in saved.citations_today(turn, collection="default")
    ]
    assert states == [
        ("kept.md", "unchanged", "kept.md"),
        ("edited.md", "changed", "edited.md"),
        ("gone.md", "deleted", "gone.md"),
        ("renamed.md", "unchanged", "new-name.md"),
    ]


def test_a_rating_is_kept_and_can_be_taken_back(store: SqliteStore, saved: Conversations) -> None:
    put(store, "a.md", "the cat sat")
    id_ = saved.start()
    turn_id = saved.append(id_, answer_from(store, "q?", "cat sat"))
    saved.rate(turn_id, -1, reason="wrong cat")
    assert (saved.load(id_).turns[0].rating, saved.load(id_).turns[0].rating_reason) == (-1, "wrong cat")
    saved.rate(turn_id, None)
    assert saved.load(id_).turns[0].rating is None
    with pytest.raises(UsageError, match="no saved answer"):
        saved.rate(turn_id + 1, 1)


def test_judged_turns_are_listed_with_their_reasons(store: SqliteStore, saved: Conversations) -> None:
    put(store, "a.md", "the cat sat on the mat")
    id_ = saved.start("cats")
    good, bad, worse = (saved.append(id_, answer_from(store, f"q{n}?", "cat sat")) for n in range(3))
    saved.rate(good, 1)
    saved.rate(bad, -1)
    saved.rate(worse, -1, reason="wrong cat")
    assert [(one.turn_id, one.question, one.reason) for one in saved.rated(-1)] == [
        (worse, "q2?", "wrong cat"),
        (bad, "q1?", ""),
    ]
    assert saved.rated(1)[0].conversation.title == "cats"


def test_everybody_has_their_own_conversations(store: SqliteStore) -> None:
    put(store, "a.md", "the cat sat")
    mine, yours = Conversations(store, owner="me"), Conversations(store, owner="you")
    id_ = mine.start("cats")
    mine.rate(mine.append(id_, answer_from(store, "where is it?", "cat sat")), -1)
    assert [one.title for one in mine.list()] == ["cats"]
    assert (mine.count(), len(mine.search("cat")), len(mine.rated(-1))) == (1, 1, 1)
    for other in (yours, Conversations(store)):
        assert (other.count(), other.list(), other.search("cat"), other.rated(-1)) == (0, [], [], [])
        assert '"conversations": []' in other.export_json()
        with pytest.raises(UsageError, match="no conversation"):
            other.load(id_)
    yours.import_json(mine.export_json())
    assert (mine.count(), yours.count()) == (1, 1)


def test_an_export_imports_whole(store: SqliteStore, saved: Conversations, tmp_path: Path) -> None:
    put(store, "a.md", "the cat sat")
    id_ = saved.start(collection="notes")
    saved.rate(saved.append(id_, answer_from(store, "q?", "cat sat")), 1, reason="good")
    exported = saved.export_json()
    with open_store(tmp_path / "other.db") as other:
        copies = Conversations(other)
        (copy_id,) = copies.import_json(exported)
        copy, original = copies.load(copy_id), saved.load(id_)
        assert copies.export_json() == exported
    assert [replace(turn, id=0) for turn in copy.turns] == [replace(turn, id=0) for turn in original.turns]
    assert (copy.title, copy.collection, copy.created) == ("q?", "notes", original.created)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"footnote_conversations": 7}', '{"footnote_conversations": 1, "conversations": [{}]}'],
)
def test_what_is_no_export_is_refused_whole(saved: Conversations, text: str) -> None:
    with pytest.raises(UsageError, match="export"):
        saved.import_json(text)
    assert saved.count() == 0


def test_an_export_with_one_broken_turn_adds_nothing(store: SqliteStore, saved: Conversations) -> None:
    put(store, "a.md", "the cat sat")
    saved.append(saved.start(), answer_from(store, "q?", "cat sat"))
    content = json.loads(saved.export_json())
    broken = json.loads(json.dumps(content["conversations"][0]))
    del broken["turns"][0]["answer"]["question"]
    content["conversations"].append(broken)
    with pytest.raises(UsageError, match="question"):
        saved.import_json(json.dumps(content))
    assert saved.count() == 1


def test_citation_rows_are_readable_with_stock_sqlite(
    store: SqliteStore, saved: Conversations, tmp_path: Path
) -> None:
    put(store, "a.md", "the cat sat")
    saved.append(saved.start(), answer_from(store, "q?", "cat sat"))
    stock = sqlite3.connect(tmp_path / "library.db")
    row = stock.execute("SELECT doc, quote, quote_hash, supported FROM citations").fetchone()
    stock.close()
    assert row == ("a.md", "cat sat", content_hash("cat sat"), "true")


@settings(deadline=None)  # each example makes a library
@given(st.text())
def test_any_question_and_text_survive_saving(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    answer = Answer(text, text, text, (), (), (), (), True, "no", None, None, None)
    with open_store(tmp_path_factory.mktemp("library") / "library.db") as store:
        saved = Conversations(store)
        id_ = saved.start(text)
        saved.append(id_, answer)
        assert saved.load(id_).turns[0].answer == answer
