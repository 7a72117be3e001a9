"""What pypdf knows of a PDF beside its text: title, date, outline and page labels."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.readers.titles import given_title

_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)")  # what follows the day is written in many ways
_MOST_OUTLINE_ENTRIES = 5000


@dataclass(frozen=True)
class Structure:
    """`outline` has (level from 1, title, page from 1) in order; `problem` says why it is missing."""

    title: str | None = None
    date: str | None = None
    outline: tuple[tuple[int, str, int], ...] = ()
    page_labels: tuple[str, ...] = ()
    attachments: dict[str, list[bytes]] = field(default_factory=dict)
    problem: str = ""


def structure_of(data: bytes, password: str | None) -> Structure:
    """The structure of a PDF that can be opened; a damaged one has a `problem` and no structure."""
    import pypdf
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports each flaw it repairs
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), password=password)
        metadata = reader.metadata
        labels = tuple(reader.page_labels) if "/PageLabels" in reader.root_object else ()
        return Structure(
            title=given_title(metadata.title if metadata else None),
            date=_date(metadata),
            outline=tuple(_outline(reader)),
            page_labels=labels,
        )
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Structure(problem=f"Outline and metadata could not be read ({type(error).__name__}).")


def _date(metadata: Any) -> str | None:
    created = _DATE.match(str(metadata.get("/CreationDate", ""))) if metadata else None
    return "-".join(created.groups()) if created else None


def _outline(reader: Any) -> Iterator[tuple[int, str, int]]:
    pages = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, start=1)}
    stack: list[tuple[int, Iterator[Any]]] = [(0, iter(reader.outline))]
    count = 0
    while stack and count < _MOST_OUTLINE_ENTRIES:
        level, entries = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
        elif isinstance(entry, list):
            stack.append((level + 1, iter(entry)))
        else:
            count += 1
            number = pages.get(getattr(entry.page, "idnum", None))
            if number and entry.title and str(entry.title).strip():
                yield level + 1, " ".join(str(entry.title).split()), number
