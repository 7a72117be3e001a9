"""Footnote: ask your own documents, and see the source beside every sentence of the answer."""

__version__ = "0.1.0"
