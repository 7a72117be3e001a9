"""Folders that are watched while the app runs: what changes in them is ingested at once."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryError, RagError

if TYPE_CHECKING:
    from rag.ingest import IngestEvent

logger = logging.getLogger(__name__)

JOIN_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class Watch:
    """One watched folder. `synced` is when it was last in step, in seconds since 1970; 0 before that."""

    collection: str
    root: str
    event: IngestEvent | None = None
    synced: float = 0.0
    problem: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def at_work(self) -> bool:
        """Whether files are being ingested right now."""
        return self.event is not None and self.event.receipt is None


Watcher = Callable[[Watch], Iterable["IngestEvent"]]


class WatchDesk:
    """Watches folders, each in a thread of its own; `file` keeps which, for the next start of the app.

    `watch` gives the events of ingest after ingest until the watch is stopped.
    """

    def __init__(self, watch: Watcher, file: Path) -> None:
        self._watch = watch
        self._file = file
        self._watches: dict[tuple[str, str], Watch] = {}
        self._threads: list[threading.Thread] = []
        for collection, root in self._kept():
            self._begin(collection, root)

    def start(self, collection: str, root: str) -> None:
        """Begins to watch a folder, now and whenever the app runs."""
        known = self.of(collection, root)
        if known is None or known.problem:
            self._begin(collection, root)
            self._keep()

    def stop(self, collection: str, root: str) -> None:
        """Watches a folder no more; what was ingested stays."""
        watch = self._watches.pop((collection, root), None)
        if watch is not None:
            watch.stopped.set()
            self._keep()

    def of(self, collection: str, root: str) -> Watch | None:
        """The watch of a folder, or None where it is not watched."""
        return self._watches.get((collection, root))

    def close(self) -> None:
        """Ends every watch; the next start of the app takes them up again."""
        for watch in self._watches.values():
            watch.stopped.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    def _begin(self, collection: str, root: str) -> None:
        watch = self._watches[collection, root] = Watch(collection, root)
        thread = threading.Thread(target=self._run, args=(watch,), name="footnote-watch", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, watch: Watch) -> None:
        try:
            for event in self._watch(watch):
                watch.event = event
                if event.receipt is not None:
                    watch.synced = time.time()
        except RagError as error:
            watch.problem = str(error)
        except Exception as error:  # shown beside the folder; the app goes on
            logger.exception("Watching failed: %s", watch.root)
            watch.problem = str(error) or type(error).__name__
        finally:
            watch.event = None

    def _kept(self) -> list[tuple[str, str]]:
        if not self._file.exists():
            return []
        try:
            return [(str(collection), str(root)) for collection, root in json.loads(self._file.read_bytes())]
        except (OSError, ValueError, TypeError) as error:
            raise LibraryError(
                f"{self._file} is damaged ({error}); delete it and choose the watched folders again."
            ) from error

    def _keep(self) -> None:
        unfinished = self._file.with_suffix(".part")
        try:
            unfinished.write_text(json.dumps(sorted(self._watches), ensure_ascii=False), encoding="utf-8")
            unfinished.replace(self._file)
        except OSError as error:
            raise LibraryError(f"{self._file} cannot be written: {error.strerror}") from error
