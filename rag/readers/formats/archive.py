"""Zip archives: every file in them that can be read, as a section under its path."""

from __future__ import annotations

import zipfile

from rag.errors import DocumentError, UnreadableDocument
from rag.readers.archives import member, open_zip
from rag.readers.building import DocumentBuilder
from rag.readers.nesting import add_inner
from rag.readers.registry import Format
from rag.records import Document


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The members in the order of their paths; those that cannot be read are named in the warnings."""
    archive = open_zip(data, name)
    builder = DocumentBuilder()
    paths = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    wanted = [path for path in paths if not _is_litter(path)]
    read_any = [_add_member(builder, archive, path, name, password) for path in wanted]
    if wanted and not any(read_any):
        raise UnreadableDocument(
            f"{name}: none of its {len(wanted)} files can be read. {builder.warnings[0]}"
        )
    return builder.build(title=None, name=name, media_type=FORMAT.media_type)


def _add_member(
    builder: DocumentBuilder, archive: zipfile.ZipFile, path: str, name: str, password: str | None
) -> bool:
    """Adds a member; one that is damaged or encrypted is named, and costs only itself."""
    try:
        data = member(archive, path, name)
    except DocumentError as error:
        builder.warn(f"Left out {error}")
        return False
    return add_inner(builder, data, path, password=password)


def _is_litter(path: str) -> bool:
    """What systems put into archives beside people's files."""
    return path.startswith("__MACOSX/") or path.rsplit("/", 1)[-1] in (".DS_Store", "Thumbs.db")


def _recognises(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


FORMAT = Format("Zip archive", "application/zip", (".zip",), read, recognises=_recognises, rank=40)
