"""What is asked and answered, as records: requests are checked against them, `/openapi.json` is made of them.

Fields of a request that are not listed are ignored, as clients send many that mean nothing here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

Supported = Literal["true", "partly", "false"]
MAX_TEXTS = 2048
CollectionName = Annotated[
    str | None,
    Field(description="The collection; without it the library's usual one, or the only one there is"),
]

NOT_BLANK: dict[str, JsonValue] = {"pattern": r"\S"}
"""The library says in a sentence what is wrong with a blank question."""
DocumentNames = Annotated[
    list[Annotated[str, Field(min_length=1, json_schema_extra=NOT_BLANK)]] | None,
    Field(description="Only these documents, by path or title"),
]


def whole(value: Any) -> Any:
    """A number without a fraction as an integer: JSON makes no difference between 5 and 5.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole)]


class Request(BaseModel):
    """A body of JSON: of exactly these types."""

    model_config = ConfigDict(strict=True)


class Parameters(BaseModel):
    """What stands in the address: numbers are written as text there."""


class Error(BaseModel):
    """What went wrong, in a sentence."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """An error in OpenAI's form."""

    error: Error


# An answer, and what it rests on


class Citation(BaseModel):
    """Exact words of a document: `text[start:end]` of the document is `quote`."""

    marker: int
    doc: str
    page: int | None
    quote: str
    supported: Supported
    start: int
    end: int
    header: str
    superseded_by: str | None
    superseded_since: str | None
    hidden: bool = Field(description="The document does not show this text")
    sentence_start: int | None
    sentence_end: int | None
    answer_start: int | None
    answer_end: int | None


class CheckedSentence(BaseModel):
    """A sentence that the model wrote, and whether what it cites supports it."""

    text: str
    markers: list[int]
    supported: Supported
    problems: list[str]


class Side(BaseModel):
    """One value of a disagreement."""

    value: str
    marker: int
    doc: str
    date: str | None
    quote: str


class ChangedQuote(BaseModel):
    """One side of a change."""

    marker: int
    doc: str
    page: int | None
    heading: str
    quote: str
    start: int
    end: int
    values: list[str]


class Change(BaseModel):
    """Where two documents differ."""

    kind: Literal["changed", "added", "removed"]
    heading: str
    first: ChangedQuote | None
    second: ChangedQuote | None


class Cell(BaseModel):
    """A cell that a computation took."""

    doc: str
    page: int | None
    row: str
    column: str
    text: str
    marker: int
    start: int
    end: int


class OtherReading(BaseModel):
    """What fits the question as well, with its value."""

    label: str
    shown: str


class Computation(BaseModel):
    """A value computed from cells of a table."""

    operation: str
    value: str
    unit: str
    shown: str
    formula: str
    explanation: str
    cells: list[Cell]
    cell_count: int
    others: list[OtherReading]


class Seconds(BaseModel):
    """How long it took."""

    search: float
    first_token: float
    total: float


class Checked(BaseModel):
    """What an answer rests on: quotes with their places, checks, and whether the documents answer at all."""

    question: str
    query: str = Field(description="What was searched for: a follow-up made to stand alone")
    text: str = Field(description="What the chat model wrote; empty where none was asked")
    model: str | None = Field(description="The chat model that wrote it")
    abstained: bool = Field(description="True: the documents don't contain the answer")
    reason: str
    problem: str = Field(description="Why the model wrote nothing, or not to the end")
    citations: list[Citation]
    sentences: list[CheckedSentence]
    disagreements: list[list[Side]]
    changes: list[Change]
    computation: Computation | None
    seconds: Seconds


class FoundPassage(BaseModel):
    """A passage that was found for a question."""

    doc: str
    page: int | None
    text: str
    score: float
    hidden: bool = Field(description="The document does not show this text")


class PartlyRead(BaseModel):
    """A document that the answer rests on and that was not read whole, and what its report says."""

    doc: str
    notes: list[str]


class Tokens(BaseModel):
    """What the model read and wrote."""

    prompt: int
    cached: int
    answer: int


class AskResult(Checked):
    """An answer: what `footnote ask --json` prints."""

    answer: str
    passages: list[FoundPassage]
    partly_read: list[PartlyRead]
    across_languages: bool
    left_out: list[int]
    removed_markers: int
    tokens: Tokens


# OpenAI's API


class Part(Request):
    """A part of a message; those without text are ignored."""

    type: str
    text: str | None = None


class ChatMessage(Request):
    """A message of the conversation. What system messages say is ignored."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def said(self) -> str:
        """Its text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""


class ChatOptions(Request):
    """What only Footnote knows."""

    documents: DocumentNames = None
    footnotes: bool = Field(True, description="Whether sources and checks also stand at the end of the text")


class StreamOptions(Request):
    """What else comes in a stream."""

    include_usage: bool | None = None


class ChatRequest(Request):
    """A question: the last message of the user. Those before it are the conversation."""

    model: str = Field(description="footnote/COLLECTION")
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = Field(
        default=None, max_length=200, description="Who asks, of those who share a key: they take turns"
    )
    footnote: ChatOptions | None = None


class Usage(BaseModel):
    """Tokens of the chat model; 0 where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Reply(BaseModel):
    """The answer as a message."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """There is one."""

    index: Literal[0] = 0
    message: Reply
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    """An answer in OpenAI's form, with what it rests on."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    footnote: Checked | None = Field(description="null where a client's task was answered, not a question")


