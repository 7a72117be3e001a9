"""The evaluations that the app runs in the background, and those that are saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.web.background.workers import Job
from rag.web.session import App

if TYPE_CHECKING:
    from rag.evaluation.runner import Configuration
    from rag.ingest import IngestEvent


def begin_on_set(app: App, folder: Path, tried: Sequence[Configuration], *, answers: bool = False) -> None:
    """Asks a question set of each setting; its corpus is indexed beside the library first."""
    library = app.library

    def work(job: Job) -> None:
        from rag.evaluation.runner import evaluate_set

        def follow(events: Iterable[IngestEvent]) -> None:
            for event in events:
                job.take(event)
                job.hold()

        evaluate_set(library, folder, tried, follow=follow, progress=searches(job), answers=answers)

    app.services.lab.start("evaluation", folder.name, work)


def begin_on_collection(
    app: App, tried: Sequence[Configuration], *, count: int, written: bool = False, answers: bool = False
) -> None:
    """Asks the session's collection questions made from its own passages."""
    library, collection = app.library, app.collection

    def work(job: Job) -> None:
        from rag.evaluation.runner import evaluate_collection

        evaluate_collection(
            library,
            collection,
            tried,
            count=count,
            written=written,
            answers=answers,
            progress=searches(job),
            writing=lambda done, total: job.advance("questions", done, total),
        )

    app.services.lab.start(
        "evaluation", collection, work, owner=app.owner_of(collection), started_by=app.visitor.name
    )


def searches(job: Job) -> Callable[[int, int], None]:
    """Takes note of each search done, which is also when the job can be stopped."""
    return lambda done, total: job.advance("searches", done, total)


def saved_runs(app: App) -> tuple[list[dict[str, Any]], list[Path]]:
    """The evaluations kept in the library, the newest first, and the files beside them that are none.

    Those of what others have to themselves are left out.
    """
    from rag.evaluation import saved
    from rag.evaluation.runner import RESULTS

    owners = {collection.name: collection.owner for collection in app.library.store.collections()}
    runs, others = saved(app.library.settings.library / RESULTS)
    return [run for run in reversed(runs) if may_see(app.visitor.name, run, owners)], others


def may_see(visitor: str, run: Mapping[str, Any], owners: Mapping[str, str]) -> bool:
    """Whether a run is for a visitor: neither was its collection another's when it was made, nor is it now.

    `owners` has those of the collections there are. A collection may be renamed or removed later: its
    questions, which quote it, stay with whoever had it.
    """
    origin = run.get("questions_from", {})
    collection = origin.get("collection") or run["set"].removeprefix("collection ")
    return {origin.get("owner", ""), owners.get(collection, "")} <= {"", visitor}
