"""PowerPoint: a page a slide, with its title, text, tables and speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from rag.readers.archives import is_zip_with, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.openxml import core_properties
from rag.readers.registry import Format
from rag.readers.tables import markdown_table
from rag.records import Document


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Every slide as a section under its title, shapes from top to bottom."""
    from pptx import Presentation

    archive = open_zip(data, name)
    slides = Presentation(io.BytesIO(data)).slides
    builder = DocumentBuilder()
    empty = []
    for number, slide in enumerate(slides, start=1):
        before = builder.block_count
        _add_slide(builder, slide, number)
        if builder.block_count == before:
            empty.append(number)
    title, date = core_properties(archive, name)
    return builder.build(
        title=None if title == "PowerPoint Presentation" else title,
        name=name,
        media_type=FORMAT.media_type,
        date=date,
        page_count=len(slides),
        pages_without_text=tuple(empty),
    )


def _add_slide(builder: DocumentBuilder, slide: Any, number: int) -> None:
    heading = slide.shapes.title
    builder.section("", 1)
    if heading is not None and heading.text_frame.text.strip():
        builder.heading(heading.text_frame.text, 1, page=number)
    others = [shape for shape in slide.shapes if heading is None or shape.shape_id != heading.shape_id]
    for shape in sorted(_flat(others), key=lambda one: (one.top or 0, one.left or 0)):
        _add_shape(builder, shape, number)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        builder.add("paragraph", slide.notes_slide.notes_text_frame.text, page=number)


def _flat(shapes: Iterable[Any]) -> Iterator[Any]:
    """The shapes, those of groups among them."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        else:
            yield shape


def _add_shape(builder: DocumentBuilder, shape: Any, number: int) -> None:
    if getattr(shape, "has_table", False) and shape.has_table:
        rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
        builder.add("table", markdown_table(rows), page=number)
    elif shape.has_text_frame:
        lines = [("  " * p.level) + f"- {p.text}" for p in shape.text_frame.paragraphs if p.text.strip()]
        if len(lines) > 1:
            builder.add("list", "\n".join(lines), page=number)
        else:
            builder.add("paragraph", shape.text_frame.text, page=number)


def _recognises(data: bytes) -> bool:
    return is_zip_with(data, "ppt/presentation.xml")


FORMAT = Format(
    "PowerPoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    (".pptx", ".pptm", ".ppsx"),
    read,
    recognises=_recognises,
    rank=20,
)
