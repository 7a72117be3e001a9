"""Conversations kept in the library: saved whole, and checked against the documents of today."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from rag.errors import UsageError
from rag.history.citations import CitationToday, DocumentsToday, citations_today
from rag.history.serialization import answer_of, answer_record
from rag.records import Answer, Citation, ConversationRow, MessageRow

EXPORT_VERSION = 1
TITLE_CHARACTERS = 80
EXCERPT_CHARACTERS = 160


class ConversationTables(DocumentsToday, Protocol):
    """The rows of conversations, as the library's store keeps them. Unknown ids give None or False."""

    def start(self, title: str, collection: str, *, owner: str = "", created: str | None = None) -> int: ...
    def append(
        self,
        conversation_id: int,
        *,
        question: str,
        answer: str,
        record: str,
        searchable: str,
        citations: Sequence[tuple[Citation, str]],
        created: str | None = None,
    ) -> int | None: ...
    def listed(self, limit: int, offset: int, *, owner: str = "") -> list[ConversationRow]: ...
    def count(self, *, owner: str = "") -> int: ...
    def get(self, conversation_id: int, *, owner: str = "") -> ConversationRow | None: ...
    def messages(self, conversation_id: int) -> list[MessageRow]: ...
    def rename(self, conversation_id: int, title: str) -> bool: ...
    def attach(self, conversation_id: int, collection: str) -> bool: ...
    def attached_anywhere(self, collection: str) -> bool: ...
    def rewrite(self, message_id: int, record: str) -> bool: ...
    def delete(self, conversation_id: int) -> bool: ...
    def delete_from(self, conversation_id: int, ordinal: int) -> bool: ...
    def rate(self, message_id: int, rating: int | None, reason: str | None) -> bool: ...
    def rated(
        self, rating: int, limit: int, *, owner: str = ""
    ) -> list[tuple[int, int, str, str | None]]: ...
    def matching(
        self, words: Sequence[str], limit: int, *, owner: str = ""
    ) -> list[tuple[int, int, str]]: ...


class ConversationStore(Protocol):
    """The part of the library's store that conversations need."""

    @property
    def conversations(self) -> ConversationTables: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """A saved question with its answer, as whole as when it was fresh."""

    id: int
    ordinal: int
    created: str
    answer: Answer
    rating: int | None = None
    rating_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation; `turns` is empty in a listing, `turn_count` never is. Times: ISO 8601, UTC.

    `attached` is the collection of its own files, "" where it has none.
    """

    id: int
    title: str
    collection: str
    created: str
    updated: str
    turn_count: int
    turns: tuple[Turn, ...] = ()
    attached: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A turn that holds every word searched for; `excerpt` is around the first of them."""

    conversation: Conversation
    turn_id: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class Rated:
    """A turn that somebody judged, and why."""

    conversation: Conversation
    turn_id: int
    question: str
    reason: str


