"""The evaluations that the app runs in the background, and those that are saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.ui.context import App
from rag.ui.jobs import Job

if TYPE_CHECKING:
    from rag.indexing import IngestEvent
    from rag.lab import Configuration

RESULTS = Path("evaluations") / "results"


def begin_on_set(app: App, folder: Path, tried: Sequence[Configuration]) -> None:
    """Asks a question set of each setting; its corpus is indexed beside the library first."""
    library = app.library

    def work(job: Job) -> None:
        from rag.lab import evaluate_set

        def follow(events: Iterable[IngestEvent]) -> None:
            for event in events:
                job.take(event)
                job.hold()

        evaluate_set(library, folder, tried, follow=follow, progress=searches(job))

    app.services.lab.start("evaluation", folder.name, work)


def begin_on_collection(app: App, tried: Sequence[Configuration], *, count: int) -> None:
    """Asks the session's collection questions made from its own passages."""
    library, collection = app.library, app.collection

    def work(job: Job) -> None:
        from rag.lab import evaluate_collection

        evaluate_collection(library, collection, tried, count=count, progress=searches(job))

    app.services.lab.start("evaluation", collection, work, owner=app.owner_of(collection))


def searches(job: Job) -> Callable[[int, int], None]:
    """Takes note of each search done, which is also when the job can be stopped."""
    return lambda done, total: job.advance("searches", done, total)


def saved_runs(app: App) -> list[dict[str, Any]]:
    """The evaluations kept in the library, the newest first, but not of what others have to themselves."""
    from rag.evaluation import saved

    hidden = {collection.name for collection in app.library.store.collections()}
    hidden -= {collection.name for collection in app.collections()}
    runs = saved(app.library.settings.library / RESULTS)
    return [run for run in reversed(runs) if run["set"].removeprefix("collection ") not in hidden]
