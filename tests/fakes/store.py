"""Small honest stand-ins for what the store is fed with: documents, passages, vectors, terms."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from rag.interfaces import Vectors
from rag.records import Block, Document, Passage
from rag.store import Source, SqliteStore

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
