"""The files of a folder: sorted, each once, without what is hidden or excluded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from rag.errors import UsageError

IGNORE_FILES = (".gitignore", ".footnoteignore")
# What programs leave beside documents; none of it is anyone's text.
ALWAYS_EXCLUDED = {"node_modules", "__pycache__", "Thumbs.db", "desktop.ini"}
OFFICE_LOCK_PREFIX = "~$"
_LEADS_OUT = "a link that leads out of the folder is not followed; add what it leads to by its own path."


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file on disk; `doc` is its path relative to the scanned folder, with forward slashes."""

    path: Path
    doc: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Scan:
    """What a folder holds. `unreadable` are folders and files that could not be looked at.

    `outside` are links that lead out of the folder: what they lead to was not meant to be read.
    `passed_over` are the files that no pattern asked for: they are there, and nothing is said about them.
    """

    files: list[FoundFile] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    passed_over: set[str] = field(default_factory=set)
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class _Rules:
    """The ignore patterns that hold in a folder: each with the folder they are relative to."""

    specs: tuple[tuple[str, GitIgnoreSpec], ...]
    hidden: bool

    def exclude(self, doc: str, name: str, *, is_folder: bool) -> bool:
        if (name.startswith(".") and not self.hidden) or name.startswith(OFFICE_LOCK_PREFIX):
            return True
        if name in ALWAYS_EXCLUDED:
            return True
        verdict = False
        for base, spec in self.specs:  # the innermost file has the last word, as with git
            decided = spec.check_file(doc[len(base) :] + ("/" if is_folder else "")).include
            verdict = verdict if decided is None else decided
        return verdict


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    doc: str
    rules: _Rules


def readable_name(name: str) -> str:
    """A path as text: bytes that are not UTF-8 are shown as `\\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def scan_folder(
    root: Path, *, exclude: Sequence[str] = (), include: Sequence[str] = (), hidden: bool = False
) -> Scan:
    """The files below a folder, in the order of their paths; with `include`, those that match a pattern.

    Links are followed after everything else, so a file that is also linked to keeps its own
    name; a folder or linked file that was seen already, as in a loop, is not entered again. A link that
    leads out of the folder is not followed.
    """
    try:
        specs = (("", GitIgnoreSpec.from_lines(exclude)),) if exclude else ()
        wanted = GitIgnoreSpec.from_lines(include) if include else None
    except ValueError as error:
        raise UsageError(f"A pattern is not valid: {error}") from error
    scan, links = Scan(), list[_Folder]()
    folders = [_Folder(str(root), "", _Rules(specs, hidden))]
    seen: set[tuple[int, int]] = set()
    while folders or links:
        # Real folders first; then the first link, and whatever real folders it leads to.
        folder = folders.pop() if folders else links.pop(0)
        if folder.doc and Path(folder.path).is_symlink() and _leads_out(folder.path, root):
            scan.outside[folder.doc] = f"{folder.doc}: {_LEADS_OUT}"
            continue
        folders += reversed(list(_scan_one(folder, scan, links, seen)))
    if wanted is not None:
        scan.passed_over = {file.doc for file in scan.files if not wanted.match_file(file.doc)}
        scan.files = [file for file in scan.files if file.doc not in scan.passed_over]
    scan.files.sort(key=lambda file: file.doc)
    return scan


def _leads_out(link: str, root: Path) -> bool:
    """Whether what a link leads to is outside of the folder; one that leads nowhere is not."""
    target = os.path.realpath(link)
    return Path(target).exists() and not Path(target).is_relative_to(os.path.realpath(root))


def _scan_one(
    folder: _Folder, scan: Scan, links: list[_Folder], seen: set[tuple[int, int]]
) -> Iterator[_Folder]:
    """Adds the files of one folder (or one link), and yields the folders in it."""
    try:
        status = Path(folder.path).stat()
        key = (status.st_dev, status.st_ino)
        if key in seen:
            return
        seen.add(key)
        if not stat.S_ISDIR(status.st_mode):
            _add_file(folder, status, scan)
            return
        with os.scandir(folder.path) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
        rules = _with_ignore_files(folder, {entry.name for entry in entries})
    except OSError as error:
        scan.unreadable[folder.doc] = f"{folder.doc or folder.path}: {error.strerror}; check its permissions."
        return
    for entry in entries:
        doc = f"{folder.doc}/{readable_name(entry.name)}".lstrip("/")
        is_folder = entry.is_dir()
        if rules.exclude(doc, entry.name, is_folder=is_folder):
            scan.excluded += 1
        elif entry.is_symlink():
            links.append(_Folder(entry.path, doc, rules))
        elif is_folder:
            yield _Folder(entry.path, doc, rules)
        else:
            _add_entry(entry, doc, scan, seen)


def _add_entry(entry: os.DirEntry[str], doc: str, scan: Scan, seen: set[tuple[int, int]]) -> None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:  # it vanished since the folder was listed
        scan.unreadable[doc] = f"{doc}: {error.strerror}."
        return
    seen.add((status.st_dev, status.st_ino))
    _add_file(_Folder(entry.path, doc, _Rules((), True)), status, scan)


def _add_file(folder: _Folder, status: os.stat_result, scan: Scan) -> None:
    if stat.S_ISREG(status.st_mode):  # not a socket, a pipe or a device
        scan.files.append(FoundFile(Path(folder.path), folder.doc, status.st_size, status.st_mtime_ns))


def _with_ignore_files(folder: _Folder, names: set[str]) -> _Rules:
    specs = folder.rules.specs
    for name in IGNORE_FILES:
        if name in names:
            lines = Path(folder.path, name).read_text("utf-8", errors="replace").splitlines()
            specs += ((f"{folder.doc}/" if folder.doc else "", GitIgnoreSpec.from_lines(lines)),)
    return _Rules(specs, folder.rules.hidden)
