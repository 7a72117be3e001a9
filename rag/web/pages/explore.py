"""Explore: which documents are about the same things, and what a collection is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from rag.search.order import by_document
from rag.web.auth import Visitor
from rag.web.browser_events import Act, conduct
from rag.web.components.answers import where_html
from rag.web.components.collection_map import draw_map
from rag.web.components.conflicts import draw_conflicts
from rag.web.components.console import draw_sql, draw_sum
from rag.web.components.live_search import typed
from rag.web.components.markup import action, icon, text
from rag.web.components.pictures import draw_opened_picture, draw_pictures
from rag.web.components.scales import draw_scale
from rag.web.components.scope import search_only
from rag.web.components.written_questions import draw_written_questions
from rag.web.pages.library import draw_opened, hit_html, open_hit
from rag.web.session import App, collection_state, report_of

if TYPE_CHECKING:
    from rag.records import Hit
    from rag.store import DuplicateGroup, PictureRow, Related, ReportRow
    from rag.web.i18n import Phrases

RELATED = 10
SEARCHED = 60
"""Passages looked at for the documents about some words: enough for a dozen documents."""
SHARES = 8
SHOWN_GROUPS = 40
QUOTED = 300


def explore_page(app: App) -> None:
    """Documents by meaning, by nearness, on a map, on a scale, those there twice, and their conflicts."""
    say = app.say
    st.title(say("nav_explore"), anchor=False)
    rows = [row for row in report_of(app) if row.passages]
    known = {row.doc for row in rows}
    conduct(lambda act: handle(act, known, say), language=say.language)
    pictures = pictures_of(app, app.collection, collection_state(app))
    if len(rows) < 2 and not pictures:
        st.html(f'<p class="fn-lead">{text(say("explore_empty"))}</p>')
        return
    if st.session_state.pop("to_chat", False):
        st.switch_page(st.session_state["chat_page"])
    names = [
        "explore_meaning",
        "explore_related",
        "explore_map",
        "explore_scale",
        "explore_sum",
        "explore_questions",
        "explore_twice",
        "explore_conflicts",
    ]
    draw = [partial(draw_meaning, app, rows), partial(draw_related, app, rows), partial(draw_map, app)]
    draw += [partial(draw_scale, app), partial(draw_sum, app), partial(draw_written_questions, app)]
    draw += [partial(draw_twice, app), partial(draw_conflicts, app)]
    if pictures:
        names, draw = [*names, "explore_pictures"], [*draw, partial(draw_pictures, app, pictures)]
    if len(rows) < 2:
        names, draw = names[-1:], draw[-1:]
    elif app.visitor == Visitor():  # who sits at this computer may see every collection and conversation
        names, draw = [*names, "explore_sql"], [*draw, partial(draw_sql, app)]
    for tab, draw_tab in zip(
        st.tabs([say(name) for name in names], key="explore_tab", on_change="rerun"), draw, strict=True
    ):
        if tab.open:
            with tab:
                draw_tab()
    draw_opened(app)
    draw_opened_picture(app, pictures)


@st.cache_resource(show_spinner=False, max_entries=4)
def pictures_of(_app: App, collection: str, state: str) -> list[PictureRow]:
    """The pictures of a collection; `state` only tells versions apart."""
    return _app.library.store.pictures.of_collection(collection)


def draw_meaning(app: App, rows: Sequence[ReportRow]) -> None:
    """Documents about the words typed, each with its best passage; before that, the whole at a glance."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("explore_meaning_lead"))}</p>')
    query = typed(say("explore_meaning_hint"), key="explore_search")
    if not query:
        draw_overview(rows, say)
        return
    hits = app.library.search(query, count=SEARCHED, collection=app.collection, user=app.visitor.user)
    found = by_document(hits)[:RELATED]
    st.session_state["hits"] = ([of_one[0] for of_one in found], query)
    st.html("".join(found_html(hits_of_one, query, say) for hits_of_one in found))


def found_html(hits: Sequence[Hit], query: str, say: Phrases) -> str:
    """One document found: its title, its best passage, and what can be done with it."""
    best = hits[0]
    more = text(say("explore_passages", count=len(hits)))
    ask = action("ask", say("explore_ask"), icon("forum") + text(say("explore_ask")), turn=best.doc)
    return (
        f'<article class="fn-found"><h3 dir="auto">{text(best.title or best.doc)}'
        f' <span class="fn-quiet">{more}</span></h3>{hit_html(best, query, say)}{ask}</article>'
    )


def draw_related(app: App, rows: Sequence[ReportRow]) -> None:
    """The documents nearest to the one chosen; a click on one goes on from there."""
    say = app.say
    titles = {row.doc: row.title or row.doc for row in rows}
    if st.session_state.get("explore_doc") not in titles:
        st.session_state["explore_doc"] = next(iter(titles))
    st.html(f'<p class="fn-lead">{text(say("explore_lead"))}</p>')
    doc = st.selectbox(
        say("column_document"),
        list(titles),
        format_func=lambda name: f"{titles[name]} ({name})",
        key="explore_doc",
    )
    ask = action("ask", say("explore_ask"), icon("forum") + text(say("explore_ask")), turn=doc)
    st.html(ask)
    found = app.library.store.related(app.collection, doc, RELATED)
    best = max((row.score for row in found), default=1.0)
    items = "".join(related_html(row, row.score / best, say) for row in found)
    st.html(f'<ol class="fn-related">{items}</ol>')


