"""Documents in memory that conflicts are looked for in: read, split, with vectors of their words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.ingest.chunk import split
from rag.interfaces import Vectors
from rag.readers import read_document
from rag.records import DocumentEntry, Hit
from tests.fakes.store import text_vectors


class _Tokens:
    max_passage_tokens = 400

    def token_starts(self, texts: Sequence[str]) -> list[list[int]]:
        return [[match.start() for match in re.finditer(r"\w+|[^\w\s]", text)] for text in texts]


class Shelf:
    """The five methods of `SearchIndex` that `find_conflicts` asks for."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._entries: list[DocumentEntry] = []
        self._hits: list[Hit] = []
        self._texts: dict[int, str] = {}
        for id_, (doc, data) in enumerate(files.items(), start=1):
            document = read_document(data if isinstance(data, bytes) else data.encode(), doc)
            date, self._texts[id_] = document.date, document.text
            self._entries.append(
                DocumentEntry(id_, doc, document.title, "", document.language, date, undated=date is None)
            )
            for passage in split(document, doc, _Tokens()):
                self._hits.append(Hit(len(self._hits) + 1, passage, id_, doc, document.title, 0.0))

    def documents(self, collection: str) -> list[DocumentEntry]:
        return self._entries

    def openings(self, document_ids: Sequence[int], characters: int) -> dict[int, str]:
        return {id_: self._texts[id_][:characters] for id_ in document_ids}

    def passage_rowids(self, document_ids: Sequence[int]) -> list[int]:
        return [hit.rowid for hit in self._hits if hit.document_id in set(document_ids)]

    def hits(self, rowids: Sequence[int]) -> list[Hit]:
        return [self._hits[rowid - 1] for rowid in rowids]

    def vectors_of(
        self, collection: str, rowids: Sequence[int], **_: Any
    ) -> tuple[NDArray[np.int64], Vectors]:
        texts = [hit.passage.text for hit in self.hits(rowids)]
        return np.array(rowids, dtype=np.int64), text_vectors(texts)
