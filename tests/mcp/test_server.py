"""What the official client gets: tools, documents, prompts, and errors that are sentences."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import Client, MCPError
from mcp.types import TextContent

from rag.ingest import ingest
from rag.library import Library
from rag.mcp.results import UNSAID, Quote, Result, shown
from rag.mcp.server import make_server
from rag.settings import Settings
from rag.text.visible import UNSAFE
from tests.fakes.ingest import PlainPool
from tests.fakes.web import FakeLibrary, QueuedModel, write_documents

T = TypeVar("T")
HOSTILE = "# Alarm\n\nThe alarm code \x1b]0;owned\x07 is \u202e4711\x9b in the hall.\n"
FEES = {
    "fees-2023.md": "# Fees\n\nValid from 1 January 2023.\n\nThe locker deposit costs 30 euros a year.\n",
    "fees-2024.md": "# Fees\n\nValid from 1 January 2024.\n\nThe locker deposit costs 40 euros a year.\n",
}
LONG = "# Log\n\n" + "".join(f"Entry {number} of the watering log.\n\n" for number in range(2000))


def filled(folder: Path) -> Library:
    """A library of two collections, over models made of words."""
    settings = Settings(library=folder / "library", second_embedding_model="none")
    library = FakeLibrary(settings, QueuedModel(["A model must not be asked."]))
    write_documents(folder / "documents")
    for name, text in {"alarm.md": HOSTILE, "log of the garden.md": LONG, **FEES}.items():
        (folder / "documents" / name).write_text(text, encoding="utf-8")
    (folder / "notes").mkdir()
    (folder / "notes" / "bread.md").write_text(
        "# Bread\n\nThe dough rests for nine hours.\n", encoding="utf-8"
    )
    for name, collection in (("documents", "default"), ("notes", "kitchen notes")):
        events = ingest(
            [folder / name],
            store=library.store,
            embedder=library.embedder,
            pools=PlainPool,
            collection=collection,
        )
        for _ in events:
            pass
    return library


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with filled(tmp_path_factory.mktemp("mcp")) as opened:
        yield opened


def with_client(library: Library, use: Callable[[Client], Awaitable[T]]) -> T:
    """What a client in this process gets."""

    async def run() -> T:
        async with Client(make_server(library)) as client:
            return await use(client)

    return asyncio.run(run())


def call(library: Library, tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool's structured answer."""
    result: Any = with_client(library, lambda client: client.call_tool(tool, arguments))
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def error_of(library: Library, tool: str, **arguments: Any) -> str:
    """The sentence that a failing tool answers with."""
    result: Any = with_client(library, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def text_of(library: Library, doc: str, collection: str = "default") -> str:
    return library.store.documents_named(collection, doc)[0].text


def test_a_client_is_told_five_tools_that_only_read(library: Library) -> None:
    tools: Any = with_client(library, lambda client: client.list_tools())
    found = {tool.name: tool for tool in tools.tools}
    assert set(found) == {"ask", "search", "check_claim", "read_document", "list_documents"}
    for tool in found.values():
        assert tool.description
        assert tool.output_schema
        assert tool.annotations.read_only_hint
        assert all("description" in one for one in tool.input_schema["properties"].values())


def test_an_answer_is_quotes_with_their_places(library: Library) -> None:
    answer = call(library, "ask", question="How long is the notice period for everybody?")
    assert answer["in_your_documents"]
    assert answer["nearest"] == []
    quote = answer["quotes"][0]
    assert quote["quote"] == "The notice period is three months for everybody."
    assert text_of(library, "leaving.md")[quote["start"] : quote["end"]] == quote["quote"]
    expected = {"document": "leaving.md", "title": "Leaving", "heading": "Leaving", "number": 1}
    assert {name: quote[name] for name in expected} == expected
    assert quote["uri"] == "footnote://default/leaving.md"
    assert quote["superseded_by"] is None
    assert quote["date"] is None  # the file's own time may be that of its copying


def test_what_the_documents_do_not_say_is_said_and_the_nearest_named_as_such(library: Library) -> None:
    answer = call(library, "ask", question="Who won the chess championship of 1972?")
    assert not answer["in_your_documents"]
    assert answer["message"].startswith("Not in your documents")
    assert answer["quotes"] == []
    assert answer["nearest"]


def test_no_chat_model_is_asked(library: Library) -> None:
    assert isinstance(library, FakeLibrary)
    call(library, "ask", question="How long is the notice period for everybody?")
    model = library.chat_model
    assert isinstance(model, QueuedModel)
    assert model.prompts == []


def test_an_old_version_says_what_supersedes_it(library: Library) -> None:
    found = call(library, "search", query="locker deposit costs", count=20)
    quotes = {quote["document"]: quote for quote in found["passages"]}
    assert quotes["fees-2023.md"]["superseded_by"] == "fees-2024.md"
    assert quotes["fees-2023.md"]["superseded_since"] == "2024-01-01"
    assert quotes["fees-2024.md"]["superseded_by"] is None
    page = call(library, "read_document", document="fees-2023.md")
    assert page["superseded_by"] == "fees-2024.md"


@pytest.mark.parametrize(
    ("claim", "verdict", "document"),
    [
        ("The notice period is three months for everybody.", "supported", "leaving.md"),
        ("The notice period is six months for everybody.", "contradicted", "leaving.md"),
        ("The locker deposit costs 30 euros a year.", "contradicted", "fees-2024.md"),
    ],
)
def test_a_claim_comes_with_the_quote_that_decides(
    library: Library, claim: str, verdict: str, document: str
) -> None:
    result = call(library, "check_claim", claim=claim)
    assert result["verdict"] == verdict
    side = {"supported": "supporting", "contradicted": "contradicting"}[verdict]
    assert result["sentences"][0][side][0]["document"] == document


def test_a_claim_of_which_nothing_is_said_is_not_found(library: Library) -> None:
    result = call(library, "check_claim", claim="The violin lessons begin in spring.")
    assert (result["verdict"], result["message"]) == ("not found", UNSAID)


def test_a_long_document_is_read_page_by_page(library: Library) -> None:
    text, start = "", 0
    while start is not None:
        page = call(library, "read_document", document="log of the garden.md", start=start, count=30_000)
        assert page["end"] - page["start"] == len(page["text"]) <= 30_000
        text, start = text + page["text"], page["next_start"]
    assert text == text_of(library, "log of the garden.md")


def test_documents_are_listed_page_by_page(library: Library) -> None:
    found = call(library, "list_documents", count=5)
    assert (len(found["documents"]), found["next_start"]) == (5, 5)
    assert found["collections"] == [
        {"name": "default", "documents": found["total"]},
        {"name": "kitchen notes", "documents": 1},
    ]
    only = call(library, "list_documents", containing="FEES")
    assert [one["document"] for one in only["documents"]] == ["fees-2023.md", "fees-2024.md"]


def test_another_collection_is_asked_by_name(library: Library) -> None:
    found = call(library, "search", query="dough rests", collection="kitchen notes")
    assert [quote["document"] for quote in found["passages"]] == ["bread.md"]


def test_documents_are_resources(library: Library) -> None:
    async def read(client: Client) -> dict[str, str]:
        listed = await client.list_resources()
        found = {}
        for one in listed.resources:
            (content,) = (await client.read_resource(one.uri)).contents
            found[str(one.uri)] = content.text  # type: ignore[union-attr]
        return found

    texts = with_client(library, read)
    assert texts["footnote://kitchen%20notes/bread.md"] == text_of(library, "bread.md", "kitchen notes")
    assert texts["footnote://default/log%20of%20the%20garden.md"] == text_of(library, "log of the garden.md")


def test_a_resource_that_is_not_there_is_named(library: Library) -> None:
    async def read(client: Client) -> None:
        with pytest.raises(MCPError, match=r"has no document 'nowhere\.md'"):
            await client.read_resource("footnote://default/nowhere.md")

    with_client(library, read)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ask", {"question": " "}, r"^The query is empty|^The question is empty"),
        ("ask", {}, r"^ask cannot be called like this: question: Field required\.$"),
        ("search", {"query": "x", "count": 0}, r"^search cannot be called like this: count: Input should be"),
        (
            "search",
            {"query": "x", "collection": "attic"},
            r"^The collection 'attic' has no documents\. These",
        ),
        ("search", {"query": "x after:sometime"}, r"after:sometime is not a date"),
        ("read_document", {"document": "chess tournament minutes"}, r"^No document is called"),
    ],
)
def test_an_error_is_a_sentence(library: Library, tool: str, arguments: dict[str, Any], said: str) -> None:
    sentence = error_of(library, tool, **arguments)
    assert re.search(said, sentence)
    assert "Error executing" not in sentence


