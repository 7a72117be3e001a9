"""What an ingest has to do: the files of the given paths against what the library knows of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from rag.errors import UsageError
from rag.ingest.events import Failure
from rag.ingest.moves import files_lost, moved_files, sha256_of
from rag.ingest.scan import FoundFile, Scan, readable_name, scan_folder
from rag.store import KnownFile, Source

# A drive that is not mounted leaves an empty folder.
_EMPTIED = (
    "{path} is empty, but the library has {count} of its documents. They are kept: if the folder is on a "
    "drive, connect it. To remove them, use the app's library page, or remove the collection."
)


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read, and what the library holds of it already."""

    path: Path
    source: Source
    known: KnownFile | None
    explicit: bool

    @property
    def where(self) -> str:
        """Where the file lies."""
        return location(Path(self.source.root), self.source.doc)


@dataclass(slots=True)
class Plan:
    """The work of one ingest. `touched` are unchanged files with a new time.

    `moved` are documents whose file lies elsewhere now, with where that is. `taken_back` are files named
    themselves that had been removed for good.
    """

    tasks: list[Task] = field(default_factory=list)
    moved: list[tuple[KnownFile, Source]] = field(default_factory=list)
    unchanged: list[KnownFile] = field(default_factory=list)
    taken_back: list[Source] = field(default_factory=list)
    touched: list[tuple[int, Source]] = field(default_factory=list)
    still_failed: list[KnownFile] = field(default_factory=list)
    still_skipped: list[KnownFile] = field(default_factory=list)
    removed: list[KnownFile] = field(default_factory=list)
    unreadable: list[Failure] = field(default_factory=list)
    outside: list[Failure] = field(default_factory=list)
    roots: dict[str, bool] = field(default_factory=dict)
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """Which files count: gitignore-style `exclude` patterns, hidden ones or not, failed ones again.

    With `include`, only files that match one of these patterns.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    hidden: bool = False
    retry_failed: bool = False


def make_plan(
    paths: Sequence[Path],
    known: Iterable[KnownFile],
    known_roots: dict[str, bool],
    options: ScanOptions,
    removed: Iterable[Source] = (),
) -> Plan:
    """Compares the files below the paths with the library, by size and time, then by content.

    Of a folder, files that were `removed` for good are left out.

    Raises:
        UsageError: a path does not exist.
    """
    plan = Plan()
    by_path = {location(Path(file.source.root), file.source.doc): file for file in known}
    left_out = {location(Path(file.root), file.doc): file for file in removed}
    planned: set[str] = set()
    folders: list[tuple[Path, Scan]] = []
    for path in sorted({Path(os.path.realpath(path)) for path in paths}, key=lambda p: len(p.parts)):
        scan, explicit = _scan(path, options)
        base = path if path.is_dir() else path.parent
        root = _outermost(base, known_roots | plan.roots)
        plan.roots[root] = plan.roots.get(root, False) or path.is_dir()
        plan.excluded += scan.excluded + len(scan.passed_over)
        for doc, problem in scan.unreadable.items():
            plan.unreadable.append(Failure(_doc(root, base, doc), problem))
        for doc, problem in scan.outside.items():
            plan.outside.append(Failure(_doc(root, base, doc), problem))
        for file in scan.files:
            where = location(_readable(base), file.doc)
            if where in left_out and not explicit:
                plan.excluded += 1
                continue
            if where in left_out:
                plan.taken_back.append(left_out[where])
            if where not in planned:
                planned.add(where)
                source = Source(root, _doc(root, base, file.doc), None, file.size, file.mtime_ns)
                _compare(plan, Task(file.path, source, by_path.get(where), explicit), options)
        if path.is_dir():
            folders.append((path, scan))
    gone = [(path, scan, _gone(path, by_path, planned, scan)) for path, scan in folders]
    _find_moves(plan, by_path, planned, {file.id for _, _, files in gone for file in files})
    moved = {known.id for known, _ in plan.moved}
    for path, scan, files in gone:
        _remove(plan, path, scan, [file for file in files if file.id not in moved])
    return plan


def require_paths(paths: Iterable[Path]) -> None:
    """A `UsageError` for the first path that is not there, before anything is changed."""
    for path in paths:
        try:
            path.stat()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}. Check the path.") from error


def location(root: PurePath, doc: str) -> str:
    """Where a document's file lies, with forward slashes on every system: what a file is known by."""
    return f"{root.as_posix().rstrip('/')}/{doc}"


