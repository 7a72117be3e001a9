"""The library: what is in it, what went wrong, adding, searching and removing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag.errors import AccessDenied
from rag.ingest.fetch import is_address
from rag.ingest.uploads import keep_upload, safe_name
from rag.web.background.ingest_jobs import begin_fetch, begin_ingest
from rag.web.browser_events import Act, conduct
from rag.web.components.document_guide import draw_guide
from rag.web.components.folders import draw_folders
from rag.web.components.live_search import typed
from rag.web.components.markup import action, icon, label, question_words, text, word_spans
from rag.web.components.progress import draw_jobs, size_text
from rag.web.components.prose import prose
from rag.web.components.source import Selection, draw_source
from rag.web.components.turns import Source, Turn
from rag.web.components.welcome import draw_folder_form
from rag.web.i18n import Phrases, refusal
from rag.web.session import App, cached_report, report_of

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from rag.records import Hit
    from rag.store import ReportRow

PAGE_ROWS = 50
FOUND = 12
EXCERPT_CHARACTERS = 420
FETCHED = ("url", "fetched")
"""What is known of a web page beside its text."""


def library_page(app: App) -> None:
    """The page of one collection."""
    say = app.say
    st.title(say("nav_library"), anchor=False)
    draw_collections(app)
    rows = report_of(app)
    draw_numbers(app, rows)
    with st.container():  # always there: what comes and goes above the tabs would close the open one
        draw_jobs(app.jobs, say, user=app.visitor.user)
    problems = [row for row in rows if row.error or row.warnings or row.pages_without_text]
    names = [say(f"tab_{name}") for name in ("documents", "search", "add", "folders")]
    documents, search, add, folders, check = st.tabs([*names, say("tab_problems", number=len(problems))])
    with documents:
        draw_documents(app, rows)
    with search:
        draw_search(app)
    with add:
        draw_add(app)
    with folders:
        if app.visitor.keeper:
            draw_folders(app, rows)
        else:
            st.html(f'<p class="fn-lead">{text(say("keepers_only"))}</p>')
    with check:
        draw_problems(app, problems)
    conduct(open_hit, language=say.language)
    draw_opened(app)


def draw_collections(app: App) -> None:
    """Choose a collection, and make, rename, share or remove one."""
    say = app.say
    names = sorted({app.collection, *stored_names(app)})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(say("collection"), names, index=names.index(app.collection), width=260)
        if chosen != app.collection:
            open_collection(chosen)
        with st.popover(say("manage"), icon=":material/more_horiz:"):
            draw_new_collection(app)
            if chosen in stored_names(app) and app.may_change(chosen):
                draw_changes(app, chosen)


def open_collection(name: str) -> None:
    """Makes it the session's collection, and draws the page again."""
    st.session_state["collection"] = name
    st.session_state.pop("docs", None)
    st.rerun()


def draw_new_collection(app: App) -> None:
    """A name for another collection; who has signed in may keep it to themselves."""
    say, store = app.say, app.library.store
    name = st.text_input(say("new_collection"), key="new_collection").strip()
    alone = app.visitor.signed_in and st.checkbox(say("only_mine"), key="new_collection_mine")
    if st.button(say("make"), disabled=not name):
        if not app.is_open(name):
            st.error(say("collection_taken"))
            return
        store.add_collection(name)
        if alone:
            store.give_collection(name, app.visitor.name)
        open_collection(name)


def draw_changes(app: App, collection: str) -> None:
    """Another name, another owner, or the end of a collection."""
    say, store = app.say, app.library.store
    renamed = st.text_input(say("rename_to"), key="renamed_collection").strip()
    if st.button(say("rename"), disabled=not renamed):
        store.rename_collection(collection, renamed)
        open_collection(renamed)
    if app.visitor.signed_in:
        owner = store.collection(collection).owner
        alone = st.checkbox(say("only_mine"), value=bool(owner), key=f"mine-{collection}")
        if alone != bool(owner):
            store.give_collection(collection, app.visitor.name if alone else "")
            st.rerun()
    sure = st.checkbox(say("remove_collection_sure"), key=f"sure-{collection}")
    if st.button(say("remove_collection"), disabled=not sure):
        store.remove_collection(collection)
        st.session_state.pop("collection", None)
        st.rerun()


def stored_names(app: App) -> set[str]:
    """The collections that are in the database."""
    return {collection.name for collection in app.collections()}


