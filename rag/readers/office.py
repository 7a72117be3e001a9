"""What the office formats share: title and date in `docProps/core.xml`."""

from __future__ import annotations

import zipfile
from xml.etree import ElementTree

from rag.readers.archives import member

_CORE = "docProps/core.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_CREATED = "{http://purl.org/dc/terms/}created"


def core_properties(archive: zipfile.ZipFile, name: str) -> tuple[str | None, str | None]:
    """The title and the date of an Open XML file, None where it gives none."""
    if _CORE not in archive.namelist():
        return None, None
    root = ElementTree.fromstring(member(archive, _CORE, name))
    title, created = root.findtext(_TITLE), root.findtext(_CREATED)
    return title or None, created
