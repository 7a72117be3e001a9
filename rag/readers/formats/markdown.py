"""Markdown: the source's own lines as blocks, found with a CommonMark parser."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.readers.building import PICTURES, DocumentBuilder, clean, without_data
from rag.readers.decoding import decode
from rag.readers.front_matter import front_matter
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
    "html_block": "paragraph",
    "front_matter": "code",
    "heading_open": "heading",
}
_MARKUP = re.compile(
    r"!?\[\[(?:[^\]|]*\|)?([^\]]*)\]\]|!?\[([^\]]*)\]\([^)]*\)|`([^`]*)`|[*_]{1,3}(?=\S)(.+?)[*_]{1,3}"
)


def read(data: bytes, name: str, *, password: str | None = None) -> Document:
    """A block for each top-level element, as it is written in the file, so that a quote is exact.

    Front matter gives title and date and stays searchable.
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
        _add(builder, "paragraph", lines[covered:start])
        if token.type == "heading_open":
            builder.heading("\n".join(lines[start:end]), int(token.tag[1]), label=plain(inline))
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
