"""A paper's Markdown as blocks and runs, for what is not Markdown itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

if TYPE_CHECKING:
    from markdown_it.token import Token

    from rag.history.paper import Paper

_STYLES = {"strong": "bold", "em": "italic"}
_BREAKS = {"softbreak": " ", "hardbreak": "\n"}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style, or the number of a footnote: its text is the comma after another."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    footnote: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph. `level` is a heading's, 1 to 6, or how deep an item stands; `bullet` stands before it.

    A table has its rows of cells.
    """

    kind: Literal["heading", "text", "code", "table"]
    runs: tuple[Run, ...] = ()
    level: int = 0
    bullet: str = ""
    quoted: bool = False
    rows: tuple[tuple[tuple[Run, ...], ...], ...] = ()


@cache
def _parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return markdown.use(footnote_plugin)


def blocks(paper: Paper) -> list[Block]:
    """The paper's blocks in order, without its footnotes: a link is its words, a picture its name."""
    reading = _Reading()
    for token in _parser().parse(paper.markdown):
        if token.type == "footnote_block_open":
            break
        reading.take(token)
    return reading.found


class _Reading:
    """The blocks found so far, and what stands around the next one."""

    def __init__(self) -> None:
        self.found: list[Block] = []
        self.heading = self.quotes = 0
        self.bullet = ""
        self.counters: list[int | None] = []  # of the lists around it, outermost first; None counts nothing
        self.rows: list[list[tuple[Run, ...]]] | None = None

    def take(self, token: Token) -> None:
        """Reads on."""
        kind, _, side = token.type.rpartition("_")
        if token.type == "inline":
            self._add(tuple(_runs(token.children or ())))
        elif token.type in ("fence", "code_block"):
            code = Run(token.content.rstrip("\n"), code=True)
            self.found.append(Block("code", (code,), level=len(self.counters)))
        elif kind == "heading":
            self.heading = int(token.tag[1]) if side == "open" else 0
        elif kind == "blockquote":
            self.quotes += token.nesting
        elif kind in ("bullet_list", "ordered_list", "list_item"):
            self._take_list(token, kind, opens=side == "open")
        elif kind in ("table", "tr"):
            self._take_table(kind, opens=side == "open")

    def _take_list(self, token: Token, kind: str, *, opens: bool) -> None:
        if kind != "list_item":
            start = int(token.attrGet("start") or 1) if kind == "ordered_list" else None
            self.counters = [*self.counters, start] if opens else self.counters[:-1]
        elif opens:
            number = self.counters[-1]
            self.bullet = "•" if number is None else f"{number}."
            self.counters[-1] = None if number is None else number + 1

    def _take_table(self, kind: str, *, opens: bool) -> None:
        if kind == "table" and not opens and self.rows is not None:
            self.found.append(Block("table", rows=tuple(map(tuple, self.rows))))
        if kind == "table":
            self.rows = [] if opens else None
        elif opens and self.rows is not None:
            self.rows.append([])

    def _add(self, runs: tuple[Run, ...]) -> None:
        if self.rows is not None:
            self.rows[-1].append(runs)
            return
        level = self.heading or len(self.counters)
        kind: Literal["heading", "text"] = "heading" if self.heading else "text"
        self.found.append(Block(kind, runs, level, self.bullet, self.quotes > 0))
        self.bullet = ""


def _runs(tokens: Sequence[Token]) -> Iterator[Run]:
    style = {"bold": False, "italic": False}
    before = ""
    for token in tokens:
        name, _, side = token.type.rpartition("_")
        if name in _STYLES and side in ("open", "close"):
            style[_STYLES[name]] = side == "open"
        elif token.type == "footnote_ref":
            yield Run("," if before == token.type else "", footnote=int(token.meta["label"]))
        elif token.type in _BREAKS:
            yield Run(_BREAKS[token.type], **style)
        elif token.content:
            yield Run(token.content, **style, code=token.type == "code_inline")
        before = token.type if token.content or token.type == "footnote_ref" else before
