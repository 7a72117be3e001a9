"""The pane beside the answer: the cited passage in its section, or its page with the quote marked."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import streamlit as st

from rag.errors import RagError
from rag.readers import PagePictures
from rag.readers.messages import Box
from rag.records import Hit
from rag.store import StoredDocument
from rag.web.components.answers import heading_text, hidden_html, partly_read_html
from rag.web.components.changes import changed_html
from rag.web.components.dialogs import open_dialog
from rag.web.components.markup import Span, action, icon, label, question_words, spanned, text, word_spans
from rag.web.components.prose import prose
from rag.web.components.turns import Source, Turn, source_of, sources, with_others
from rag.web.i18n import Phrases
from rag.web.session import App, toast_errors

AROUND_CHARACTERS = 1500
"""How much of the section is shown before and after the passage."""

PDF = "application/pdf"
HEADING_MARKS = re.compile(r"^#{1,6}[ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Selection:
    """The source that the pane shows; `chosen` when the reader asked for it."""

    turn: Turn
    source: Source
    chosen: bool

    @property
    def token(self) -> str:
        """Differs between selections."""
        return f"{self.turn.key}-{self.source.marker}"


def select(turn: str, marker: int) -> None:
    """Opens a citation in the pane."""
    st.session_state["source"] = (turn, marker)
    st.session_state.pop("pane_page", None)


def current_selection(turns: Sequence[Turn]) -> Selection | None:
    """What the reader chose, if it is still on the page; else the best of the newest answer's."""
    key, marker = st.session_state.get("source") or ("", 0)
    for turn in with_others(turns):
        source = source_of(turn, marker) if turn.key == key else None
        if source is not None:
            return Selection(turn, source, chosen=True)
    for turn in reversed(turns):
        best = source_of(turn, turn.evidence[0].marker) if turn.evidence else None
        found = [best] if best is not None else sources(turn)
        if found:
            return Selection(turn, found[0], chosen=False)
    return None


def draw_pane(app: App, selection: Selection | None) -> None:
    """The whole pane. On narrow screens it is a sheet that opens when a source is chosen."""
    say = app.say
    with st.container(key="pane_chosen" if selection and selection.chosen else "pane_auto"):
        if selection is None:
            st.html(
                f'<div class="fn-pane-body fn-empty">{icon("menu_book")}{text(say("sources_appear"))}</div>'
            )
            return
        with st.container(key="close_source"):
            st.button(say("close"), icon=":material/close:", on_click=close, type="tertiary")
        draw_source(app, selection)


def draw_source(app: App, selection: Selection) -> None:
    """The source as its page or its text, as it is today or as it was, and what can be done with the file."""
    doc = selection.source.hit.doc
    st.html(head_html(selection.source, app.say) + partly_read_html(selection.turn, app.say, doc))
    stored = stored_document(app, selection)
    if stored is None:
        st.html(former_html(app, selection))
        return
    path = stored.file
    sheet = ""
    if stored.media_type == PDF and path is not None:
        sheet = draw_pdf(selection, stored, path, app.say)
    else:
        st.html(passage_html(selection, stored, app.say))
    draw_keep(app, selection)
    if path is not None:
        draw_tools(app, selection.token, selection.source.hit.doc, path, sheet)


def plain(value: str) -> str:
    """A text without the marks of its headings."""
    return HEADING_MARKS.sub("", value.strip())


def former_html(app: App, selection: Selection) -> str:
    """A passage that is not in its document any more: what changed in it, or how it was."""
    say, hit = app.say, selection.source.hit
    todays = named_today(app, selection)
    compared = (changed_html(plain(hit.passage.text), plain(stored.text)) for stored in todays)
    changes = next(filter(None, compared), None)
    note = "passage_changed" if changes else "passage_gone" if todays else "document_gone"
    body = (
        f'<p class="fn-changes" dir="auto">{changes}</p>'
        if changes
        else passage_body(hit, passage_spans(selection.turn, selection.source))
    )
    again = action(
        "again", say("ask_again"), icon("refresh") + text(say("ask_again")), turn=selection.turn.key
    )
    return (
        f'<div class="fn-pane-body" role="region" tabindex="0" aria-label="{text(say("passage"))}">'
        f'<p class="fn-stopped">{text(say(note))}</p>{body}{again}</div>'
    )


