"""Files to documents: `read_document` for one, `ReaderPool` for many in processes of their own."""

from rag.readers.pool import PagePictures, ReaderPool, ReadResult
from rag.readers.reading import read_document
from rag.readers.registry import Format, format_of, known_formats

__all__ = [
    "Format",
    "PagePictures",
    "ReadResult",
    "ReaderPool",
    "format_of",
    "known_formats",
    "read_document",
]