class Conversations:
    """The conversations of one library that belong to one person; "" is whoever has not signed in.

    `deleted` is told the id of each conversation that was deleted, and the collection of its files where no
    other conversation has them too, for what else is kept of it.
    """

    def __init__(
        self,
        store: ConversationStore,
        *,
        owner: str = "",
        deleted: Callable[[int, str], None] = lambda conversation_id, attached: None,
    ) -> None:
        self._tables = store.conversations
        self._owner = owner
        self._deleted = deleted

    def start(self, title: str = "", *, collection: str = "default") -> int:
        """A new conversation; without a title, its first question becomes one. Returns its id."""
        return self._tables.start(title_of(title), collection, owner=self._owner)

    def append(self, conversation_id: int, answer: Answer) -> int:
        """Saves a turn whole; returns its id.

        Raises:
            UsageError: there is no such conversation (it may have been deleted meanwhile).
        """
        turn_id = self._save(conversation_id, answer, None)
        found = self._tables.get(conversation_id, owner=self._owner)
        if found is not None and not found.title:
            self._tables.rename(conversation_id, title_of(answer.question))
        return turn_id

    def _save(self, conversation_id: int, answer: Answer, created: str | None) -> int:
        shown = shown_text(answer)
        turn_id = self._tables.append(
            conversation_id,
            question=answer.question,
            answer=shown,
            record=json.dumps(answer_record(answer), ensure_ascii=False),
            searchable=f"{answer.question}\n{shown}".casefold(),
            citations=[(citation, quote_hash(citation.quote)) for citation in answer.citations],
            created=created,
        )
        if turn_id is None:
            raise _unknown(conversation_id)
        return turn_id

    def list(self, *, limit: int = 50, offset: int = 0) -> Sequence[Conversation]:
        """A page of conversations without their turns, the one changed last first."""
        return [_conversation(row) for row in self._tables.listed(limit, offset, owner=self._owner)]

    def count(self) -> int:
        """How many conversations there are."""
        return self._tables.count(owner=self._owner)

    def load(self, conversation_id: int) -> Conversation:
        """A conversation with all its turns; `UsageError` when there is none of that id."""
        row = self._tables.get(conversation_id, owner=self._owner)
        if row is None:
            raise _unknown(conversation_id)
        turns = tuple(
            Turn(m.id, m.ordinal, m.created, answer_of(json.loads(m.record)), m.rating, m.rating_reason)
            for m in self._tables.messages(conversation_id)
        )
        return _conversation(row, turns)

    def rename(self, conversation_id: int, title: str) -> None:
        """Gives a conversation another title."""
        if not title.strip():
            raise UsageError("A conversation's title cannot be empty.")
        if not self._tables.rename(conversation_id, title_of(title)):
            raise _unknown(conversation_id)

    def delete(self, conversation_id: int) -> None:
        """Removes a conversation for good."""
        found = self._tables.get(conversation_id, owner=self._owner)
        if found is None or not self._tables.delete(conversation_id):
            raise _unknown(conversation_id)
        shared = self._tables.attached_anywhere(found.attached)
        self._deleted(conversation_id, "" if shared else found.attached)

    def branch(self, conversation_id: int, ordinal: int, *, title: str = "") -> int:
        """A new conversation that has the turns of another up to this one; returns its id."""
        whole = self.load(conversation_id)
        new = self._tables.start(title_of(title or whole.title), whole.collection, owner=self._owner)
        self._tables.attach(new, whole.attached)
        for turn in whole.turns:
            if turn.ordinal <= ordinal:
                copy = self._save(new, turn.answer, None)
                if turn.rating is not None:
                    self._tables.rate(copy, turn.rating, turn.rating_reason)
        return new

    def add_other(self, conversation_id: int, turn_id: int, other: Answer) -> None:
        """Puts another model's answer beside a turn's, in the place of an earlier one of that model."""
        turn = next((turn for turn in self.load(conversation_id).turns if turn.id == turn_id), None)
        if turn is None:
            raise UsageError(f"There is no saved answer {turn_id}; it may have been deleted.")
        kept = [one for one in turn.answer.others if one.model != other.model]
        answer = replace(turn.answer, others=(*kept, other))
        self._tables.rewrite(turn_id, json.dumps(answer_record(answer), ensure_ascii=False))

    def attached_to(self, conversation_id: int) -> str:
        """The collection of the files attached to a conversation, named where there are none yet."""
        name = self.load(conversation_id).attached
        if not name:
            name = f"attached {secrets.token_hex(8)}"
            self._tables.attach(conversation_id, name)
        return name

    def delete_from(self, conversation_id: int, ordinal: int) -> None:
        """Removes the turns from `ordinal` on, so that a question can be asked again differently."""
        self.load(conversation_id)
        self._tables.delete_from(conversation_id, ordinal)

    def rate(self, turn_id: int, rating: Literal[-1, 1] | None, *, reason: str | None = None) -> None:
        """Records whether an answer helped; None takes the judgement back."""
        if not self._tables.rate(turn_id, rating, reason):
            raise UsageError(f"There is no saved answer {turn_id}; it may have been deleted.")

    def rated(self, rating: Literal[-1, 1], *, limit: int = 50) -> Sequence[Rated]:
        """The turns judged so, the newest first."""
        found = []
        for conversation_id, turn_id, question, reason in self._tables.rated(
            rating, limit, owner=self._owner
        ):
            row = self._tables.get(conversation_id, owner=self._owner)
            if row is not None:
                found.append(Rated(_conversation(row), turn_id, question, reason or ""))
        return found

    def search(self, query: str, *, limit: int = 50) -> Sequence[Match]:
        """Turns whose question or answer holds every word of the query, the newest first.

        Words match in any script, whatever their case, also as parts of longer words.
        """
        words = query.casefold().split()
        if not words:
            return []
        known: dict[int, Conversation] = {}
        matches = []
        for conversation_id, turn_id, text in self._tables.matching(words, limit, owner=self._owner):
            if (
                conversation_id not in known
                and (row := self._tables.get(conversation_id, owner=self._owner)) is not None
            ):
                known[conversation_id] = _conversation(row)
            if conversation_id in known:
                matches.append(Match(known[conversation_id], turn_id, _excerpt(text, words[0])))
        return matches

    def citations_today(self, turn: Turn, *, collection: str) -> Sequence[CitationToday]:
        """What became of each quote of a saved answer; see `rag.history.citations.citations_today`."""
        return citations_today(turn.answer.citations, self._tables, turn.answer.collection or collection)

    def export_json(self, conversation_ids: Sequence[int] | None = None) -> str:
        """Conversations as JSON that `import_json` reads back whole; None exports all."""
        conversations = [self.load(id_) for id_ in self._chosen(conversation_ids)]
        exported = [_exported(conversation) for conversation in conversations]
        content = {"footnote_conversations": EXPORT_VERSION, "conversations": exported}
        return json.dumps(content, ensure_ascii=False, indent=2)

    def import_json(self, text: str) -> Sequence[int]:
        """Adds exported conversations; all of them are checked before the first is added.

        Raises:
            UsageError: the text is no export, or one of another version.
        """
        ids = []
        for conversation in _parse_export(text):
            id_ = self._tables.start(
                conversation["title"],
                conversation["collection"],
                owner=self._owner,
                created=conversation["created"],
            )
            for created, answer, rating, reason in conversation["turns"]:
                turn_id = self._save(id_, answer, created)
                if rating is not None:
                    self._tables.rate(turn_id, rating, reason)
            ids.append(id_)
        return ids

    def _chosen(self, conversation_ids: Sequence[int] | None) -> Sequence[int]:
        if conversation_ids is not None:
            return conversation_ids
        return [row.id for row in reversed(self._tables.listed(-1, 0, owner=self._owner))]


