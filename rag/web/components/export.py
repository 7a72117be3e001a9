"""A conversation as Markdown: what was asked, what was answered, and the exact quotes behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rag.history.receipts import quoted_block, receipt_json, receipt_markdown
from rag.records import Answer
from rag.web.components.markup import label
from rag.web.components.turns import Turn, sources
from rag.web.i18n import Phrases


def conversation_markdown(title: str, turns: Sequence[Turn], say: Phrases) -> str:
    """The whole conversation; untrusted text is escaped, so that no reader of the file fetches anything."""
    parts = [f"# {label(title)}", *(turn_markdown(turn, say) for turn in turns)]
    return "\n\n".join(parts) + "\n"


def turn_markdown(turn: Turn, say: Phrases) -> str:
    """One question with its evidence, the model's text and the sources."""
    parts = [f"## {label(turn.question)}"]
    if turn.abstained:
        parts.append(f"*{label(say('not_found'))}*")
    parts += map(quoted_block, turn.evidence)
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
    """The conversation to a file or to the printer.

    PDF goes through the browser's own print dialog, which has fonts for every script.
    """
    with st.popover(say("export"), icon=":material/ios_share:", type="tertiary"):
        download(
            say("export_markdown"),
            lambda: conversation_markdown(title, turns, say),
            "conversation.md",
            symbol="markdown",
        )
        st.html(
            f'<button type="button" class="fn-action" data-act="print">'
            f'<span class="fn-icon" aria-hidden="true">print</span>{say("export_pdf")}</button>'
        )


def show_receipt(say: Phrases, answer: Answer) -> None:
    """All that decided an answer, to a file."""

    @st.dialog(say("export_receipt"))
    def dialog() -> None:
        st.text(say("export_receipt_help"))
        download(
            say("export_receipt_markdown"),
            lambda: receipt_markdown(answer),
            "receipt.md",
            symbol="receipt_long",
        )
        download(
            say("export_receipt_json"), lambda: receipt_json(answer), "receipt.json", symbol="data_object"
        )

    dialog()


def download(label: str, data: Callable[[], str], file_name: str, *, symbol: str) -> None:
    """A button that makes a file when it is pressed."""
    st.download_button(
        label,
        data=data,
        file_name=file_name,
        icon=f":material/{symbol}:",
        on_click="ignore",
        type="tertiary",
    )
