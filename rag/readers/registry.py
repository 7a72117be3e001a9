"""The formats that can be read: one module of `rag.readers.formats` each, found by itself."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.readers.decoding import is_binary

if TYPE_CHECKING:
    from rag.interfaces import Reader  # imports numpy, which a parsing worker does not need

TEXT_RANK = 50
"""Formats below it have a signature that no text file has by chance."""


@dataclass(frozen=True)
class Format:
    """One file format; a module of `rag.readers.formats` offers it as `FORMAT`.

    `endings` are lower case, with the dot; `names` are whole file names. `recognises` looks at the
    content alone and may be wrong only towards False. `rank` orders the question whose content it is:
    a word processor's document is asked before the zip archive that it also is.
    """

    name: str
    media_type: str
    endings: tuple[str, ...]
    read: Reader
    recognises: Callable[[bytes], bool] | None = None
    names: tuple[str, ...] = ()
    rank: int = TEXT_RANK


@functools.cache
def known_formats() -> tuple[Format, ...]:
    """Every format, by rank, then name."""
    from rag.readers import formats as package

    modules = (
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    )
    found: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return tuple(sorted(found, key=lambda known: (known.rank, known.name)))


def format_of(data: bytes, name: str) -> Format | None:
    """The format of a file by its content and its name, plain text for want of either; None if binary."""
    by_content = next(
        (known for known in known_formats() if known.recognises and known.recognises(data)), None
    )
    by_name = _by_name(name)
    if by_content and (by_name is None or by_content.rank < by_name.rank or _refuses(by_name, data)):
        return by_content
    if by_name and (by_name.rank < TEXT_RANK or not is_binary(data)):
        return by_name
    return None if is_binary(data) else _by_name("plain.txt")


def ending_of(data: bytes, name: str, media_type: str) -> str | None:
    """The ending for a file from the web, by what its server says it is; None if no reader knows it.

    What servers say of files that they do not know (nothing, plain text, bytes) gives way to the name.
    """
    declared = _MEDIA_TYPES.get(media_type, media_type)
    if declared.partition("/")[0] in ("image", "audio", "video", "font"):
        return None
    named = _by_name(name)
    said = next((known for known in known_formats() if declared == known.media_type and known.endings), None)
    if named is not None and (said is None or said is named or said.media_type == "text/plain"):
        base = name.lower()
        return max((end for end in named.endings if base.endswith(end)), key=len, default="")
    found = said or format_of(data, "")
    return found.endings[0] if found is not None and found.endings else None


_MEDIA_TYPES = {
    "application/xhtml+xml": "text/html",
    "text/xml": "application/xml",
    "application/rss+xml": "application/xml",
    "application/atom+xml": "application/xml",
    "text/x-markdown": "text/markdown",
    "text/rtf": "application/rtf",
    "text/json": "application/json",
    "application/ld+json": "application/json",
}


def _accepts(known: Format, data: bytes) -> bool:
    return known.recognises is not None and known.recognises(data)


def _refuses(known: Format, data: bytes) -> bool:
    return known.recognises is not None and not known.recognises(data)


def _by_name(name: str) -> Format | None:
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    whole = next((known for known in known_formats() if base in known.names), None)
    if whole:
        return whole
    matches = [(len(end), known) for known in known_formats() for end in known.endings if base.endswith(end)]
    return max(matches, key=lambda match: match[0])[1] if matches else None
