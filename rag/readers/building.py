"""Blocks, as a reader meets them, to a `Document` whose offsets are right by construction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.readers.ocr.report import of_pages, of_pictures
from rag.readers.pictures import NO_CAPTION, Found, keep, opened, with_words
from rag.records import HIDDEN_TEXT, Block, BlockKind, Document, Picture
from rag.text.dates import iso_date

if TYPE_CHECKING:
    from PIL.Image import Image

_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufeff\ud800-\udfff\ufffe\uffff]")
_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_TRAILING = re.compile(r"(?<![ \t\xa0])[ \t\xa0]++(?=\n|$)")  # from the first blank of a run only: linear
_WIDE_GAP = re.compile(r"[^\S\n]{200,}")  # a megabyte of blanks says no more than one
_BLANK_LINES = re.compile(r"\n{3,}")
_DATA = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=-]+)*;base64,[A-Za-z0-9+/=%]{64,}")
PICTURES = "pictures written into the text"
_BLANK_LINE = re.compile(r"\n\s*\n")
_BETWEEN_BLOCKS = "\n\n"
_HIDDEN_NOTE = "Hidden text, kept apart"


def clean(text: str) -> str:
    """The text with `\\n` line breaks and without control characters and lone surrogates."""
    text = _UNWANTED.sub("", _LINE_BREAKS.sub("\n", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", _WIDE_GAP.sub(" ", text))).strip("\n")


def without_data(text: str) -> tuple[str, str]:
    """The text without pictures and the like that are written into it in base64, and what was taken out."""
    taken: list[str] = []

    def take(match: re.Match[str]) -> str:
        taken.append(match.group())
        return "data:…"

    return _DATA.sub(take, text), "".join(taken)


def visible(text: str) -> int:
    """The number of non-space characters."""
    return sum(map(len, text.split()))


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


class DocumentBuilder:
    """Gathers blocks in reading order; each added block is separated from the next by a blank line."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._headings: list[tuple[int, str]] = []
        self._left_out: dict[str, int] = {}
        self._warnings: list[str] = []
        self._found: list[Found] = []
        self._pictures: list[Picture] = []
        self._missing = 0
        self._hidden: list[tuple[BlockKind, str, int | None]] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """The lines for the receipt so far."""
        return tuple(self._warnings)

    @property
    def block_count(self) -> int:
        """How many blocks there are so far."""
        return len(self._blocks)

    @property
    def length(self) -> int:
        """How long the text is so far."""
        return self._length

    @property
    def first_heading(self) -> str | None:
        """The first heading of the highest level so far, or None; one that is hidden is none."""
        headings = [
            block
            for block in self._blocks
            if block.kind == "heading" and HIDDEN_TEXT not in block.heading_path
        ]
        best = min(headings, key=lambda block: block.level, default=None)
        return best.heading_path[-1] if best else None

    def heading(self, text: str, level: int, *, page: int | None = None, label: str | None = None) -> None:
        """Adds a heading of level 1 to 6; `label` replaces its text in the heading path."""
        level = min(max(level, 1), 6)
        label = one_line(clean(label or text))
        if not label:
            return
        self._headings = [(depth, name) for depth, name in self._headings if depth < level]
        self._headings.append((level, label))
        self._append("heading", text, page, level)

    def section(self, label: str, level: int) -> None:
        """Puts a heading on the path without adding its text: a slide, a sheet, an attachment's name."""
        self._headings = [(depth, name) for depth, name in self._headings if depth < level]
        label = one_line(clean(label))
        if label:
            self._headings.append((level, label))

    def add(self, kind: BlockKind, text: str, *, page: int | None = None, run_on: bool = False) -> None:
        """Adds a block; one without visible characters is ignored.

        A block that runs on goes on with the sentence of the one before it, on an earlier page: only a
        line break divides the two.
        """
        self._append(kind, text, page, 0, "\n" if run_on else _BETWEEN_BLOCKS)

    def hide(self, text: str, *, kind: BlockKind = "paragraph", page: int | None = None) -> None:
        """Keeps text that nobody sees who opens the document for its end, under a heading that says so."""
        if text.strip():
            self._hidden.append((kind, text, page))

    def ends_with(self, kind: BlockKind, holds: Callable[[str], bool]) -> bool:
        """Whether the last block is of a kind and its text holds to a condition."""
        return bool(self._blocks) and self._blocks[-1].kind == kind and holds(self._parts[-1])

    def leave_out(self, what: str, text: str) -> None:
        """Counts text that is dropped on purpose under a name for the receipt."""
        if count := visible(text):
            self._left_out[what] = self._left_out.get(what, 0) + count

    def warn(self, message: str) -> None:
        """Adds a line to the receipt, once."""
        if message not in self._warnings:
            self._warnings.append(message)

    def picture(
        self,
        data: bytes | Callable[[], Image] | None,
        *,
        key: bytes = b"",
        page: int | None = None,
        caption: str = "",
        start: int | None = None,
    ) -> None:
        """Takes note of a picture that stands here, or at a place in the text before.

        Its bytes, or what gives it and a `key` that tells it from others; None where the file only refers to
        it. `caption` is what the file itself says of it.
        """
        if data is None:
            self._missing += 1
            return
        give = opened(data) if isinstance(data, bytes) else data
        if isinstance(data, bytes):
            key = hashlib.sha256(data).digest()
        caption = "" if NO_CAPTION.fullmatch(caption.strip()) else caption
        path = tuple(name for _, name in self._headings)
        place = self._length if start is None else start
        self._found.append(Found(give, key, place, page, path, one_line(clean(caption))))

    def add_read_text(self) -> None:
        """Adds the text on the pictures so far, each a page: of a file that is nothing but pictures."""
        kept = keep(self._found, quick=False)
        self._found.clear()
        self.count_pictures(kept.unreadable)
        for picture in kept.pictures:
            self._pictures.append(replace(picture, start=self._length))
            for paragraph in _BLANK_LINE.split(picture.text):
                kind: BlockKind = "table" if paragraph.startswith("|") else "paragraph"
                self.add(kind, paragraph, page=picture.page)
        for line in of_pages(dict(kept.read)):
            self.warn(line)

    def block_start(self, index: int, holds: Callable[[str], bool] = lambda text: True) -> int:
        """Where the first block from an index on begins whose text holds to a condition; else the end."""
        starts = (
            block.start
            for block, text in zip(self._blocks[index:], self._parts_of_blocks(index), strict=True)
            if holds(text)
        )
        return next(starts, self._length)

    def _parts_of_blocks(self, index: int) -> list[str]:
        return self._parts[0::2][index:]

    def count_pictures(self, count: int) -> None:
        """Notes for the receipt that some pictures in the file were not looked at."""
        if count:
            self.warn(f"Pictures in the file, not read: {count}.")

    def include(self, document: Document, *, page: int | None = None) -> None:
        """Adds another document's blocks, an attachment's say, under the current heading path."""
        above = tuple(name for _, name in self._headings)
        first = self._length + (len(_BETWEEN_BLOCKS) if self._parts else 0)
        for block in document.blocks:
            path = above + block.heading_path
            text = document.text[block.start : block.end]
            own_page = page if block.page is None else block.page
            self._place(Block(block.kind, 0, 0, own_page, path, block.level), text)
        for picture in document.pictures:
            path = above + picture.heading_path
            own_page = page if picture.page is None else picture.page
            moved = replace(picture, heading_path=path, page=own_page, start=first + picture.start)
            self._pictures.append(moved)
        for what, count in document.characters_left_out.items():
            self._left_out[what] = self._left_out.get(what, 0) + count
        for warning in document.warnings:
            if not warning.startswith(_HIDDEN_NOTE):  # it is counted for the whole document
                self.warn(warning)

    def build(
        self,
        *,
        title: str | None,
        name: str,
        media_type: str,
        page_count: int | None = None,
        pages_without_text: tuple[int, ...] = (),
        page_labels: tuple[str, ...] = (),
        date: str | None = None,
    ) -> Document:
        """The finished document; without a title it is named after its first heading or the file.

        `date` is as the file writes it; one that cannot be read as a single day, month or year is left out.
        """
        found = one_line(clean(title or "")) or self.first_heading or stem(name)
        self._add_hidden()
        text = "".join(self._parts)
        kept = keep(self._found)
        self.count_pictures(self._missing + kept.unreadable)
        for line in of_pictures([seen for _, seen in kept.read]):
            self.warn(line)
        return Document(
            title=found,
            media_type=media_type,
            text=text,
            blocks=tuple(self._blocks),
            page_count=page_count,
            pages_without_text=pages_without_text,
            page_labels=page_labels,
            date=iso_date(date) if date else None,
            characters_left_out=dict(self._left_out),
            warnings=tuple(self._warnings),
            pictures=(*self._pictures, *(with_words(one, text, self._blocks) for one in kept.pictures)),
        )

    def _add_hidden(self) -> None:
        """Adds what is hidden, and notes how much of the whole text is."""
        if self._hidden:
            self._place(Block("heading", 0, 0, None, (HIDDEN_TEXT,), 1), HIDDEN_TEXT)
        for kind, text, page in self._hidden:
            self._place(Block(kind, 0, 0, page, (HIDDEN_TEXT,)), clean(text))
        self._hidden.clear()
        texts = zip(self._blocks, self._parts[::2], strict=True)  # between them stands what parts them
        hidden = [text for block, text in texts if HIDDEN_TEXT in block.heading_path and text != HIDDEN_TEXT]
        if count := sum(map(visible, hidden)):
            self.warn(f"Hidden text, kept apart from the rest: {count} characters.")

    def _append(
        self, kind: BlockKind, text: str, page: int | None, level: int, between: str = _BETWEEN_BLOCKS
    ) -> None:
        path = tuple(name for _, name in self._headings)
        self._place(Block(kind, 0, 0, page, path, level), clean(text), between)

    def _place(self, block: Block, text: str, between: str = _BETWEEN_BLOCKS) -> None:
        if not text.strip():
            return
        if self._parts:
            self._parts.append(between)
            self._length += len(between)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        self._blocks.append(replace(block, start=start, end=self._length))


def stem(name: str) -> str:
    """The file's name without folders and ending, for want of a title."""
    base = re.split(r"[\\/]", name)[-1]
    return one_line(clean(base.rsplit(".", 1)[0] if "." in base.strip(".") else base)) or "Untitled"
