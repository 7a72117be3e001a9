"""Comments in Office files: who wrote what, each as a paragraph that says that it is a comment."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from rag.readers.building import DocumentBuilder, one_line
from rag.readers.openxml import part, related_parts

_THREAD = "[Threaded comment]"
_PRESENTATION = "ppt/presentation.xml"


def add_comment(
    builder: DocumentBuilder,
    text: str,
    author: str = "",
    date: str = "",
    *,
    place: str = "",
    page: int | None = None,
) -> None:
    """Adds "Comment by Anna, 2024-03-01, on B2: …"."""
    if not text.strip():
        return
    facts = [f"Comment by {author}" if author else "Comment", date[:10], f"on {place}" if place else ""]
    builder.add("paragraph", f"{', '.join(filter(None, facts))}: {one_line(text)}", page=page)


def add_slide_comments(
    builder: DocumentBuilder, archive: zipfile.ZipFile, slide: str, page: int, name: str
) -> None:
    """Adds a slide's comments, of old and new PowerPoint."""
    authors = {
        one.get("id"): one.get("name") or ""
        for kind in ("commentAuthors", "authors")
        for root in related_parts(archive, _PRESENTATION, kind, name)
        for one in root
    }
    for root in related_parts(archive, slide, "comments", name):
        for one in root.iter():
            if one.tag.endswith((".cm", ".reply")):
                author = authors.get(one.get("authorId"), "")
                date = one.get("dt") or one.get("created") or ""
                add_comment(builder, _own_text(one), author, date, page=page)


def add_word_comments(builder: DocumentBuilder, archive: zipfile.ZipFile, document: str, name: str) -> None:
    """Adds a Word document's comments."""
    for root in related_parts(archive, document, "comments", name):
        for one in root.iter("w.comment"):
            text = " ".join("".join(t.text or "" for t in p.iter("w.t")) for p in one.iter("w.p"))
            add_comment(builder, text, one.get("author") or "", one.get("date") or "")


def add_sheet_comments(
    builder: DocumentBuilder, archive: zipfile.ZipFile, sheet: str, page: int, name: str
) -> None:
    """Adds a sheet's comments with their cells; of a thread, not the copy that old programs show."""
    persons = {
        one.get("id"): one.get("displayName") or ""
        for path in archive.namelist()
        if path.startswith("xl/persons/")
        for root in [part(archive, path, name)]
        for one in (root if root is not None else ())
    }
    for root in related_parts(archive, sheet, "comments", name):
        authors = ["".join(one.itertext()) for one in root.iter("x.author")]
        for one in root.iter("x.comment"):
            text = "".join(t.text or "" for t in one.iter("x.t"))
            number = int(one.get("authorId") or 0)
            if not text.startswith(_THREAD):
                author = authors[number] if number < len(authors) else ""
                text = text.removeprefix(f"{author}:")
                add_comment(builder, text, author, place=one.get("ref") or "", page=page)
    for root in related_parts(archive, sheet, "threadedComment", name):
        for one in root:
            text, date = "".join(one.itertext()), one.get("dT") or ""
            add_comment(
                builder,
                text,
                persons.get(one.get("personId"), ""),
                date,
                place=one.get("ref") or "",
                page=page,
            )


def _own_text(node: Element) -> str:
    """A comment's text without that of the replies inside it."""
    return " ".join(_texts(node))


def _texts(node: Element) -> Iterator[str]:
    for child in node:
        if child.tag.endswith(".replyLst"):
            continue
        if child.tag in ("p.text", "a.t") and child.text:
            yield child.text
        yield from _texts(child)
