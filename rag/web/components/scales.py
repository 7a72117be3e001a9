"""Explore's scale: examples of two ends, documents ranked between them, the sentences of one coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.explore.collection import ranked, scale_of, scored_sentences, text_of
from rag.explore.scales import Scale
from rag.web.components.markup import action, text
from rag.web.session import App, collection_state

if TYPE_CHECKING:
    from rag.web.i18n import Phrases

SHOWN = 12
SENTENCES = 120
"""Sentences of a document that are scored: 120 take a quarter of a minute."""


def draw_scale(app: App) -> None:
    """Two ends to type, the documents nearest to each, and one of them sentence by sentence."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("scale_lead"))}</p>')
    columns = st.columns(2)
    ends = [
        column.text_area(
            say(f"scale_{end}"), value=say(f"scale_{end}_example"), key=f"scale_{end}", height=110
        )
        for column, end in zip(columns, ("low", "high"), strict=True)
    ]
    examples = tuple(tuple(filter(None, map(str.strip, end.splitlines()))) for end in ends)
    if not all(examples):
        st.caption(say("scale_needs"))
        return
    scale = made_scale(app, examples, app.library.embedder_of(app.collection).identity)
    st.caption(accuracy_told(scale, say))
    low, high = examples[0][0], examples[1][0]
    rows = ranked_documents(app, app.collection, examples, collection_state(app))
    some = rows[:SHOWN] if len(rows) > 2 * SHOWN else rows
    st.html(f'<h2 class="fn-section">{text(say("scale_most", what=high))}</h2>{ranks_html(some, say)}')
    if len(rows) > 2 * SHOWN:
        title = text(say("scale_most", what=low))
        st.html(f'<h2 class="fn-section">{title}</h2>{ranks_html(rows[::-1][:SHOWN], say)}')
    docs = [doc for doc, _, _ in rows]
    doc = st.selectbox(say("scale_document"), docs, index=None, key="scale_doc")
    if doc:
        st.html(sentences_html(app, doc, examples))


@st.cache_resource(show_spinner=False, max_entries=16)
def made_scale(_app: App, examples: tuple[tuple[str, ...], ...], model: str) -> Scale:
    """The scale of these examples under the collection's model."""
    named = {str(number): list(texts) for number, texts in enumerate(examples)}
    return scale_of(named, _app.library.embedder_of(_app.collection))


def accuracy_told(scale: Scale, say: Phrases) -> str:
    """How well the examples can be told apart."""
    if scale.accuracy is None:
        return say("scale_two_each")
    return say("scale_accuracy", percent=round(100 * scale.accuracy))


@st.cache_resource(show_spinner=False, max_entries=8)
def ranked_documents(
    _app: App, collection: str, examples: tuple[tuple[str, ...], ...], state: str
) -> list[tuple[str, str, float]]:
    """(path, title, score) of every document, the highest first."""
    model = _app.library.embedder_of(collection).identity
    points, found = ranked(_app.library.store, collection, made_scale(_app, examples, model))
    order = (-found[:, 1]).argsort(kind="stable").tolist()
    return [(points.labels[i].doc, points.labels[i].title, float(found[i, 1])) for i in order]


@st.cache_resource(show_spinner=False, max_entries=16)
def shaded(
    _app: App, collection: str, whole: str, examples: tuple[tuple[str, ...], ...]
) -> list[tuple[int, int, tuple[float, ...]]]:
    """(start, end, scores) of the first sentences of a document."""
    embedder = _app.library.embedder_of(collection)
    scale = made_scale(_app, examples, embedder.identity)
    return scored_sentences(whole, scale, embedder, limit=SENTENCES)


def ranks_html(rows: list[tuple[str, str, float]], say: Phrases) -> str:
    """Documents with their place on the scale."""
    items = []
    for doc, title, score in rows:
        body = meter(score, say) + named(title, doc)
        items.append(f"<li>{action('from', say('explore_from', title=title), body, turn=doc)}</li>")
    return f'<ol class="fn-related">{"".join(items)}</ol>'


def named(title: str, doc: str) -> str:
    """A document's title and path."""
    return f'<span dir="auto"><b>{text(title)}</b> <span class="fn-quiet">{text(doc)}</span></span>'


def meter(score: float, say: Phrases) -> str:
    """A place on the scale as a bar."""
    name = text(say("scale_score"))
    return f'<meter min="0" max="1" value="{min(max(score, 0.0), 1.0):.3f}" aria-label="{name}"></meter>'


def sentences_html(app: App, doc: str, examples: tuple[tuple[str, ...], ...]) -> str:
    """The sentences of a document, each as dark as it is near the upper end."""
    whole = text_of(app.library.store, app.collection, doc)
    parts = []
    for start, end, found in shaded(app, app.collection, whole, examples):
        share = min(max((found[1] - 0.25) * 2, 0.0), 1.0)
        parts.append(
            f'<mark class="fn-shade" style="--fn-share: {100 * share:.0f}%" title="{found[1]:.2f}">'
            f"{text(whole[start:end])}</mark>"
        )
    return f'<div class="fn-pane-body fn-shades" dir="auto">{" ".join(parts)}</div>'
