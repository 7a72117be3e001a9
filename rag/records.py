"""The records that travel from a file to a cited answer; each keeps where its text came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

BlockKind = Literal["heading", "paragraph", "list", "table", "code", "quote"]
Role = Literal["system", "user", "assistant"]
Support = Literal["true", "partly", "false"]
ChangeKind = Literal["changed", "added", "removed"]
HIDDEN_TEXT = "Hidden text (not seen when the document is opened)"
"""The heading that stands above what a document holds and does not show."""


@dataclass(frozen=True, slots=True)
class Block:
    """One structural unit of a document: `document.text[start:end]` is its text.

    `page` is 1-based (a page, slide or sheet), or None where the format has none.
    `heading_path` holds the headings above the block, outermost first; a heading's own path
    ends with itself. `level` is 1–6 for headings, 0 otherwise.
    """

    kind: BlockKind
    start: int
    end: int
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a document as it is kept: a small copy, and the words that belong to it.

    `thumbnail` is a JPEG; its hash is `content_hash` (32 hex digits), so the same picture is known again in
    another document. `width` and `height` are those of the picture itself, in pixels. `start` is its place in
    the document's text: what follows there stands after it. `caption` is its alternative text and its
    caption, `around` the text before and after it, `text` the text read on it.
    """

    content_hash: str
    thumbnail: bytes
    width: int
    height: int
    start: int
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    caption: str = ""
    around: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file as its reader understood it.

    Every non-space character of `text` lies in exactly one block; blocks are in order and do
    not overlap. `characters_left_out` names what the reader dropped on purpose (a running
    header, a navigation bar) with its count of non-space characters.
    """

    title: str
    media_type: str
    text: str
    blocks: tuple[Block, ...]
    page_count: int | None = None
    pages_without_text: tuple[int, ...] = ()
    page_labels: tuple[str, ...] = ()
    language: str | None = None
    date: str | None = None
    characters_left_out: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What else is known of a row of a table, by column."""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph-sized piece of a document: `document.text[start:end] == text`, always.

    `context` is text from elsewhere in the document that is needed to read this one: the caption and
    header row of a table that had to be split. It is embedded in front of the text, never quoted.
    `token_count` is in the embedding model's tokens, context included, without prefix and special tokens.
    `first_page` and `last_page` are 1-based, or None where the format has no pages.
    `content_hash` (32 hex digits) is of what is embedded, so an unchanged passage is known
    again after an edit elsewhere in the file; `id` is of the document's path, ordinal and content.
    """

    id: str
    ordinal: int
    text: str
    start: int
    end: int
    token_count: int
    content_hash: str
    heading_path: tuple[str, ...] = ()
    first_page: int | None = None
    last_page: int | None = None
    kind: BlockKind = "paragraph"
    context: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees this text who opens the document."""
        return HIDDEN_TEXT in self.heading_path