def _scan(path: Path, options: ScanOptions) -> tuple[Scan, bool]:
    if path.is_dir():
        return scan_folder(
            path, exclude=options.exclude, include=options.include, hidden=options.hidden
        ), False
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Check the path.") from error
    return Scan([FoundFile(path, readable_name(path.name), status.st_size, status.st_mtime_ns)]), True


def _outermost(base: Path, roots: dict[str, bool]) -> str:
    """The largest followed folder that holds `base`, so that a file belongs to one root only."""
    own = _readable(base)
    holders = [root for root, is_folder in roots.items() if is_folder and own.is_relative_to(root)]
    return min([str(own), *holders], key=len)


def _doc(root: str, base: Path, doc: str) -> str:
    inside = _readable(base).relative_to(root).as_posix()
    return doc if inside == "." else f"{inside}/{doc}"


def _readable(path: Path) -> Path:
    """The path as it is stored."""
    return Path(readable_name(str(path)))


def _compare(plan: Plan, task: Task, options: ScanOptions) -> None:
    known, source = task.known, task.source
    if known is None or (known.source.root, known.source.doc) != (source.root, source.doc):
        plan.tasks.append(task)  # new, or under another root: its passages' ids are of its path
        return
    same_state = (known.source.size, known.source.mtime_ns) == (source.size, source.mtime_ns)
    if known.status != "indexed":
        if not same_state or options.retry_failed or task.explicit:
            plan.tasks.append(task)
        else:
            (plan.still_failed if known.status == "failed" else plan.still_skipped).append(known)
    elif same_state:
        plan.unchanged.append(known)
    elif known.source.size == source.size and sha256_of(task.path) == known.source.sha256:
        plan.unchanged.append(known)
        plan.touched.append((known.id, replace(source, sha256=known.source.sha256)))
    else:
        plan.tasks.append(task)


def _find_moves(plan: Plan, by_path: dict[str, KnownFile], planned: set[str], gone: set[int]) -> None:
    """Takes files for moved that are not new: documents that lost their file, or are of a larger folder now.

    One that could not be read where it was is still read where it is.
    """
    new = {
        task.where: task
        for task in plan.tasks
        if task.known is None or task.known.source.doc != task.source.doc
    }
    sizes = {task.source.size for task in new.values()}
    unseen = ((where, file) for where, file in by_path.items() if where not in planned)
    lost = files_lost((where, file) for where, file in unseen if file.source.size in sizes)
    lost |= {where: file for where, file in by_path.items() if where in new or file.id in gone}
    moved = moved_files({where: (task.path, task.source) for where, task in new.items()}, lost)
    plan.moved = [
        (file, replace(new[where].source, sha256=file.source.sha256)) for where, file in moved.items()
    ]
    read = {where for where, file in moved.items() if file.status == "indexed"}
    plan.tasks = [
        replace(task, known=moved.get(task.where, task.known))
        for task in plan.tasks
        if task.where not in read
    ]


def _remove(plan: Plan, folder: Path, scan: Scan, gone: list[KnownFile]) -> None:
    """Removes what is no longer in a folder, unless nothing is in it any more."""
    if gone and not (scan.files or scan.passed_over or scan.excluded or scan.unreadable):
        named = str(_readable(folder))
        plan.unreadable.append(Failure(named, _EMPTIED.format(path=named, count=len(gone))))
    else:
        plan.removed += gone


def _gone(folder: Path, by_path: dict[str, KnownFile], planned: set[str], scan: Scan) -> list[KnownFile]:
    """Known files of this folder that are no longer in it; not those passed over, or not to be looked at."""
    prefix = location(_readable(folder), "")
    seen = planned | {f"{prefix}{doc}" for doc in scan.passed_over}
    blind = tuple(f"{prefix}{doc}".rstrip("/") for doc in scan.unreadable)
    return [
        file
        for where, file in by_path.items()
        if where.startswith(prefix)
        and where not in seen
        and not any(where == b or where.startswith(f"{b}/") for b in blind)
    ]
