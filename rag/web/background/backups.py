"""Backups that the app makes by itself, as often as the settings say."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from rag.errors import RagError
from rag.library import Library
from rag.store import backups

logger = logging.getLogger(__name__)
LOOK_SECONDS = 600.0
UNEXPECTED = "unexpected"
"""Instead of a sentence, where the log has the reason."""


class Backups:
    """Makes a backup whenever the last one is too old; looks at once, then every ten minutes.

    `problem` says why the last try failed; "" where it did not.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stopped = threading.Event()
        self._making = threading.Lock()
        self.problem = ""
        self._thread: threading.Thread | None = None
        if library.settings.backup_days:
            self._thread = threading.Thread(target=self._run, name="footnote-backups", daemon=True)
            self._thread.start()

    def newest(self) -> datetime | None:
        """When the last backup was made."""
        return max(backups.backups_in(self._library.settings.backups), default=None)

    def is_due(self, now: datetime) -> bool:
        """Whether the last one is too old."""
        newest, every = self.newest(), timedelta(days=self._library.settings.backup_days)
        return newest is None or now - newest >= every

    def make(self) -> None:
        """Makes one now, and takes note of what goes wrong."""
        with self._making:
            try:
                backups.back_up(self._library.store, self._library.settings.backups)
                self.problem = ""
            except RagError as error:
                self.problem = str(error)
            except Exception:  # shown on the settings page; the next try may do better
                logger.exception("The backup failed.")
                self.problem = UNEXPECTED

    def close(self) -> None:
        """Ends after the backup that is being made."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self.is_due(datetime.now(UTC)):
                self.make()
            self._stopped.wait(LOOK_SECONDS)
