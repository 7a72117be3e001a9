"""Parts of Office files (Open XML) as trees with short names: `w.p`, `a.t`, attribute `val`."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element, fromstring

from rag.readers.archives import member

_PREFIXES = {
    "wordprocessingml": "w",
    "presentationml": "p",
    "spreadsheetml": "x",
    "math": "m",
    "chart": "c",
    "diagram": "dgm",
    "wordprocessingDrawing": "wp",
    "spreadsheetDrawing": "xdr",
}
_CORE = "docProps/core.xml"


def parse(data: bytes) -> Element:
    """The tree of a part; strict and transitional files have the same names in it."""
    root = fromstring(data)
    known: dict[str, str] = {}
    for node in root.iter():
        if isinstance(node.tag, str):
            if node.tag not in known:
                known[node.tag] = _short(node.tag)
            node.tag = known[node.tag]
            for name in [name for name in node.attrib if name[0] == "{"]:
                node.attrib[name.rpartition("}")[2]] = node.attrib.pop(name)
    return root


def _short(tag: str) -> str:
    space, _, name = tag.rpartition("}")
    parts = [part for part in space.strip("{").split("/") if part]
    prefix = next((_PREFIXES[part] for part in reversed(parts) if part in _PREFIXES), None)
    return f"{prefix or _other(parts)}.{name}"


def _other(parts: list[str]) -> str:
    """`a` for drawings, `mc` for alternatives, `v` for old drawings; the rest keeps no prefix of its own."""
    joined = "/".join(parts)
    if "markup-compatibility" in joined:
        return "mc"
    if joined.endswith("com:vml"):
        return "v"
    return "a" if "drawingml" in joined else "o"


def part(archive: zipfile.ZipFile, path: str, name: str) -> Element | None:
    """A part of the file as a tree, None if there is none."""
    return parse(member(archive, path, name)) if path in archive.namelist() else None


def related(archive: zipfile.ZipFile, path: str, name: str) -> dict[str, tuple[str, str]]:
    """Relationship id → (kind, path inside the archive) of a part, without links to the outside."""
    folder, base = posixpath.split(path)
    root = part(archive, posixpath.join(folder, "_rels", f"{base}.rels"), name)
    found = {}
    for one in root if root is not None else ():
        if one.get("TargetMode") != "External":
            target = one.get("Target") or ""
            place = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            kind = (one.get("Type") or "").rsplit("/", 1)[-1]
            found[one.get("Id") or ""] = (kind, posixpath.normpath(place))
    return found


def related_parts(archive: zipfile.ZipFile, path: str, kind: str, name: str) -> Iterator[Element]:
    """The trees of a part's related parts of one kind ("comments", "header"), in the order of their paths."""
    paths = {place for what, place in related(archive, path, name).values() if what == kind}
    for place in sorted(paths):
        root = part(archive, place, name)
        if root is not None:
            yield root


def chosen(node: Element) -> list[Element]:
    """What to read of an alternative: the first choice, or the fallback where the choice has no text."""
    options = [option for option in node if option.tag in ("mc.Choice", "mc.Fallback")]
    with_text = [
        option for option in options if any(one.text and one.tag.endswith(".t") for one in option.iter())
    ]
    return (with_text or options)[:1]


def shown(node: Element) -> Iterator[Element]:
    """An element and all that is in it, but of alternatives only what is to be read."""
    yield node
    for child in chosen(node) if node.tag == "mc.AlternateContent" else node:
        yield from shown(child)


def core_properties(archive: zipfile.ZipFile, name: str) -> tuple[str | None, str | None]:
    """The title and the date of the file, None where it gives none."""
    root = part(archive, _CORE, name)
    found = {one.tag.partition(".")[2]: one.text for one in root} if root is not None else {}
    return found.get("title") or None, found.get("created")
