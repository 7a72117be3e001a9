"""Notes: answers, excerpts and one's own words, kept with the places they rest on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from rag.errors import UsageError
from rag.history.citations import CitationToday, DocumentsToday, citations_today
from rag.history.conversations import title_of
from rag.history.receipts import said_markdown
from rag.records import Answer, Citation, Hit, NoteRow
from rag.text.markdown import MARKERS, blockquote, markers_of

EXPORT_VERSION = 1


class NoteTables(Protocol):
    """The rows of notes, as the library's store keeps them."""

    def add(self, note: NoteRow, *, owner: str) -> int: ...
    def get(self, note_id: int, *, owner: str) -> NoteRow | None: ...
    def listed(self, words: Sequence[str], limit: int, offset: int, *, owner: str) -> list[NoteRow]: ...
    def count(self, *, owner: str) -> int: ...
    def edit(self, note_id: int, title: str, text: str, *, owner: str) -> bool: ...
    def delete(self, note_id: int, *, owner: str) -> bool: ...


class NoteStore(Protocol):
    """The part of the library's store that notes need."""

    @property
    def notes(self) -> NoteTables: ...
    @property
    def conversations(self) -> DocumentsToday: ...


@dataclass(frozen=True, slots=True)
class NoteSource:
    """A quote that a note cites, and its passage as it was when the note was made."""

    citation: Citation
    hit: Hit


@dataclass(frozen=True, slots=True)
class Note:
    """A note. `text` is Markdown, in which [1] cites the sources of that marker. Times: ISO 8601, UTC."""

    id: int
    title: str
    text: str
    collection: str
    created: str
    updated: str
    sources: tuple[NoteSource, ...] = ()

    @property
    def cited(self) -> list[NoteSource]:
        """The sources that the text still cites, as it reads today."""
        markers = {marker for match in MARKERS.finditer(self.text) for marker in markers_of(match)}
        return [source for source in self.sources if source.citation.marker in markers]


class Notes:
    """The notes of one library that belong to one person; "" is whoever has not signed in."""

    def __init__(self, store: NoteStore, *, owner: str = "") -> None:
        self._tables, self._documents, self._owner = store.notes, store.conversations, owner

    def keep_answer(self, answer: Answer, *, collection: str) -> int:
        """Keeps an answer: what was quoted and written, under its question. Returns the note's id."""
        sources = [NoteSource(one, answer.hits[one.marker - 1]) for one in answer.citations]
        text = "\n".join(said_markdown(answer)).strip()
        return self._add(title_of(answer.question), text, answer.collection or collection, sources)

    def keep_excerpts(self, hit: Hit, quotes: Sequence[tuple[int, int]], *, collection: str) -> int:
        """Keeps stretches of a passage, each `(start, end)` in its text; all of it where none is given."""
        sources = [NoteSource(_quoted(hit, *span), hit) for span in quotes or [(0, len(hit.passage.text))]]
        text = "\n\n".join(f"{blockquote(source.citation.quote)} [1]" for source in sources)
        return self._add(title_of(hit.title or hit.doc), text, collection, sources)

    def write(self, text: str, *, title: str = "", collection: str = "default") -> int:
        """Keeps one's own words; without a title, they begin with it."""
        if not text.strip():
            raise UsageError("The note is empty.")
        return self._add(title_of(title or text.strip().partition("\n")[0]), text.strip(), collection, ())

    def _add(self, title: str, text: str, collection: str, sources: Sequence[NoteSource]) -> int:
        return self._tables.add(NoteRow(0, title, text, collection, _record(sources)), owner=self._owner)

    def list(self, words: str = "", *, limit: int = 50, offset: int = 0) -> Sequence[Note]:
        """The notes that hold every word, in any script and case; all where there are no words.

        The one changed last comes first; a limit of -1 is none.
        """
        found = self._tables.listed(words.casefold().split(), limit, offset, owner=self._owner)
        return [_note(row) for row in found]

    def count(self) -> int:
        """How many notes there are."""
        return self._tables.count(owner=self._owner)

    def load(self, note_id: int) -> Note:
        """A note; `UsageError` when there is none of that id."""
        row = self._tables.get(note_id, owner=self._owner)
        if row is None:
            raise UsageError(f"There is no note {note_id}; it may have been deleted.")
        return _note(row)

    def edit(self, note_id: int, *, title: str | None = None, text: str | None = None) -> None:
        """Gives a note another title or text. Its sources stay, for as long as the text cites them."""
        note = self.load(note_id)
        title = note.title if title is None else title_of(title)
        text = note.text if text is None else text.strip()
        if not title or not text:
            raise UsageError("A note needs a title and a text; to remove it, delete it.")
        self._tables.edit(note_id, title, text, owner=self._owner)

    def delete(self, note_id: int) -> None:
        """Removes a note for good."""
        if not self._tables.delete(note_id, owner=self._owner):
            raise UsageError(f"There is no note {note_id}; it may have been deleted.")

    def citations_today(self, note: Note) -> Sequence[CitationToday]:
        """What became of each quote that a note cites."""
        cited = [source.citation for source in note.cited]
        return citations_today(cited, self._documents, note.collection)

    def export_json(self, note_ids: Sequence[int] | None = None) -> str:
        """Notes as JSON that `import_json` reads back whole; None exports all, the oldest first."""
        notes = self.list(limit=-1)[::-1] if note_ids is None else [self.load(id_) for id_ in note_ids]
        exported = [_notes().dump_python(note, mode="json", exclude={"id"}) for note in notes]
        return json.dumps({"footnote_notes": EXPORT_VERSION, "notes": exported}, ensure_ascii=False, indent=2)

    def import_json(self, text: str) -> Sequence[int]:
        """Adds exported notes; all of them are checked before the first is added.

        Raises:
            UsageError: the text is no export of notes, or one of another version.
        """
        return [
            self._tables.add(
                NoteRow(
                    0,
                    note.title,
                    note.text,
                    note.collection,
                    _record(note.sources),
                    note.created,
                    note.updated,
                ),
                owner=self._owner,
            )
            for note in _parse_export(text)
        ]


@cache
def _notes() -> TypeAdapter[Note]:
    return TypeAdapter(Note)


@cache
def _sources() -> TypeAdapter[tuple[NoteSource, ...]]:
    return TypeAdapter(tuple[NoteSource, ...])


def _record(sources: Sequence[NoteSource]) -> str:
    return json.dumps(_sources().dump_python(tuple(sources), mode="json"), ensure_ascii=False)


def _note(row: NoteRow) -> Note:
    sources = _sources().validate_json(row.record)
    return Note(row.id, row.title, row.text, row.collection, row.created, row.updated, sources)


def _quoted(hit: Hit, start: int, end: int) -> Citation:
    passage = hit.passage
    return Citation(
        marker=1,
        doc=hit.doc,
        page=hit.page,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        passage_id=passage.id,
        content_hash=passage.content_hash,
        supported="true",
        origin="evidence",
        hidden=passage.is_hidden,
    )


def _parse_export(text: str) -> list[Note]:
    try:
        content: dict[str, Any] = json.loads(text)
        version = content["footnote_notes"]
        if version != EXPORT_VERSION:
            raise UsageError(f"This export has version {version}; this Footnote reads {EXPORT_VERSION}.")
        return [_notes().validate_json(json.dumps({"id": 0} | note)) for note in content["notes"]]
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UsageError(f"This is not an export of notes ({error}); export them as JSON first.") from error
