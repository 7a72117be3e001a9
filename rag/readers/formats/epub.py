"""EPUB: the chapters of a book in the order of its spine, each read as HTML."""

from __future__ import annotations

import posixpath
import zipfile
from functools import partial
from urllib.parse import unquote
from xml.etree.ElementTree import Element, fromstring

from rag.errors import UnreadableDocument
from rag.readers.archives import is_zip_with, member, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.html_blocks import add_html
from rag.readers.registry import Format
from rag.records import Document

_MEDIA_TYPE = "application/epub+zip"
_CONTAINER = "META-INF/container.xml"
_OPF = "{http://www.idpf.org/2007/opf}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_ROOT = ".//{urn:oasis:names:tc:opendocument:xmlns:container}rootfile"


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The book's text; what its table of contents file repeats is left out and counted."""
    from selectolax.lexbor import LexborHTMLParser

    archive = open_zip(data, name)
    package_path, package = _package(archive, name)
    builder = DocumentBuilder()
    for path in _spine(package, posixpath.dirname(package_path)):
        tree = LexborHTMLParser(member(archive, path, name).decode("utf-8", errors="replace"))
        add_html(builder, tree, file=partial(_beside, archive, posixpath.dirname(path), name))
    return builder.build(
        title=package.findtext(f".//{_DC}title"),
        name=name,
        media_type=FORMAT.media_type,
        date=package.findtext(f".//{_DC}date"),
    )


def _beside(archive: zipfile.ZipFile, folder: str, name: str, address: str) -> bytes | None:
    """A file of the book by its address in a chapter."""
    path = posixpath.normpath(posixpath.join(folder, unquote(address)))
    return member(archive, path, name) if path in archive.namelist() else None


def _package(archive: zipfile.ZipFile, name: str) -> tuple[str, Element]:
    """The package document and its path, as the container names it."""
    rootfile = fromstring(member(archive, _CONTAINER, name)).find(_ROOT)
    path = rootfile.get("full-path") if rootfile is not None else None
    if not path:
        raise UnreadableDocument(f"{name}: the book does not say where its contents are. Convert it again.")
    return path, fromstring(member(archive, path, name))


def _spine(package: Element, folder: str) -> list[str]:
    items = {item.get("id"): item for item in package.iter(f"{_OPF}item")}
    order = [items[ref.get("idref")] for ref in package.iter(f"{_OPF}itemref") if ref.get("idref") in items]
    pages = [item for item in order if "html" in (item.get("media-type") or "")]
    return [posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or ""))) for item in pages]


def _recognises(data: bytes) -> bool:
    return is_zip_with(data, _CONTAINER, mimetype=_MEDIA_TYPE)


FORMAT = Format("EPUB", _MEDIA_TYPE, (".epub",), read, recognises=_recognises, rank=20)