def close() -> None:
    """Closes the sheet."""
    st.session_state.pop("source", None)


def stored_document(app: App, selection: Selection) -> StoredDocument | None:
    """The document as it is in the library now; None when it is gone or changed at the passage."""
    hit = selection.source.hit
    for stored in named_today(app, selection):
        if stored.text[hit.passage.start : hit.passage.end] == hit.passage.text:
            return stored
    return None


def named_today(app: App, selection: Selection) -> list[StoredDocument]:
    """The documents that go by the source's path today, in the collection that was searched."""
    store, collection = app.library.store, selection.turn.collection or app.collection
    known = {found.name for found in store.collections(attached=True)}
    return store.documents_named(collection, selection.source.hit.doc) if collection in known else []


def head_html(source: Source, say: Phrases) -> str:
    """Number, title, file, page and heading path."""
    hit = source.hit
    parts = [hit.doc]
    if hit.page is not None:
        parts.append(say("page", page=hit.page))
    if hit.heading:
        parts.append(heading_text(hit, say))
    return (
        f'<div class="fn-pane-head"><span class="fn-number">{source.marker}</span><div>'
        f'<p class="fn-pane-title" dir="auto">{text(hit.title or PurePosixPath(hit.doc).name)}</p>'
        f'<p class="fn-pane-where" dir="auto">{text(" · ".join(parts))}</p>'
        f"{hidden_html(hit, say)}</div></div>"
    )


def passage_html(selection: Selection, stored: StoredDocument, say: Phrases) -> str:
    """The passage with what stands around it; the quote and the question's words are marked."""
    source, hit = selection.source, selection.source.hit
    before = beginning_cut(stored.text[: hit.passage.start])
    after = ending_cut(stored.text[hit.passage.end :])
    return (
        f'<div class="fn-pane-body" role="region" tabindex="0" aria-label="{text(say("passage"))}">'
        f"{around_html(before)}{passage_body(hit, passage_spans(selection.turn, source))}"
        f"{around_html(after)}</div>"
    )


def passage_spans(turn: Turn, source: Source) -> list[Span]:
    """The exact quotes, and the question's words, in the passage."""
    quotes = [(start, end, "fn-exact") for start, end in source.quotes]
    return quotes + word_spans(source.hit.passage.text, question_words(turn.query or turn.question))


def passage_body(hit: Hit, spans: Sequence[Span]) -> str:
    """The passage itself: code as code, everything else in its paragraphs."""
    if hit.passage.kind == "code":
        return f'<pre dir="ltr">{spanned(hit.passage.text, spans)}</pre>'
    return prose(hit.passage.text, spans)


def around_html(value: str) -> str:
    """Text around the passage, quieter than the passage."""
    return f'<div class="fn-around">{prose(value, ())}</div>' if value.strip() else ""


def beginning_cut(before: str) -> str:
    """The end of what stands before, from the start of a line."""
    kept = before[-AROUND_CHARACTERS:]
    return (kept if len(kept) == len(before) else kept.partition("\n")[2] or kept).strip()


def ending_cut(after: str) -> str:
    """The start of what follows, up to the end of a line."""
    kept = after[:AROUND_CHARACTERS]
    return (kept if len(kept) == len(after) else kept.rpartition("\n")[0] or kept).strip()


def draw_pdf(selection: Selection, stored: StoredDocument, path: Path, say: Phrases) -> str:
    """The page as a picture with the quote marked on it, or the text; pages can be turned.

    Returns the picture's HTML, "" where the text is shown.
    """
    hit = selection.source.hit
    first = hit.page or 1
    try:
        version = path.stat().st_mtime_ns
        last = cached_page_count(str(path), version)
        page = min(max(1, st.session_state.get("pane_page", first)), last)
        if draw_page_tools(say, page, last):
            st.html(passage_html(selection, stored, say))
            return ""
        quotes = tuple(hit.passage.text[start:end] for start, end in selection.source.quotes)
        marked = quotes or (hit.passage.text,)
        sheet = cached_sheet(str(path), version, page, marked, say("page", page=page))
        st.html(sheet)
        return sheet
    except RagError as error:
        st.warning(label(str(error)))
        st.html(passage_html(selection, stored, say))
        return ""