def test_an_empty_library_says_how_to_fill_it(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library", second_embedding_model="none")
    with FakeLibrary(settings, QueuedModel([""])) as library:
        assert "ingest FOLDER" in error_of(library, "ask", question="What is new?")


def test_nothing_of_a_document_controls_the_terminal_and_its_places_stay(library: Library) -> None:
    found = call(library, "search", query="alarm code in the hall", count=1)["passages"][0]
    page = call(library, "read_document", document="alarm.md")
    stored = text_of(library, "alarm.md")
    assert UNSAFE.search(stored)
    for told in (found["quote"], page["text"]):
        assert not UNSAFE.search(told)
    assert page["text"] == shown(stored)
    assert found["quote"] == shown(stored[found["start"] : found["end"]])


def test_every_string_of_every_record_is_made_safe() -> None:
    assert all(issubclass(one, Result) for one in Quote.__mro__[:-3])
    example = dict.fromkeys(Quote.model_fields)
    strings = {
        "document",
        "title",
        "collection",
        "uri",
        "quote",
        "heading",
        "read_under",
        "sentence",
        "answer",
    }
    numbers = {"number": 1, "start": 0, "end": 1, "hidden": False}
    made = Quote(**example | dict.fromkeys(strings, "a\x1bb") | numbers)
    assert {getattr(made, name) for name in strings} == {"a\ufffdb"}


def test_each_prompt_has_what_it_was_given(library: Library) -> None:
    given = {
        "ask_with_sources": {"question": "How many $ids?"},
        "summarise_document": {"document": "leaving.md"},
        "compare_documents": {"first": "fees-2023.md", "second": "fees-2024.md"},
        "check_draft": {"draft": "Lunch is free."},
    }

    async def read(client: Client) -> dict[str, str]:
        listed = await client.list_prompts()
        assert {one.name for one in listed.prompts} == set(given)
        answers = {name: await client.get_prompt(name, arguments) for name, arguments in given.items()}
        return {name: one.messages[0].content.text for name, one in answers.items()}  # type: ignore[union-attr]

    for name, text in with_client(library, read).items():
        assert all(value in text for value in given[name].values())
        assert "never an instruction" in text


def test_the_models_load_once_in_the_background(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    done = threading.Event()

    def warm_up(self: Library) -> None:
        loads.append(threading.current_thread().name)
        done.set()

    monkeypatch.setattr(Library, "warm_up", warm_up)
    server = make_server(library)

    async def connect() -> None:
        for _ in range(2):
            async with Client(server) as client:
                await client.list_tools()

    asyncio.run(connect())
    assert done.wait(10)
    assert loads == ["loading"]
