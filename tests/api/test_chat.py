"""Chat completions: what is answered, streamed or not, and what a client's own tasks get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag.answer import AnswerDone, EvidenceReady
from rag.api.chat import content_of, conversation, pieces
from rag.api.footnotes import footnotes, without_footnotes
from rag.api.records import ChatMessage
from rag.api.tasks import NOT_A_QUESTION, TITLE_CHARACTERS, question_in, task_reply
from rag.errors import ModelError
from rag.interfaces import ChatModel
from rag.records import Answer
from tests.api.conftest import REPLY, client_of
from tests.fakes.web import FakeLibrary, LeaningModel, QueuedModel

QUESTION = "How long is the notice period for everybody?"
UNKNOWN = "Who won the chess championship of 1972?"
QUOTE = "The notice period is three months for everybody."


def asked(question: str, **fields: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"model": "footnote/default", "messages": [{"role": "user", "content": question}], **fields}


def complete(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    """The answer as JSON."""
    answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def streamed(client: TestClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a stream, which ends as such streams do."""
    answer = client.post("/v1/chat/completions", json=body | {"stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *lines, last = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert last == "[DONE]"
    return [json.loads(line) for line in lines]


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])


def test_an_answer_has_its_quotes_and_says_where_they_stand(client: TestClient) -> None:
    answer = complete(client, asked(QUESTION))
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "stop"
    said, sources = choice["message"]["content"].split("\n\n---\n")
    assert said == f"> {QUOTE} [1]\n\n{REPLY}"
    assert sources == "Sources:\n- [1] leaving.md · Leaving"
    assert answer["footnote"]["abstained"] is False
    cited = answer["footnote"]["citations"][0]
    assert (cited["doc"], cited["quote"], cited["supported"]) == ("leaving.md", QUOTE, "true")
    assert answer["footnote"]["sentences"][0]["supported"] == "true"
    assert answer["usage"]["total_tokens"] > answer["usage"]["completion_tokens"] > 0


def test_what_the_documents_do_not_say_is_said(client: TestClient) -> None:
    answer = complete(client, asked(UNKNOWN))
    content = answer["choices"][0]["message"]["content"]
    assert content.startswith("Not in your documents")
    assert "The nearest passages, which do not answer it:\n- [" in content
    assert answer["footnote"]["abstained"] is True


@pytest.mark.parametrize("question", [QUESTION, UNKNOWN, "Hello"])
@pytest.mark.parametrize("with_footnotes", [True, False])
def test_a_stream_is_the_same_text_bit_by_bit(
    client: TestClient, question: str, with_footnotes: bool
) -> None:
    body = asked(question, footnote={"footnotes": with_footnotes})
    whole, chunks = complete(client, body), streamed(client, body)
    assert text_of(chunks) == whole["choices"][0]["message"]["content"]
    assert ("\n---\n" in text_of(chunks)) is (with_footnotes and question != "Hello")
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-1] == "stop"
    assert "usage" not in chunks[-1]
    assert chunks[-1]["footnote"]["abstained"] is whole["footnote"]["abstained"]


def test_a_stream_ends_with_the_tokens_where_they_are_asked_for(client: TestClient) -> None:
    *_, last = streamed(client, asked(QUESTION, stream_options={"include_usage": True}))
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0


def test_earlier_messages_are_the_conversation(client: TestClient) -> None:
    body = asked("How much is it?")
    earlier = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "What does lunch cost?"},
        {"role": "assistant", "content": "It costs 20 euros.\n\n---\nSources:\n- [1] bicycles.md"},
    ]
    body["messages"] = earlier + body["messages"]
    query = complete(client, body)["footnote"]["query"]
    assert "lunch" in query
    assert "bicycles" not in query
    assert "pirate" not in query


def test_parts_of_a_message_and_unknown_fields_are_taken(client: TestClient) -> None:
    body = asked("", chat_id="7", features={"web_search": False}, temperature=0.3, tools=None)
    body["messages"][0]["content"] = [
        {"type": "text", "text": QUESTION},
        {"type": "image_url", "image_url": {"url": "data:,"}},
    ]
    assert complete(client, body)["footnote"]["question"] == QUESTION


def test_only_the_documents_named_are_asked(client: TestClient) -> None:
    answer = complete(client, asked(QUESTION, footnote={"documents": ["garden.md"]}))
    assert {cited["doc"] for cited in answer["footnote"]["citations"]} == {"garden.md"}


def test_the_last_message_of_the_user_is_the_question() -> None:
    said = [("user", "First?"), ("assistant", "Yes."), ("user", "Second?"), ("assistant", "Well")]
    question, history = conversation(
        ChatMessage.model_validate({"role": role, "content": text}) for role, text in said
    )
    assert question == "Second?"
    assert [message.content for message in history] == ["First?", "Yes."]


