"""Control in the chat: models, instructions, attached files, branches, and questions that outlive the app."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.access import User
from rag.answer import AnswerDone, AnswerEvent, EvidenceReady, TokenDelta
from rag.errors import UsageError
from rag.history.conversations import Conversations
from rag.lines import Line
from rag.models import NO_MODEL
from rag.records import Answer
from rag.store import open_store
from rag.web.background.task_queue import Request, Task, TaskQueue
from rag.web.components.answers import turn_html
from rag.web.components.note_text import note_html
from rag.web.components.turns import ShownPicture, saved_turn
from rag.web.i18n import Phrases
from rag.web.services import asked, open_services, save
from tests.fakes.ingest import PlainPool, run
from tests.fakes.ingest import WordEmbedder as WordBag
from tests.fakes.pictures import album
from tests.fakes.store import put
from tests.fakes.web import FakeLibrary, QueuedModel, fake_library, write_documents
from tests.history.test_conversations import answer_from

SAY = Phrases("en")
QUESTION = "How long is the notice period?"


class SecondLibrary(FakeLibrary):
    """A library with a second chat model."""

    def _load_chat_model(self, name: str) -> QueuedModel:
        assert name == "second"
        return QueuedModel(["Three months, says the second [1]."])


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "docs")
    model = QueuedModel(["It is three months [1]."])
    opened = SecondLibrary(fake_library(tmp_path / "library", ["x"]).settings, model)
    opened.add(tmp_path / "docs", pools=PlainPool)
    yield opened
    opened.close()


def prompt_of(answer: Answer) -> str:
    """All that the model read."""
    assert answer.generation is not None
    return "\n".join(message.content for message in answer.generation.messages)


def test_another_model_answers_when_it_is_named(library: FakeLibrary) -> None:
    assert library.answer(QUESTION).text == "It is three months [1]."
    assert library.answer(QUESTION, model="second").text == "Three months, says the second [1]."
    assert library.answer(QUESTION, model=NO_MODEL).text == ""
    generation = library.answer(QUESTION, temperature=0.7).generation
    assert generation is not None and generation.temperature == 0.7


def test_a_model_reads_the_instruction_of_the_collection(library: FakeLibrary) -> None:
    wish = "Answer in rhymes, for $5."
    assert wish not in prompt_of(library.answer(QUESTION))
    library.store.instruct("default", f" {wish} ")
    answer = library.answer(QUESTION)
    assert prompt_of(answer).count(wish) == 1
    assert answer.settings["instruction"] == wish
    assert answer.budget is not None and answer.usage is not None
    assert answer.budget.prompt == answer.usage.prompt_tokens


def test_a_question_asks_the_document_it_names(library: FakeLibrary) -> None:
    answer = library.answer("Who tells the office in @bicycles?")
    assert answer.question == "Who tells the office in @bicycles?"
    assert {hit.doc for hit in answer.hits} == {"bicycles.md"}
    assert {hit.doc for hit in library.search("office @keys.md")} == {"keys.md"}


def test_a_collection_is_left_for_another_only_by_whoever_may_see_it(
    library: FakeLibrary, tmp_path: Path
) -> None:
    (tmp_path / "boats").mkdir()
    (tmp_path / "boats" / "ida.md").write_text("# Ida\n\nThe notice period of Ida is one hour.\n")
    library.add(tmp_path / "boats", collection="boats", pools=PlainPool)
    question = "How long is the notice period in @boats?"
    assert library.answer(question).collection == "boats"
    guest = User("ann", is_admin=False)
    assert library.answer(question, collection="default", user=guest).collection == "boats"
    # Another program's key is for one collection.
    assert library.answer(question, collection="default").collection == "default"
    library.store.give_collection("boats", "bob")
    assert library.answer(question, user=guest).collection == "default"


def test_attached_files_are_searched_in_their_conversation_and_gone_with_it(library: FakeLibrary) -> None:
    talk = library.conversations.start("Lease")
    assert library.attach(talk, {"lease.md": b"# Lease\n\nThe deposit is two rents.\n"}) == []
    (failed,) = library.attach(talk, {"broken.pdf": b"%PDF-1.4 nothing"})
    assert failed.startswith("broken.pdf: ")
    name = library.conversations.load(talk).attached
    assert [hit.doc for hit in library.search("deposit rents", collection=name)] == ["lease.md"]
    assert "lease.md" not in {hit.doc for hit in library.search("deposit rents")}
    assert name not in {found.name for found in library.store.collections()}
    folder = library.store.upload_folder(name)
    assert (folder / "lease.md").is_file()
    branch = library.conversations.branch(talk, 0)
    library.conversations.delete(talk)
    assert (folder / "lease.md").is_file()
    library.conversations.delete(branch)
    assert not folder.exists()
    assert name not in {found.name for found in library.store.collections(attached=True)}


def test_a_branch_has_the_turns_up_to_an_answer(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        put(store, "a.md", "the cat sat on the mat")
        saved = Conversations(store, owner="ann")
        talk = saved.start("Cats")
        for question in ("One?", "Two?", "Three?"):
            saved.append(talk, answer_from(store, question, "cat sat"))
        saved.rate(saved.load(talk).turns[0].id, 1)
        branch = saved.load(saved.branch(talk, 1, title="Branch: Cats"))
        assert [turn.answer.question for turn in branch.turns] == ["One?", "Two?"]
        assert (branch.title, branch.turns[0].rating) == ("Branch: Cats", 1)
        assert len(saved.load(talk).turns) == 3
        with pytest.raises(UsageError):
            Conversations(store).branch(talk, 0)


def test_another_models_answer_stands_beside_the_first(library: FakeLibrary) -> None:
    saved = library.conversations
    talk = saved.start(QUESTION)
    saved.append(talk, library.answer(QUESTION))
    saved.append(talk, library.answer("And lunch?"))
    (turn, _) = saved.load(talk).turns
    request = Request(
        conversation_id=talk, question=QUESTION, collection="default", model="second", beside=turn.id
    )
    task = Task(1, request, saved_turn(turn.answer, key="task-1"))
    *_, done = asked(library, task, Line(1))
    assert isinstance(done, AnswerDone)
    for _ in range(2):
        save(library, task, done.answer)
    compared, _ = saved.load(talk).turns
    assert [one.text for one in compared.answer.others] == ["Three months, says the second [1]."]
    html = "".join(turn_html(saved_turn(compared.answer, key="saved-1"), SAY))
    both = html[html.index("fn-beside") :]
    assert both.index("It is three months") < both.index("says the second")
    assert 'data-turn="saved-1.1"' in both


def test_pictures_of_cited_passages_stand_beside_the_answer(tmp_path: Path) -> None:
    with open_store(tmp_path / "library.db") as store:
        folder = tmp_path / "docs"
        folder.mkdir()
        album(folder)
        run(store, WordBag(), folder)
        (hit,) = [
            hit for hit in store.hits(store.layout("default").rowids.tolist()) if "buoys" in hit.passage.text
        ]
        rows = store.pictures.beside(hit.document_id, hit.passage.start, hit.passage.end)
        assert [row.caption for row in rows] == ["Buoy off the northern mole", "Figure 2: The inner buoy"]
        assert store.pictures.beside(hit.document_id, hit.passage.end + 3, hit.passage.end + 9) == []
        answer = answer_from(store, "How many buoys?", "two buoys")
    shown = ShownPicture(b"jpeg", 'Buoy "red" <b>', 1)
    html = turn_html(replace(saved_turn(answer, key="t"), pictures=(shown,)), SAY)[0]
    assert '<img src="data:image/jpeg;base64,anBlZw==" alt="Buoy &quot;red&quot; &lt;b&gt;">' in html


def test_a_note_shows_its_citations_and_nothing_acts(library: FakeLibrary) -> None:
    notes = library.notes_of("")
    kept = notes.load(notes.keep_answer(library.answer(QUESTION), collection="default"))
    hostile = "![x](http://evil.example/p.png) <img src=y> [l](javascript:alert(1)) <http://evil.example> [7]"
    html = note_html(replace(kept, text=f"{kept.text}\n\n{hostile}\n\n[z]: http://evil.example"), SAY)
    assert html.count('data-act="cite"') == 2
    assert not re.search(r"<(?:a|img)\b", html)
    assert "[7]" in html


def test_questions_outlive_the_app(tmp_path: Path, library: FakeLibrary) -> None:
    """A question that was waiting, or at work, when the app was killed had vanished."""
    talk = library.conversations.start(QUESTION)

    def hang(task: Task) -> Iterator[AnswerEvent]:
        task.cancelled.wait()
        raise SystemExit  # what is at work when a process is killed comes to no end
        yield

    desk = TaskQueue(hang, lambda task, answer: None, library.store.pending)
    for question in (QUESTION, "What does lunch cost?"):
        desk.submit(
            Request(conversation_id=talk, question=question, collection="default", docs=("leaving.md",))
        )
    services = open_services(lambda: library)
    try:
        until = time.monotonic() + 20
        while len(turns := library.conversations.load(talk).turns) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        services.desk.close()
    assert [turn.answer.question for turn in turns] == [QUESTION, "What does lunch cost?"]
    assert {hit.doc for turn in turns for hit in turn.answer.hits} == {"leaving.md"}
    assert library.store.pending.taken_up() == []


def test_a_question_that_ended_the_app_twice_waits_for_a_person(library: FakeLibrary) -> None:
    talk = library.conversations.start(QUESTION)
    record = {"conversation_id": talk, "question": "Why?", "collection": "default", "docs": None}
    library.store.pending.add(talk, json.dumps(record))
    for _ in range(2):
        library.store.pending.taken_up()
    desk = TaskQueue(lambda task: iter(()), lambda task, answer: None, library.store.pending)
    desk.take_up()
    (task,) = desk.open_tasks(talk)
    assert (task.turn.state, task.turn.question) == ("failed", "Why?")
    desk.dismiss(task)
    desk.close()
    assert library.store.pending.taken_up() == []


def test_a_failed_answer_keeps_what_was_there(library: FakeLibrary) -> None:
    answer = library.answer(QUESTION)
    talk = library.conversations.start(QUESTION)

    def fail(task: Task) -> Iterator[AnswerEvent]:
        yield EvidenceReady(answer.evidence, False, "", 0.01)
        yield TokenDelta("It is three ")
        raise UsageError("The disk is full.")

    desk = TaskQueue(fail, lambda task, answer: None, library.store.pending)
    task = desk.submit(Request(conversation_id=talk, question=QUESTION, collection="default"))
    until = time.monotonic() + 10
    while not task.over and time.monotonic() < until:
        task.wait(task.version, 0.1)
    html = "".join(turn_html(task.turn, SAY))
    for there in ("The disk is full.", "fn-quote", "three months", "It is three "):
        assert there in html
    desk.close()
