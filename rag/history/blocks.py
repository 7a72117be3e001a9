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
    return list(_blocks(_parser().parse(paper.markdown)))


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    counters: list[int] = []
    bullet, heading, quotes = "", 0, 0
    rows: list[tuple[tuple[Run, ...], ...]] = []
    cells: list[tuple[Run, ...]] = []
    in_table = False
    for token in tokens:
        match token.type:
            case "footnote_block_open":
                return
            case "heading_open" | "heading_close":
                heading = int(token.tag[1]) if token.nesting == 1 else 0
            case "blockquote_open" | "blockquote_close":
                quotes += token.nesting
            case "bullet_list_open":
                counters.append(-1)
            case "ordered_list_open":
                counters.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                counters.pop()
            case "list_item_open":
                bullet = "•" if counters[-1] < 0 else f"{counters[-1]}."
                counters[-1] += counters[-1] >= 0
            case "table_open":
                in_table, rows = True, []
            case "table_close":
                in_table = False
                yield Block("table", rows=tuple(rows))
            case "tr_close":
                rows.append(tuple(cells))
                cells = []
            case "fence" | "code_block":
                yield Block("code", (Run(token.content.rstrip("\n"), code=True),), level=len(counters))
            case "inline" if in_table:
                cells.append(tuple(_runs(token.children or ())))
            case "inline":
                runs = tuple(_runs(token.children or ()))
                level = heading or len(counters)
                yield Block("heading" if heading else "text", runs, level, bullet, quotes > 0)
                bullet = ""


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