def related_html(row: Related, nearness: float, say: Phrases) -> str:
    """One related document as a button; `nearness` is its share of the nearest one's."""
    name = text(say("nearness"))
    meter = f'<meter min="0" max="1" value="{max(0.0, nearness):.3f}" aria-label="{name}"></meter>'
    title = f'<span dir="auto"><b>{text(row.title)}</b> <span class="fn-quiet">{text(row.doc)}</span></span>'
    return f"<li>{action('from', say('explore_from', title=row.title), meter + title, turn=row.doc)}</li>"


def handle(act: Act, known: Iterable[str], say: Phrases) -> None:
    """Acts on a click on a document or picture: opens it, goes on from it, or asks it."""
    if act.kind == "open":
        open_hit(act)
    elif act.kind == "picture":
        st.session_state["opened_picture"] = act.marker
        st.session_state.pop("pane_page", None)
    elif act.kind == "similar":
        st.session_state["similar_to"] = act.marker
    elif act.turn not in known:
        return
    elif act.kind == "from":
        st.session_state["explore_doc"] = act.turn
        st.session_state["explore_tab"] = say("explore_related")
    elif act.kind == "ask":
        search_only(act.turn)
        st.session_state["to_chat"] = True


def draw_overview(rows: Sequence[ReportRow], say: Phrases) -> None:
    """What the collection is made of: languages, formats, years, folders."""
    parts = {
        "column_language": Counter(row.language or "–" for row in rows),
        "explore_format": Counter(PurePosixPath(row.doc).suffix.lower() or "–" for row in rows),
        "explore_year": Counter((row.date or "–")[:4] for row in rows),
        "explore_folder": Counter(PurePosixPath(row.doc).parent.as_posix() for row in rows),
    }
    tables = "".join(shares_html(say(name), counts, say) for name, counts in parts.items())
    title = f'<h2 class="fn-section">{text(say("explore_overview"))}</h2>'
    st.html(f'{title}<div class="fn-shares">{tables}</div>')


def shares_html(name: str, counts: Counter[str], say: Phrases) -> str:
    """How many documents of each kind, the most frequent first."""
    most = max(counts.values())
    shown = counts.most_common(SHARES)
    items = "".join(
        f'<li><span dir="auto" title="{text(kind)}">{text(kind)}</span>'
        f'<meter min="0" max="{most}" value="{count}" aria-label="{text(kind)}"></meter><b>{count:,}</b></li>'
        for kind, count in shown
    )
    rest = len(counts) - len(shown)
    more = f'<li class="fn-quiet">{text(say("more_failures", count=rest))}</li>' if rest else ""
    return f"<section><h3>{text(name)}</h3><ul>{items}{more}</ul></section>"


def draw_twice(app: App) -> None:
    """Passages that stand in more than one place; looked for when asked, as it may take seconds."""
    say = app.say
    st.html(f'<p class="fn-lead">{text(say("explore_twice_lead"))}</p>')
    wanted = st.session_state.get("twice") == app.collection
    if not wanted and not st.button(say("explore_twice_find"), icon=":material/content_copy:"):
        return
    st.session_state["twice"] = app.collection
    groups = found_twice(app, app.collection, collection_state(app))
    st.caption(say("explore_twice_found", count=len(groups)))
    for group in groups[:SHOWN_GROUPS]:
        st.html(group_html(group, say))
    if len(groups) > SHOWN_GROUPS:
        st.caption(say("more_failures", count=len(groups) - SHOWN_GROUPS))


@st.cache_resource(show_spinner=False, max_entries=4)
def found_twice(_app: App, collection: str, state: str) -> list[DuplicateGroup]:
    """The groups of passages that say the same; `state` only tells versions apart."""
    return _app.library.store.duplicates(collection)


def group_html(group: DuplicateGroup, say: Phrases) -> str:
    """Where passages that say the same stand, and what they say."""
    kind = say("explore_identical" if group.identical else "explore_alike")
    docs = {hit.doc for hit in group.hits}
    where = "".join(f'<li dir="auto">{where_html(hit, say, among=docs)}</li>' for hit in group.hits[:SHARES])
    more = len(group.hits) - SHARES
    if more > 0:
        where += f"<li>{text(say('more_failures', count=more))}</li>"
    quote = " ".join(group.hits[0].passage.text.split())[:QUOTED]
    return (
        f'<article class="fn-hit"><p class="fn-label">{text(kind)}</p>'
        f'<p class="fn-hit-text" dir="auto">{text(quote)}</p><ul class="fn-places">{where}</ul></article>'
    )
