"""How far the ingests are, redrawn by itself while one is at work, and their receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from rag.ui.context import App
from rag.ui.ingesting import Ingest
from rag.ui.markup import label
from rag.ui.strings import Phrases

if TYPE_CHECKING:
    from rag.indexing import IngestEvent, Receipt

REFRESH_SECONDS = 0.7
SHOWN_FAILURES = 20


def draw_jobs(app: App) -> None:
    """Every ingest that is waiting, at work or just over."""
    jobs = app.ingests.jobs()
    if not jobs:
        return
    busy = any(not job.over for job in jobs)

    @st.fragment(run_every=REFRESH_SECONDS if busy else None)
    def draw() -> None:
        for job in app.ingests.jobs():
            with st.container(border=True, key=f"ingest-{job.id}"):
                draw_job(app, job)
        if busy and all(job.over for job in app.ingests.jobs()):
            st.rerun()

    draw()


def draw_job(app: App, job: Ingest) -> None:
    """One ingest: its name, its progress or its receipt, and what can be done."""
    say = app.say
    st.markdown(f"**{label(', '.join(path.name for path in job.paths))}**")
    if job.over:
        draw_outcome(job, say)
        st.button(say("dismiss"), key=f"done-{job.id}", on_click=app.ingests.dismiss, args=(job,))
        return
    event = job.event
    share = event.files_done / event.files_total if event and event.files_total else 0.0
    st.progress(min(1.0, share), text=label(progress_line(job, say)))
    with st.container(horizontal=True):
        if job.phase == "paused":
            st.button(
                say("resume"),
                key=f"resume-{job.id}",
                icon=":material/play_arrow:",
                on_click=app.ingests.resume,
                args=(job,),
            )
        else:
            st.button(
                say("pause"),
                key=f"pause-{job.id}",
                icon=":material/pause:",
                on_click=app.ingests.pause,
                args=(job,),
            )
        st.button(
            say("stop"), key=f"stop-{job.id}", icon=":material/stop:", on_click=app.ingests.stop, args=(job,)
        )


def progress_line(job: Ingest, say: Phrases) -> str:
    """Files done, pages a second, time left, and the file at hand."""
    if job.event is None:
        return say("ingest_waiting" if job.phase == "waiting" else "ingest_starting")
    event: IngestEvent = job.event
    parts = [say("files_done", done=f"{event.files_done:,}", total=f"{event.files_total:,}")]
    if job.phase == "paused":
        parts.append(say("paused"))
    else:
        parts.append(say("rate", passages=f"{event.passages_per_second:.0f}"))
        if event.pages:
            parts.append(say("page_rate", pages=f"{event.pages_per_second:.0f}"))
        if event.seconds_left is not None:
            parts.append(say("time_left", time=clock(event.seconds_left)))
    return " · ".join([*parts, event.doc] if event.doc else parts)


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def draw_outcome(job: Ingest, say: Phrases) -> None:
    """The receipt of an ingest, or what stopped it."""
    if job.phase == "failed":
        st.error(label(job.problem or say("unexpected")), icon=":material/error:")
    receipt = job.event.receipt if job.event else None
    if job.phase == "stopped":
        st.info(say("ingest_stopped"), icon=":material/pause_circle:")
    if receipt is not None:
        draw_receipt(receipt, say)


def draw_receipt(receipt: Receipt, say: Phrases) -> None:
    """What an ingest did, and each file that could not be read, with the remedy."""
    names = ("added", "updated", "unchanged", "removed", "failed")
    counts = {name: getattr(receipt, name) for name in names}
    told = [say(f"count_{name}", number=f"{number:,}") for name, number in counts.items() if number]
    line = " · ".join(
        [*told, say("count_passages", number=f"{receipt.passages:,}"), f"{receipt.seconds:.1f} s"]
    )
    st.success(label(line), icon=":material/check_circle:")
    for failure in [*receipt.failures, *receipt.skipped][:SHOWN_FAILURES]:
        st.warning(f"**{label(failure.doc)}**: {label(failure.error)}", icon=":material/warning:")
    rest = len(receipt.failures) + len(receipt.skipped) - SHOWN_FAILURES
    if rest > 0:
        st.caption(say("more_failures", count=rest))
