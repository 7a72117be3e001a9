"""A conversation as Markdown: what was asked, what was answered, and the exact quotes behind it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.ui.markup import label
from rag.ui.strings import Phrases
from rag.ui.turns import Turn, sources


def conversation_markdown(title: str, turns: Sequence[Turn], say: Phrases) -> str:
    """The whole conversation; untrusted text is escaped, so that no reader of the file fetches anything."""
    parts = [f"# {label(title)}", *(turn_markdown(turn, say) for turn in turns)]
    return "\n\n".join(parts) + "\n"


def turn_markdown(turn: Turn, say: Phrases) -> str:
    """One question with its evidence, the model's text and the sources."""
    parts = [f"## {label(turn.question)}"]
    if turn.abstained:
        parts.append(f"*{label(say('not_found'))}*")
    parts += [f"> {label(piece.quote)} [{piece.marker}]" for piece in turn.evidence]
    if turn.text:
        parts += [f"**{label(say('model_words'))}** ({label(turn.model or '')})", model_markdown(turn.text)]
    parts.append("\n".join(source_lines(turn, say)))
    return "\n\n".join(part for part in parts if part)


def model_markdown(value: str) -> str:
    """The model's lines, each escaped."""
    return "\n".join(label(line) for line in value.strip().splitlines())


def source_lines(turn: Turn, say: Phrases) -> list[str]:
    """The sources as a list."""
    lines = []
    for source in sources(turn):
        page = "" if source.hit.page is None else f", {say('page', page=source.hit.page)}"
        lines.append(f"- [{source.marker}] {label(source.hit.doc)}{page}")
    return lines


def draw_export(title: str, turns: Sequence[Turn], say: Phrases) -> None:
    """Markdown to a file; PDF through the browser's own print dialog, which has fonts for every script."""
    with st.popover(say("export"), icon=":material/ios_share:", type="tertiary"):
        st.download_button(
            say("export_markdown"),
            data=lambda: conversation_markdown(title, turns, say),
            file_name="conversation.md",
            mime="text/markdown",
            icon=":material/markdown:",
            on_click="ignore",
            type="tertiary",
        )
        st.html(
            f'<button type="button" class="fn-action" data-act="print">'
            f'<span class="fn-icon" aria-hidden="true">print</span>{say("export_pdf")}</button>'
        )
