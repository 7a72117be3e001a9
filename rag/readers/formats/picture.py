"""Pictures as files: the text on them is theirs."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

from rag.readers.building import DocumentBuilder, stem
from rag.readers.registry import Format
from rag.records import Document

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_DESCRIPTION, _TAKEN, _CHANGED, _EXIF = 0x010E, 0x9003, 0x0132, 0x8769
_MAX_PAGES = 100
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """The picture with its description, date and text; of a TIFF every page, of an animation the first."""
    from PIL import Image

    if _is_heif(data):
        from pi_heif import register_heif_opener

        register_heif_opener()
    with Image.open(io.BytesIO(data)) as image:
        kind, told, taken = image.format or "", _description(image), _date(image)
        pages = min(getattr(image, "n_frames", 1), _MAX_PAGES) if kind == "TIFF" else 1
    builder = DocumentBuilder()
    for page in range(pages):
        builder.picture(partial(_page, data, page), key=bytes([page]), page=page + 1, caption=told)
    builder.add_read_text()
    return builder.build(
        title=told.split("\n")[0][:80] or stem(name),
        name=name,
        media_type=Image.MIME.get(kind, FORMAT.media_type),
        page_count=pages,
        date=taken,
    )


def _page(data: bytes, page: int) -> Image:
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    image.seek(page)
    return image


def _description(image: Image) -> str:
    """What the file says of the picture, in the fields of its kind."""
    told = image.getexif().get(_DESCRIPTION) or image.info.get("Description") or image.info.get("comment")
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told or "")
    return text.strip("\0 \n")


def _date(image: Image) -> str | None:
    """When the picture was taken, ISO 8601; None where the file does not say."""
    exif = image.getexif()
    taken = str(exif.get_ifd(_EXIF).get(_TAKEN) or exif.get(_CHANGED) or "")
    return taken[:10].replace(":", "-") or None


def _recognises(data: bytes) -> bool:
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith(_SIGNATURES) or is_webp or _is_heif(data)


def _is_heif(data: bytes) -> bool:
    """Whether it is a picture as phones take them."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


FORMAT = Format(
    "picture",
    "image/png",
    (".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif"),
    read,
    recognises=_recognises,
    rank=40,
)
