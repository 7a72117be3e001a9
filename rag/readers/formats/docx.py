"""Word documents: the body, then notes; headers and footers once, comments last."""

from __future__ import annotations

import re
import zipfile
from functools import partial
from xml.etree.ElementTree import Element

from rag.errors import UnreadableDocument
from rag.readers.archives import is_zip_with, member, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.charts import add_chart, add_diagram
from rag.readers.comments import add_word_comments
from rag.readers.openxml import core_properties, part, related, related_parts
from rag.readers.registry import Format
from rag.readers.titles import given_title
from rag.readers.word.body import Body
from rag.readers.word.numbering import Numbering
from rag.readers.word.styles import Styles
from rag.records import Document

_MAIN = "word/document.xml"
_SIGNS = re.compile(r"\W+")
_PAGE_NUMBER = re.compile(
    r" ?(?:page|pages|seite|página|pagina|sida|side|strona|стр|第|p|s)? ?\d*+"
    r" ?(?:of|von|de|di|av|z|из|页)? ?\d*+ ?页? ?",
    re.IGNORECASE,
)
_NOTES = {"w.footnoteReference": ("footnotes", "w.footnote"), "w.endnoteReference": ("endnotes", "w.endnote")}


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """Headings, paragraphs, lists, tables, boxes, formulas, charts and notes, with changes accepted."""
    archive = open_zip(data, name)
    root = part(archive, _MAIN, name)
    body = root.find("w.body") if root is not None else None
    if root is None or body is None:
        raise UnreadableDocument(f"{name}: has no text inside. Open it and save it again.")
    builder = DocumentBuilder()
    styles = Styles(next(related_parts(archive, _MAIN, "styles", name), None))
    numbers = Numbering(next(related_parts(archive, _MAIN, "numbering", name), None))
    paths = related(archive, _MAIN, name)
    draws = partial(_add_drawing, builder, archive, paths, name)
    shows = partial(_add_picture, builder, archive, paths, name)
    walk = Body(builder, styles, numbers, draws, shows)
    walk.look_at_grounds(root)
    _add_running(builder, walk, archive, "header", name)
    walk.add(body)
    _add_notes(builder, walk, archive, name)
    _add_running(builder, walk, archive, "footer", name)
    add_word_comments(builder, archive, _MAIN, name)
    title, date = core_properties(archive, name)
    return builder.build(title=given_title(title), name=name, media_type=FORMAT.media_type, date=date)


def _add_drawing(
    builder: DocumentBuilder,
    archive: zipfile.ZipFile,
    paths: dict[str, tuple[str, str]],
    name: str,
    node: Element,
) -> None:
    """Adds the chart or diagram that a drawing refers to."""
    reference = node.get("id") if node.tag == "c.chart" else node.get("dm")
    root = part(archive, paths.get(reference or "", ("", ""))[1], name)
    if root is not None:
        (add_chart if node.tag == "c.chart" else add_diagram)(builder, root)


def _add_picture(
    builder: DocumentBuilder,
    archive: zipfile.ZipFile,
    paths: dict[str, tuple[str, str]],
    name: str,
    reference: str,
    told: str,
) -> None:
    """Adds a picture; one that is linked to lies elsewhere."""
    path = paths.get(reference, ("", ""))[1]
    data = member(archive, path, name) if path in archive.namelist() else None
    builder.picture(data, caption=told)


def _add_notes(builder: DocumentBuilder, walk: Body, archive: zipfile.ZipFile, name: str) -> None:
    notes = {
        (reference, one.get("id") or ""): one
        for reference, (kind, tag) in _NOTES.items()
        for root in related_parts(archive, _MAIN, kind, name)
        for one in root.iter(tag)
    }
    lines = [
        f"{number}. {' '.join(walk.text_of(notes[key]).split())}"
        for number, key in enumerate(list(walk.notes), start=1)
        if key in notes
    ]
    builder.add("list", "\n".join(lines))


def _add_running(
    builder: DocumentBuilder, walk: Body, archive: zipfile.ZipFile, kind: str, name: str
) -> None:
    """Adds each different header or footer once; page numbers are no text."""
    texts = [walk.text_of(root) for root in related_parts(archive, _MAIN, kind, name)]
    for text in dict.fromkeys(texts):
        if not _PAGE_NUMBER.fullmatch(_SIGNS.sub(" ", text)):
            builder.add("paragraph", text)


def _recognises(data: bytes) -> bool:
    return is_zip_with(data, _MAIN)


FORMAT = Format(
    "Word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    (".docx", ".docm", ".dotx"),
    read,
    recognises=_recognises,
    rank=20,
)
