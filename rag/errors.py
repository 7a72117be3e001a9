"""Every error Footnote raises on purpose, as one tree."""

from __future__ import annotations


class RagError(Exception):
    """A failure that a person can act on.

    The message says what failed, which file or limit, and what to do about it.

        RagError
        ├── UsageError          the request itself is wrong (exit code 2)
        ├── AccessDenied        this person may not do it
        ├── DocumentError       one file cannot be read; the batch goes on
        │   ├── UnsupportedFormat
        │   ├── EncryptedDocument
        │   └── UnreadableDocument
        ├── LibraryError        the library on disk
        │   ├── LibraryLocked
        │   ├── LibraryDamaged
        │   └── ModelMismatch   vectors of another embedding model
        ├── ModelError          a model cannot be found, verified or loaded
        │   ├── ModelNotFound
        │   ├── ModelDamaged
        │   └── ModelServerError
        ├── TemplateError       a prompt file is broken
        ├── Busy                too much is asked at once
        └── BudgetError         the context window cannot hold even the instructions
    """


class UsageError(RagError):
    """The request itself is wrong: an unknown name, a bad option, an empty question."""


class AccessDenied(RagError):
    """Whoever asks may not see or change this; `action` and its `values` say what, for other languages."""

    def __init__(self, message: str, action: str, values: dict[str, str]) -> None:
        super().__init__(message)
        self.action = action
        self.values = values


class DocumentError(RagError):
    """One file cannot be read; the message names the file and the remedy."""


class UnsupportedFormat(DocumentError):
    """No reader knows this format."""


class EncryptedDocument(DocumentError):
    """The file needs a password."""


class UnreadableDocument(DocumentError):
    """The file is damaged, or not what its name says."""


class LibraryError(RagError):
    """The library on disk cannot be opened, read or written."""


class LibraryLocked(LibraryError):
    """Another process is writing to the library."""


class LibraryDamaged(LibraryError):
    """The database fails its integrity check."""


class ModelMismatch(LibraryError):
    """The collection holds vectors of another embedding model."""


class ModelError(RagError):
    """A model cannot be found, verified or loaded."""


class ModelNotFound(ModelError):
    """No model of that name, or its file is not there."""


class ModelDamaged(ModelError):
    """A model file fails its checksum or cannot be parsed."""


class ModelServerError(ModelError):
    """A model server refused, failed or timed out."""


class TemplateError(RagError):
    """A prompt file is missing, or names a value that does not exist."""


class Busy(RagError):
    """Too much is asked at once; `seconds` says when to try again."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class BudgetError(RagError):
    """The context window cannot hold even the instructions, the question and the answer's room."""
