"""How far background work is, redrawn by itself while some is going on, and the receipts of ingests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from rag.access import User
from rag.web.background.workers import Job, Workers
from rag.web.components.markup import label
from rag.web.i18n import Phrases

if TYPE_CHECKING:
    from rag.ingest import IngestEvent, Receipt

REFRESH_SECONDS = 0.7
SHOWN_FAILURES = 20


def draw_jobs(desk: Workers, say: Phrases, *, user: User) -> None:
    """Every job that is waiting, at work or just over; the page is drawn again when all are over."""
    jobs = desk.seen_by(user.name)
    if not jobs:
        return
    busy = any(not job.over for job in jobs)

    @st.fragment(run_every=REFRESH_SECONDS if busy else None)
    def draw() -> None:
        for job in desk.seen_by(user.name):
            with st.container(border=True, key=f"job-{job.kind}-{job.id}"):
                draw_job(desk, job, say, user)
        if busy and all(job.over for job in desk.seen_by(user.name)):
            st.rerun()

    draw()


def draw_job(desk: Workers, job: Job, say: Phrases, user: User) -> None:
    """One job: its name, its progress or its outcome, and what can be done."""
    st.markdown(f"**{label(job.title)}**")
    managed = user.may_manage_job(job.owner, job.started_by)
    if job.over:
        draw_outcome(job, say, user)
        if not managed:
            return
        st.button(say("dismiss"), key=f"done-{job.kind}-{job.id}", on_click=desk.dismiss, args=(job,))
        return
    st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=label(progress_line(job, say)))
    if not managed:
        return
    with st.container(horizontal=True):
        if job.phase == "paused":
            job_button(desk.resume, "resume", "play_arrow", job, say)
        else:
            job_button(desk.pause, "pause", "pause", job, say)
        job_button(desk.stop, "stop", "stop", job, say)


def job_button(act: Callable[[Job], None], key: str, symbol: str, job: Job, say: Phrases) -> None:
    """One thing that can be done with a job at work."""
    st.button(
        say(key),
        key=f"{key}-{job.kind}-{job.id}",
        icon=f":material/{symbol}:",
        on_click=act,
        args=(job,),
    )


def progress_line(job: Job, say: Phrases) -> str:
    """How much is done, how fast, how long it still takes, and the file at hand."""
    if job.phase == "waiting":
        return say("job_waiting")
    if not job.total:
        return say("ingest_starting")
    parts = [say(f"done_{job.unit}", done=f"{job.done:,}", total=f"{job.total:,}")]
    if job.phase == "paused":
        parts.append(say("paused"))
    elif job.kind == "evaluation" and job.unit != "files":
        left = job.seconds_left(time.monotonic())
        parts += [say("time_left", time=clock(left))] if left is not None else []
    elif job.event is not None:
        parts += rates(job.event, say)
    at_hand = job.event.doc if job.event is not None and job.unit == "files" else ""
    return " · ".join(filter(None, [*parts, at_hand]))


def rates(event: IngestEvent, say: Phrases) -> list[str]:
    """Passages and pages a second, and the time left."""
    parts = []
    if event.passages:
        parts.append(say("rate", passages=f"{event.passages_per_second:.0f}"))
    if event.pages:
        parts.append(say("page_rate", pages=f"{event.pages_per_second:.0f}"))
    if event.seconds_left is not None:
        parts.append(say("time_left", time=clock(event.seconds_left)))
    return parts


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def size_text(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def draw_outcome(job: Job, say: Phrases, user: User) -> None:
    """The receipt of an ingest, or how another job ended."""
    if job.phase == "failed":
        problem = user.without_roots(job.problem, job.roots)
        st.error(label(problem or say("unexpected")), icon=":material/error:")
    elif job.phase == "stopped":
        st.info(say(f"stopped_{job.kind}"), icon=":material/pause_circle:")
    elif job.kind == "embedding":
        st.success(say("finished_embedding", count=job.total), icon=":material/check_circle:")
    receipt = job.event.receipt if job.event and job.kind == "ingest" else None
    if receipt is not None:
        draw_receipt(receipt, say, hide=lambda told: user.without_roots(told, job.roots))


def draw_receipt(receipt: Receipt, say: Phrases, *, hide: Callable[[str], str]) -> None:
    """What an ingest did, and each file that could not be read, with the remedy."""
    names = ("added", "updated", "moved", "unchanged", "removed", "failed")
    counts = {name: getattr(receipt, name) for name in names}
    told = [say(f"count_{name}", number=f"{number:,}") for name, number in counts.items() if number]
    line = " · ".join(
        [*told, say("count_passages", number=f"{receipt.passages:,}"), f"{receipt.seconds:.1f} s"]
    )
    st.success(label(line), icon=":material/check_circle:")
    for failure in [*receipt.failures, *receipt.skipped][:SHOWN_FAILURES]:
        doc, error = hide(failure.doc), hide(say.message(failure.error))
        st.warning(f"**{label(doc)}**: {label(error)}", icon=":material/warning:")
    rest = len(receipt.failures) + len(receipt.skipped) - SHOWN_FAILURES
    if rest > 0:
        st.caption(say("more_failures", count=rest))
