"""Which version of a document answers: the one in force, or the one asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rag.answer import AnswerDone
from rag.answer.versions import Versions
from rag.history.receipts import answer_json
from rag.library import Library
from rag.records import Answer, Hit
from tests.fakes.web import FakeLibrary, fake_library

Files = dict[str, str]
OLD = "# Parking rules\n\nVersion 1, in force from 1 March 2021.\n\nA parking space costs 20 euros a month."
NEW = "# Parking rules\n\nVersion 2, in force from 1 March 2024.\n\nA parking space costs 30 euros a month."
QUESTION = "What does a parking space cost a month?"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    opened = fake_library(tmp_path / "library", ["Not in your documents."])
    yield opened
    opened.close()


def add(library: FakeLibrary, folder: Path, files: Files) -> None:
    for name, text in files.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for _ in library.ingest([folder / "docs"]):
        pass


def asked(library: Library, question: str) -> Answer:
    *_, last = library.ask(question)
    assert isinstance(last, AnswerDone)
    return last.answer


def docs(answer: Answer) -> list[str]:
    return [one.hit.doc for one in answer.evidence]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        (QUESTION, "parking-2024.md"),
        ("What did a parking space cost a month in 2022?", "parking-2021.md"),
        ("What did a parking space cost a month in 2025?", "parking-2024.md"),
        ("What does a parking space cost a month by the old rules?", "parking-2021.md"),
        ("What did a parking space previously cost a month?", "parking-2021.md"),
    ],
)
def test_the_version_in_force_or_asked_for_answers(
    library: FakeLibrary, tmp_path: Path, question: str, first: str
) -> None:
    add(library, tmp_path, {"parking-2021.md": OLD, "parking-2024.md": NEW})
    assert docs(asked(library, question))[0] == first


def test_a_superseded_document_says_what_replaced_it(library: FakeLibrary, tmp_path: Path) -> None:
    add(library, tmp_path, {"parking-2021.md": OLD, "parking-2024.md": NEW})
    answer = asked(library, "What did a parking space cost a month in 2022?")
    told = {c["doc"]: (c["superseded_by"], c["superseded_since"]) for c in answer_json(answer)["citations"]}
    assert told["parking-2021.md"] == ("parking-2024.md", "2024-03-01")
    assert told.get("parking-2024.md", (None, None)) == (None, None)
    assert answer.disagreements == ()  # it is known which of them holds


def families(library: FakeLibrary, question: str = QUESTION) -> list[list[str]]:
    hits = library.search(question)
    found = Versions.among(hits, library.store, "default")
    return [[one.entry.doc for one in family] for family in found.families]


@pytest.mark.parametrize(
    "files",
    [
        {"parking.md": NEW, "parking-old.md": OLD},
        {"rules/2021/parking.md": OLD, "rules/2024/parking.md": NEW},
        {"parking_v1.md": OLD, "Parking_v2_FINAL.md": NEW},
        {"archive/parking.md": OLD, "parking.md": NEW},
    ],
)
def test_names_that_differ_in_year_version_or_status_are_versions(
    library: FakeLibrary, tmp_path: Path, files: Files
) -> None:
    add(library, tmp_path, files)
    (family,) = families(library)
    assert [files[doc] for doc in family] == [OLD, NEW]


def test_a_document_that_names_its_predecessor_follows_it(library: FakeLibrary, tmp_path: Path) -> None:
    files = {
        "car-park-trial.md": "# Car park: trial agreement\n\nA parking space costs 10 euros a month.",
        "parking.md": "# Parking rules\n\nThis replaces the trial agreement.\n\n"
        "A parking space costs 20 euros a month.",
    }
    add(library, tmp_path, files)
    assert families(library) == [["car-park-trial.md", "parking.md"]]


@pytest.mark.parametrize(
    "files",
    [
        {"invoice-10331.md": OLD, "invoice-10332.md": NEW},
        {"berlin/parking.md": OLD, "paris/parking.md": NEW},
        {"nda-ostergaard.md": OLD, "nda-lindqvist.md": NEW},
        {"parking.md": OLD, "bicycles.md": NEW},
    ],
)
def test_documents_of_other_things_are_not_versions(
    library: FakeLibrary, tmp_path: Path, files: Files
) -> None:
    add(library, tmp_path, files)
    assert families(library) == []


def test_a_document_that_says_nothing_of_itself_is_not_superseded(
    library: FakeLibrary, tmp_path: Path
) -> None:
    """ "rules.md" beside "rules-2021.md" is the current one more often than the first."""
    silent = "# Parking rules\n\nA parking space costs 30 euros a month."
    add(library, tmp_path, {"parking.md": silent, "parking-2021.md": OLD})
    assert families(library) == []


def test_a_document_that_says_nothing_follows_those_that_are_over(
    library: FakeLibrary, tmp_path: Path
) -> None:
    silent = "# Parking rules\n\nA parking space costs 30 euros a month."
    over = OLD.replace("from 1 March 2021", "from 1 March 2021 until 30 June 2023")
    add(library, tmp_path, {"parking.md": silent, "parking-2021.md": over})
    answer = asked(library, QUESTION)
    assert docs(answer)[0] == "parking.md"
    assert answer.evidence[0].superseded is None


def test_a_year_chooses_nothing_where_it_is_not_known_what_held_then(
    library: FakeLibrary, tmp_path: Path
) -> None:
    files = {f"protocol v{n}.md": f"# Protocol {n}\n\nThe sampling interval is {n}0 minutes." for n in (1, 2)}
    add(library, tmp_path, files)
    hits = library.search("What is the sampling interval?")
    versions = Versions.among(hits, library.store, "default")
    assert versions.preferred("What was the sampling interval in 2019?", hits).others == frozenset()


def test_minutes_of_other_days_stay_where_they_were_found(library: FakeLibrary, tmp_path: Path) -> None:
    """Only their names tell them apart: the earlier one answers where the later hardly speaks of it."""
    add(
        library,
        tmp_path,
        {
            "board-2023.md": "A parking space costs 20 euros a month, the board decided.",
            "board-2024.md": "The board thanked everybody. Next time a space for questions is planned.",
        },
    )
    answer = asked(library, QUESTION)
    assert docs(answer)[0] == "board-2023.md"
    assert all(one.superseded is None for one in answer.evidence)


def test_version_numbers_in_names_tell_which_is_in_force(library: FakeLibrary, tmp_path: Path) -> None:
    files = {f"protocol v{n}.md": f"# Protocol {n}\n\nThe sampling interval is {n}0 minutes." for n in (1, 2)}
    add(library, tmp_path, files)
    answer = asked(library, "What is the sampling interval?")
    assert docs(answer)[0] == "protocol v2.md"
    by = {one.hit.doc: one.superseded and one.superseded.by for one in answer.evidence}
    assert by.get("protocol v1.md", "protocol v2.md") == "protocol v2.md"
    assert by["protocol v2.md"] is None


def test_a_version_that_is_not_yet_in_force_does_not_answer(library: FakeLibrary, tmp_path: Path) -> None:
    add(library, tmp_path, {"parking-2021.md": OLD, "parking-2099.md": NEW.replace("2024", "2099")})
    answer = asked(library, QUESTION)
    assert docs(answer)[0] == "parking-2021.md"
    assert answer.evidence[0].superseded is None


def test_a_question_about_the_change_hears_both(library: FakeLibrary, tmp_path: Path) -> None:
    add(library, tmp_path, {"parking-2021.md": OLD, "parking-2024.md": NEW})
    hits = library.search(QUESTION)
    versions = Versions.among(hits, library.store, "default")
    question = "How has the cost of a parking space changed?"
    assert versions.preferred(question, hits).hits == list(hits)
    assert ids(versions.preferred(QUESTION, list(reversed(hits))).hits)[0] != ids(hits)[-1] or len(hits) == 1


def test_copies_do_not_crowd_out_the_answer(library: FakeLibrary, tmp_path: Path) -> None:
    copy = "# Key\n\nThe key of the mill: see the list of keys. Never lend the key of the mill."
    files = {f"copies/{number}/key.md": copy for number in range(45)}
    add(library, tmp_path, files | {"list.md": "# List of keys\n\nThe key of the mill hangs in the barn."})
    answer = asked(library, "Where is the key of the mill?")
    assert [hit.doc for hit in answer.hits].count("list.md") == 1
    assert len({hit.passage.text for hit in answer.hits}) == len(answer.hits)


def test_a_copy_is_quoted_from_the_version_in_force(library: FakeLibrary, tmp_path: Path) -> None:
    same = "\n\nA parking space costs 20 euros a month."
    files = {
        "parking-2021.md": "# Parking rules\n\nIn force from 1 March 2021." + same,
        "parking-2024.md": "# Parking rules\n\nIn force from 1 March 2024." + same,
    }
    add(library, tmp_path, files)
    assert set(docs(asked(library, QUESTION))) == {"parking-2024.md"}


def ids(hits: Sequence[Hit]) -> list[int]:
    return [hit.rowid for hit in hits]


IN_FORCE = {
    "What is the hotel limit per night?": "145",
    "How much may a hotel in Zürich cost?": "195",
    "What do I get for meals when I am away for a whole day?": "46",
    "What may I claim per kilometre with my own car?": "0.42",
    "Do I get anything for riding my own bicycle?": "0.15",
    "From what amount on do I need a receipt?": "10",
    "How much time do I have to hand in a claim?": "30 days",
    "Who signs a claim of 1,000 euros?": "750",
    "What is taken off when the host pays for lunch?": "14",
    "When should I take the train instead of flying?": "six hours",
    "What do we pay for the carbon of a flight?": "90",
    "How early do I have to book a trip?": "ten days",
    "Which tool do I book trips with?": "Wegweiser",
    "How are the equipment cases insured?": "15,000",
    "Who answers the travel line at night?": "Globe",
    "Does travelling on a Sunday count as working time?": "1.5",
    "How many days a week can I work from home?": "three days",
    "How long can I work from abroad?": "30 working days",
    "What are the core hours?": "10:00",
    "How much does the company pay towards my desk at home?": "450",
    "What does the Kestrel weather mast cost?": "2,390",
    "What is the price of calibrating a TF-55?": "335",
    "What discount do universities get?": "15 %",
    "When is shipping inside the EU free?": "1,000",
}
EARLIER = {
    "What was the hotel limit in 2023?": "120",
    "What did we get per kilometre with our own car in 2024?": "0.38",
    "What did the previous expenses policy pay for meals?": "38",
    "How early did a trip have to be booked in 2023?": "fourteen days",
    "How many days a week could I work from home in 2024?": "two days",
    "What did a Kestrel mast cost under the old price list?": "2,350",
}


@pytest.mark.slow
def test_thirty_questions_about_what_has_changed(sample_library: Library) -> None:
    """The first excerpt has the value of the version in force, or of the one asked for."""
    right = {
        question: value in answer.evidence[0].quote
        for question, value in (IN_FORCE | EARLIER).items()
        if (answer := asked(sample_library, question)).evidence
    }
    wrong = [question for question in IN_FORCE | EARLIER if not right.get(question)]
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What did a parking space cost a month under the old rules?", "parking-2021.md"),
        ("What did a parking space cost a month during the trial?", "parking-trial.md"),
        (QUESTION, "parking-2024.md"),
    ],
)
def test_a_version_is_asked_for_by_its_own_name_or_by_the_rules_it_had(
    library: FakeLibrary, tmp_path: Path, question: str, first: str
) -> None:
    """ "under" was looked for in the passages, and a pilot's name was no reason to prefer the pilot."""
    if "trial" in first:
        trial = OLD.replace("Parking rules", "Parking rules: trial").replace("20 euros", "10 euros")
        new = NEW.replace("Version 2,", "Version 2, replaces the parking rules trial,")
        add(library, tmp_path, {"parking-trial.md": trial, "parking-2024.md": new})
    else:
        add(library, tmp_path, {"parking-2021.md": OLD, "parking-2024.md": NEW})
    answer = asked(library, question)
    assert "“under”" not in answer.reason
    assert docs(answer)[0] == first
