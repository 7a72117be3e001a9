"""The notes: found by their words, each with its sources as they are today, edited, exported, deleted."""

from __future__ import annotations

import streamlit as st

from rag.errors import UsageError
from rag.history.notes import Note
from rag.history.paper import notes_paper
from rag.records import Citation, Hit
from rag.web.browser_events import Act, conduct
from rag.web.components.dates import clock_time
from rag.web.components.export import draw_forms, wording
from rag.web.components.live_search import typed
from rag.web.components.markup import action, label, text
from rag.web.components.note_text import note_html
from rag.web.components.source import Selection, draw_source
from rag.web.components.turns import Source, Turn, short_name
from rag.web.session import App, collection_state, toast_errors

PAGE_ROWS = 20


def notes_page(app: App) -> None:
    """All notes, the one changed last first; or those that hold the words searched for."""
    say, notes = app.say, app.notes
    st.title(say("nav_notes"), anchor=False)
    conduct(lambda act: open_cited(app, act), language=say.language)
    draw_cited(app)
    query = typed(say("search_notes"), key="note_search")
    number = st.session_state.get("notes_shown", PAGE_ROWS)
    shown = notes.list(query, limit=number + 1)
    if not shown:
        st.html(f'<p class="fn-lead">{text(say("nothing_found" if query else "no_notes"))}</p>')
    for note in shown[:number]:
        draw_note(app, note)
    if len(shown) > number:
        more = {"notes_shown": number + PAGE_ROWS}
        st.button(say("more_notes"), key="more_notes", on_click=st.session_state.update, args=(more,))
    draw_new(app)
    draw_transfer(app)


def draw_note(app: App, note: Note) -> None:
    """One note: its title and date, its text, its sources, and what can be done with it."""
    say = app.say
    with st.container(border=True, key=f"note-{note.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{label(note.title)}**", width="stretch")
            st.caption(clock_time(note.updated), width="content")
            with st.popover(
                "", icon=":material/more_horiz:", help=say("manage"), key=f"manage-note-{note.id}"
            ):
                draw_manage(app, note)
        if st.session_state.get("edited_note") == note.id:
            draw_editor(app, note)
        else:
            st.html(f'<div class="fn-note">{note_html(note, say)}</div>{sources_html(app, note)}')


def sources_html(app: App, note: Note) -> str:
    """The cited places as chips, each with what became of it."""
    say = app.say
    docs = {source.citation.doc for source in note.cited}
    chips = {}
    for marker, doc, page, state in states_today(app, note, note.updated, collection_state(app)):
        place = short_name(doc, docs) + ("" if page is None else f" · {say('page', page=page)}")
        flag = "" if state == "unchanged" else f'<span class="fn-stale">{text(say(f"source_{state}"))}</span>'
        body = f'<span class="fn-number">{marker}</span><span dir="auto">{text(place)}</span>{flag}'
        title = say("open_source", marker=marker, doc=doc)
        if marker not in chips or flag:
            chips[marker] = action("cite", title, body, css="fn-chip", turn=f"note-{note.id}", marker=marker)
    return f'<div class="fn-sources" role="group">{"".join(chips.values())}</div>' if chips else ""


@st.cache_data(show_spinner=False, max_entries=1000)
def states_today(_app: App, _note: Note, updated: str, state: str) -> list[tuple[int, str, int | None, str]]:
    """Marker, document, page and state of each citation, looked up again when documents change."""
    found = _app.notes.citations_today(_note)
    return [(one.citation.marker, one.doc, one.citation.page, one.state) for one in found]


def draw_editor(app: App, note: Note) -> None:
    """The note's title and text, to be changed."""
    say = app.say
    title = st.text_input(say("note_title"), value=note.title, key=f"note-title-{note.id}")
    words = st.text_area(
        say("note_text"), value=note.text, key=f"note-text-{note.id}", height=260, help=say("note_help")
    )
    with st.container(horizontal=True):
        ready = bool(title.strip() and words.strip())
        if st.button(say("save"), type="primary", key=f"save-note-{note.id}", disabled=not ready):
            app.notes.edit(note.id, title=title, text=words)
            st.session_state.pop("edited_note")
            st.rerun()
        if st.button(say("close"), key=f"leave-note-{note.id}"):
            st.session_state.pop("edited_note")
            st.rerun()


def draw_manage(app: App, note: Note) -> None:
    """Edit, export, delete."""
    say = app.say
    st.button(
        say("edit_note"),
        key=f"edit-note-{note.id}",
        icon=":material/edit:",
        type="tertiary",
        on_click=st.session_state.update,
        args=({"edited_note": note.id},),
    )
    draw_forms(lambda: notes_paper([note], wording(say)), f"note-{note.id}", say)
    if st.button(say("delete"), key=f"delete-note-{note.id}", icon=":material/delete:", type="tertiary"):
        app.notes.delete(note.id)
        st.rerun()


def draw_new(app: App) -> None:
    """One's own words."""
    say = app.say
    with st.expander(say("new_note"), icon=":material/edit_note:"):
        words = st.text_area(say("note_text"), key="new_note_text", label_visibility="collapsed")
        st.button(say("save"), key="save-new-note", disabled=not words.strip(), on_click=write, args=(app,))


@toast_errors
def write(app: App) -> None:
    """Keeps what was written, and empties the field."""
    app.notes.write(st.session_state["new_note_text"], collection=app.collection)
    st.session_state["new_note_text"] = ""


def draw_transfer(app: App) -> None:
    """All notes out, and back in."""
    say, notes = app.say, app.notes
    with st.expander(say("transfer"), icon=":material/swap_vert:"):
        if notes.count():
            draw_forms(lambda: notes_paper(notes.list(limit=-1), wording(say)), "notes", say)
            st.download_button(
                say("export_json"),
                data=notes.export_json,
                file_name="notes.json",
                mime="application/json",
                on_click="ignore",
                type="tertiary",
                icon=":material/data_object:",
            )
        file = st.file_uploader(say("import_notes"), type=["json"], key="import_notes")
        if file is not None and st.button(say("import"), key="import-notes"):
            try:
                added = notes.import_json(file.getvalue().decode("utf-8", "replace"))
            except UsageError as error:
                st.error(label(str(error)))
            else:
                st.toast(say("notes_imported", count=len(added)))
                st.rerun()


@toast_errors
def open_cited(app: App, act: Act) -> None:
    """Opens a citation of a note."""
    number = act.turn.removeprefix("note-")
    if act.kind == "cite" and number.isdecimal():
        st.session_state["cited"] = (int(number), act.marker)
        st.session_state.pop("pane_page", None)


def draw_cited(app: App) -> None:
    """The source that was clicked, in its document."""
    number, marker = st.session_state.pop("cited", (0, 0))
    if not number:
        return
    note = app.notes.load(number)
    found = [source for source in note.cited if source.citation.marker == marker]
    if not found:
        return
    hit = found[0].hit
    quotes = tuple(span(one.citation, hit) for one in found)

    @st.dialog(app.say("passage"), width="large")
    def dialog() -> None:
        turn = Turn(key=f"note-{number}", question="", state="done", hits=(hit,), collection=note.collection)
        draw_source(app, Selection(turn, Source(marker, hit, quotes), chosen=True))

    dialog()


def span(citation: Citation, hit: Hit) -> tuple[int, int]:
    """A citation's place in its passage."""
    return citation.start - hit.passage.start, citation.end - hit.passage.start
