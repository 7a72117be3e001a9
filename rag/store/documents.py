"""Documents and passages in SQLite: put in whole, replaced whole, taken out whole."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.records import Document, DocumentEntry, Hit, Passage
from rag.store.names import SHOWN
from rag.store.queries import IDS, Connection, first_row, rows, take_ids
from rag.store.rows import KnownFile, ReportRow, Source, Status, storable
from rag.store.vectors import now
from rag.text.dates import date_in_name

PASSAGE_COLUMNS = (
    'passages.key, ordinal, passages.text, start, "end", token_count, content_hash, heading_path,'
    " first_page, last_page, kind, context"
)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document's text and what identifies it. `page_labels[page - 1]` names a page in print.

    `doc` is what it is called, `place` where it lies below its root: they differ for files of the same path.
    """

    id: int
    root: str
    doc: str
    place: str
    title: str
    media_type: str
    text: str
    page_labels: tuple[str, ...]

    @property
    def file(self) -> Path | None:
        """The file it was read from; None where there is none, or its path leads out of its folder.

        Of what comes as JSON lines the name is whatever another program wrote: `/etc/passwd`, say.
        """
        root = Path(self.root)
        path = root / self.place
        inside = root.is_absolute() and path.resolve().is_relative_to(root.resolve())
        return path if inside and path.is_file() else None


def to_json(value: Any) -> str:
    """Compact JSON that keeps every script readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def visible_characters(text: str) -> int:
    """How many characters are not white space."""
    return len("".join(text.split()))


def insert_document(
    db: Connection,
    collection_id: int,
    source: Source,
    document: Document,
    passages: Sequence[Passage],
    *,
    seconds: float,
) -> int:
    """The row of an indexed document; returns its id."""
    values = {
        "collection_id": collection_id,
        "root": source.root,
        "doc": source.doc,
        "title": storable(document.title),
        "media_type": document.media_type,
        "sha256": source.sha256,
        "size": source.size,
        "mtime_ns": source.mtime_ns,
        "page_count": document.page_count,
        "status": "indexed",
        "language": document.language,
        "date": document.date,
        "characters_read": visible_characters(document.text),
        "characters_indexed": _indexed_characters(document.text, passages),
        "passages": len(passages),
        "pages_without_text": to_json(document.pages_without_text),
        "page_labels": to_json(document.page_labels),
        "characters_left_out": to_json(document.characters_left_out),
        "warnings": to_json(document.warnings),
        "metadata": storable(to_json(dict(document.metadata))),
        "seconds": seconds,
        "indexed_at": now(),
        "text": storable(document.text),
    }
    return _insert(db, values)


def insert_failure(db: Connection, collection_id: int, source: Source, status: Status, error: str) -> int:
    """The row of a document that could not be read; returns its id."""
    return _insert(
        db,
        {
            "collection_id": collection_id,
            "root": source.root,
            "doc": source.doc,
            "title": source.doc.rsplit("/", 1)[-1],
            "media_type": "",
            "sha256": source.sha256,
            "size": source.size,
            "mtime_ns": source.mtime_ns,
            "status": status,
            "error": storable(error),
            "indexed_at": now(),
        },
    )


def _insert(db: Connection, values: dict[str, Any]) -> int:
    values = {"id": take_ids(db, "documents", 1), **values}
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    db.execute(f"INSERT INTO documents({names}) VALUES ({marks})", tuple(values.values()))
    return int(values["id"])


def move(db: Connection, collection_id: int, document_id: int, source: Source, title: str) -> bool:
    """Gives a document another path, and remembers the one before; says whether its title changed."""
    was, title_before = first_row(db, "SELECT doc, title FROM documents WHERE id = ?", (document_id,))
    db.execute(
        "UPDATE documents SET root = ?, doc = ?, title = ?, size = ?, mtime_ns = ? WHERE id = ?",
        (source.root, source.doc, storable(title), source.size, source.mtime_ns, document_id),
    )
    if was != source.doc:
        db.execute(
            "UPDATE moves SET doc = :doc WHERE collection_id = :collection AND doc = :was;"
            "INSERT INTO moves VALUES (:collection, :was, :doc) ON CONFLICT (collection_id, was) DO UPDATE"
            " SET doc = excluded.doc;"
            "DELETE FROM moves WHERE collection_id = :collection AND was = doc",
            {"collection": collection_id, "was": was, "doc": source.doc},
        )
    return bool(title != title_before)


def openings(db: Connection, document_ids: Sequence[int], characters: int) -> dict[int, str]:
    """The first characters of each document's text."""
    return dict(
        rows(
            db,
            f"SELECT id, substr(text, 1, ?) FROM documents WHERE id IN {IDS}",
            (characters, json.dumps(list(document_ids))),
        )
    )