class Delta(BaseModel):
    """What a message grows by."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """There is one."""

    index: Literal[0] = 0
    delta: Delta
    finish_reason: Literal["stop", "length"] | None = None


class ChatChunk(BaseModel):
    """A part of a streamed answer; the last but one has `footnote`, and `[DONE]` ends the stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    footnote: Checked | None = None

    def sent(self) -> dict[str, Any]:
        """The chunk as it is sent: what it does not have is left out."""
        sent = self.model_dump(
            exclude={name for name in ("usage", "footnote") if getattr(self, name) is None}
        )
        for choice, made in zip(sent["choices"], self.choices, strict=True):
            choice["delta"] = made.delta.model_dump(exclude_none=True)
        return sent


class Model(BaseModel):
    """A collection as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["footnote"] = "footnote"


class ModelList(BaseModel):
    """A model for each collection."""

    object: Literal["list"] = "list"
    data: list[Model]


class EmbeddingRequest(Request):
    """Texts to embed."""

    model: str = Field(description="The library's embedding model; any other is refused")
    input: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=MAX_TEXTS)]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Whole | None = Field(None, ge=1, description="The model's own; any other is refused")
    input_type: Literal["query", "passage"] = Field(
        "query",
        description="As what the model reads the texts: `passage` for texts that are searched, `query` for"
        " what is searched for, and for comparing texts with each other",
    )


class Embedding(BaseModel):
    """The unit vector of a text: numbers, or little-endian float32 in base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens of the texts."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """A vector for each text, in their order."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


# Footnote's own routes


class SearchRequest(Request):
    """What to look for: words, "a phrase", -without, doc:folder/*.md, after:2024-01."""

    query: str = Field(min_length=1, json_schema_extra=NOT_BLANK)
    collection: CollectionName = None
    count: Whole = Field(10, ge=1, le=100)
    documents: DocumentNames = None


class Passage(BaseModel):
    """A passage, as `footnote search --json` prints it, and whether its document is in force."""

    id: str
    score: float
    doc: str
    page: int | None
    heading: str
    text: str
    start: int
    end: int
    hidden: bool
    superseded_by: str | None
    superseded_since: str | None


class SearchResult(BaseModel):
    """The nearest passages, best first. Being near does not make them an answer."""

    collection: str
    passages: list[Passage]


class Turn(Request):
    """What was said before."""

    role: Literal["user", "assistant"]
    content: str


class AskRequest(Request):
    """A question."""

    question: str = Field(min_length=1, json_schema_extra=NOT_BLANK)
    collection: CollectionName = None
    documents: DocumentNames = None
    history: list[Turn] = []
    without_model: bool = Field(False, description="Quotes alone: the chat model is not asked")


class ListParameters(Parameters):
    """Which documents."""

    collection: CollectionName = None
    containing: str = Field("", description="Only those with this in their path or title")
    start: int = Field(0, ge=0, le=2**31, description="From this one on")
    count: int = Field(100, ge=1, le=1000, description="How many at most")


class ListedDocument(BaseModel):
    """A document of a collection; `date` is its own, null where it has none."""

    doc: str
    title: str
    type: str
    language: str | None
    date: str | None


class DocumentList(BaseModel):
    """Documents by path; `next_start` is null at the end."""

    collection: str
    documents: list[ListedDocument]
    total: int
    next_start: int | None


class ReadParameters(Parameters):
    """Which part of a document."""

    collection: CollectionName = None
    start: int = Field(0, ge=0, le=2**31, description="From this character on")
    count: int = Field(20_000, ge=1, le=200_000, description="Characters at most")


class DocumentPage(BaseModel):
    """A part of a document's text, from `start` to `end`; `next_start` is null at its end."""

    collection: str
    doc: str
    title: str
    text: str
    start: int
    end: int
    characters: int
    next_start: int | None


class Upload(BaseModel):
    """A form with a file, in the place of one of the same name."""

    file: Annotated[bytes, Field(json_schema_extra={"format": "binary"})]
    collection: CollectionName = None


class Failure(BaseModel):
    """A file that was not read, and why."""

    doc: str
    error: str


class IngestCounts(BaseModel):
    """Of the files that were uploaded to the collection so far."""

    added: int
    updated: int
    unchanged: int
    removed: int
    failed: int
    moved: int


class IngestReceipt(BaseModel):
    """What the ingest did: what `footnote ingest --json` prints."""

    documents: IngestCounts
    passages: int
    seconds: float
    failures: list[Failure]
    skipped: list[Failure]
    embedded: int
    pages: int
    pictures_embedded: int
    excluded: int
    interrupted: bool


class DocumentReport(BaseModel):
    """What was read of a file and what was not: what `footnote report --json` prints."""

    doc: str
    status: str
    pages: int | None
    pages_without_text: list[int]
    characters_read: int
    characters_indexed: int
    passages: int
    language: str | None
    warnings: list[str]
    error: str | None
    duplicate_of: str | None
    seconds: float


class Added(BaseModel):
    """What became of an uploaded file."""

    collection: str
    doc: str
    report: DocumentReport
    ingest: IngestReceipt


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"
    version: str
