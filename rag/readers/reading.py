"""Any file's bytes to a `Document`."""

from __future__ import annotations

from dataclasses import replace

from rag.errors import RagError, UnreadableDocument, UnsupportedFormat
from rag.readers.encryption import unlocked
from rag.readers.registry import Format, format_of
from rag.records import Document
from rag.text.languages import language_of

NO_TEXT = "No text was found in the file."


def read_document(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The document in a file's bytes; `name` helps to tell the format and stands in for a title.

    Raises `UnsupportedFormat`, `EncryptedDocument` or `UnreadableDocument`, each naming the file.
    """
    known: Format | None = None
    try:
        data = unlocked(data, name, password)
        known = format_of(data, name)
        if known is None:
            raise UnsupportedFormat(
                f"{name}: no reader knows this format. Save it as PDF, DOCX, HTML or text and add that."
            )
        document = known.read(data, name, password=password)
        warnings = document.warnings
        is_picture = document.media_type.startswith("image/")
        if not (document.text or document.pages_without_text or document.pictures or is_picture):
            warnings += (NO_TEXT,)
        return replace(document, language=language_of(document), warnings=warnings)
    except RagError:
        raise
    except MemoryError as error:
        raise UnreadableDocument(f"{name}: it needs more memory than is allowed. Split it.") from error
    except RecursionError as error:
        raise UnreadableDocument(f"{name}: its content is nested too deeply to be read.") from error
    except (KeyboardInterrupt, SystemExit):
        raise
    except (
        BaseException
    ) as error:  # parsers meet damaged files with all there is; Rust's panics are no Exception
        what, kind = known.name if known else "office", type(error).__name__
        raise UnreadableDocument(
            f"{name}: not a readable {what} file ({kind}: {error}). Open it and save it again."
        ) from error
