"""Explore's scale: examples of two ends, documents ranked between them, the sentences of one coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.explore.collection import keep_scale, ranked, scale_of, scored_sentences, text_of
from rag.explore.scales import Scale
from rag.search.query import Filter
from rag.web.components.markup import action, label, text
from rag.web.session import App, collection_state

if TYPE_CHECKING:
    from rag.web.i18n import Phrases

SHOWN = 10
ENDS = ("low", "high")
MOST_CLASSES, ACROSS = 6, 3
GOLDEN_ANGLE = 137.508  # between the hues of two classes, as on the map
Examples = tuple[tuple[str, tuple[str, ...]], ...]
"""Each class's name and examples."""
SENTENCES = 120
"""Sentences of a document that are scored: 120 take a quarter of a minute."""


def draw_scale(app: App) -> None:
    """Two ends or more classes to type, the documents nearest to each, and one sentence by sentence."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("scale_lead"))}</p>')
    examples = typed_examples(say)
    if not all(name and texts for name, texts in examples) or len(dict(examples)) < len(examples):
        st.caption(say("scale_needs"))
        return
    scale = made_scale(app, examples, app.library.embedder_of(app.collection).identity)
    st.caption(accuracy_told(scale, say))
    rows = ranked_documents(app, app.collection, examples, collection_state(app))
    draw_saving(app, examples)
    for place, (name, texts) in reversed(list(enumerate(examples))):
        best = sorted(rows, key=lambda row: -row[2][place])[:SHOWN]
        shown = [(doc, title, found[place]) for doc, title, found in best]
        title = text(say("scale_most", what=f"{name}: {texts[0]}"))
        st.html(f'<h2 class="fn-section">{title}</h2>{ranks_html(shown, say)}')
    doc = st.selectbox(say("scale_document"), [doc for doc, _, _ in rows], index=None, key="scale_doc")
    if doc:
        st.html(sentences_html(app, doc, examples))


def typed_examples(say: Phrases) -> Examples:
    """The classes with their names and examples: two ends, or as many as are wanted."""
    count = st.number_input(say("scale_classes"), 2, MOST_CLASSES, 2, width=150, key="scale_classes")
    found = []
    for row in range(0, count, ACROSS):
        places = range(row, min(row + ACROSS, count))
        for column, place in zip(st.columns(min(ACROSS, count)), places, strict=False):
            end = ENDS[place] if place < len(ENDS) else ""
            name = column.text_input(
                say("scale_name"),
                value=say(f"scale_{end}") if end else str(place + 1),
                key=f"scale_name_{place}",
            )
            lines = column.text_area(
                say("scale_examples"),
                value=say(f"scale_{end}_example") if end else "",
                key=f"scale_{place}",
                height=110,
            )
            found.append((name.strip(), tuple(filter(None, map(str.strip, lines.splitlines())))))
    return tuple(found)


def draw_saving(app: App, examples: Examples) -> None:
    """Keeps the scale under a name, and says how a search uses it."""
    say, store = app.say, app.library.store
    if app.may_change(app.collection):
        with st.form("scale_save", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(say("scale_save_name"), width=250).strip()
            if st.form_submit_button(say("scale_save"), icon=":material/save:") and name:
                scale = made_scale(app, examples, app.library.embedder_of(app.collection).identity)
                ranks = ranked(store, app.collection, scale)
                keep_scale(store, app.collection, name, dict(examples), scale, *ranks)
    for kept, _ in store.scales(app.collection):
        wanted = f"{kept.name}>0.6" if len(kept.examples) == 2 else f"{kept.name}={next(iter(kept.examples))}"
        typed = Filter("scale", wanted)
        st.caption(say("scale_use", name=label(kept.name), filter=f"`{typed}`"))


@st.cache_resource(show_spinner=False, max_entries=16)
def made_scale(_app: App, examples: Examples, model: str) -> Scale:
    """The scale of these examples under the collection's model."""
    return scale_of(dict(examples), _app.library.embedder_of(_app.collection))


def accuracy_told(scale: Scale, say: Phrases) -> str:
    """How well the examples can be told apart."""
    if scale.accuracy is None:
        return say("scale_two_each")
    return say("scale_accuracy", percent=round(100 * scale.accuracy))


@st.cache_resource(show_spinner=False, max_entries=8)
def ranked_documents(
    _app: App, collection: str, examples: Examples, state: str
) -> list[tuple[str, str, tuple[float, ...]]]:
    """(path, title, scores) of every document, the nearest to the last class first."""
    model = _app.library.embedder_of(collection).identity
    points, found = ranked(_app.library.store, collection, made_scale(_app, examples, model))
    order = (-found[:, -1]).argsort(kind="stable").tolist()
    return [(points.labels[i].doc, points.labels[i].title, tuple(map(float, found[i]))) for i in order]


@st.cache_resource(show_spinner=False, max_entries=16)
def shaded(
    _app: App, collection: str, whole: str, examples: Examples
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


def sentences_html(app: App, doc: str, examples: Examples) -> str:
    """The sentences of a document: as dark as each is near the upper end, or in the colour of its class."""
    whole = text_of(app.library.store, app.collection, doc)
    parts = []
    for start, end, found in shaded(app, app.collection, whole, examples):
        best = max(range(len(found)), key=found.__getitem__)
        share = (
            min(max((found[1] - 0.25) * 2, 0.0), 1.0) if len(found) == 2 else min(max(found[best], 0.0), 1.0)
        )
        hue = f" --fn-hue: {(14 + best * GOLDEN_ANGLE) % 360:.0f};" if len(found) > 2 else ""
        shown = f"{found[1]:.2f}" if len(found) == 2 else f"{examples[best][0]} {found[best]:.2f}"
        parts.append(
            f'<mark class="fn-shade{" fn-class" if hue else ""}" style="--fn-share: {100 * share:.0f}%;{hue}"'
            f' title="{text(shown)}">{text(whole[start:end])}</mark>'
        )
    return f'<div class="fn-pane-body fn-shades" dir="auto">{" ".join(parts)}</div>'