def draw_numbers(app: App, rows: Sequence[ReportRow]) -> None:
    """How much there is, and what it takes on disk."""
    say = app.say
    indexed = [row for row in rows if row.passages]
    numbers = {
        say("number_documents"): f"{len(indexed):,}",
        say("number_passages"): f"{sum(row.passages for row in rows):,}",
        say("number_pages"): f"{sum(row.pages or 0 for row in rows):,}",
        say("number_disk"): size_text(folder_size(app.library.settings.library)),
    }
    cells = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in numbers.items()
    )
    st.html(f'<dl class="fn-numbers">{cells}</dl>')


@st.cache_data(ttl=30, show_spinner=False)
def folder_size(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def draw_documents(app: App, rows: Sequence[ReportRow]) -> None:
    """The documents as a paged table; the ticked ones can be removed, one shows its receipt."""
    say = app.say
    if not rows:
        st.html(f'<p class="fn-lead">{text(say("no_documents"))}</p>')
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(say("find_document"), key="document_filter").casefold()
        found = [row for row in rows if wanted in row.doc.casefold() or wanted in row.title.casefold()]
        shown = page_of(found, say)
    table = st.dataframe(
        [table_row(row, say) for row in shown],
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key="documents",
    )
    ticked = [shown[index] for index in table["selection"]["rows"] if index < len(shown)]
    draw_ticked(app, ticked)


def page_of(rows: Sequence[ReportRow], say: Phrases) -> Sequence[ReportRow]:
    """One page of the rows, chosen by its number where there are several."""
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    number = 1
    if pages > 1:
        label = say("page_number", last=pages)
        number = int(st.number_input(label, 1, pages, key="document_page", width=150))
    return rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]


def table_row(row: ReportRow, say: Phrases) -> dict[str, object]:
    """One line of the table."""
    return {
        say("column_document"): row.doc,
        say("column_title"): row.title,
        say("column_status"): say(f"status_{row.status}"),
        say("number_pages"): "" if row.pages is None else f"{row.pages:,}",
        say("number_passages"): row.passages,
        say("column_language"): row.language or "",
        say("column_size"): "" if row.size is None else size_text(row.size),
    }


def draw_ticked(app: App, ticked: Sequence[ReportRow]) -> None:
    """The receipt of the one document ticked; removal of all that are."""
    if len(ticked) == 1:
        draw_guide(app, ticked[0].doc, ticked[0].id)
        st.html(receipt_html(ticked[0], app.say, with_root=app.visitor.user.is_admin))
    if not ticked:
        st.caption(app.say("tick_hint"))
        return
    if not app.may_change(app.collection):
        return
    if st.button(app.say("remove_documents", count=len(ticked)), icon=":material/delete:"):
        remove_documents(app, ticked)
        cached_report.clear()
        if app.visitor.keeper and (kept := app.library.store.backups()):
            st.toast(
                label(app.say("backups_keep", files=", ".join(file.name for file in kept))), duration="long"
            )
        st.rerun()


def remove_documents(app: App, ticked: Sequence[ReportRow]) -> None:
    """Removes documents of the session's collection; `AccessDenied` where they may not change it."""
    app.library.remove_documents(app.collection, [row.id for row in ticked], app.visitor.user)


def receipt_html(row: ReportRow, say: Phrases, *, with_root: bool) -> str:
    """What was read of a file and what was not."""
    facts = [(say("receipt_read"), f"{row.characters_read:,}")]
    facts.append((say("receipt_indexed"), f"{row.characters_indexed:,}"))
    left_out = row.characters_left_out.items()
    facts += [(say("receipt_left_out", what=say.message(what)), f"{count:,}") for what, count in left_out]
    if row.pages_without_text:
        facts.append((say("receipt_empty_pages"), ", ".join(map(str, row.pages_without_text))))
    if row.duplicate_of:
        facts.append((say("receipt_duplicate"), row.duplicate_of))
    facts += [(say("receipt_warning"), say.message(warning)) for warning in row.warnings]
    facts.append((say("receipt_place"), f"{row.root}/{row.place}" if with_root else row.doc))
    facts += [(say(f"receipt_{name}"), str(row.metadata[name])) for name in FETCHED if name in row.metadata]
    items = "".join(
        f"<div><dt>{text(name)}</dt><dd dir='auto'>{text(value)}</dd></div>" for name, value in facts
    )
    return f'<dl class="fn-receipt">{items}</dl>'


