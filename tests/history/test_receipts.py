"""A receipt holds all that made an answer, and makes it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from rag import __version__
from rag.answer import AnswerDone, TokenDelta
from rag.errors import UsageError
from rag.history.receipts import read_receipt, receipt_json, receipt_markdown
from rag.history.serialization import answer_of, answer_record
from rag.records import Answer, Disagreement, Message
from tests.fakes.web import FakeLibrary, QueuedModel, fake_library, write_documents

QUESTION = "How long is the notice period?"
REPLY = "The notice period is three months for everybody [1]. It was two years in 1907 [1]."


@pytest.fixture
def library(tmp_path: Path) -> Iterator[FakeLibrary]:
    write_documents(tmp_path / "documents")
    opened = fake_library(tmp_path / "library", [REPLY])
    for _ in opened.ingest([tmp_path / "documents"]):
        pass
    yield opened
    opened.close()


@pytest.fixture
def answer(library: FakeLibrary) -> Answer:
    (last,) = [event for event in library.ask(QUESTION) if isinstance(event, AnswerDone)]
    return last.answer


def test_a_receipt_is_read_back_whole(answer: Answer) -> None:
    assert read_receipt(receipt_json(answer)) == answer


def test_a_receipt_that_spelt_its_choices_as_a_grammar_is_read(answer: Answer) -> None:
    record = answer_record(answer)
    assert answer.generation is not None
    del record["generation"]["choices"]
    rules = [
        'root ::= s0 | s0 " " s1 | s1 " " s0',
        r's0 ::= "C:\\temp is \"full\" | 1. [1]"',
        's1 ::= "No. [2]"',
    ]
    record["generation"]["grammar"] = "\n".join(rules)
    first, second = 'C:\\temp is "full" | 1. [1]', "No. [2]"
    choices = (first, f"{first} {second}", f"{second} {first}")
    assert answer_of(record) == replace(answer, generation=replace(answer.generation, choices=choices))


def test_the_same_text_comes_again(library: FakeLibrary, answer: Answer) -> None:
    again = library.replay(read_receipt(receipt_json(answer)))
    assert again.text == answer.text
    assert again.citations == answer.citations
    assert isinstance(library.chat_model, QueuedModel)
    assert library.chat_model.prompts[0] == library.chat_model.prompts[1]


def test_a_stopped_answer_is_made_again_as_far_as_it_came(library: FakeLibrary) -> None:
    """The whole text came, and llama.cpp was blamed for the difference."""
    pieces: list[str] = []
    events = library.ask(QUESTION, cancelled=lambda: len(pieces) >= 4)
    for event in events:
        if isinstance(event, TokenDelta):
            pieces.append(event.piece)
    assert isinstance(event, AnswerDone)
    again = library.replay(read_receipt(receipt_json(event.answer)))
    assert again == event.answer
    assert again.usage is not None
    assert again.usage.finish == "cancelled"


def test_a_sentence_that_was_cut_off_is_made_again_as_far_as_it_came(
    library: FakeLibrary, answer: Answer
) -> None:
    """A model that chooses tells a sentence at once: more came than was there."""
    assert answer.usage is not None
    assert answer.generation is not None
    cut = answer.generation.text[:12]
    stopped = replace(
        answer,
        usage=replace(answer.usage, finish="cancelled"),
        generation=replace(answer.generation, text=cut),
    )
    again = library.replay(stopped).generation
    assert again is not None
    assert again.text == cut


def test_a_refusing_models_answer_is_made_again(library: FakeLibrary, answer: Answer) -> None:
    """Its text is not shown, so that another text seemed to come."""
    library.use(QueuedModel(["Not in your documents."]))
    assert answer.generation is not None
    refused = replace(
        answer,
        abstained=True,
        text="",
        sentences=(),
        citations=tuple(one for one in answer.citations if one.origin == "evidence"),
        removed_markers=0,
        generation=replace(answer.generation, text="Not in your documents."),
    )
    again = library.replay(refused)
    assert again.generation == refused.generation
    assert (again.abstained, again.text) == (True, "")


def test_an_answer_without_a_model_needs_none(answer: Answer, tmp_path: Path) -> None:
    content = json.loads(receipt_json(answer))
    content["answer"] |= {"generation": None, "text": ""}
    without = fake_library(tmp_path / "another", [])
    assert without.replay(read_receipt(json.dumps(content))).evidence == answer.evidence
    without.close()


def test_without_llama_cpp_answers_are_given_and_say_so(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("rag.library.version", missing)
    *_, last = library.ask(QUESTION)
    assert isinstance(last, AnswerDone)
    assert last.answer.settings["llama_cpp"] is None


def test_another_model_is_refused_by_name(library: FakeLibrary, answer: Answer) -> None:
    content = json.loads(receipt_json(answer))
    content["answer"]["generation"]["model"] = "larger.gguf sha256:12"
    with pytest.raises(UsageError, match=r"larger\.gguf sha256:12.*queued-replies"):
        library.replay(read_receipt(json.dumps(content)))


def test_the_markdown_names_everything(answer: Answer) -> None:
    text = receipt_markdown(answer)
    assert text.startswith(f"# {QUESTION}\n")
    assert answer.evidence[0].quote.strip() in text
    assert answer.text in text
    assert "Not supported: “It was two years in 1907" in text
    assert "- top_k: 20\n" in text
    assert "- answer_mode: auto\n" in text
    assert "- embedding_model: words-256\n" in text
    assert f"- footnote: {__version__}\n" in text
    assert f"- llama_cpp: {version('llama-cpp-python')}\n" in text
    assert "| 1 |" in text
    assert "- Model: queued-replies" in text
    assert "- Temperature 0.0, seed 0" in text
    assert answer.generation is not None
    for message in answer.generation.messages:
        assert f"### {message.role}\n\n````\n{message.content}\n````\n" in text or message.content in text
    for name in answer.seconds:
        assert f"- {name}: " in text


HOSTILE = (
    "![x](http://evil.example/p.png) <img src=y> https://evil.example ```\n# H\n[a]: http://evil.example"
)


def test_the_markdown_fetches_nothing(answer: Answer) -> None:
    """An image in a document was fetched by whoever opened the receipt."""
    hit = answer.hits[0]
    hostile = replace(hit, doc=f"{HOSTILE}.md", passage=replace(hit.passage, text=HOSTILE))
    quote = replace(answer.evidence[0], hit=hostile, quote=HOSTILE, start=0, end=len(HOSTILE))
    found = replace(
        answer,
        question=HOSTILE,
        query=HOSTILE,
        text=HOSTILE,
        sentences=(),
        evidence=(quote,),
        hits=(hostile, *answer.hits[1:]),
        disagreements=(Disagreement(quote, quote, "38", HOSTILE, "2023-02-01"),),
        problem=HOSTILE,
        generation=replace(answer.generation, messages=(Message("user", HOSTILE),), choices=(HOSTILE,)),  # type: ignore[type-var]
    )
    written = receipt_markdown(found)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(written)
    assert not re.findall(
        r"<(?!/?(?:h\d|p|blockquote|em|strong|br|table|thead|tbody|tr|th|td|ul|li|pre|code)\b)\w+", html
    )
    assert "## Documents disagree" in written
    assert "of 2023-02-01" in written
    assert "## The quotations it chose from" in written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "not a receipt"),
        ("[]", "not a receipt"),
        ('{"footnote_receipt": 9}', "version 9"),
        ('{"footnote_receipt": 1, "answer": {"question": "a"}}', "not a receipt"),
        ('{"footnote_receipt": 1, "answer": []}', "not a receipt"),
        ('{"footnote_receipt": 1, "answer": {"generation": "x"}}', "not a receipt"),
        ('{"footnote_receipt": 1, "answer": {"generation": {"grammar": "x"}}}', "not a receipt"),
    ],
)
def test_what_is_no_receipt_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_receipt(text)