def warnings_of(db: Connection, document_ids: Sequence[int]) -> dict[int, list[str]]:
    """What each document's reader warned of."""
    found = rows(
        db,
        f"SELECT id, warnings FROM documents WHERE id IN {IDS}",
        (json.dumps(list(document_ids)),),
    )
    return {id_: json.loads(warnings) for id_, warnings in found}


def _indexed_characters(text: str, passages: Sequence[Passage]) -> int:
    """Non-space characters of the text that lie in a passage, each counted once."""
    total, covered = 0, 0
    for passage in sorted(passages, key=lambda passage: passage.start):
        start = max(passage.start, covered)
        if passage.end > start:
            total += visible_characters(text[start : passage.end])
            covered = passage.end
    return total


def insert_passages(db: Connection, document_id: int, passages: Sequence[Passage]) -> list[int]:
    """The rows of a document's passages; returns their ids, consecutive and in order."""
    first = take_ids(db, "passages", len(passages))
    ids = list(range(first, first + len(passages)))
    db.executemany(
        'INSERT INTO passages(id, document_id, ordinal, key, content_hash, start, "end", first_page,'
        " last_page, token_count, kind, heading_path, context, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                id_,
                document_id,
                passage.ordinal,
                passage.id,
                passage.content_hash,
                passage.start,
                passage.end,
                passage.first_page,
                passage.last_page,
                passage.token_count,
                passage.kind,
                to_json([storable(heading) for heading in passage.heading_path]),
                storable(passage.context),
                storable(passage.text),
            )
            for id_, passage in zip(ids, passages, strict=True)
        ),
    )
    return ids


def passage_ids(db: Connection, document_id: int) -> list[int]:
    """The ids of a document's passages, in their order."""
    found = rows(db, "SELECT id FROM passages WHERE document_id = ? ORDER BY ordinal", (document_id,))
    return [id_ for (id_,) in found]


def find_document(db: Connection, collection_id: int, source: Source) -> KnownFile | None:
    """The document of this root and path."""
    found = _known(db, "collection_id = ? AND root = ? AND doc = ?", (collection_id, source.root, source.doc))
    return found[0] if found else None


def document_by_id(db: Connection, collection_id: int, document_id: int) -> KnownFile | None:
    """The document of this id, if it is the collection's."""
    found = _known(db, "collection_id = ? AND id = ?", (collection_id, document_id))
    return found[0] if found else None


def known_files(db: Connection, collection_id: int) -> list[KnownFile]:
    """All documents of a collection as a sync sees them, by root and path."""
    return _known(db, "collection_id = ?", (collection_id,))


def _known(db: Connection, condition: str, values: tuple[Any, ...]) -> list[KnownFile]:
    found = db.execute(
        "SELECT id, root, doc, sha256, size, mtime_ns, status, error, passages FROM documents"
        f" WHERE {condition} ORDER BY root, doc",
        values,
    )
    return [
        KnownFile(id_, Source(root, doc, sha256, size, mtime), status, error, passages)
        for id_, root, doc, sha256, size, mtime, status, error, passages in found
    ]


def named(db: Connection, collection_id: int, doc: str) -> list[StoredDocument]:
    """The indexed documents called so, or of this path, or else once of it, with their text, by root."""
    found: list[Any] = []
    for condition in (
        "shown = :doc OR (shown IS NULL AND doc = :doc)",
        "doc = :doc",
        "doc = (SELECT doc FROM moves WHERE (collection_id, was) = (:collection, :doc))",
    ):
        found = found or rows(
            db,
            f"SELECT id, root, {SHOWN}, doc, title, media_type, text, page_labels FROM documents"
            f" WHERE collection_id = :collection AND ({condition})"
            " AND (passages + length(text) > 0 OR id IN (SELECT document_id FROM pictures))"
            " ORDER BY root",
            {"collection": collection_id, "doc": doc},
        )
    return [StoredDocument(*(*row[:7], tuple(json.loads(row[7])))) for row in found]


