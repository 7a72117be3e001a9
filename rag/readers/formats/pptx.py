"""PowerPoint: a page a slide, with title, text, tables, charts, diagrams, comments and speaker's notes."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from rag.readers.archives import is_zip_with, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.charts import add_chart, add_diagram
from rag.readers.comments import add_slide_comments
from rag.readers.openxml import core_properties, parse
from rag.readers.registry import Format
from rag.readers.slides import flat, in_order, lines, settle_alternatives, take_unseen
from rag.readers.tables import Cell, markdown_table, spread
from rag.readers.titles import given_title
from rag.records import HIDDEN_TEXT, Document

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_BLIP = "{http://schemas.openxmlformats.org/drawingml/2006/main}blip"
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Every slide as a section under its title, shapes in reading order."""
    from pptx.package import Package

    archive = open_zip(data, name)
    # Not `Presentation(...)`, which refuses slide shows and templates for their kind alone.
    presentation = Package.open(io.BytesIO(data)).main_document_part.presentation
    slides, size = presentation.slides, (presentation.slide_width or 0, presentation.slide_height or 0)
    builder = DocumentBuilder()
    empty = []
    for number, slide in enumerate(slides, start=1):
        before = builder.block_count
        _add_slide(builder, archive, slide, number, name, size)
        if builder.block_count == before:
            empty.append(number)
    hidden = [number for number, slide in enumerate(slides, start=1) if slide._element.get("show") == "0"]
    if hidden:
        builder.warn(f"Hidden slides, read too: {', '.join(map(str, hidden))}.")
    title, date = core_properties(archive, name)
    return builder.build(
        title=given_title(title),
        name=name,
        media_type=FORMAT.media_type,
        date=date,
        page_count=len(slides),
        pages_without_text=tuple(empty),
    )


def _add_slide(
    builder: DocumentBuilder,
    archive: zipfile.ZipFile,
    slide: Any,
    number: int,
    name: str,
    size: tuple[int, int],
) -> None:
    settle_alternatives(slide._element)
    heading = slide.shapes.title
    is_hidden = slide._element.get("show") == "0"
    builder.section("", 1)
    if is_hidden:
        builder.heading(HIDDEN_TEXT, 1, page=number)
    for text in take_unseen(slide.shapes, *size):
        builder.hide(text, page=number)
    if heading is not None and heading._element.getparent() is None:
        heading = None
    if heading is not None and heading.text_frame.text.strip():
        builder.heading(heading.text_frame.text, 1 + is_hidden, page=number)
    others = [shape for shape in flat(slide.shapes) if heading is None or shape.shape_id != heading.shape_id]
    for shape in in_order(others):
        _add_shape(builder, shape, number)
    add_slide_comments(builder, archive, slide.part.partname.lstrip("/"), number, name)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        builder.add("paragraph", slide.notes_slide.notes_text_frame.text, page=number)


def _add_shape(builder: DocumentBuilder, shape: Any, number: int) -> None:
    if getattr(shape, "has_table", False) and shape.has_table:
        builder.add("table", _table_text(shape.table), page=number)
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        if data := _related(shape, shape._element.chart_rId):
            add_chart(builder, parse(data), page=number)
        else:
            builder.warn("Left out charts that the file refers to, and does not have.")
    elif shape._element.tag.endswith("}pic"):
        _add_picture(builder, shape, number)
    elif shape.has_text_frame and _is_furniture(shape):
        builder.leave_out("running headers and footers", shape.text_frame.text)
    elif shape.has_text_frame:
        found = lines(shape.text_frame)
        if len(found) == 1:
            builder.add("paragraph", found[0].strip().removeprefix("- "), page=number)
        else:
            builder.add("list", "\n".join(found), page=number)
    else:
        for diagram in shape._element.iter(_DIAGRAM):
            if data := _related(shape, diagram.get(f"{_RELATIONSHIP}dm")):
                add_diagram(builder, parse(data), page=number)
            else:
                builder.warn("Left out diagrams that the file refers to, and does not have.")


def _add_picture(builder: DocumentBuilder, shape: Any, number: int) -> None:
    """Adds a picture; one that is linked to lies elsewhere."""
    reference = next(shape._element.iter(_BLIP), None)
    path = None if reference is None else reference.get(f"{_RELATIONSHIP}embed")
    told = shape._element.nvPicPr.cNvPr.get("descr") or ""
    builder.picture(_related(shape, path), page=number, caption=told)


def _related(shape: Any, reference: str | None) -> bytes | None:
    """The part of the file that a shape refers to; None where there is none, or it lies elsewhere."""
    try:
        return bytes(shape.part.related_part(reference).blob)
    except (KeyError, ValueError):
        return None


def _is_furniture(shape: Any) -> bool:
    """Whether a shape is the slide's number or date."""
    return shape.is_placeholder and str(shape.placeholder_format.type).startswith(("SLIDE_NUMBER", "DATE"))


def _table_text(table: Any) -> str:
    rows = [
        [_cell(cell, heads=number == 0 and table.first_row) for cell in row.cells if not cell.is_spanned]
        for number, row in enumerate(table.rows)
    ]
    return markdown_table(spread(rows), header=int(table.first_row or len(rows) > 1))


def _cell(cell: Any, *, heads: bool) -> Cell:
    text = " ".join(line.strip().removeprefix("- ") for line in lines(cell.text_frame))
    if not cell.is_merge_origin:
        return Cell(text, heads=heads)
    return Cell(text, cell.span_width, cell.span_height, heads)


def _recognises(data: bytes) -> bool:
    return is_zip_with(data, "ppt/presentation.xml")


FORMAT = Format(
    "PowerPoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    (".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"),
    read,
    recognises=_recognises,
    rank=20,
)
