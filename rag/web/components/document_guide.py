"""The guide to a document: its main points, headings, key dates, amounts and parties, each quoted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from rag.web.components.markup import emphasised, text
from rag.web.i18n import Phrases
from rag.web.session import App, collection_state

if TYPE_CHECKING:
    from rag.answer.outline import Mention, Outline, Section
    from rag.records import Evidence

SHOWN_SECTIONS = 20


def draw_guide(app: App, doc: str, document_id: int) -> None:
    """The guide to a document of the session's collection, made once for as long as it stays the same."""
    found = made_guide(app, app.collection, doc, document_id, collection_state(app))
    if found is not None:
        st.html(guide_html(found, app.say))


@st.cache_data(show_spinner=False, max_entries=200)
def made_guide(_app: App, collection: str, doc: str, document_id: int, state: str) -> Outline | None:
    """The outline of a document; None where it has no passages."""
    from rag.answer.outline import outline

    store = _app.library.store
    entry = next((entry for entry in store.documents(collection) if entry.id == document_id), None)
    return outline(entry, store, collection) if entry is not None else None


def guide_html(found: Outline, say: Phrases) -> str:
    """Everything that the guide knows, in folds: what a document has none of is left out."""
    parts = [
        fold_html(say("guide_points"), points_html(found.points), len(found.points), opened=True),
        fold_html(say("guide_sections"), sections_html(found.sections, say), len(found.sections)),
        fold_html(say("guide_dates"), mentions_html(found.dates, say), len(found.dates)),
        fold_html(say("guide_amounts"), mentions_html(found.amounts, say), len(found.amounts)),
        fold_html(say("guide_parties"), mentions_html(found.parties, say), len(found.parties)),
    ]
    if found.read < found.passages:
        parts.append(
            f'<p class="fn-quiet">{text(say("guide_read", read=found.read, passages=found.passages))}</p>'
        )
    shown = "".join(parts)
    title = f'<p class="fn-label">{text(say("guide"))}</p>' if shown else ""
    return f'<section class="fn-guide">{title}{shown}</section>' if shown else ""


def fold_html(name: str, body: str, count: int, *, opened: bool = False) -> str:
    """A fold with its count; nothing where there is nothing."""
    if not count:
        return ""
    summary = f'<summary>{text(name)} <span class="fn-count">{count}</span></summary>'
    return f"<details{' open' if opened else ''}>{summary}{body}</details>"


def points_html(points: Sequence[Evidence]) -> str:
    """The sentences that say most."""
    items = (f'<li dir="auto">{quote_html(one)}</li>' for one in points)
    return f"<ul>{''.join(items)}</ul>"


def sections_html(sections: Sequence[Section], say: Phrases) -> str:
    """The headings by their level, each with its first sentence."""
    items = []
    for section in sections[:SHOWN_SECTIONS]:
        quote = quote_html(section.evidence) if section.evidence else ""
        heading = f"<b>{text(section.heading)}</b>{page_html(section.page, say)}"
        items.append(f'<li class="fn-level-{min(section.level, 4)}" dir="auto">{heading}{quote}</li>')
    rest = len(sections) - SHOWN_SECTIONS
    more = f'<li class="fn-quiet">{text(say("guide_more", count=rest))}</li>' if rest > 0 else ""
    return f"<ul>{''.join(items)}{more}</ul>"


def mentions_html(mentions: Sequence[Mention], say: Phrases) -> str:
    """Values, each with the sentence that names it."""
    items = []
    for one in mentions:
        value = f"<b>{text(one.value)}</b>{page_html(one.evidence.hit.page, say)}"
        items.append(f'<li dir="auto">{value}{quote_html(one.evidence)}</li>')
    return f"<ul>{''.join(items)}</ul>"


def page_html(page: int | None, say: Phrases) -> str:
    """The page, where there is one."""
    return f' <span class="fn-quiet">{text(say("page", page=page))}</span>' if page else ""


def quote_html(piece: Evidence) -> str:
    """The sentence itself."""
    return f'<span class="fn-guide-quote">{emphasised(text(piece.quote))}</span>'