class BrokenModel(QueuedModel):
    """Fails in its first word."""

    def stream(self, *_: Any, **__: Any) -> Iterator[Any]:
        raise ModelError("The model server at http://localhost:1 does not answer.")


@pytest.fixture
def with_model(library: FakeLibrary) -> Iterator[Any]:
    """Another model for one test."""
    before = library.chat_model
    assert before is not None

    def use(model: ChatModel) -> TestClient:
        library.use(model)
        return client_of(library)

    yield use
    library.use(before)


def test_a_model_that_fails_leaves_the_quotes_and_a_note(with_model: Any) -> None:
    client = with_model(BrokenModel([""]))
    content = text_of(streamed(client, asked(QUESTION)))
    assert content.startswith(f"> {QUOTE} [1]")
    assert "- The model wrote nothing: The model server at" in content


def test_a_sentence_that_is_not_supported_is_named(with_model: Any) -> None:
    client = with_model(QueuedModel(["The notice period is eight months for everybody [1]."]))
    content = complete(client, asked(QUESTION))["choices"][0]["message"]["content"]
    assert "- Not in your documents: “The notice period is eight months for everybody [1].”" in content


def test_nothing_that_a_model_or_document_writes_is_fetched(with_model: Any) -> None:
    """A chat that renders Markdown would load the picture and so tell its server what was read."""
    client = with_model(
        QueuedModel(["See ![x](http://evil.example/a.png) and <img src=//evil.example> [1]."])
    )
    for content in (
        text_of(streamed(client, asked(QUESTION))),
        complete(client, asked(QUESTION))["choices"][0]["message"]["content"],
    ):
        assert "![" not in content
        assert "<img" not in content
        assert "evil.example" in content


def test_while_it_is_in_doubt_nothing_is_streamed(library: FakeLibrary) -> None:
    done = next(one for one in library.ask(UNKNOWN) if isinstance(one, AnswerDone))
    doubted = EvidenceReady(done.answer.evidence, True, done.answer.reason, 0.0)
    first, *rest, answer = pieces([doubted, done], with_footnotes=True)
    assert first == done.answer.reason
    assert isinstance(answer, Answer)
    assert "".join([str(first), *map(str, rest)]) == content_of(answer, with_footnotes=True)


def test_a_model_that_leans_to_yes_brings_the_quotes_too(with_model: Any) -> None:
    client = with_model(LeaningModel(1.0, "Lunch costs 20 euros [1]."))
    body = asked("What is the price of the lunch menu?")
    content, whole = text_of(streamed(client, body)), complete(client, body)
    assert content == whole["choices"][0]["message"]["content"]


def test_footnotes_are_taken_off_an_earlier_answer_and_rules_of_others_stay(library: FakeLibrary) -> None:
    answer = library.answer(QUESTION)
    assert without_footnotes("Three months." + footnotes(answer)) == "Three months."
    assert without_footnotes("one\n\n---\ntwo") == "one\n\n---\ntwo"


FORMS = {
    "title": '### Task:\nName the chat.\n### Output:\nJSON format: { "title": "a title" }\n'
    "<chat_history>\nUSER: Where do the bees sleep?\nASSISTANT: In hives.\n</chat_history>",
    "tags": '### Task:\nFind tags.\n### Output:\nJSON format: { "tags": ["one", "two"] }\nUSER: Bees?',
    "text": '### Task:\nComplete.\nIf unsure, return: `{ "text": "" }`.\n<text>bees are</text>',
    "none": "### Task:\nDraw a bee.",
}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("title", '{"title": "Where do the bees sleep?"}'),
        ("tags", '{"tags": []}'),
        ("text", '{"text": ""}'),
        ("none", NOT_A_QUESTION),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_clients_own_task_is_no_question(
    client: TestClient, form: str, expected: str, stream: bool
) -> None:
    """Open WebUI asks the model for a title, tags and follow-ups after each answer."""
    body = asked(FORMS[form])
    said = text_of(streamed(client, body)) if stream else ""
    assert (said or complete(client, body)["choices"][0]["message"]["content"]) == expected


def test_a_title_is_short() -> None:
    reply = task_reply(FORMS["title"].replace("bees sleep", "bees of the neighbours' garden " * 9))
    assert len(json.loads(str(reply))["title"]) <= TITLE_CHARACTERS + 1


@pytest.mark.parametrize(
    "prompt",
    [
        "### Task:\nRespond to the query.\n<context>\nsome quotes\n</context>\n\nHow long is it?",
        "### Task:\nRespond.\n<context>x</context>\n<user_query>\nHow long is it?\n</user_query>\n",
        "How long is it?",
    ],
)
def test_a_question_inside_a_clients_instructions_is_found(prompt: str) -> None:
    assert question_in(prompt) == "How long is it?"
    assert task_reply(question_in(prompt)) is None