def quote_hash(quote: str) -> str:
    """32 hex digits of a quote's SHA-256."""
    return hashlib.sha256(quote.encode("utf-8", "replace")).hexdigest()[:32]


def shown_text(answer: Answer) -> str:
    """What a person saw: the evidence's quotes, then the model's text or the reason to abstain."""
    pieces = [answer.computation.told] if answer.computation else []
    pieces += [piece.quote for piece in answer.evidence]
    pieces += [text for text in (answer.text, answer.reason if answer.abstained else "") if text]
    return "\n".join(pieces)


def _conversation(row: ConversationRow, turns: tuple[Turn, ...] = ()) -> Conversation:
    return Conversation(
        row.id, row.title, row.collection, row.created, row.updated, row.turns, turns, row.attached
    )


def _unknown(conversation_id: int) -> UsageError:
    return UsageError(f"There is no conversation {conversation_id}; it may have been deleted.")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def title_of(text: str) -> str:
    """A text as a title: on one line, its beginning where it is long."""
    line = _one_line(text)
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _excerpt(text: str, word: str) -> str:
    start = max(text.find(word) - EXCERPT_CHARACTERS // 4, 0)
    piece = _one_line(text[start : start + EXCERPT_CHARACTERS])
    return ("…" if start else "") + piece + ("…" if start + EXCERPT_CHARACTERS < len(text) else "")


def _exported(conversation: Conversation) -> dict[str, Any]:
    return {
        "title": conversation.title,
        "collection": conversation.collection,
        "created": conversation.created,
        "turns": [
            {
                "created": turn.created,
                "rating": turn.rating,
                "rating_reason": turn.rating_reason,
                "answer": answer_record(turn.answer),
            }
            for turn in conversation.turns
        ],
    }


def _parse_export(text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
        version = content["footnote_conversations"]
        if version != EXPORT_VERSION:
            raise UsageError(f"This export has version {version}; this Footnote reads {EXPORT_VERSION}.")
        return [
            {
                **{name: str(conversation[name]) for name in ("title", "collection", "created")},
                "turns": [_parse_turn(turn) for turn in conversation["turns"]],
            }
            for conversation in content["conversations"]
        ]
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UsageError(
            f"This is not an export of conversations ({error}); export them as JSON first."
        ) from error


def _parse_turn(turn: dict[str, Any]) -> tuple[str, Answer, int | None, str | None]:
    rating = turn["rating"]
    if rating not in (None, 1, -1):
        raise ValueError(f"rating {rating!r}")
    answer = answer_of(turn["answer"])
    return str(turn["created"]), answer, rating, turn["rating_reason"]
