"""A note's Markdown as HTML: its citations are buttons, and nothing in it is a link, a picture or a tag."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from rag.history.notes import Note
from rag.text.markdown import MARKERS, markers_of
from rag.web.components.markup import text
from rag.web.i18n import Phrases


def note_html(note: Note, say: Phrases) -> str:
    """The whole note."""
    docs = {source.citation.marker: source.citation.doc for source in note.cited}
    parts = {
        str(marker): f'<span class="fn-ref"><button type="button" class="fn-cite" data-act="cite" '
        f'data-turn="note-{note.id}" data-marker="{marker}" '
        f'aria-label="{text(say("open_source", marker=marker, doc=doc))}">{marker}</button></span>'
        for marker, doc in docs.items()
    }
    return str(_markdown().render(note.text, {"citations": parts}))


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.disable(["link", "image", "autolink", "reference"])
    markdown.disable("text_join")  # a bracket that is escaped begins no citation
    markdown.add_render_rule("text", _text)
    markdown.add_render_rule("text_special", _escaped)
    return markdown


def _escaped(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: Any, environment: dict[str, Any]
) -> str:
    return text(tokens[place].content)


def _text(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: Any, environment: dict[str, Any]
) -> str:
    """A stretch of plain text, its citations as buttons."""
    content, position, pieces = tokens[place].content, 0, []
    for found in MARKERS.finditer(content):
        buttons = [environment["citations"].get(str(marker)) for marker in markers_of(found)]
        if all(buttons):
            pieces += [text(content[position : found.start()]), *buttons]
            position = found.end()
    return "".join([*pieces, text(content[position:])])
