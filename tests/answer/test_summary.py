"""Summaries: which questions ask for one, of which documents, and what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.answer import AnswerDone
from rag.answer.named_documents import documents_named
from rag.answer.summary import summary_question
from rag.records import Answer, DocumentEntry, Message
from tests.fakes.web import FakeLibrary, QueuedModel, fake_library

FERRY = """# Ferry timetable

Present: Ida Holm, Jon Vik.

This guide explains when the ferry to Osterholm sails and what a crossing costs.
It is printed twice a year.

## Summer

From 1 May to 30 September the ferry sails every forty minutes between six and midnight.
Bring:

- a coat, which even in July the wind on deck demands
- your ticket

## Winter

In winter the ferry sails every two hours, and not at all when the harbour is frozen.

## Fares

A crossing costs 45 kroner for adults; children below seven travel free of charge.
See the notice board.
"""
FILES = {
    "ferry.md": FERRY,
    "rules/Berth rules 2019.md": (
        "# Berth rules 2019\n\nA berth in the harbour costs 900 kroner for each metre of boat.\n"
    ),
    "rules/Berth rules 2024.md": (
        "# Berth rules 2024\n\nA berth in the harbour costs 1,100 kroner for each metre of boat.\n"
    ),
    "rules/Dogs.md": (
        "# Dogs on board\n\nDogs have to be kept on a lead everywhere except on the upper deck.\n"
    ),
    **{
        f"islands/{name}.md": f"# {name}\n\nThe island of {name} has a lighthouse that was built of"
        f" {stone}.\n"
        for name, stone in zip(
            ("Alm", "Brink", "Cedal", "Dyn", "Eger", "Fjell", "Gran", "Hest", "Ister", "Jord"),
            ("granite", "slate", "brick", "iron", "marble", "timber", "basalt", "chalk", "copper", "glass"),
            strict=True,
        )
    },
}
REPLY = "The ferry sails every forty minutes in summer [2]. A crossing costs 45 kroner [4]. It is red [1]."


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FakeLibrary:
    folder: Path = tmp_path_factory.mktemp("summary")
    for name, text in FILES.items():
        (folder / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "d" / name).write_text(text, encoding="utf-8")
    opened = fake_library(folder / "library", ["unused"])
    for _ in opened.ingest([folder / "d"]):
        pass
    return opened


def asked(library: FakeLibrary, question: str, docs: Sequence[str] | None = None) -> Answer:
    *_, last = library.ask(question, docs=docs, without_model=True)
    assert isinstance(last, AnswerDone)
    return last.answer


def quotes(answer: Answer) -> list[str]:
    return [" ".join(piece.quote.split()) for piece in answer.evidence]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Summarise the ferry timetable", "ferry timetable"),
        ("Please summarize the berth rules for me", "berth rules"),
        ("tl;dr of ferry.md", "ferry.md"),
        ("What are the main points of “Dogs on board”?", "dogs on board"),
        ("Give me a short overview of the islands", "islands"),
        ("What is the ferry timetable about?", "ferry timetable"),
        ("Explain the dog policy", "dog policy"),
        ("summary", ""),
        ("Summarise this document in three sentences", "this document"),
        ("What are these documents about?", "these documents"),
        ("Fasse den Fährplan bitte zusammen", "fahrplan"),
        ("Worum geht es in der Hafenordnung?", "hafenordnung"),
        ("Was sind die wichtigsten Punkte der Hafenordnung?", "hafenordnung"),
        ("Gib mir einen kurzen Überblick über die Inseln", "inseln"),
        ("总结一下渡轮时刻表", "渡轮时刻表"),
        ("渡轮时刻表的主要内容是什么？", "渡轮时刻表"),
        ("《渡轮时刻表》讲了什么？", "渡轮时刻表"),
    ],
)
def test_a_request_for_the_main_points_is_known_by_its_words(question: str, name: str) -> None:
    found = summary_question(question)
    assert found is not None and found.name == name


@pytest.mark.parametrize(
    "question",
    [
        "When does the ferry sail?",
        "What does the timetable say about dogs?",
        "Explain how a lock works",
        "Who wrote the summary?",
        "Was kostet eine Überfahrt?",
        "渡轮几点开？",
    ],
)
def test_other_questions_ask_for_no_summary(question: str) -> None:
    assert summary_question(question) is None


@pytest.mark.parametrize(
    ("question", "docs"),
    [
        ("Summarise the ferry timetable", ["ferry.md"]),
        ("Summarise the berth rules", ["rules/Berth rules 2024.md"]),
        ("Summarise the berth rules of 2019", ["rules/Berth rules 2019.md"]),
        ("main points of the dogs and the ferry documents", ["ferry.md", "rules/Dogs.md"]),
        ("What is the ferry timetable about?", ["ferry.md"]),
        ("Summarise doc:Dogs.md", ["rules/Dogs.md"]),
        ("总结 ferry.md", ["ferry.md"]),
    ],
)
def test_a_document_is_found_by_its_name_however_loose(
    library: FakeLibrary, question: str, docs: list[str]
) -> None:
    answer = asked(library, question)
    assert sorted({piece.hit.doc for piece in answer.evidence}) == docs
    assert not answer.abstained


def test_another_version_of_the_same_name_is_told(library: FakeLibrary) -> None:
    assert "rules/Berth rules 2019.md" in asked(library, "Summarise the berth rules").reason


def test_the_documents_chosen_for_the_search_are_what_it_means(library: FakeLibrary) -> None:
    answer = asked(library, "Summarise this", ["rules/Dogs.md"])
    assert {piece.hit.doc for piece in answer.evidence} == {"rules/Dogs.md"}
    assert "Dogs on board" in answer.reason


def test_without_a_name_it_is_asked_which_document_is_meant(library: FakeLibrary) -> None:
    answer = asked(library, "summarise")
    assert answer.reason.startswith("Which document?") and not answer.evidence


@pytest.mark.parametrize(
    ("question", "doc"),
    [("Summarise it", "rules/Dogs.md"), ("And the main points of the ferry timetable?", "ferry.md")],
)
def test_a_follow_up_means_what_was_spoken_of_unless_it_names_another(
    library: FakeLibrary, question: str, doc: str
) -> None:
    before = [Message("user", "Where must dogs be kept on a lead?"), Message("assistant", "Everywhere.")]
    *_, last = library.ask(question, history=before, without_model=True)
    assert isinstance(last, AnswerDone)
    assert {piece.hit.doc for piece in last.answer.evidence} == {doc}


def test_a_topic_is_left_to_the_search(library: FakeLibrary) -> None:
    answer = asked(library, "Summarise the price of herring")
    assert "main points" not in answer.reason


def test_a_summary_quotes_whole_sentences_in_their_order(library: FakeLibrary) -> None:
    answer = asked(library, "Summarise the ferry timetable")
    said = quotes(answer)
    places = [piece.hit.passage.start + piece.start for piece in answer.evidence]
    assert said[0].startswith("This guide explains when the ferry to Osterholm sails")
    assert places == sorted(places)
    assert any("45 kroner" in one for one in said) and any("every two hours" in one for one in said)
    for one in said:
        assert one[0].isalnum() and not one.endswith(":")
        assert not one.startswith(("Present", "Bring", "Summer", "See "))
    for piece in answer.evidence:
        assert piece.hit.passage.text[piece.start : piece.end] == piece.quote
    assert {citation.supported for citation in answer.citations} == {"true"}
    assert [citation.marker for citation in answer.citations] == list(range(1, len(said) + 1))


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("Summarise the ferry timetable in two sentences", 2),
        ("the 3 main points of the ferry timetable", 3),
        ("Fasse ferry.md in zwei Sätzen zusammen", 2),
    ],
)
def test_as_many_sentences_are_told_as_are_asked_for(library: FakeLibrary, question: str, count: int) -> None:
    assert len(asked(library, question).evidence) == count


def test_the_share_that_was_read_is_told(library: FakeLibrary) -> None:
    (ferry,) = (entry for entry in library.store.documents("default") if entry.doc == "ferry.md")
    passages = len(library.store.passage_rowids([ferry.id]))
    assert f"all {passages} passages" in asked(library, "Summarise the ferry timetable").reason
    assert f"全部 {passages} 个段落" in asked(library, "总结 ferry.md").reason


def test_a_collection_is_told_by_documents_that_stand_for_the_others(library: FakeLibrary) -> None:
    answer = asked(library, "Summarise everything")
    assert answer.reason.startswith(f"{len(FILES)} documents.")
    docs = [piece.hit.doc for piece in answer.evidence]
    assert len(docs) == len(set(docs)) == 8
    assert any(doc.startswith("islands/") for doc in docs) and " more)" in answer.reason


def test_an_able_model_writes_and_each_sentence_is_checked(library: FakeLibrary) -> None:
    library.use(QueuedModel([REPLY]))
    *_, last = library.ask("Summarise the ferry timetable")
    assert isinstance(last, AnswerDone)
    verdicts = {last.answer.text[one.start : one.end][:12]: one.supported for one in last.answer.sentences}
    assert verdicts["It is red [1"] != "true"
    assert verdicts["A crossing c"] == "true"
    assert last.answer.reason and last.answer.evidence and last.answer.budget is not None
    assert not last.answer.budget.left_out
    rowids = {hit.rowid for hit in last.answer.hits}
    (ferry,) = (entry for entry in library.store.documents("default") if entry.doc == "ferry.md")
    assert rowids == set(library.store.passage_rowids([ferry.id]))


def test_a_text_too_long_for_the_window_is_read_in_parts(library: FakeLibrary) -> None:
    model = QueuedModel(["The ferry sails every two hours in winter [3].", "A crossing costs 45 kroner [4]."])
    model.context_tokens = 640
    library.use(model)
    *_, last = library.ask("Summarise the ferry timetable")
    assert isinstance(last, AnswerDone)
    assert len(model.prompts) > 1
    assert "Notes from the documents" in model.prompts[-1][-1].content
    assert "every two hours in winter [3]" in model.prompts[-1][-1].content


def test_a_weak_model_is_not_asked(library: FakeLibrary) -> None:
    model = QueuedModel(["Never."])
    model.answer_mode = "quoting"
    library.use(model)
    *_, last = library.ask("Summarise the ferry timetable")
    assert isinstance(last, AnswerDone)
    assert not model.prompts and not last.answer.text and last.answer.evidence


def test_a_name_that_fits_too_many_documents_names_none(library: FakeLibrary) -> None:
    entries = [
        DocumentEntry(number, f"{number}-pump.md", f"Pump {'xyzabcdef'[number]} note", "")
        for number in range(9)
    ]
    assert documents_named("pump", entries, library.store) is None
    meant = documents_named("the pump notes", entries, library.store)
    assert meant is not None and len(meant.entries) == 9


def test_files_of_the_same_name_are_all_meant_unless_a_path_tells_which(library: FakeLibrary) -> None:
    """One of three README.md was taken without a word."""
    entries = [
        DocumentEntry(number, doc, title, "")
        for number, (doc, title) in enumerate(
            [("README.md", "Harbour"), ("shop/README.md", "Shop"), ("boats/README.md", "Boats")]
        )
    ]

    def meant(name: str) -> list[str]:
        found = documents_named(name, entries, library.store)
        return [entry.doc for entry in found.entries] if found else []

    assert meant("readme") == ["README.md", "shop/README.md", "boats/README.md"]
    assert meant("README.md") == ["README.md"]
    assert meant("shop/README.md") == ["shop/README.md"]
