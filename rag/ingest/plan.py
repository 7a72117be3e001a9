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

# A drive that is not mounted leaves an empty folder, or none.
_KEPT = (
    "it {state}, but the library has {count} of its documents. They are kept: if the folder is on a drive, "
    "connect it. To remove them, run ingest with --prune, or use the app's library page."
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

    With `include`, only files that match one of these patterns. With `verify`, the contents of files of the
    same size and time are compared too; with `prune`, the documents of folders that are empty or gone leave.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    hidden: bool = False
    retry_failed: bool = False
    verify: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class _Scanned:
    """One of the paths asked for, and the root of its files; `explicit` is a file named itself."""

    path: Path
    scan: Scan
    explicit: bool
    root: str

    @property
    def base(self) -> Path:
        return self.path.parent if self.explicit else self.path

    def doc(self, doc: str) -> str:
        """A path below this one as one below the root."""
        inside = _readable(self.base).relative_to(self.root).as_posix()
        return doc if inside == "." else f"{inside}/{doc}"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the library knows, by where files lie, and the files that were looked at by now."""

    by_path: dict[str, KnownFile]
    left_out: dict[str, Source]
    planned: set[str] = field(default_factory=set)

    def gone(self, path: Path, scan: Scan) -> list[KnownFile]:
        """Known files of a path that are no longer there; not those passed over, or not to be looked at."""
        prefix = location(_readable(path), "")
        seen = self.planned | {f"{prefix}{doc}" for doc in scan.passed_over}
        blind = tuple(f"{prefix}{doc}".rstrip("/") for doc in scan.unreadable)
        return [
            file
            for where, file in self.by_path.items()
            if f"{where}/".startswith(prefix)
            and where not in seen
            and not any(where == b or where.startswith(f"{b}/") for b in blind)
        ]


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
        UsageError: a path does not exist, and the library has nothing of it.
    """
    plan = Plan()
    library = _Known(
        {location(Path(file.source.root), file.source.doc): file for file in known},
        {location(Path(file.root), file.doc): file for file in removed},
    )
    scanned = []
    for path in sorted({Path(os.path.realpath(path)) for path in paths}, key=lambda p: len(p.parts)):
        if not path.exists() and library.gone(path, Scan()):
            scanned.append(_Scanned(path, Scan(), False, ""))
            continue
        root = _outermost(path if path.is_dir() else path.parent, known_roots | plan.roots)
        plan.roots[root] = (known_roots | plan.roots).get(root, False) or path.is_dir()
        scanned.append(_Scanned(path, _scan(path, options), not path.is_dir(), root))
        _plan_files(plan, scanned[-1], library, options)
    gone = [(one, library.gone(one.path, one.scan)) for one in scanned if not one.explicit]
    _find_moves(plan, library, {file.id for _, files in gone for file in files})
    moved = {file.id for file, _ in plan.moved}
    for one, files in gone:
        _remove(plan, one, [file for file in files if file.id not in moved], prune=options.prune)
    return plan


def _plan_files(plan: Plan, one: _Scanned, library: _Known, options: ScanOptions) -> None:
    plan.excluded += one.scan.excluded + len(one.scan.passed_over)
    plan.unreadable += [Failure(one.doc(doc), problem) for doc, problem in one.scan.unreadable.items()]
    plan.outside += [Failure(one.doc(doc), problem) for doc, problem in one.scan.outside.items()]
    for file in one.scan.files:
        where = location(_readable(one.base), file.doc)
        if where in library.left_out and not one.explicit:
            plan.excluded += 1
            continue
        if where in library.left_out:
            plan.taken_back.append(library.left_out[where])
        if where not in library.planned:
            library.planned.add(where)
            source = Source(one.root, one.doc(file.doc), None, file.size, file.mtime_ns)
            _compare(plan, Task(file.path, source, library.by_path.get(where), one.explicit), options)


def location(root: PurePath, doc: str) -> str:
    """Where a document's file lies, with forward slashes on every system: what a file is known by."""
    return f"{root.as_posix().rstrip('/')}/{doc}"


def _scan(path: Path, options: ScanOptions) -> Scan:
    if path.is_dir():
        return scan_folder(path, exclude=options.exclude, include=options.include, hidden=options.hidden)
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Check the path.") from error
    return Scan([FoundFile(path, readable_name(path.name), status.st_size, status.st_mtime_ns)])


def _outermost(base: Path, roots: dict[str, bool]) -> str:
    """The largest followed folder that holds `base`, so that a file belongs to one root only."""
    own = _readable(base)
    holders = [root for root, is_folder in roots.items() if is_folder and own.is_relative_to(root)]
    return min([str(own), *holders], key=len)


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
    elif same_state and not options.verify:
        plan.unchanged.append(known)
    elif known.source.size == source.size and sha256_of(task.path) == known.source.sha256:
        plan.unchanged.append(known)
        plan.touched.append((known.id, replace(source, sha256=known.source.sha256)))
    else:
        plan.tasks.append(task)


def _find_moves(plan: Plan, library: _Known, gone: set[int]) -> None:
    """Takes files for moved that are not new: documents that lost their file, or are of a larger folder now.

    One that could not be read where it was is still read where it is.
    """
    new = {
        task.where: task
        for task in plan.tasks
        if task.known is None or task.known.source.doc != task.source.doc
    }
    sizes = {task.source.size for task in new.values()}
    unseen = ((where, file) for where, file in library.by_path.items() if where not in library.planned)
    lost = files_lost((where, file) for where, file in unseen if file.source.size in sizes)
    lost |= {where: file for where, file in library.by_path.items() if where in new or file.id in gone}
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


def _is_there(file: KnownFile) -> bool:
    return os.access(Path(file.source.root, file.source.doc), os.F_OK)


def _remove(plan: Plan, one: _Scanned, gone: list[KnownFile], *, prune: bool) -> None:
    """Removes what is no longer in a folder; where nothing is left of it, only if told to."""
    left = one.scan.files or one.scan.passed_over or one.scan.unreadable
    if not gone or left or prune or any(map(_is_there, gone)):
        plan.removed += gone
    else:
        state = "is empty" if one.path.exists() else "is not there"
        kept = _KEPT.format(state=state, count=len(gone))
        plan.unreadable.append(Failure(str(_readable(one.path)), kept))
