"""The pictures of a file, each with a small copy and the words that belong to it."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rag.readers import ocr, progress
from rag.readers.ocr.seen import Seen
from rag.records import Block, Picture

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_SIDE = 384
"""Pixels; picture models read 224 to 384."""
MIN_SIDE, MIN_AREA = 48, 64 * 64
"""Pixels; what is smaller is an icon or a bullet."""
MAX_ASPECT = 12
"""What is longer is a rule or a border."""
MAX_PIXELS = 60_000_000
MAX_PICTURES = 300
"""Of one document; a scanned archive of photographs has more than anyone looks through."""
MAX_READ = 20
"""Pictures of one document whose text is read: each takes 0.2 to 2 s."""
GROUND_BINS, GROUND_SHARE = 8, 0.35
"""Text stands on a ground of one brightness, which most photographs do not have: they are not read."""
READ_SIDE = 1800
"""Pixels of the longer side in which text is looked for; a phone's 4,000 take five times as long."""
AROUND_CHARACTERS = 240
LONGEST_CAPTION = 400
ILLEGIBLE_SHARE = 0.6
MIN_CONFIDENCE = 0.5
CAPTION = re.compile(
    r"(?:fig(?:ure|\.)?|abb(?:ildung|\.)?|bild|foto|grafik|diagramm|tafel|image|picture|photo|chart|diagram"
    r"|illustration|plate|exhibit|map|karte)\s*[\dA-Z]*[\d.:–-]*\s*\S|[图圖]\s*\d|插图|照片",
    re.IGNORECASE,
)
NO_CAPTION = re.compile(
    r"(?:image|img|picture|bild|grafik|graphic|photo|图片)?[\s_-]*\d*(?:\.\w{3,4})?", re.IGNORECASE
)
"""What programs write in place of one: "Picture 3", "image1.png"."""
DAMAGED = (
    *(OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, SyntaxError),
    *(EOFError, MemoryError, RuntimeError, struct.error, zlib.error),
)
"""What Pillow and PDFium meet damaged pictures with, and those too large."""
_WORD = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True, slots=True)
class Found:
    """A picture and where it stands, before its small copy is made.

    `open` gives the picture; `key` (its bytes, say) tells it from the others of the file.
    """

    open: Callable[[], Image]
    key: bytes
    start: int
    page: int | None
    heading_path: tuple[str, ...]
    caption: str


def opened(data: bytes) -> Callable[[], Image]:
    """What opens a picture in a format that Pillow knows."""

    def open_() -> Image:
        from PIL import Image  # no document without pictures needs it

        try:
            return Image.open(io.BytesIO(data))
        except Image.DecompressionBombError as error:
            raise ValueError(str(error)) from error

    return open_


@dataclass(slots=True)
class Kept:
    """The pictures worth keeping, each once, what was read on them by page, and how many could
    not be opened.
    """

    pictures: list[Picture] = field(default_factory=list)
    read: list[tuple[int, Seen]] = field(default_factory=list)
    unreadable: int = 0


def keep(found: Sequence[Found], *, quick: bool = True) -> Kept:
    """Makes the small copies, and reads the text on the first pictures."""
    result, looked_at = Kept(), 0
    known: set[bytes | str] = set()
    for one in found:
        if one.key in known or len(result.pictures) >= MAX_PICTURES:
            continue
        known.add(one.key)
        try:
            image, size = _decoded(one)
        except DAMAGED:
            result.unreadable += 1
            continue
        finally:
            progress.tell()
        if image is None or (small := thumbnail(image)) in known:
            continue
        known.add(small)
        text = ""
        if looked_at < MAX_READ and has_ground(image):
            seen, looked_at = ocr.read_image(image, quick=quick), looked_at + 1
            text = legible(seen)
            if seen and text:
                result.read.append((one.page or 1, seen))
        digest = hashlib.sha256(small).hexdigest()[:32]
        width, height = size
        picture = Picture(
            digest, small, width, height, one.start, one.page, one.heading_path, one.caption, text=text
        )
        result.pictures.append(picture)
    return result


def _decoded(one: Found) -> tuple[Image | None, tuple[int, int]]:
    """The picture, small enough to be read soon, and its own size; None if not to keep."""
    image = one.open()
    size = image.size
    if not is_worth_keeping(*size):
        return None, size
    image.draft("RGB", (READ_SIDE, READ_SIDE))  # a JPEG is decoded at the size that is needed
    image = flattened(image)
    image.thumbnail((READ_SIDE, READ_SIDE))
    return (None if is_blank(image) else image), size


def is_worth_keeping(width: int, height: int) -> bool:
    """Whether a picture of this size can show something: no icon, no rule, and none too large to decode."""
    short, long = sorted((width, height))
    return (
        short >= MIN_SIDE
        and width * height >= MIN_AREA
        and long <= MAX_ASPECT * short
        and width * height <= MAX_PIXELS
    )


def is_blank(image: Image) -> bool:
    """Whether a picture is all of one colour, as spacers and backgrounds are."""
    return all(low == high for low, high in image.getextrema())  # type: ignore[misc]


def flattened(image: Image) -> Image:
    """The picture upright and in RGB, what is transparent white."""
    import PIL.Image
    import PIL.ImageOps

    image = PIL.ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = PIL.Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        image = ground
    elif image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _stretched(image)
    return image.convert("RGB")


def _stretched(image: Image) -> Image:
    """A picture of 16 bits and more a pixel with its range of brightness spread over 8."""
    low, high = image.convert("F").getextrema()
    span = max(float(high) - float(low), 1e-9)  # type: ignore[arg-type]
    return image.convert("F").point(lambda value: value * (255 / span) - float(low) * 255 / span).convert("L")  # type: ignore[arg-type]


def thumbnail(image: Image) -> bytes:
    """A small copy as a JPEG: the same pixels give the same bytes."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def has_ground(image: Image) -> bool:
    """Whether one brightness prevails in a picture, as paper, a slide or a screen does."""
    counts = image.convert("L").histogram()
    width = len(counts) // GROUND_BINS
    bins = (sum(counts[start : start + width]) for start in range(0, len(counts), width))
    return max(bins) >= GROUND_SHARE * sum(counts)


def legible(seen: Seen | None) -> str:
    """The text read on a picture; "" where what was read is not words."""
    from rag.readers.ocr.layout import text_of  # it builds documents, as those do who use this module

    text = text_of(seen) if seen and seen.confidence >= MIN_CONFIDENCE else ""
    letters = "".join(text.split())
    words = "".join(_WORD.findall(text))
    return text if letters and len(words) >= ILLEGIBLE_SHARE * len(letters) else ""


def with_words(picture: Picture, text: str, blocks: Sequence[Block]) -> Picture:
    """The picture with the caption below or above it, and the text before and after it on its page."""
    near = [block for block in blocks if picture.page is None or block.page == picture.page]
    before = [block for block in near if block.end <= picture.start][-1:]
    after = [block for block in near if block.start >= picture.start][:1]
    beside = [text[block.start : block.end] for block in (*after, *before) if block.kind != "heading"]
    caption = picture.caption
    said = next((one for one in beside if len(one) <= LONGEST_CAPTION and CAPTION.match(one)), "")
    if said and said not in caption:
        caption = " – ".join(filter(None, [caption, said]))
    around = [text[block.start : block.end][-AROUND_CHARACTERS:] for block in before]
    around += [text[block.start : block.end][:AROUND_CHARACTERS] for block in after]
    return replace(picture, caption=" ".join(caption.split()), around="\n".join(around))