def document_of(db: Connection, document_id: int) -> Document:
    """A document as its reader gave it, without the blocks: its passages are what is left of them."""
    title, media_type, text, language, date, pages, *lists = rows(
        db,
        "SELECT title, media_type, text, language, date, page_count, pages_without_text, page_labels,"
        " warnings, characters_left_out, metadata FROM documents WHERE id = ?",
        (document_id,),
    )[0]
    without_text, labels, warnings, left_out, metadata = map(json.loads, lists)
    return Document(
        title,
        media_type,
        text,
        (),
        pages,
        tuple(without_text),
        tuple(labels),
        language,
        date,
        left_out,
        tuple(warnings),
        metadata,
    )


def entries(db: Connection, collection_id: int) -> list[DocumentEntry]:
    """The documents that have passages, by id.

    A document without a date has that of its file's name, or else its file's: a copy is as new as copying it.
    """
    found = rows(
        db,
        f"SELECT id, {SHOWN}, title, media_type, language, date,"
        " strftime('%Y-%m-%d', mtime_ns / 1000000000, 'unixepoch'), metadata"
        " FROM documents WHERE collection_id = ? AND passages > 0 ORDER BY id",
        (collection_id,),
    )
    scored: dict[int, dict[str, tuple[str, float]]] = defaultdict(dict)
    for document_id, name, class_, score in rows(
        db,
        "SELECT document_id, name, class, score FROM scale_scores JOIN scales ON id = scale_id"
        " WHERE collection_id = ?",
        (collection_id,),
    ):
        scored[document_id][name.casefold()] = class_.casefold(), score
    return [
        DocumentEntry(
            id_,
            doc,
            title,
            media_type,
            language,
            own or changed,
            undated=own is None,
            metadata=json.loads(metadata) if metadata != "{}" else {},
            scales=scored.get(id_, {}),
        )
        for id_, doc, title, media_type, language, date, changed, metadata in found
        for own in [date or date_in_name(doc)]
    ]


def report(db: Connection, collection_id: int) -> list[ReportRow]:
    """The stored receipts of a collection, by path."""
    found = rows(
        db,
        f"SELECT id, root, {SHOWN}, title, media_type, status, page_count, pages_without_text,"
        " characters_read, characters_indexed, characters_left_out, passages, language, date, warnings,"
        " error, size, mtime_ns, seconds, indexed_at, doc, metadata, sha256 FROM documents"
        " WHERE collection_id = ?"
        f" ORDER BY {SHOWN}, root",
        (collection_id,),
    )
    return _with_duplicates(found)


def _with_duplicates(found: Iterable[Any]) -> list[ReportRow]:
    first_of: dict[str, str] = {}
    receipts = []
    for *values, sha256 in found:
        for position, kind in ((7, tuple), (10, dict), (14, tuple), (21, dict)):
            values[position] = kind(json.loads(values[position]))
        doc, status, passages = values[2], values[5], values[11]
        same = sha256 is not None and status == "indexed" and passages > 0
        original = first_of.setdefault(sha256, doc) if same else doc
        receipts.append(ReportRow(*(*values, None if original == doc else original)))
    return receipts


def hits(db: Connection, ids: Sequence[int]) -> list[Hit]:
    """The passages of these ids, in the order given, with score 0; unknown ids are left out."""
    found = db.execute(
        f"SELECT passages.id, documents.id, {SHOWN}, documents.title, {PASSAGE_COLUMNS}"
        " FROM passages JOIN documents ON documents.id = passages.document_id"
        f" WHERE passages.id IN {IDS}",
        (json.dumps([int(id_) for id_ in ids]),),
    )
    by_id = {
        id_: Hit(id_, _passage(passage), document_id, doc, title, 0.0)
        for id_, document_id, doc, title, *passage in found
    }
    return [by_id[id_] for id_ in ids if id_ in by_id]


def _passage(row: Sequence[Any]) -> Passage:
    *plain, heading_path, first_page, last_page, kind, context = row
    headings = tuple(json.loads(heading_path))
    return Passage(*(*plain, headings, first_page, last_page, kind, context))
