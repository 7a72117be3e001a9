"""What an ingest tells while it runs, and the receipt it ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["added", "updated", "moved", "unchanged", "removed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, and why, with the remedy."""

    doc: str
    error: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one ingest did. `passages` were written, and `embedded` of them needed the model.

    `pictures` got a vector of a picture model.

    `moved` are documents whose file lies elsewhere now, or is called otherwise, and is the same.

    `skipped` are files of formats that no reader knows, met in a folder, files that vanished, links that lead
    out of their folder, and web pages that robots.txt keeps programs from;
    `excluded` counts files left out by ignore patterns, because they are hidden, or as `include` does not
    ask for them.
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    passages: int = 0
    embedded: int = 0
    pages: int = 0
    pictures: int = 0
    seconds: float = 0.0
    failures: tuple[Failure, ...] = ()
    skipped: tuple[Failure, ...] = ()
    excluded: int = 0
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """The receipt as the command line prints it."""
        counts = ("added", "updated", "moved", "unchanged", "removed", "failed")
        return {
            "documents": {name: getattr(self, name) for name in counts},
            "passages": self.passages,
            "seconds": round(self.seconds, 3),
            "failures": [{"doc": failure.doc, "error": failure.error} for failure in self.failures],
            "skipped": [{"doc": failure.doc, "error": failure.error} for failure in self.skipped],
            "embedded": self.embedded,
            "pages": self.pages,
            "pictures_embedded": self.pictures,
            "excluded": self.excluded,
            "interrupted": self.interrupted,
        }


@dataclass(frozen=True, slots=True)
class IngestEvent:
    """How far an ingest is, after `doc` came to its `outcome` (None: work on it goes on).

    `seconds_left` is None until there is something to estimate it from. The last event carries
    the receipt. `pictures` were embedded so far.
    """

    files_done: int
    files_total: int
    passages: int
    pages: int
    seconds: float
    seconds_left: float | None
    doc: str = ""
    outcome: Outcome | None = None
    error: str | None = None
    receipt: Receipt | None = None
    pictures: int = 0

    @property
    def passages_per_second(self) -> float:
        """Passages stored a second, since the start."""
        return self.passages / self.seconds if self.seconds > 0 else 0.0

    @property
    def pages_per_second(self) -> float:
        """Pages read and stored a second, since the start."""
        return self.pages / self.seconds if self.seconds > 0 else 0.0


@dataclass(slots=True)
class Progress:
    """The running counts of an ingest, from which its events are made."""

    started: float
    files_total: int = 0
    files_done: int = 0
    bytes_total: int = 0
    bytes_done: int = 0
    counts: dict[Outcome, int] = field(default_factory=dict)
    passages: int = 0
    embedded: int = 0
    pages: int = 0
    pictures: int = 0
    failures: list[Failure] = field(default_factory=list)
    skipped: list[Failure] = field(default_factory=list)

    def count(self, outcome: Outcome, doc: str, *, size: int = 0, error: str | None = None) -> None:
        """Takes note of a file that is done with."""
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        if outcome != "removed":
            self.files_done += 1
        self.bytes_done += size
        if outcome in ("failed", "skipped"):
            target = self.failures if outcome == "failed" else self.skipped
            target.append(Failure(doc, error or ""))

    def event(
        self,
        now: float,
        doc: str = "",
        outcome: Outcome | None = None,
        *,
        error: str | None = None,
        receipt: Receipt | None = None,
    ) -> IngestEvent:
        """The state of things as an event."""
        seconds = now - self.started
        left = None
        if self.bytes_done and self.bytes_total:
            left = seconds * max(self.bytes_total - self.bytes_done, 0) / self.bytes_done
        return IngestEvent(
            self.files_done,
            self.files_total,
            self.passages,
            self.pages,
            seconds,
            left,
            doc,
            outcome,
            error,
            receipt,
            self.pictures,
        )

    def receipt(self, now: float, *, excluded: int, interrupted: bool) -> Receipt:
        """The final account."""
        return Receipt(
            added=self.counts.get("added", 0),
            updated=self.counts.get("updated", 0),
            moved=self.counts.get("moved", 0),
            unchanged=self.counts.get("unchanged", 0),
            removed=self.counts.get("removed", 0),
            failed=self.counts.get("failed", 0),
            passages=self.passages,
            embedded=self.embedded,
            pages=self.pages,
            pictures=self.pictures,
            seconds=now - self.started,
            failures=tuple(sorted(self.failures, key=lambda failure: failure.doc)),
            skipped=tuple(sorted(self.skipped, key=lambda failure: failure.doc)),
            excluded=excluded,
            interrupted=interrupted,
        )