READER_SIGNAL = "reader"
"""The signal of a hit that the reader has read: its logit that the passage answers."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query, with the document it came from and why it was found.

    `score` orders the hits (higher is better). `signals` holds its parts by name, for instance
    `dense` (cosine) and `keyword` (BM25), as the retrieval step defines them.
    """

    rowid: int
    passage: Passage
    document_id: int
    doc: str
    title: str
    score: float
    signals: dict[str, float] = field(default_factory=dict)

    @property
    def page(self) -> int | None:
        """The first page of the passage, 1-based."""
        return self.passage.first_page

    @property
    def heading(self) -> str:
        """The heading path as one line, outermost first."""
        return " › ".join(self.passage.heading_path)


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """What is known of a document without its text: for filters, and for names in a question.

    `date` is ISO 8601 (a year alone is one too), from the document, else from its file's name or time;
    `undated` where only the file has one, which may be that of its copying. `scales` has its class and score
    on each saved scale.
    """

    id: int
    doc: str
    title: str
    media_type: str
    language: str | None = None
    date: str | None = None
    undated: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scales: Mapping[str, tuple[str, float]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Superseded:
    """A later version of a document is in force: its path, and since when (ISO 8601) where that is known."""

    by: str
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """An excerpt of a retrieved passage, quoted exactly.

    `hit.passage.text[start:end] == quote`; `score` orders the excerpts (higher is better);
    `marker` is the number the answer cites its passage by (1-based). `sentence` is the place in the passage
    of the sentence or row that answers, inside the excerpt, and `answer` that of the number, date or name in
    it, where the question asks for one. `header` is what the excerpt is read under and does not hold: the
    names of a table's columns, or the line that leads in to a list. `superseded` says that the document is
    not the version in force.
    """

    hit: Hit
    marker: int
    quote: str
    start: int
    end: int
    score: float
    sentence: tuple[int, int] | None = None
    answer: tuple[int, int] | None = None
    header: str = ""
    superseded: Superseded | None = None

    @property
    def said(self) -> tuple[int, int]:
        """Where in the passage the sentence is that answers; all of the quote where none is marked."""
        return self.sentence or (self.start, self.end)


@dataclass(frozen=True, slots=True)
class Citation:
    """What one [marker] of an answer points to.

    `quote` is an exact substring of the passage, at `start:end` of the *document's* text.
    `supported` is the verdict of the check of the sentence that carries the marker.
    `origin` tells whether the evidence or the model's text cites it. Evidence marks the `sentence` that
    answers and the `answer` in it, in the document's text too, has the `header` it is read under, and says
    whether its document is `superseded`. `hidden` says that the document does not show the quoted text.
    """

    marker: int
    doc: str
    page: int | None
    quote: str
    start: int
    end: int
    passage_id: str
    content_hash: str
    supported: Support
    origin: Literal["evidence", "text"] = "text"
    sentence: tuple[int, int] | None = None
    answer: tuple[int, int] | None = None
    header: str = ""
    superseded: Superseded | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a generated answer: `text[start:end]`, its markers and the verdict.

    `problems` says, in plain words, what the cited passage does not hold
    (for instance "2019 is not in [2]").
    """

    start: int
    end: int
    markers: tuple[int, ...]
    supported: Support
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn as a chat model reads it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one generation cost. `cached_tokens` of the prompt were already in the KV cache."""

    prompt_tokens: int
    cached_tokens: int
    answer_tokens: int
    first_token_seconds: float
    total_seconds: float
    finish: Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How a context window was shared out, in the generator's own tokens.

    `passages` maps each included marker to its tokens; `left_out` lists the markers of hits
    that did not fit; `dropped_turns` counts the oldest history turns that did not fit.
    """

    window: int
    instructions: int
    question: int
    history: int
    passages: dict[int, int]
    answer: int
    left_out: tuple[int, ...] = ()
    dropped_turns: int = 0

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt."""
        return self.instructions + self.question + self.history + sum(self.passages.values())


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two quotes of different documents on one matter; the values are what they differ in, as written.

    The dates are those of the documents, ISO 8601, None where a document has none.
    """

    first: Evidence
    second: Evidence
    first_value: str
    second_value: str
    first_date: str | None = None
    second_date: str | None = None


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """One side of a conflict: `quote` is the document's text from `start` to `end`.

    `value` is what it gives, as written, at `value_start` of the document's text; `date` is that of the
    content (ISO 8601), None where it has none. `rowid` is that of the passage.
    """

    rowid: int
    doc: str
    title: str
    page: int | None
    heading: str
    quote: str
    start: int
    end: int
    value: str
    value_start: int
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two documents, valid at the same time, that give the same attribute of the same thing two values.

    `kind` is what the values are: number, amount, date, duration, time, phone or person.
    """

    kind: str
    first: ConflictSide
    second: ConflictSide


@dataclass(frozen=True, slots=True)
class Change:
    """Where two documents differ: a sentence, item or row of each, or of one alone.

    "changed" has both sides, "removed" the first alone, "added" the second. `heading` is that of the section,
    and the values are the numbers, dates and codes that one side has and the other lacks, as written.
    """

    kind: ChangeKind
    heading: str
    first: Evidence | None
    second: Evidence | None
    first_values: tuple[str, ...] = ()
    second_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell that a computation took, named by its row and its column.

    `start:end` is its place in the document's text; `marker` cites the passage it stands in.
    """

    doc: str
    page: int | None
    row: str
    column: str
    text: str
    marker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Computation:
    """A value computed from cells of a table: exact, with its formula and the cells it rests on.

    `value` is a plain number (a name, where the question asks which), `shown` the same for people, with its
    unit. `explanation` is a line that says what was computed, of what and how. `cell_count` counts all
    cells, of which `cells` may be the first. `others` are what fits the question as well, by name, with
    their values.
    """

    operation: str
    value: str
    unit: str
    shown: str
    formula: str
    explanation: str
    cells: tuple[TableCell, ...]
    cell_count: int
    others: tuple[tuple[str, str], ...] = ()

    @property
    def told(self) -> str:
        """The value, then how it came about."""
        return f"{self.shown}\n{self.explanation}"


@dataclass(frozen=True, slots=True)
class Generation:
    """All that decided a model's text, so that it can be had again.

    `model` is the identity of its weights and form; `text` is what it wrote, before any check. Where there
    are `choices`, it had to write one of them.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    seed: int
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartlyRead:
    """A document that an answer rests on and that was not read whole: its path, and what its report says."""

    doc: str
    notes: tuple[str, ...]


ACROSS_LANGUAGES = (
    "The question is in another language than these passages. They come nearest; "
    "whether they answer it could not be judged."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer with everything needed to check it, save it and show it again.

    `evidence` is what retrieval alone answers; `text` is the model's, "" where none was asked.
    `hits[marker - 1]` is the passage a marker points to. `seconds` has search and
    evidence, asking where a model was asked if the passages hold the answer, and from the question on
    first_token and total. `problem` says why the model wrote nothing,
    or not to the end; "" where nothing went wrong. `settings` are those that decided it, by name, with
    the embedding model and the versions of the software. `changes` are those of a comparison, in order; their
    quotes are the evidence. `computation` is how a value came about that no document states. `partly_read`
    are the documents it rests on that were not read whole. `across_languages`: the question is in another
    language than the passages, so whether they answer it could not be judged. `others` are answers of other
    models to the same question, to compare with it. `collection` is the one that was searched.
    """

    question: str
    query: str
    text: str
    evidence: tuple[Evidence, ...]
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    abstained: bool
    reason: str
    budget: BudgetUse | None
    usage: Usage | None
    model: str | None
    removed_markers: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    disagreements: tuple[Disagreement, ...] = ()
    generation: Generation | None = None
    problem: str = ""
    settings: dict[str, str | int | float | None] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    computation: Computation | None = None
    partly_read: tuple[PartlyRead, ...] = ()
    across_languages: bool = False
    others: tuple[Answer, ...] = ()
    collection: str = ""


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation without its turns; `attached` is the collection of its files.

    Times are ISO 8601, UTC.
    """

    id: int
    title: str
    collection: str
    created: str
    updated: str
    turns: int
    attached: str = ""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One saved turn; `record` is the whole answer as JSON; `rating` is 1, -1 or None."""

    id: int
    ordinal: int
    created: str
    record: str
    rating: int | None
    rating_reason: str | None


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note; `record` is its citations and their passages as JSON. Times are ISO 8601, UTC."""

    id: int
    title: str
    text: str
    collection: str
    record: str
    created: str = ""
    updated: str = ""


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage with the content a saved citation points to, as it is today."""

    doc: str
    key: str
    text: str
