"""Model folders that are whole or not there: a temporary folder, a manifest, one rename."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from rag.errors import ModelDamaged, ModelError

MANIFEST = "manifest.json"
FORMAT = 1
PARTIAL = ".partial"
PART = ".part"
SPARE_BYTES = 200_000_000
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder holds: `files` maps each path in it to (bytes, SHA-256)."""

    name: str
    source: str
    licence: str
    files: dict[str, tuple[int, str]]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.files.values())


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest, or None where there is none or a file is missing or of another size."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = _manifest_from(content)
        sizes = {name: (folder / name).stat().st_size for name in manifest.files}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = all(sizes[name] == size for name, (size, _) in manifest.files.items())
    return manifest if whole and content["format"] == FORMAT else None


def _manifest_from(content: dict[str, Any]) -> Manifest:
    files = {name: (int(entry["size"]), str(entry["sha256"])) for name, entry in content["files"].items()}
    return Manifest(content["name"], content["source"], content["licence"], files)


def write_manifest(folder: Path, *, name: str, source: str, licence: str) -> None:
    """Checksums every file of the folder into its manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": file_sha256(path)}
        for path in paths
    }
    content = {"format": FORMAT, "name": name, "source": source, "licence": licence, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2), encoding="utf-8")


def partial_of(folder: Path) -> Path:
    """Where a model folder lies until it is whole."""
    return folder.with_name(f".{folder.name}{PARTIAL}")


def require_space(name: str, folder: Path, needed: int) -> None:
    """A `ModelError` unless so many bytes fit on the folder's disk."""
    place = next(parent for parent in folder.parents if parent.exists())
    free = shutil.disk_usage(place).free
    if free < needed + SPARE_BYTES:
        raise ModelError(
            f"{name} needs {needed / 1e9:.2f} GB and {place} has {free / 1e9:.2f} GB free. "
            "Make room, or move the library: --library DIR."
        )


def remove_folder(folder: Path) -> None:
    """Deletes a model folder and what an interrupted pull left of it.

    Raises:
        ModelError: a file cannot be deleted.
    """
    try:
        with lock(folder):
            for path in (folder, partial_of(folder)):
                if path.exists():
                    shutil.rmtree(path)
    except OSError as error:
        raise ModelError(f"{folder} cannot be removed: {error.strerror or error}") from error


def verify(folder: Path) -> Manifest:
    """Reads every file of the folder again.

    Raises:
        ModelDamaged: a file is missing or its checksum is not the manifest's.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise ModelDamaged(f"The model folder {folder} is not whole. Remove the model and pull it again.")
    for name, (_, sha256) in manifest.files.items():
        if file_sha256(folder / name) != sha256:
            raise ModelDamaged(f"{folder / name} has changed. Remove the model and pull it again.")
    return manifest


def lock(folder: Path) -> FileLock:
    """The lock that whoever makes or changes this model folder holds."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(folder.parent / f".{folder.name}.lock")


def make_folder(
    folder: Path,
    write: Callable[[Path], None],
    *,
    name: str,
    source: str,
    licence: str,
    keep_partial: bool = False,
    same_source: bool = False,
) -> Manifest:
    """Lets `write` fill a temporary folder, checksums it, and gives it its name.

    With `keep_partial`, `write` finds there what an interrupted earlier call left. With `same_source`, a
    folder that was made from another source is made again.

    Safe from several processes: one writes, the others wait and find the folder there.
    """
    try:
        with lock(folder):
            manifest = read_manifest(folder)
            if manifest is None or (same_source and manifest.source != source):
                partial = partial_of(folder)
                if not keep_partial:
                    shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(exist_ok=True)
                write(partial)
                write_manifest(partial, name=name, source=source, licence=licence)
                _replace_folder(partial, folder)
                manifest = read_manifest(folder)
    except OSError as error:
        remedy = " Make room there; what has arrived is kept, and the next try goes on from it."
        raise ModelError(
            f"The model {name} cannot be written to {folder}: {error.strerror or error}."
            f"{remedy if keep_partial and error.errno == errno.ENOSPC else ''}"
        ) from error
    if manifest is None:
        raise ModelDamaged(f"The model folder {folder} changed while it was written. Try again.")
    return manifest


def _replace_folder(partial: Path, folder: Path) -> None:
    """A folder that was not whole is moved aside first; a rename cannot replace a full one."""
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
