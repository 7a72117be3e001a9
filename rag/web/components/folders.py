"""Where a collection's documents come from: brought in step when asked, or all the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag.web.background.ingest_jobs import begin_ingest
from rag.web.components.dates import clock_time
from rag.web.components.markup import text
from rag.web.components.progress import clock
from rag.web.session import App, cached_report, toast_errors

if TYPE_CHECKING:
    from rag.store import ReportRow
    from rag.web.background.folder_watch import Watch

REFRESH_SECONDS = 2.0


def draw_folders(app: App, rows: Sequence[ReportRow]) -> None:
    """Every root of the collection; redrawn by itself while one is watched."""
    roots = app.library.store.roots(app.collection)
    draw_removed(app)
    if not roots:
        st.html(f'<p class="fn-lead">{text(app.say("no_folders"))}</p>')
        return
    st.html(f'<p class="fn-lead">{text(app.say("folders_lead"))}</p>')
    watched = is_watched(app, roots)

    @st.fragment(run_every=REFRESH_SECONDS if watched else None)
    def draw() -> None:
        for root, is_folder in roots.items():
            draw_root(app, root, [row for row in rows if row.root == root], is_folder=is_folder)
        if is_watched(app, roots) != watched:
            st.rerun()

    draw()


def draw_removed(app: App) -> None:
    """The files that were removed though their folder still has them, to be taken back."""
    removed = [file for file in app.library.store.removed_files(app.collection) if file.root != "-"]
    if not removed:
        return
    with st.popover(app.say("removed_files", count=len(removed)), icon=":material/undo:"):
        st.text(app.say("removed_help"))
        chosen = st.multiselect(
            app.say("column_document"), removed, format_func=lambda file: file.doc, key="removed_chosen"
        )
        if st.button(app.say("take_back"), disabled=not chosen):
            app.library.store.take_back(app.collection, chosen)
            begin_ingest(app, sorted({Path(file.root) for file in chosen}))
            st.rerun()


def is_watched(app: App, roots: Iterable[str]) -> bool:
    """Whether one of the roots is watched."""
    return any(app.services.watches.of(app.collection, root) for root in roots)


def draw_root(app: App, root: str, rows: Sequence[ReportRow], *, is_folder: bool) -> None:
    """One root: how it stands, and what can be done with it."""
    say, watch = app.say, app.services.watches.of(app.collection, root)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"root-{root}"):
        st.html(root_html(app, root, rows, watch, is_folder=is_folder), width="stretch")
        if is_folder:
            st.toggle(
                say("watch"),
                value=watch is not None,
                key=f"watch-{app.collection}-{root}",
                help=say("watch_help"),
                on_change=switch_watch,
                args=(app, root),
            )
            if st.button(
                say("sync_now"), key=f"sync-{root}", icon=":material/sync:", disabled=not Path(root).is_dir()
            ):
                begin_ingest(app, [Path(root)])
                st.rerun()  # the whole page: its progress stands above the tabs
        with st.popover("", icon=":material/more_horiz:", help=say("manage"), key=f"manage-{root}"):
            st.text(say("forget_help"))
            st.button(
                say("forget"),
                key=f"forget-{root}",
                icon=":material/delete:",
                on_click=forget,
                args=(app, root),
            )


def root_html(app: App, root: str, rows: Sequence[ReportRow], watch: Watch | None, *, is_folder: bool) -> str:
    """The root's path, its documents, and when it was last in step or why it is not."""
    say = app.say
    facts = [say("folder_documents", count=len(rows))]
    if not is_folder:
        facts.append(say("single_files"))
    elif not Path(root).is_dir():
        facts.append(say("folder_gone"))
    facts.append(state_text(app, rows, watch))
    return (
        f'<p class="fn-root" dir="auto"><b>{text(root)}</b></p>'
        f'<p class="fn-quiet">{text(" · ".join(filter(None, facts)))}</p>'
    )


def state_text(app: App, rows: Sequence[ReportRow], watch: Watch | None) -> str:
    """What the watch is doing, or when the last document was read."""
    say = app.say
    if watch is not None and watch.problem:
        return say("watch_failed", problem=watch.problem)
    if watch is not None and watch.event is not None and watch.at_work:
        event = watch.event
        left = "" if event.seconds_left is None else say("time_left", time=clock(event.seconds_left))
        done = say("done_files", done=f"{event.files_done:,}", total=f"{event.files_total:,}")
        return " · ".join(filter(None, [say("watch_working"), done, left]))
    if watch is not None and watch.synced:
        return say("in_step", time=clock_time(watch.synced))
    return say("last_read", time=clock_time(max(row.indexed_at for row in rows))) if rows else ""


@toast_errors
def switch_watch(app: App, root: str) -> None:
    """Begins or ends watching a folder."""
    watches = app.services.watches
    if watches.of(app.collection, root) is None:
        watches.start(app.collection, root)
    else:
        watches.stop(app.collection, root)


@toast_errors
def forget(app: App, root: str) -> None:
    """Takes a root and its documents out of the library."""
    app.services.watches.stop(app.collection, root)
    app.library.store.remove_root(app.collection, root)
    cached_report.clear()
