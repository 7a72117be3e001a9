"""The pictures of an HTML page: those written into it, and those beside it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from rag.readers.beside import file_beside
from rag.readers.building import DocumentBuilder, one_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

GetFile = Callable[[str], bytes | None]
_TYPES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp")


def add_pictures(
    builder: DocumentBuilder, node: LexborNode, *, page: int | None = None, file: GetFile = file_beside
) -> None:
    """Adds the pictures in an element, or the picture that it is, with their alternative texts.

    Nothing is fetched: a picture of another site is left out.
    """
    for image in [node] if node.tag == "img" else node.css("img"):
        given = image.attributes
        data = _bytes(given.get("src") or "", file)
        if data:
            told = given.get("alt") or given.get("title") or ""
            builder.picture(data, page=page, caption=" – ".join(filter(None, [told, _caption(image)])))


def _bytes(address: str, file: GetFile) -> bytes | None:
    if address.lower().startswith("data:"):
        head, _, body = address.partition(",")
        try:
            return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
        except (binascii.Error, ValueError):
            return None
    return file(address) if address.split("?")[0].lower().endswith(_TYPES) else None


def _caption(image: LexborNode) -> str:
    """The caption of the figure that the picture is in."""
    node = image.parent
    while node is not None and node.tag not in ("figure", "body"):
        node = node.parent
    found = node.css_first("figcaption") if node is not None and node.tag == "figure" else None
    return one_line(found.text()) if found is not None else ""
