"""Markdown: the source's own lines as blocks, found with a CommonMark parser."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.readers.building import PICTURES, DocumentBuilder, clean, without_data
from rag.readers.decoding import decode
from rag.readers.front_matter import front_matter
from rag.readers.html_blocks import add_html
from rag.readers.registry import Format
from rag.records import BlockKind, Document
from rag.text.dates import iso_date

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_KINDS: dict[str, BlockKind] = {
    "paragraph_open": "paragraph",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "dl_open": "list",
    "table_open": "table",
    "blockquote_open": "quote",
    "fence": "code",
    "code_block": "code",
    "front_matter": "code",
    "html_block": "paragraph",
    "heading_open": "heading",
}
_MARKUP = re.compile(
    r"!?\[\[(?:[^\]|]*\|)?([^\]]*)\]\]|!?\[([^\]]*)\]\([^)]*\)|`([^`]*)`|[*_]{1,3}(?=\S)(.+?)[*_]{1,3}"
)

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_FIRST_TAG = re.compile(r"\s*</?([a-zA-Z][\w-]*)")
_INLINE_TAGS = frozenset(
    (
        *("a", "abbr", "b", "br", "button", "cite", "code", "del", "em", "font", "i", "img", "input", "ins"),
        *("kbd", "label", "mark", "picture", "pre", "s", "samp", "script", "small", "span", "strong"),
        *("style", "sub", "sup", "svg", "textarea", "u", "var", "video"),
    )
)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A block for each top-level element, as it is written in the file, so that a quote is exact.

    HTML between them is read as a web page's is. Front matter gives title and date and stays searchable.
    """
    builder = DocumentBuilder()
    text, encoding = decode(data)
    if encoding:
        builder.warn(f"Read as {encoding}.")
    facts = add_markdown(builder, text)
    title = facts.get("title")
    dates = [str(facts[key]) for key in ("date", "created") if facts.get(key)]
    return builder.build(
        title=str(title) if title else None,
        name=name,
        media_type=FORMAT.media_type,
        date=next(filter(iso_date, dates), None),
    )


def add_markdown(builder: DocumentBuilder, text: str) -> dict[str, Any]:
    """Adds the blocks of a Markdown text and gives the fields of its front matter."""
    text, data = without_data(clean(text))
    builder.leave_out(PICTURES, data)
    lines = text.split("\n")
    tokens = _parser().parse(text)
    covered = 0
    for token, inline in _top_level(tokens):
        start, end = token.map or (covered, covered)
        if start < covered:  # inside an HTML table
            continue
        _add(builder, "paragraph", lines[covered:start])
        if token.type == "heading_open":
            builder.heading("\n".join(lines[start:end]), int(token.tag[1]), label=plain(inline))
        elif token.type == "html_block" and _is_html(token.content):
            end = _end_of_table(lines, start, end)
            _add_html(builder, "\n".join(lines[start:end]))
        else:
            _add(builder, _KINDS.get(token.type, "paragraph"), lines[start:end])
        covered = max(covered, end)
    _add(builder, "paragraph", lines[covered:])
    return _front_matter(tokens, builder)


def plain(text: str) -> str:
    """Inline Markdown without its markup, for a heading path."""
    stripped = _MARKUP.sub(lambda match: next((group for group in match.groups() if group), ""), text)
    return stripped if stripped == text else plain(stripped)


def _add(builder: DocumentBuilder, kind: BlockKind, lines: Sequence[str]) -> None:
    builder.add(kind, "\n".join(lines))


def _is_html(source: str) -> bool:
    """Whether a block begins with a comment or an element of HTML: `<your name>` is text."""
    from markdown_it.common.html_blocks import block_names

    tag = _FIRST_TAG.match(source)
    return bool(_COMMENT.match(source.lstrip())) or bool(
        tag and (tag[1].lower() in _INLINE_TAGS or tag[1].lower() in block_names)
    )


def _end_of_table(lines: Sequence[str], start: int, end: int) -> int:
    """Where a block of HTML ends: a table that it opens goes on over blank lines."""
    opened = sum(map(_table_depth, lines[start:end]))
    for place in range(end, len(lines)):
        if opened <= 0:
            return place
        opened += _table_depth(lines[place])
    return len(lines) if opened <= 0 else end


def _table_depth(line: str) -> int:
    lowered = line.casefold()
    return lowered.count("<table") - lowered.count("</table")


def _add_html(builder: DocumentBuilder, source: str) -> None:
    from selectolax.lexbor import LexborHTMLParser

    builder.leave_out("comments", "".join(_COMMENT.findall(source)))
    add_html(builder, LexborHTMLParser(source))


def _top_level(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Each outermost block's opening token, with the inline text that follows a heading's."""
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0 and token.map:
            inline = tokens[index + 1].content if token.type == "heading_open" else ""
            yield token, inline


def _front_matter(tokens: Sequence[Token], builder: DocumentBuilder) -> dict[str, Any]:
    """The fields of YAML front matter, {} where there is none."""
    import yaml  # type: ignore[import-untyped, unused-ignore]  # its stubs are another package

    if not tokens or tokens[0].type != "front_matter":
        return {}
    try:
        fields = front_matter(tokens[0].content)
    except yaml.YAMLError:
        builder.warn("The front matter is not valid YAML: it is kept as text.")
        return {}
    return {str(key).lower(): value for key, value in fields.items()} if isinstance(fields, dict) else {}


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.front_matter import front_matter_plugin

    return MarkdownIt("commonmark").enable("table").use(front_matter_plugin).use(deflist_plugin)


FORMAT = Format("Markdown", "text/markdown", (".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd"), read)