def draw_page_tools(say: Phrases, page: int, last: int) -> bool:
    """Page turning, and the choice between picture and text (True)."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="page_tools"
    ):
        view = st.segmented_control(
            say("view"),
            ["page", "text"],
            default="page",
            required=True,
            format_func=lambda name: say(f"view_{name}"),
            key="pane_view",
            label_visibility="collapsed",
        )
        st.space("stretch")
        turn_button("previous_page", page - 1, say, disabled=page <= 1, icon_name="chevron_left")
        st.text(say("page_of", page=page, last=last))
        turn_button("next_page", page + 1, say, disabled=page >= last, icon_name="chevron_right")
    return view == "text"


def turn_button(key: str, page: int, say: Phrases, *, disabled: bool, icon_name: str) -> None:
    """A button that goes to another page."""
    st.button(
        "",
        key=key,
        icon=f":material/{icon_name}:",
        help=say(key),
        type="tertiary",
        disabled=disabled,
        on_click=lambda: st.session_state.update(pane_page=page),
    )


@st.cache_resource(show_spinner=False)
def page_pictures() -> PagePictures:
    """What draws pages for all sessions."""
    return PagePictures()


@st.cache_data(show_spinner=False, max_entries=200)
def cached_page_count(path: str, mtime_ns: int) -> int:
    """How many pages the file has; `mtime_ns` only tells versions apart."""
    return page_pictures().draw(Path(path), 0).pages


@st.cache_data(show_spinner=False, max_entries=60)
def cached_sheet(path: str, mtime_ns: int, page: int, quotes: tuple[str, ...], name: str) -> str:
    """The page's picture and its marks as HTML."""
    drawn = page_pictures().draw(Path(path), page, quotes)
    picture = base64.b64encode(drawn.picture).decode("ascii")
    marks = "".join(map(box_html, drawn.boxes))
    return (
        f'<div class="fn-pane-body fn-sheet" role="region" tabindex="0" aria-label="{text(name)}">'
        f'<div class="fn-page"><img src="data:image/jpeg;base64,{picture}" alt="{text(name)}">{marks}</div>'
        "</div>"
    )


def box_html(box: Box) -> str:
    """One marked line, a little wider than its letters."""
    left, top = 100 * box.left - 0.3, 100 * box.top - 0.15
    width, height = 100 * (box.right - box.left) + 0.6, 100 * (box.bottom - box.top) + 0.3
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"
    return f'<span class="fn-box" style="{place}"></span>'


def draw_keep(app: App, selection: Selection) -> None:
    """Keeps what is marked of the source, or all of the passage, as a note."""
    st.button(
        app.say("keep_excerpt"),
        key=f"keep-{selection.token}",
        icon=":material/bookmark_add:",
        type="tertiary",
        on_click=keep_excerpt,
        args=(app, selection),
    )


@toast_errors
def keep_excerpt(app: App, selection: Selection) -> None:
    """Keeps the exact quotes of a source."""
    source, collection = selection.source, selection.turn.collection or app.collection
    app.notes.keep_excerpts(source.hit, source.quotes, collection=collection)
    st.toast(app.say("note_kept"), icon=":material/bookmark_added:")


def draw_tools(app: App, token: str, doc: str, path: Path, sheet: str) -> None:
    """What can be done with the file; `sheet` is the page's picture, if one is shown."""
    with st.container(horizontal=True, key="source_tools"):
        if sheet:
            st.button(
                app.say("enlarge"),
                key=f"enlarge-{token}",
                icon=":material/zoom_in:",
                type="tertiary",
                on_click=open_dialog,
                args=("page", doc, sheet),
            )
        st.download_button(
            app.say("open_file"),
            data=path.read_bytes,
            file_name=path.name,
            mime="application/octet-stream",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            key=f"file-{token}",
        )
