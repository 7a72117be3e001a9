"""Small honest stand-ins for what the store is fed with: documents, passages, vectors, terms."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import apsw
import numpy as np
import sqlite_vec

from rag.interfaces import Vectors
from rag.records import Block, Document, Passage
from rag.store import Source, SqliteStore
from rag.store.schema import migrate, migrations

DIMENSIONS = 64


@cache
def word_vector(word: str) -> Vectors:
    """A vector of the word alone: the same word gives the same direction, everywhere."""
    seed = int.from_bytes(hashlib.sha256(word.encode(errors="surrogatepass")).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)


def text_vector(text: str) -> Vectors:
    """The unit vector of the sum of a text's words."""
    vector = sum((word_vector(word) for word in text.lower().split()), np.zeros(DIMENSIONS, np.float32))
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)


def text_vectors(texts: Sequence[str]) -> Vectors:
    """One row a text."""
    return np.array([text_vector(text) for text in texts], dtype=np.float32).reshape(-1, DIMENSIONS)


def words(text: str) -> list[str]:
    """Keyword terms: the words in lower case."""
    return text.lower().split()


def content_hash(text: str) -> str:
    """32 hex digits of a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def document_of(paragraphs: Sequence[str], *, title: str = "A title") -> Document:
    """A document of one block a paragraph, separated by blank lines."""
    blocks, start = [], 0
    for paragraph in paragraphs:
        blocks.append(Block("paragraph", start, start + len(paragraph), page=1))
        start += len(paragraph) + 2
    return Document(title, "text/plain", "\n\n".join(paragraphs), tuple(blocks), page_count=1)


def passages_of(document: Document, doc: str) -> list[Passage]:
    """One passage a block."""
    return [
        Passage(
            content_hash(f"{doc}#{ordinal}#{document.text[block.start : block.end]}"),
            ordinal,
            document.text[block.start : block.end],
            block.start,
            block.end,
            len(document.text[block.start : block.end].split()),
            content_hash(document.text[block.start : block.end]),
            first_page=block.page,
            last_page=block.page,
        )
        for ordinal, block in enumerate(document.blocks)
    ]


def put(
    store: SqliteStore, doc: str, *paragraphs: str, collection: str = "default", root: str = "/docs"
) -> int:
    """Stores a document of these paragraphs, embedded by its words."""
    document = document_of(paragraphs)
    passages = passages_of(document, doc)
    texts = [passage.text for passage in passages]
    store.use_model(collection, "words-v1", DIMENSIONS)
    source = Source(root, doc, content_hash(document.text), len(document.text), 1)
    return store.put_document(
        collection, source, document, passages, text_vectors(texts), [words(text) for text in texts]
    )


def old_library(path: Path, *, version: int, dates: Sequence[str | None]) -> None:
    """A library as an older Footnote left it, made by SQL: a document `0.md`, `1.md`, … a date."""
    db = apsw.Connection(str(path))
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    migrate(db, path, migrations()[:version])
    db.execute(
        "INSERT INTO collections(id, name, created, passages, generation, embedding_id)"
        " VALUES (1, 'default', '2024-01-01T00:00:00Z', ?, 5, 1);"
        "CREATE VIRTUAL TABLE terms_1 USING fts5(terms, content='', contentless_delete=1);"
        "CREATE VIRTUAL TABLE terms_1_vocabulary USING fts5vocab(terms_1, row);"
        "CREATE TABLE vectors_1 (passage_id INTEGER PRIMARY KEY, vector BLOB NOT NULL);"
        "CREATE TABLE document_vectors_1 (document_id INTEGER PRIMARY KEY, vector BLOB NOT NULL);"
        f"CREATE VIRTUAL TABLE codes_1 USING vec0(passage_id INTEGER PRIMARY KEY, code bit[{DIMENSIONS}]);"
        "UPDATE next_ids SET next = 100",
        (len(dates),),
    )
    total = np.zeros(DIMENSIONS)
    for id_, date in enumerate(dates, start=1):
        text = f"text number{id_}"
        total += text_vector(text)
        db.execute(
            "INSERT INTO documents(id, collection_id, root, doc, title, media_type, mtime_ns, status, date,"
            " characters_read, characters_indexed, passages, indexed_at, text)"
            " VALUES (?, 1, '/docs', ?, 'A title', 'text/plain', 1, 'indexed', ?, 11, 11, 1, '', ?)",
            (id_, f"{id_ - 1}.md", date, text),
        )
        db.execute(
            'INSERT INTO passages(id, document_id, ordinal, key, content_hash, start, "end", token_count,'
            " kind, heading_path, context, text) VALUES (?, ?, 0, ?, ?, 0, ?, 2, 'prose', '[]', '', ?)",
            (id_, id_, f"key{id_}", f"hash{id_}", len(text), text),
        )
        vector = text_vector(text)
        db.execute("INSERT INTO terms_1(rowid, terms) VALUES (?, ?)", (id_, text))
        db.execute("INSERT INTO vectors_1 VALUES (?, ?)", (id_, vector.tobytes()))
        db.execute("INSERT INTO document_vectors_1 VALUES (?, ?)", (id_, vector.tobytes()))
        code = np.packbits(vector > 0, bitorder="little").tobytes()
        db.execute("INSERT INTO codes_1(passage_id, code) VALUES (?, vec_bit(?))", (id_, code))
    db.execute(
        "INSERT INTO embeddings(id, collection_id, model, dimensions, state, created, vectors, vector_sum)"
        " VALUES (1, 1, 'words-v1', ?, 'serving', '', ?, ?)",
        (DIMENSIONS, len(dates), total.astype("<f8").tobytes()),
    )
    db.close()
