"""Files to take away: a conversation or notes on paper, and how an answer came about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from rag.history.paper import Paper, Wording, conversation_paper, write_paper
from rag.history.receipts import receipt_json, receipt_markdown
from rag.records import Answer
from rag.web.i18n import Phrases
from rag.web.session import App

FORMS = {
    ".md": ("export_markdown", "markdown"),
    ".docx": ("export_docx", "description"),
    ".pdf": ("export_pdf", "picture_as_pdf"),
}


def wording(say: Phrases) -> Wording:
    """What stands on paper besides what was said."""
    return Wording(page=say("page"), written_by=say("written_by"))


def draw_export(app: App, conversation_id: int) -> None:
    """The conversation to a file or to the printer, which has fonts for every script."""
    say = app.say
    with st.popover(say("export"), icon=":material/ios_share:", type="tertiary"):
        draw_forms(
            lambda: conversation_paper(app.conversations.load(conversation_id), wording(say)),
            f"conversation-{conversation_id}",
            say,
        )
        st.html(
            f'<button type="button" class="fn-action" data-act="print">'
            f'<span class="fn-icon" aria-hidden="true">print</span>{say("print")}</button>'
        )


def draw_forms(paper: Callable[[], Paper], name: str, say: Phrases) -> None:
    """A button for each form."""
    for ending, (key, symbol) in FORMS.items():
        download(
            say(key),
            partial(made, paper, ending),
            f"{name}{ending}",
            symbol=symbol,
            key=f"{name}{ending}",
        )


def made(paper: Callable[[], Paper], ending: str) -> bytes:
    """The file."""
    return write_paper(paper(), ending)


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


def download(
    title: str, data: Callable[[], str | bytes], file_name: str, *, symbol: str, key: str | None = None
) -> None:
    """A button that makes a file when it is pressed."""
    st.download_button(
        title,
        data=data,
        file_name=file_name,
        icon=f":material/{symbol}:",
        on_click="ignore",
        type="tertiary",
        key=key,
    )