def draw_problems(app: App, rows: Sequence[ReportRow]) -> None:
    """Each file that failed or was not read whole, with the reason and the remedy."""
    say = app.say
    if not rows:
        st.html(f'<p class="fn-lead">{icon("check_circle")} {text(say("no_problems"))}</p>')
    for row in rows[:PAGE_ROWS]:
        notes = [say.message(note) for note in (row.error, *row.warnings) if note]
        if row.pages_without_text:
            notes.append(f"{say('receipt_empty_pages')}: {', '.join(map(str, row.pages_without_text))}")
        told = app.visitor.user.without_root("; ".join(filter(None, notes)), row.root)
        st.warning(
            f"**{label(row.doc)}**: {label(told)}",
            icon=":material/warning:",
        )
    if len(rows) > PAGE_ROWS:
        st.caption(say("more_failures", count=len(rows) - PAGE_ROWS))


def draw_search(app: App) -> None:
    """Passages while one types."""
    query = typed(app.say("search_passages"), key="passage_search")
    if not query:
        return
    if app.collection not in stored_names(app):
        st.html(f'<p class="fn-lead">{text(app.say("no_documents"))}</p>')
        return
    hits = app.library.search(query, count=FOUND, collection=app.collection, user=app.visitor.user)
    st.session_state["hits"] = (hits, query)
    st.html("".join(hit_html(hit, query, app.say) for hit in hits))


def open_hit(act: Act) -> None:
    """Opens the passage that was clicked among those the page shows."""
    hits, query = st.session_state.get("hits", ((), ""))
    if act.kind == "open":
        found = [hit for hit in hits if hit.rowid == act.marker]
        st.session_state["opened"] = (found[0], query) if found else None
        st.session_state.pop("pane_page", None)


def draw_opened(app: App) -> None:
    """The passage that was clicked, in its document."""
    opened = st.session_state.pop("opened", None)
    if opened is None:
        return

    @st.dialog(app.say("passage"), width="large")
    def dialog() -> None:
        hit, query = opened
        turn = Turn(key="search", question=query, state="done", hits=(hit,))
        draw_source(app, Selection(turn, Source(1, hit, ()), chosen=True))

    dialog()


def hit_html(hit: Hit, query: str, say: Phrases) -> str:
    """One passage found, with the query's words marked."""
    passage = hit.passage.text[:EXCERPT_CHARACTERS]
    more = "…" if len(hit.passage.text) > EXCERPT_CHARACTERS else ""
    where = [hit.doc, *([say("page", page=hit.page)] if hit.page else []), *filter(None, [hit.heading])]
    body = prose(passage + more, word_spans(passage, question_words(query)))
    place = action("open", say("open_passage"), text(" · ".join(where)), css="fn-hit-where", marker=hit.rowid)
    return f'<article class="fn-hit"><div class="fn-hit-text">{body}</div>{place}</article>'


def draw_add(app: App) -> None:
    """A folder of this computer, or files dropped into the browser."""
    say = app.say
    if app.visitor.keeper:
        st.html(f'<p class="fn-lead">{text(say("add_folder_help"))}</p>')
        draw_folder_form(app)
        draw_address_form(app)
    kind = st.segmented_control(
        say("drop_here"),
        ["files", "folder"],
        default="files",
        required=True,
        format_func=lambda name: say(f"drop_{name}"),
        key="upload_kind",
    )
    files = st.file_uploader(
        say("drop_here"),
        accept_multiple_files="directory" if kind == "folder" else True,
        key=f"uploads-{kind}",
        label_visibility="collapsed",
    )
    if files and st.button(say("add_files", count=len(files)), type="primary"):
        try:
            folder = add_uploads(app, app.collection, files)
        except AccessDenied as error:
            st.error(label(refusal(error, app.say)))
            return
        begin_ingest(app, [folder])
        st.rerun()


def draw_address_form(app: App) -> None:
    """The address of a web page, which is fetched into the library."""
    say = app.say
    form = st.form("address", border=False, clear_on_submit=True)
    with form.container(horizontal=True, vertical_alignment="bottom"):
        address = st.text_input(
            say("add_page"), placeholder="https://example.org/handbook", help=say("add_page_help")
        ).strip()
        added = st.form_submit_button(say("add_page_button"), icon=":material/language:")
    if added and address.startswith(("http://", "https://")) and is_address(address):
        begin_fetch(app, address)
        st.rerun()
    elif added:
        st.error(say("not_an_address"))


def add_uploads(app: App, collection: str, files: Sequence[UploadedFile]) -> Path:
    """Keeps files for a collection; only who may change it replaces a file of the same name."""
    user, store = app.visitor.user, app.library.store
    user.require(app.is_open(collection), "add")
    store.add_collection(collection)
    folder = store.upload_folder(collection)
    taken = [file.name for file in files if (folder / safe_name(file.name)).exists()]
    user.require(not taken or app.may_change(collection), "replace", names=", ".join(taken))
    for file in files:
        keep_upload(folder, file.name, file.getvalue())
    return folder
