"""The library's store in SQL: collections, documents, vectors, keywords, conversations."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import LibraryError, ModelMismatch, UsageError
from rag.interfaces import Distance, Layout, Leg, PassageQuestions, Postings, Rowids, Vectors
from rag.records import Conflict, Document, DocumentEntry, Hit, Passage
from rag.store import (
    checks,
    conflicts,
    documents,
    duplicates,
    exploring,
    keywords,
    names,
    pictures,
    questions,
    searching,
    similar,
    switching,
    vector_index,
    vectors,
)
from rag.store.caching import Latest
from rag.store.conversations import ConversationTables
from rag.store.database import Database, require_sound, unused_name
from rag.store.documents import StoredDocument, to_json
from rag.store.duplicates import DuplicateGroup
from rag.store.exploring import ClusterRow, Kind, PointLabel, ScaleRow
from rag.store.layout import load_layout
from rag.store.notes import NoteTables
from rag.store.pending import PendingTables
from rag.store.queries import IDS, Connection, Engine, first_row, rows, take_ids
from rag.store.rows import Collection, Finding, KnownFile, Page, Related, ReportRow, Source, Status, storable
from rag.store.searching import Sample
from rag.store.vectors import Embedding

UPLOADS = "uploads"
"""Earlier releases named upload folders after the collection, in `files`: what is there is read on."""
PAGES = "pages"
_LEAVE_OUT = (
    "INSERT INTO removed VALUES (?, ?, ?, ?)"
    " ON CONFLICT (collection_id, root, doc) DO UPDATE SET removed = excluded.removed"
)


class SqliteStore:
    """A library's database. Any thread may use it; writes wait for each other.

    It is the SQLite file at `path`, or another `database`; then `path` is in the folder where this machine
    has the library's uploads, fetched pages and locks.

    Implements `SearchIndex` of rag/interfaces.py. Every method raises `LibraryError` (damaged,
    locked, full, not writable) when the file itself fails.
    """

    def __init__(self, path: Path, database: Engine | None = None) -> None:
        self.path = path.absolute()
        self.database: Engine = database or Database(self.path)
        self.conversations = ConversationTables(self.database)
        self.notes = NoteTables(self.database)
        self.pending = PendingTables(self.database)
        self.pictures = pictures.PictureTables(self.database)
        self.written = questions.QuestionTables(self.database)
        self._samples: Latest[Sample] = Latest(8)
        self._layouts: Latest[Layout] = Latest()
        self._questions: Latest[PassageQuestions] = Latest()
        self._postings: Latest[keywords.PostingsCache] = Latest()
        self._term_counts = keywords.TermCounts()

    @property
    def file(self) -> Path:
        """The SQLite file, for SQL of one's own; `UsageError` where the library is on a server."""
        if not isinstance(self.database, Database):
            raise UsageError("SQL is for a library in a file; ask one on PostgreSQL with psql.")
        return self.path

    def close(self) -> None:
        """Gives the file back; the store cannot be used afterwards."""
        self.database.close()

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Collections

    def collections(self, *, attached: bool = False) -> list[Collection]:
        """All collections, by name; those of the files of conversations only with `attached`."""
        with self.database.read() as db:
            found = rows(
                db,
                "SELECT c.id, c.name, e.model, e.dimensions,"
                " (SELECT count(*) FROM documents d WHERE d.collection_id = c.id AND d.status = 'indexed'),"
                " c.passages, c.created, c.owner, c.generation, c.instruction,"
                " EXISTS (SELECT 1 FROM conversations WHERE attached = c.name)"
                " FROM collections c LEFT JOIN embeddings e ON e.id = c.embedding_id ORDER BY c.name",
            )
        every = [Collection(*(*row[:-1], bool(row[-1]))) for row in found]
        return [one for one in every if attached or not one.is_attached]

    def collection(self, name: str) -> Collection:
        """The collection of that name; `UsageError` lists the names there are."""
        for collection in self.collections(attached=True):
            if collection.name == name:
                return collection
        there = ", ".join(repr(collection.name) for collection in self.collections()) or "none yet"
        raise UsageError(f"There is no collection {name!r} in {self.path} (there: {there}).")

    def add_collection(self, name: str) -> None:
        """Makes an empty collection; nothing happens when it is there."""
        with self.database.write() as db:
            self._ensure_collection(db, name)

    def rename_collection(self, name: str, new_name: str) -> None:
        """Gives a collection another name."""
        _check_name(new_name)
        if any(collection.name == new_name for collection in self.collections(attached=True)):
            raise UsageError(f"There is a collection {new_name!r} already.")
        with self.database.write() as db:
            collection_id = self._collection_id(db, name)
            db.execute("UPDATE collections SET name = ? WHERE id = ?", (new_name, collection_id))

    def give_collection(self, name: str, owner: str) -> None:
        """Makes a collection visible to one person of a shared app only; to everybody with ""."""
        with self.database.write() as db:
            db.execute(
                "UPDATE collections SET owner = ? WHERE id = ?", (owner, self._collection_id(db, name))
            )

    def instruct(self, name: str, instruction: str) -> None:
        """What a model is told about all answers from a collection; "" for nothing."""
        with self.database.write() as db:
            db.execute(
                "UPDATE collections SET instruction = ? WHERE id = ?",
                (storable(instruction.strip()), self._collection_id(db, name)),
            )

    def remove_collection(self, name: str) -> None:
        """Removes a collection with all its documents and uploads. Conversations stay."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, name)
            keywords.drop_terms(db, collection_id)
            for (embedding_id,) in rows(
                db, "SELECT id FROM embeddings WHERE collection_id = ?", (collection_id,)
            ):
                vector_index.drop_embedding(db, vectors.load_embedding(db, embedding_id))
            db.execute("DELETE FROM collections WHERE id = ?", (collection_id,))
            pictures.drop_unused(db)
        self.database.empty_log()
        for folder in self._own_folders(collection_id):
            _remove_folder(folder)

    def upload_folder(self, collection: str) -> Path:
        """Where files dropped into a collection are kept: under its id, which no other one ever gets."""
        return self._own_folders(self.collection(collection).id)[0]

    def page_folder(self, collection: str) -> Path:
        """Where web pages fetched for a collection are kept."""
        return self._own_folders(self.collection(collection).id)[1]

    def _own_folders(self, collection_id: int) -> tuple[Path, Path]:
        return self.path.parent / UPLOADS / str(collection_id), self.path.parent / PAGES / str(collection_id)

    def use_model(self, collection: str, model: str, dimensions: int) -> None:
        """Makes the collection ready for vectors of this model, creating it where needed.

        Raises `ModelMismatch` when it holds vectors of another one.
        """
        with self.database.write() as db:
            collection_id = self._ensure_collection(db, collection)
            embedding = self._serving(db, collection_id)
            if embedding is None:
                embedding = vectors.create_embedding(db, collection_id, model, dimensions, "serving")
                db.execute(
                    "UPDATE collections SET embedding_id = ? WHERE id = ?", (embedding.id, collection_id)
                )
            _check_model(embedding, collection, model)

    def require_model(self, collection: str, model: str) -> None:
        """`ModelMismatch` unless the collection's vectors, if any, are of this model."""
        with self.database.read() as db:
            embedding = self._serving(db, self._collection_id(db, collection))
        if embedding is not None:
            _check_model(embedding, collection, model)

    # Documents

    def put_document(
        self,
        collection: str,
        source: Source,
        document: Document,
        passages: Sequence[Passage],
        embedded: Vectors,
        terms: Sequence[Sequence[str]],
        *,
        seconds: float = 0.0,
        replaces: int | None = None,
    ) -> int:
        """Stores a document whole, in place of an earlier one of the same root and path.

        `replaces` is the id of an earlier one under another root or path, to be removed with it.

        `embedded` has shape (passages, dimensions): unit vectors of the collection's model
        (`use_model` first); `terms[i]` are the keyword terms of `passages[i]`. A passage that the collection
        has already, under the same title and headings, takes over its vectors of further models. One
        transaction: readers see the old document or the new one. Returns the document's id.
        """
        if not len(passages) == len(embedded) == len(terms):
            raise ValueError("A document needs a vector and terms for each of its passages.")
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            embedding = self._need_serving(db, collection_id, collection)
            if len(passages):
                vectors.check_dimensions(embedding, embedded, collection)
            known = [passage.content_hash for passage in passages]
            further = switching.further_vectors(db, embedding, known)
            shown = self._remove(db, collection_id, documents.find_document(db, collection_id, source))
            if replaces is not None:
                shown += self._remove(
                    db, collection_id, documents.document_by_id(db, collection_id, replaces)
                )
            document_id = documents.insert_document(
                db, collection_id, source, document, passages, seconds=seconds
            )
            ids = documents.insert_passages(db, document_id, passages)
            keywords.add_terms(db, collection_id, ids, terms)
            vector_index.store_vectors(db, embedding, ids, embedded)
            vectors.add_document_vector(db, embedding, document_id, embedded)
            switching.keep_vectors(db, further, ids)
            pictures.insert(db, document_id, document.pictures)
            pictures.drop_unused(db, shown)
            questions.drop_unused(db, collection_id)
            self._changed(db, collection_id, len(ids))
        return document_id

    def put_failure(self, collection: str, source: Source, error: str, *, status: Status = "failed") -> int:
        """Records that a file could not be read, with the reason.

        What an earlier version of the file gave stays searchable: a failure loses nothing.
        """
        with self.database.write() as db:
            collection_id = self._ensure_collection(db, collection)
            known = documents.find_document(db, collection_id, source)
            if known is None:
                return documents.insert_failure(db, collection_id, source, status, error)
            db.execute(
                "UPDATE documents SET status = ?, error = ?, sha256 = ?, size = ?, mtime_ns = ? WHERE id = ?",
                (status, storable(error), source.sha256, source.size, source.mtime_ns, known.id),
            )
            return known.id

    def move_document(
        self,
        collection: str,
        document_id: int,
        source: Source,
        title: str,
        keys: Sequence[str],
        terms: Sequence[Sequence[str]],
    ) -> None:
        """Gives a document the path and perhaps the title of its moved file.

        `keys` and `terms` are those of its passages under the new path. Nothing is embedded again, but by
        further models, which read a passage under its document's title, where that has changed.
        """
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            ids = documents.passage_ids(db, document_id)
            if documents.move(db, collection_id, document_id, source, title):
                for embedding in switching.further_embeddings(db, collection_id):
                    vector_index.remove_vectors(db, embedding, ids)
            db.executemany("UPDATE passages SET key = ? WHERE id = ?", zip(keys, ids, strict=True))
            keywords.remove_terms(db, collection_id, ids)
            keywords.add_terms(db, collection_id, ids, terms)
            self._changed(db, collection_id, 0)

    def moves(self, collection: str) -> list[tuple[str, str]]:
        """(path before, path now) of documents that were moved."""
        with self.database.read() as db:
            collection_id = self._collection_id(db, collection)
            return rows(db, "SELECT was, doc FROM moves WHERE collection_id = ?", (collection_id,))

    def keep_moves(self, collection: str, moves: Iterable[tuple[str, str]]) -> None:
        """Takes over the moves of another library's collection."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            db.executemany(
                "INSERT INTO moves VALUES (?, ?, ?)"
                " ON CONFLICT (collection_id, was) DO UPDATE SET doc = excluded.doc",
                ((collection_id, *move) for move in moves),
            )

    def touch(self, seen: Iterable[tuple[int, Source]]) -> None:
        """Records new sizes and times of documents whose content is unchanged."""
        with self.database.write() as db:
            db.executemany(
                "UPDATE documents SET size = ?, mtime_ns = ? WHERE id = ?",
                ((source.size, source.mtime_ns, id_) for id_, source in seen),
            )

    def remove_documents(
        self, collection: str, document_ids: Iterable[int], *, for_good: bool = False
    ) -> None:
        """Removes documents with everything that was made of them.

        `for_good` nothing of their text is left in the library's files, uploads and web pages are deleted,
        and files that a folder still has are left out of its next ingests (`removed_files`).
        """
        own = self._own_folders(self.collection(collection).id)
        for document_id in document_ids:
            with self.database.write() as db:
                collection_id = self._collection_id(db, collection)
                known = documents.document_by_id(db, collection_id, document_id)
                pictures.drop_unused(db, self._remove(db, collection_id, known))
                questions.drop_unused(db, collection_id)
                self._changed(db, collection_id, 0)
                if for_good and known is not None and Path(known.source.root) not in own:
                    db.execute(
                        _LEAVE_OUT,
                        (collection_id, known.source.root, known.source.doc, vectors.now()),
                    )
                elif for_good and known is not None:
                    db.execute(
                        "DELETE FROM pages WHERE (collection_id, doc) = (?, ?)",
                        (collection_id, known.source.doc),
                    )
            if for_good and known is not None and Path(known.source.root) in own:
                Path(known.source.root, known.source.doc).unlink(missing_ok=True)
        if for_good:
            self._forget(collection)

    def _forget(self, collection: str) -> None:
        """Leaves nothing of what was removed in the files."""
        with self.database.write() as db:
            keywords.forget_removed(db, self._collection_id(db, collection))
        self.database.empty_log()

    def removed_files(self, collection: str) -> list[Source]:
        """The files that were removed for good, by root and path; [] where there is no such collection."""
        with self.database.read() as db:
            found = rows(
                db,
                "SELECT root, doc FROM removed JOIN collections ON collections.id = collection_id"
                " WHERE name = ? ORDER BY root, doc",
                (collection,),
            )
        return [Source(root, doc) for root, doc in found]

    def leave_out(self, collection: str, files: Iterable[Source]) -> None:
        """Has the next ingests of their folder leave files out, as if they had been removed for good."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            db.executemany(
                _LEAVE_OUT,
                [(collection_id, file.root, file.doc, vectors.now()) for file in files],
            )

    def take_back(self, collection: str, files: Iterable[Source]) -> None:
        """Lets the next ingest of their folder read files again that were removed for good."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            db.executemany(
                "DELETE FROM removed WHERE (collection_id, root, doc) = (?, ?, ?)",
                [(collection_id, file.root, file.doc) for file in files],
            )

    def backups(self) -> list[Path]:
        """Copies of the library beside it, which still have what was removed since."""
        return sorted(
            file
            for pattern in ("*.bak", "before-restore*.db", "*.damaged*", "backups/*.db")
            for file in self.path.parent.glob(pattern)
        )

    def known_files(self, collection: str) -> list[KnownFile]:
        """All documents as a sync compares them with the disk, by root and path; [] if none."""
        with self.database.read() as db:
            found = rows(db, "SELECT id FROM collections WHERE name = ?", (collection,))
            return documents.known_files(db, found[0][0]) if found else []

    def known_vectors(
        self, collection: str, content_hashes: Iterable[str], *, leg: str | None = None
    ) -> dict[str, Vectors]:
        """The vectors that passages of these content hashes have already, whatever their document."""
        wanted = json.dumps(sorted(set(content_hashes)))
        with self.database.read() as db:
            embedding = self._leg(db, collection, leg)
            found = db.execute(
                f"SELECT content_hash, vector FROM json_each(?) AS wanted"
                f" JOIN passages ON passages.content_hash = wanted.value"
                f" JOIN {embedding.table} ON passage_id = passages.id",
                (wanted,),
            )
            return {hash_: np.frombuffer(blob, dtype="<f4") for hash_, blob in found}

    def add_root(self, collection: str, root: str, *, is_folder: bool) -> None:
        """Remembers where documents come from."""
        with self.database.write() as db:
            collection_id = self._ensure_collection(db, collection)
            db.execute(
                "INSERT INTO sources VALUES (?, ?, ?) ON CONFLICT (collection_id, root) DO UPDATE"
                " SET is_folder = max(sources.is_folder, excluded.is_folder)",
                (collection_id, root, int(is_folder)),
            )

    def remove_root(self, collection: str, root: str) -> None:
        """Forgets a root with all its documents; the files themselves stay."""
        known = self.known_files(collection)
        self.remove_documents(collection, [file.id for file in known if file.source.root == root])
        self._forget(collection)
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            db.execute("DELETE FROM sources WHERE collection_id = ? AND root = ?", (collection_id, root))
            if Path(root) == self.page_folder(collection):
                db.execute("DELETE FROM pages WHERE collection_id = ?", (collection_id,))
                _remove_folder(Path(root))

    def forget_root_without_documents(self, collection: str, root: str) -> None:
        """Forgets a root if no document is of it any more, and what could never be read of it."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            of_root = "(collection_id, root) = (?, ?)"
            has_text = f"SELECT 1 FROM documents WHERE {of_root} AND (status = 'indexed' OR passages > 0)"
            if not rows(db, has_text, (collection_id, root)):
                for table in ("documents", "sources"):
                    db.execute(f"DELETE FROM {table} WHERE {of_root}", (collection_id, root))

    def pages(self, collection: str) -> list[Page]:
        """The web pages fetched for a collection, by their addresses."""
        with self.database.read() as db:
            found = rows(
                db,
                "SELECT url, doc, fetched, etag, modified FROM pages WHERE collection_id = ? ORDER BY url",
                (self._collection_id(db, collection),),
            )
        return [Page(*row) for row in found]

    def keep_page(self, collection: str, page: Page) -> None:
        """Records that a web page was fetched just now, or is still what it was."""
        with self.database.write() as db:
            db.execute(
                "INSERT INTO pages VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (collection_id, url) DO UPDATE SET"
                " doc = excluded.doc, fetched = excluded.fetched, etag = excluded.etag,"
                " modified = excluded.modified",
                (
                    self._collection_id(db, collection),
                    page.url,
                    page.doc,
                    vectors.now(),
                    page.etag,
                    page.modified,
                ),
            )

    def describe_pages(self, collection: str) -> None:
        """Gives the documents of web pages their address and the time of fetching as metadata."""
        root = str(self.page_folder(collection))
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            known = rows(
                db,
                "SELECT d.id, url, fetched, metadata FROM documents AS d"
                " JOIN pages AS p ON (p.collection_id, p.doc) = (d.collection_id, d.doc)"
                " WHERE d.collection_id = ? AND root = ?",
                (collection_id, root),
            )
            described = (
                (to_json(json.loads(metadata) | {"url": url, "fetched": f"{fetched[:19]}Z"}), id_, metadata)
                for id_, url, fetched, metadata in known
            )
            changed = [(facts, id_) for facts, id_, metadata in described if facts != metadata]
            db.executemany("UPDATE documents SET metadata = ? WHERE id = ?", changed)
            if changed:
                self._changed(db, collection_id, 0)

    def tell_apart(self, collection: str) -> None:
        """Gives documents of the same path, below different roots, names that differ."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            labels = zip(map(str, self._own_folders(collection_id)), (UPLOADS, PAGES), strict=True)
            if names.tell_apart(db, collection_id, dict(labels)):
                self._changed(db, collection_id, 0)

    def roots(self, collection: str) -> dict[str, bool]:
        """The roots of a collection, and whether each is a folder that is followed."""
        with self.database.read() as db:
            found = rows(
                db,
                "SELECT root, is_folder FROM sources JOIN collections ON collections.id = collection_id"
                " WHERE name = ? ORDER BY root",
                (collection,),
            )
        return {root: bool(is_folder) for root, is_folder in found}

    def documents(self, collection: str) -> list[DocumentEntry]:
        """Every document of the collection that has passages, by id."""
        with self.database.read() as db:
            return documents.entries(db, self._collection_id(db, collection))

    def openings(self, document_ids: Sequence[int], characters: int) -> dict[int, str]:
        """The first characters of each document's text, by its id."""
        with self.database.read() as db:
            return documents.openings(db, document_ids, characters)

    def report(self, collection: str) -> list[ReportRow]:
        """The stored receipt of every document, by path."""
        with self.database.read() as db:
            return documents.report(db, self._collection_id(db, collection))

    def warnings_of(self, document_ids: Sequence[int]) -> dict[int, list[str]]:
        """What each document's reader warned of."""
        with self.database.read() as db:
            return documents.warnings_of(db, document_ids)

    def documents_named(self, collection: str, doc: str) -> list[StoredDocument]:
        """The documents of this path with their text, one for each root that has it; else those once so."""
        with self.database.read() as db:
            return documents.named(db, self._collection_id(db, collection), doc)

    # Another embedding model

    def start_building(self, collection: str, model: str, dimensions: int) -> int:
        """Begins (or takes up again) vectors of another model beside those that serve; returns their id."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            return switching.start_building(db, collection_id, model, dimensions).id

    def stop_building(self, collection: str) -> None:
        """Gives up vectors of another model that were begun; nothing happens where there are none."""
        with self.database.write() as db:
            switching.stop_building(db, self._collection_id(db, collection))

    def passages_to_embed(self, building: int, limit: int) -> list[tuple[int, str, str]]:
        """(rowid, context, text) of the next passages that have no vector of this id yet."""
        with self.database.read() as db:
            return switching.passages_to_embed(db, vectors.load_embedding(db, building), limit)

    def add_built(self, building: int, rowids: Sequence[int], built: Vectors) -> None:
        """Stores vectors of the other model, shape (rowids, dimensions)."""
        with self.database.write() as db:
            switching.add_built(db, vectors.load_embedding(db, building), rowids, built)

    def switch_over(self, building: int) -> bool:
        """Lets the new vectors serve, in one moment; False while passages lack one."""
        with self.database.write() as db:
            return switching.switch_over(db, vectors.load_embedding(db, building))

    # Further embedding models, beside the first

    def add_leg(self, collection: str, model: str, dimensions: int) -> None:
        """Makes the collection ready for vectors of a further model; nothing happens when it is."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            if switching.find_leg(db, collection_id, model) is None:
                vectors.create_embedding(db, collection_id, model, dimensions, "serving")

    def remove_leg(self, collection: str, model: str) -> None:
        """Removes the vectors of a further model."""
        with self.database.write() as db:
            leg = self._leg(db, collection, model)
            first = self._serving(db, leg.collection_id)
            if first is not None and first.id == leg.id:
                raise UsageError(f"Collection {collection!r} cannot do without its first model, {model}.")
            vector_index.drop_embedding(db, leg)
            self._changed(db, leg.collection_id, 0)

    def legs(self, collection: str) -> list[Leg]:
        """The embedding models of the collection, the one that every passage has a vector of first."""
        with self.database.read() as db:
            return switching.legs(db, self._collection_id(db, collection))

    def passages_without(
        self, collection: str, leg: str, limit: int, *, language: str | None = None
    ) -> list[Hit]:
        """The next passages that have no vector of this model yet.

        With a `language`, only those of documents in it, or in one that is not known.
        """
        with self.database.read() as db:
            return switching.passages_without(db, self._leg(db, collection, leg), limit, language)

    def add_vectors(self, collection: str, leg: str, rowids: Sequence[int], embedded: Vectors) -> None:
        """Stores vectors of this model, except of passages that were removed or embedded meanwhile."""
        with self.database.write() as db:
            embedding = self._leg(db, collection, leg)
            vectors.check_dimensions(embedding, embedded, collection)
            switching.add_built(db, embedding, rowids, embedded)
            self._changed(db, embedding.collection_id, 0)

    # Searching (SearchIndex)

    def passage_count(self, collection: str) -> int:
        """How many passages the collection holds; 0 where there is no such collection."""
        with self.database.read() as db:
            found = rows(db, "SELECT passages FROM collections WHERE name = ?", (collection,))
        return int(found[0][0]) if found else 0

    def nearest(
        self,
        collection: str,
        vector: Vectors,
        limit: int,
        *,
        among: Rowids | None = None,
        leg: str | None = None,
        distance: Distance = "cosine",
    ) -> list[tuple[int, float]]:
        """(rowid, similarity) of the nearest passages, best first, ties by rowid.

        The similarities are exact, and so is the choice among few; of many recall@10 was measured
        (tests/benchmarks/bench_search.py), not promised.
        """
        vector = np.ascontiguousarray(vector, dtype=np.float32).reshape(-1)
        with self.database.read() as db:
            if leg is None and self._serving(db, self._collection_id(db, collection)) is None:
                return []
            embedding = self._leg(db, collection, leg)
            vectors.check_dimensions(embedding, vector, collection)
            sample = self._sample(db, embedding)
            return searching.nearest(db, embedding, sample, vector, limit, among, distance)

    def holding(self, collection: str, terms: Sequence[str]) -> NDArray[np.int64]:
        """The rowids of the passages that hold all of these index terms, ascending, common ones too."""
        with self.database.read() as db:
            return keywords.holding(db, self._collection_id(db, collection), terms)

    def similarities(
        self,
        collection: str,
        rowids: Sequence[int],
        vector: Vectors,
        *,
        leg: str | None = None,
        distance: Distance = "cosine",
    ) -> list[float]:
        """How near each passage is to the vector, exactly, in the order given; higher is nearer.

        NaN for one without a vector: it left the collection since, or the model has not read it.
        """
        with self.database.read() as db:
            embedding = self._leg(db, collection, leg)
            ids, found = vectors.fetch_vectors(db, embedding, rowids)
            mean = vectors.running_mean(db, embedding) if distance == "centred" else None
        values = searching.similarities(found, vector, distance=distance, mean=mean)
        by_id = dict(zip(ids.tolist(), values.tolist(), strict=True))
        return [by_id.get(rowid, math.nan) for rowid in rowids]

    def sampled_similarities(
        self, collection: str, vector: Vectors, *, leg: str | None = None, distance: Distance = "cosine"
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The rowids of passages evenly spread over the collection, and their similarity to the vector.

        All up to `searching.SAMPLE_SIZE` passages, of more so many.
        """
        with self.database.read() as db:
            embedding = self._leg(db, collection, leg)
            vectors.check_dimensions(embedding, vector, collection)
            sample = self._sample(db, embedding)
        return sample.rowids, searching.sampled_similarities(sample, vector, distance)

    def vectors_of(
        self, collection: str, rowids: Sequence[int], *, leg: str | None = None
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The rowids that have a vector, ascending, and the vectors, shape (rowids, dimensions)."""
        with self.database.read() as db:
            return vectors.fetch_vectors(db, self._leg(db, collection, leg), rowids)

    def layout(self, collection: str) -> Layout:
        """The collection's passages and documents, as they are now."""
        with self.database.read() as db:
            collection_id = self._collection_id(db, collection)
            _, generation = self._size(db, collection_id)
            return self._layouts.get(collection_id, generation, lambda: load_layout(db, collection_id))

    def questions(self, collection: str) -> PassageQuestions:
        """The questions written for the collection's passages, under its first model."""
        with self.database.read() as db:
            embedding = self._leg(db, collection, None)
            _, generation = self._size(db, embedding.collection_id)
            key = generation, embedding.id, questions.state(db, embedding)
            return self._questions.get(embedding.collection_id, key, lambda: questions.load(db, embedding))

    def postings(self, collection: str, terms: Sequence[str]) -> Postings:
        """Where these index terms occur in the collection.

        Very frequent terms are left out once rarer ones bring enough (`keywords.affordable`).
        """
        with self.database.read() as db:
            collection_id = self._collection_id(db, collection)
            passages, generation = self._size(db, collection_id)
            counts = self._term_counts.get(
                db, collection_id, dict.fromkeys(terms), passages=passages, generation=generation
            )
            cache = self._postings.get(collection_id, generation, keywords.PostingsCache)
            return keywords.joined_postings(db, collection_id, cache, counts, passages)

    def hits(self, rowids: Sequence[int]) -> list[Hit]:
        """The passages of these rowids, in the order given, with score 0."""
        with self.database.read() as db:
            return documents.hits(db, rowids)

    def passage_rowids(self, document_ids: Sequence[int]) -> list[int]:
        """The rowids of all passages of these documents, ascending: for `among`."""
        with self.database.read() as db:
            found = rows(
                db,
                f"SELECT id FROM passages WHERE document_id IN {IDS} ORDER BY id",
                (json.dumps(list(document_ids)),),
            )
        return [rowid for (rowid,) in found]

    def neighbours(self, rowid: int, *, before: int, after: int) -> list[Hit]:
        """The passage and those around it in its document, in reading order."""
        with self.database.read() as db:
            found = rows(
                db,
                "SELECT other.id FROM passages AS this JOIN passages AS other"
                " ON other.document_id = this.document_id"
                " AND other.ordinal BETWEEN this.ordinal - ? AND this.ordinal + ?"
                " WHERE this.id = ? ORDER BY other.ordinal",
                (before, after, rowid),
            )
            return documents.hits(db, [id_ for (id_,) in found])

    def related(self, collection: str, doc: str, limit: int) -> list[Related]:
        """The documents nearest to this one by the centred means of their passages' vectors.

        At most ten come from the table `similarities`, which is first brought up to date where it is not.
        """
        with self.database.read() as db:
            embedding = self._need_serving(db, self._collection_id(db, collection), collection)
            current = similar.is_current(db, embedding)
        if not current:
            self.compare_documents(collection)
        with self.database.read() as db:
            found = documents.named(db, self._collection_id(db, collection), doc)
            if not found:
                raise UsageError(f"There is no document {doc!r} in collection {collection!r}.")
            return similar.related(db, embedding, found[0].id, limit)

    def compare_documents(self, collection: str) -> None:
        """Brings the table `similarities` up to date; only what changed is compared."""
        with self.database.read() as db:
            embedding = self._serving(db, self._collection_id(db, collection))
            if embedding is None or similar.is_current(db, embedding):
                return
        with self.database.write() as db:
            similar.update(db, embedding)

    # What is made of the vectors

    def all_vectors(self, collection: str, kind: Kind) -> tuple[NDArray[np.int64], Vectors]:
        """The ids of all documents or passages, ascending, and their vectors of the first model."""
        with self.database.read() as db:
            embedding = self._need_serving(db, self._collection_id(db, collection), collection)
            return exploring.all_vectors(db, embedding, kind)

    def labels(self, collection: str, kind: Kind, characters: int) -> list[PointLabel]:
        """What the documents or passages are called, by id, with the beginning of their text."""
        with self.database.read() as db:
            return exploring.labels(db, self._collection_id(db, collection), kind, characters)

    def texts(self, collection: str, kind: Kind) -> dict[int, str]:
        """The whole text of each document or passage, by id."""
        with self.database.read() as db:
            return exploring.texts(db, self._collection_id(db, collection), kind)

    def keep_clusters(self, collection: str, clusters: Sequence[ClusterRow]) -> None:
        """Keeps the clusters of a collection in place of those of last time."""
        with self.database.write() as db:
            exploring.keep_clusters(db, self._collection_id(db, collection), clusters)

    def keep_scale(self, collection: str, scale: ScaleRow) -> None:
        """Keeps a scale with the documents' scores, in place of an earlier one of its name."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            exploring.keep_scale(db, collection_id, scale)
            self._changed(db, collection_id, 0)

    def scales(self, collection: str) -> list[tuple[ScaleRow, bool]]:
        """The scales that are kept, by name, without scores, and whether every document has its score."""
        with self.database.read() as db:
            return exploring.scales(db, self._collection_id(db, collection))

    def remove_scale(self, collection: str, name: str) -> None:
        """Forgets a scale; nothing happens where there is none of this name."""
        with self.database.write() as db:
            collection_id = self._collection_id(db, collection)
            db.execute("DELETE FROM scales WHERE collection_id = ? AND name = ?", (collection_id, name))
            self._changed(db, collection_id, 0)

    def generation(self, collection: str) -> int:
        """Grows with every change of what can be found in the collection."""
        with self.database.read() as db:
            return self._size(db, self._collection_id(db, collection))[1]

    def conflicts(self, collection: str, day: str) -> list[Conflict] | None:
        """What `keep_conflicts` kept; None where the collection or the day is another now."""
        with self.database.read() as db:
            return conflicts.load(db, self._collection_id(db, collection), day)

    def keep_conflicts(
        self, collection: str, found: Sequence[Conflict], day: str, *, generation: int
    ) -> None:
        """Keeps the conflicts found in a `generation` of the collection on a day (ISO 8601)."""
        with self.database.write() as db:
            conflicts.keep(db, self._collection_id(db, collection), found, f"{generation} {day}")

    # Keeping it sound

    def check(self) -> list[Finding]:
        """Looks whether the library is sound; a finding without a problem is a check that passed."""
        log = self.path.with_name(f"{self.path.name}-wal")
        log_bytes = log.stat().st_size if log.exists() else 0
        index_problems = self._index_problems()
        with self.database.read() as db:
            return list(checks.check(db, index_problems=index_problems, log_bytes=log_bytes))

    def is_damaged(self) -> bool:
        """Whether the library's own file, from which all else follows, is damaged."""
        with self.database.plain() as db:
            return bool(checks.integrity_problems(db, "main"))

    def repair(self) -> None:
        """Mends what `check` finds, where it follows from the documents; the rest is read again next time."""
        if self._index_problems():
            self.database.make_index_again()
        with self.database.write() as db:
            checks.repair(db)

    def back_up(self, target: Path) -> None:
        """Copies the library to one file, consistently, while it is in use, and checks the copy."""
        self.database.back_up(target)

    def restore(self, backup: Path) -> Path:
        """Puts a backup in the place of the library; returns the file in which what was there is kept.

        Raises:
            LibraryError: the file is not a library of a version we know, or is damaged; nothing is changed.
        """
        require_sound(backup)
        before = unused_name(self.path, "before-restore{}.db")
        self.back_up(before)
        self.database.restore(backup)
        return before

    def duplicates(self, collection: str) -> list[DuplicateGroup]:
        """Groups of passages that say the same, in seconds: for a report, not for every search."""
        with self.database.read() as db:
            return duplicates.duplicates(db, self._collection_id(db, collection))

    # Shared steps of the transactions above

    def _index_problems(self) -> list[str]:
        with self.database.plain() as db:
            return checks.integrity_problems(db, "search")

    def _collection_id(self, db: Connection, name: str) -> int:
        found = db.execute("SELECT id FROM collections WHERE name = ?", (name,)).fetchone()
        if found is None:
            known = [row[0] for row in rows(db, "SELECT name FROM collections ORDER BY name")]
            there = ", ".join(map(repr, known)) or "none yet; ingest some documents first"
            raise UsageError(f"There is no collection {name!r} in {self.path} (there: {there}).")
        return int(found[0])

    def _ensure_collection(self, db: Connection, name: str) -> int:
        found = db.execute("SELECT id FROM collections WHERE name = ?", (name,)).fetchone()
        if found is not None:
            return int(found[0])
        _check_name(name)
        collection_id = take_ids(db, "collections")
        db.execute(
            "INSERT INTO collections(id, name, created) VALUES (?, ?, ?)",
            (collection_id, name, vectors.now()),
        )
        keywords.create_terms(db, collection_id)
        return collection_id

    def _serving(self, db: Connection, collection_id: int) -> Embedding | None:
        (serving,) = first_row(db, "SELECT embedding_id FROM collections WHERE id = ?", (collection_id,))
        return None if serving is None else vectors.load_embedding(db, serving)

    def _need_serving(self, db: Connection, collection_id: int, collection: str) -> Embedding:
        embedding = self._serving(db, collection_id)
        if embedding is None:
            raise LibraryError(
                f"Collection {collection!r} has no embedding model yet; ingest some documents first."
            )
        return embedding

    def _leg(self, db: Connection, collection: str, model: str | None) -> Embedding:
        """The vectors of this model; of the collection's first where none is named."""
        collection_id = self._collection_id(db, collection)
        if model is None:
            return self._need_serving(db, collection_id, collection)
        leg = switching.find_leg(db, collection_id, model)
        if leg is None:
            raise UsageError(
                f"Collection {collection!r} has no vectors of {model}; python -m rag embed makes them."
            )
        return leg

    def _sample(self, db: Connection, embedding: Embedding) -> Sample:
        _, generation = self._size(db, embedding.collection_id)
        key = generation, embedding.vectors
        return self._samples.get(embedding.id, key, lambda: searching.load_sample(db, embedding))

    def _size(self, db: Connection, collection_id: int) -> tuple[int, int]:
        passages, generation = first_row(
            db, "SELECT passages, generation FROM collections WHERE id = ?", (collection_id,)
        )
        return passages, generation

    def _changed(self, db: Connection, collection_id: int, passages: int) -> None:
        db.execute(
            "UPDATE collections SET passages = passages + ?, generation = generation + 1 WHERE id = ?",
            (passages, collection_id),
        )

    def _remove(self, db: Connection, collection_id: int, known: KnownFile | None) -> list[int]:
        """Removes a document; returns the ids of the images that it showed."""
        if known is None:
            return []
        shown = pictures.images_of(db, known.id)
        ids = documents.passage_ids(db, known.id)
        for (embedding_id,) in rows(
            db, "SELECT id FROM embeddings WHERE collection_id = ?", (collection_id,)
        ):
            embedding = vectors.load_embedding(db, embedding_id)
            vector_index.remove_vectors(db, embedding, ids)
            db.execute(f"DELETE FROM {embedding.document_table} WHERE document_id = ?", (known.id,))
        keywords.remove_terms(db, collection_id, ids)
        similar.forget(db, known.id)
        db.execute("DELETE FROM documents WHERE id = ?", (known.id,))
        self._changed(db, collection_id, -len(ids))
        return shown


def _remove_folder(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise LibraryError(f"The files in {folder} cannot be removed: {error}") from error


def _check_name(name: str) -> None:
    if not name.strip() or not name.isprintable():
        raise UsageError(f"{name!r} cannot be a collection's name; use letters, digits and spaces.")


def _check_model(embedding: Embedding, collection: str, model: str) -> None:
    if embedding.model != model:
        raise ModelMismatch(
            f"Collection {collection!r} was embedded with {embedding.model}, not {model}. Choose that model, "
            f"or embed the collection again: python -m rag embed --collection {collection}"
        )
